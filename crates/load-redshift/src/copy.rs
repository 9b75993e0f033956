//! The SQL of a load that follows from a manifest: staging table, COPY, and which rows of the raw table are replaced.

use crate::literal;
use chrono::{Datelike as _, Days, NaiveDate};
use rental_core::{Chunk, Manifest, TableSpec};

/// Part of one statement, so that its text stays far below what the Data API takes.
const RANGES_PER_STATEMENT: usize = 400;

const LAST_YEAR: i32 = 9999;

/// What COPY reads: where data files lie, who may read them, and their columns in the files' order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopySource<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) role: &'a str,
    pub(crate) columns: &'a [String],
}

/// The raw table of a contract. `raw` is a reserved word in Redshift.
pub(crate) fn raw_table(spec: &TableSpec) -> String {
    format!("\"raw\".{}", spec.name)
}

pub(crate) fn staging_table(spec: &TableSpec) -> String {
    format!("staging_{}", spec.name)
}

pub(crate) fn create_staging(spec: &TableSpec) -> String {
    let columns = spec.redshift_columns().into_iter().map(|(name, definition)| format!("{name} {definition}"));
    format!("create temp table {} (\n    {}\n)", staging_table(spec), columns.collect::<Vec<_>>().join(",\n    "))
}

/// COPY from Parquet maps columns by position, so the list is that of the files.
pub(crate) fn copy_into_staging(spec: &TableSpec, manifest: &Manifest, source: CopySource<'_>) -> String {
    let CopySource { bucket, role, columns } = source;
    format!(
        "copy {} ({})\nfrom 's3://{bucket}/{}'\niam_role '{role}'\nformat as parquet\nmanifest",
        staging_table(spec),
        columns.join(", "),
        manifest.copy_manifest,
    )
}

/// Statements that note which rows change: the keys of those that differ between the manifest's chunks as they stand and as they
/// were copied, or the days, where a table has no key. They stand before the DELETEs.
pub(crate) fn note_changes(spec: &TableSpec, manifest: &Manifest) -> Vec<String> {
    let table = literal::text(&spec.name);
    if manifest.sequence == 1 {
        // Nothing stood there before.
        return vec![format!("insert into etl.changed_rows (table_name) values ({table})")];
    }
    let Some(key) = &spec.primary_key else {
        // The rows tell their days: those of a long history would be more literals than a batch takes.
        let days = format!(
            "insert into etl.changed_rows (table_name, row_day)\nselect distinct {table}, {}::date\nfrom",
            spec.chunk_grid.column()
        );
        let conditions = chunk_conditions(spec, manifest).into_iter();
        let replaced = conditions.map(|condition| format!("{days} {}\nwhere {condition}", raw_table(spec)));
        return replaced.chain([format!("{days} {}", staging_table(spec))]).collect();
    };
    let columns = manifest.columns.join(", ");
    let replaced = format!("replaced_{}", spec.name);
    let mut statements = vec![format!("create temp table {replaced} (like {})", staging_table(spec))];
    statements.extend(chunk_conditions(spec, manifest).into_iter().map(|condition| {
        format!("insert into {replaced} ({columns})\nselect {columns}\nfrom {}\nwhere {condition}", raw_table(spec))
    }));
    // Bookings are kept by day.
    let day = if manifest.columns.iter().any(|column| column == "booking_date") {
        "booking_date::date"
    } else {
        "null::date"
    };
    statements.push(format!(
        "insert into etl.changed_rows (table_name, row_key, row_day)\nselect {table}, {key}, {day}\nfrom (\n    \
         select {columns}, 1 as side from {}\n    union all\n    select {columns}, -1 from {replaced}\n) as sides\n\
         group by {columns}\nhaving sum(side) <> 0",
        staging_table(spec),
    ));
    statements.push(format!("drop table {replaced}"));
    statements
}

/// DELETEs that empty the manifest's chunks.
pub(crate) fn delete_chunks(spec: &TableSpec, manifest: &Manifest) -> Vec<String> {
    let conditions = chunk_conditions(spec, manifest).into_iter();
    conditions.map(|condition| format!("delete from {}\nwhere {condition}", raw_table(spec))).collect()
}

/// Where the rows of the manifest's chunks stand. Chunks that lie side by side become one range, given as literals so that only
/// the blocks that hold it are read.
fn chunk_conditions(spec: &TableSpec, manifest: &Manifest) -> Vec<String> {
    let column = spec.chunk_grid.column();
    let together =
        |ranges: &[Range]| ranges.iter().map(|range| range.condition(column)).collect::<Vec<_>>().join("\n    or ");
    ranges(manifest).chunks(RANGES_PER_STATEMENT).map(together).collect()
}

/// The keys of the manifest's chunks from the first to the last one, where the table is cut by key.
pub(crate) fn key_ranges(manifest: &Manifest) -> Vec<(i64, i64)> {
    let keys = |range| match range {
        Range::Keys { first, last } => Some((first, last)),
        Range::Days { .. } => None,
    };
    ranges(manifest).into_iter().filter_map(keys).collect()
}

/// The manifest's chunks, those that lie side by side as one range.
fn ranges(manifest: &Manifest) -> Vec<Range> {
    let mut chunks: Vec<_> = manifest.replaced_chunks.iter().map(|replaced| replaced.chunk).collect();
    chunks.sort_unstable();
    let mut ranges: Vec<Range> = Vec::new();
    for chunk in chunks {
        // Rows without a place in the grid are all quarantined: the raw table has none of them.
        let Some(range) = Range::of(chunk) else { continue };
        match ranges.last_mut() {
            Some(last) if last.touches(&range) => last.grow(&range),
            _ => ranges.push(range),
        }
    }
    ranges
}

pub(crate) fn insert_from_staging(spec: &TableSpec, manifest: &Manifest) -> String {
    format!(
        "call etl.insert_staged({}, {}, {}, {})",
        literal::text(manifest.run_id.as_str()),
        literal::text(&spec.name),
        literal::text(&manifest.columns.join(", ")),
        manifest.rows.written,
    )
}

/// Neighbouring chunks as one range, both ends included.
enum Range {
    Keys { first: i64, last: i64 },
    Days { first: NaiveDate, last: NaiveDate },
}

impl Range {
    fn of(chunk: Chunk) -> Option<Self> {
        match chunk {
            Chunk::Keys { first, last } => Some(Self::Keys { first, last }),
            Chunk::Day { day: Some(day) } => Some(Self::Days { first: day, last: day }),
            Chunk::Day { day: None } => None,
        }
    }

    fn touches(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Keys { last, .. }, Self::Keys { first, .. }) => last.checked_add(1) == Some(*first),
            (Self::Days { last, .. }, Self::Days { first, .. }) => last.succ_opt() == Some(*first),
            (Self::Keys { .. }, Self::Days { .. }) | (Self::Days { .. }, Self::Keys { .. }) => false,
        }
    }

    fn grow(&mut self, next: &Self) {
        match (self, next) {
            (Self::Keys { last, .. }, Self::Keys { last: end, .. }) => *last = *end,
            (Self::Days { last, .. }, Self::Days { last: end, .. }) => *last = *end,
            (Self::Keys { .. }, Self::Days { .. }) | (Self::Days { .. }, Self::Keys { .. }) => {}
        }
    }

    fn condition(&self, column: &str) -> String {
        match self {
            Self::Keys { first, last } => format!("{column} between {} and {last}", key(*first)),
            Self::Days { first, last } => {
                // There is no literal of a later year, and no row that would need one.
                match last.checked_add_days(Days::new(1)).filter(|end| end.year() <= LAST_YEAR) {
                    Some(end) => format!("({column} >= '{first}' and {column} < '{end}')"),
                    None => format!("{column} >= '{first}'"),
                }
            }
        }
    }
}

/// A key as a literal. The smallest one has none of its own: its digits alone are out of range before the sign is applied.
pub(crate) fn key(value: i64) -> String {
    if value == i64::MIN { format!("({} - 1)", value + 1) } else { value.to_string() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rental_core::{ReplacedChunk, object_key, table_spec};
    use serde_json::json;

    /// A sealed manifest of a table with these chunks; each holds one written row.
    pub(crate) fn manifest(table: &str, run_id: &str, sequence: u64, at: &str, chunks: &[Chunk]) -> Manifest {
        let spec = table_spec(table).unwrap();
        let replaced: Vec<_> = chunks
            .iter()
            .map(|chunk| ReplacedChunk {
                chunk: *chunk,
                fingerprint: rental_core::Fingerprint { row_count: 1, hash: 1 },
                written: 1,
                quarantined: 0,
                violations: Vec::new(),
            })
            .collect();
        let file = json!({
            "key": format!("raw/{table}/run={run_id}/part-00000.parquet"),
            "record_count": chunks.len(),
            "file_size_in_bytes": 99,
            "checksum_crc64nvme": "AAAAAAAAAAA=",
        });
        let files = if chunks.is_empty() { json!([]) } else { json!([file]) };
        let value = json!({
            "format_version": Manifest::FORMAT_VERSION, "status": "sealed", "run_id": run_id, "run_date": &at[..10],
            "table": table, "contract_version": 1, "contract_hash": spec.contract_hash, "basis": "0", "sequence": sequence,
            "snapshot": { "at": at, "mode": "one connection", "server_version": "8.0", "source_timezone": "UTC" },
            "columns": spec.column_names(), "absent_columns": [], "chunk_grid": { "by": "day", "column": "viewed_at" },
            "replaced_chunks": replaced, "unchanged_chunk_count": 0, "scope": "sweep", "unread_chunk_count": 0,
            "files": files, "copy_manifest": object_key::copy_manifest(table, &run_id.parse().unwrap(), "1f00cafe"),
            "quarantine_files": [],
            "rows": { "read": chunks.len(), "unchanged": 0, "written": chunks.len(), "quarantined": 0 }, "violations": [],
        });
        Manifest::from_json("manifest.json", value.to_string().as_bytes()).unwrap()
    }

    fn day(text: &str) -> Chunk {
        Chunk::Day { day: text.parse().ok() }
    }

    #[test]
    fn neighbouring_chunks_are_deleted_as_one_range() {
        let keys = [Chunk::of_key(0, 10), Chunk::of_key(25, 10), Chunk::of_key(10, 10), Chunk::of_key(90, 10)];
        let deleted = delete_chunks(table_spec("bookings").unwrap(), &manifest("bookings", "r1", 1, AT, &keys));
        let expected =
            "delete from \"raw\".bookings\nwhere booking_id between 0 and 29\n    or booking_id between 90 and 99";
        assert_eq!(deleted, [expected]);
    }

    #[test]
    fn days_are_deleted_whole_and_rows_without_a_day_need_no_delete() {
        let days = [day("2025-02-28"), day("2025-03-01"), day("no day"), day("2025-03-05")];
        let spec = table_spec("user_viewing").unwrap();
        let expected = "delete from \"raw\".user_viewing\nwhere (viewed_at >= '2025-02-28' and viewed_at < '2025-03-02')\n    \
                        or (viewed_at >= '2025-03-05' and viewed_at < '2025-03-06')";
        assert_eq!(delete_chunks(spec, &manifest("user_viewing", "r1", 1, AT, &days)), [expected]);
        assert_eq!(delete_chunks(spec, &manifest("user_viewing", "r1", 1, AT, &[day("no day")])), Vec::<String>::new());
    }

    #[test]
    fn the_last_day_of_the_calendar_has_no_end() {
        let spec = table_spec("user_viewing").unwrap();
        let deleted = delete_chunks(spec, &manifest("user_viewing", "r1", 1, AT, &[day("9999-12-31")]));
        assert_eq!(deleted, ["delete from \"raw\".user_viewing\nwhere viewed_at >= '9999-12-31'"]);
    }

    #[test]
    fn many_scattered_chunks_take_several_deletes() {
        let scattered: Vec<_> = (0..1000).map(|index| Chunk::of_key(index * 20, 10)).collect();
        let deleted = delete_chunks(table_spec("bookings").unwrap(), &manifest("bookings", "r1", 1, AT, &scattered));
        assert_eq!(deleted.len(), 3);
        assert!(deleted.iter().map(String::len).sum::<usize>() < crate::data_api::BATCH_MAX_BYTES);
    }

    #[test]
    fn a_long_history_of_days_is_one_short_batch() {
        let first: NaiveDate = "1990-01-01".parse().unwrap();
        let days: Vec<_> = first.iter_days().take(20_000).map(|day| Chunk::Day { day: Some(day) }).collect();
        let spec = table_spec("user_viewing").unwrap();
        for sequence in [1, 2] {
            let manifest = manifest("user_viewing", "r1", sequence, AT, &days);
            let statements = [note_changes(spec, &manifest), delete_chunks(spec, &manifest)].concat();
            assert!(statements.iter().map(String::len).sum::<usize>() < 2000, "{statements:?}");
        }
    }

    #[test]
    fn the_outermost_keys_have_literals() {
        let edges = [Chunk::of_key(i64::MIN, 10), Chunk::of_key(i64::MAX, 10)];
        let deleted = delete_chunks(table_spec("bookings").unwrap(), &manifest("bookings", "r1", 1, AT, &edges));
        assert!(deleted[0].contains("(-9223372036854775807 - 1)"), "{}", deleted[0]);
    }

    const AT: &str = "2025-02-16T03:00:00Z";
}
