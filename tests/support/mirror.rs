//! A mirror of the source's tables, built as any reader of the log would: manifest after manifest in the order of their
//! sequence, each taking the rows of the chunks that it replaces away and adding those of its files. Whatever a manifest says
//! of itself is held against the objects on the way.

use super::{
    log::Log,
    source_rows::{Row, Rows, row_count, source_rows},
};
use arrow::{
    array::{Array, AsArray as _, RecordBatch},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    },
};
use bytes::Bytes;
use chrono::{DateTime, Duration, NaiveDate};
use chrono_tz::Tz;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rental_core::{
    Chunk, ChunkGrid, DataFile, Manifest, RunId, Scope, SealStatus, TableState, object_key, table_specs,
};
use serde_json::Value;
use sqlx::MySqlPool;
use std::collections::{BTreeMap, BTreeSet};

/// All tables as the log of one bucket has them.
pub(crate) struct Mirror {
    pub(crate) log: Log,
    pub(crate) tables: BTreeMap<String, MirroredTable>,
}

/// One table.
#[derive(Default)]
pub(crate) struct MirroredTable {
    chunks: BTreeMap<Chunk, MirroredChunk>,
    /// Those that were applied, in their order.
    pub(crate) manifests: Vec<Manifest>,
    /// What the last of them rejected.
    pub(crate) rejected: Vec<RejectedRow>,
    seen: BTreeSet<String>,
}

#[derive(Default)]
struct MirroredChunk {
    rows: Rows,
    quarantined: u64,
}

/// A row of a quarantine file.
#[derive(Debug, Clone)]
pub(crate) struct RejectedRow {
    pub(crate) rule: String,
    pub(crate) case: Option<String>,
    pub(crate) version: i32,
    pub(crate) severity: String,
    pub(crate) reason: String,
    pub(crate) row_key: Option<String>,
    pub(crate) source_row: Value,
}

impl Mirror {
    pub(crate) fn of(bucket: &str) -> Self {
        let tables = table_specs().iter().map(|spec| (spec.name.clone(), MirroredTable::default()));
        Self { log: Log::of(bucket), tables: tables.collect() }
    }

    /// Applies the manifests that were sealed since the last call.
    ///
    /// # Panics
    /// When a manifest and its objects contradict each other.
    pub(crate) async fn catch_up(&mut self) {
        for (table, mirrored) in &mut self.tables {
            let mut manifests = Vec::new();
            for key in self.log.keys(&object_key::raw_prefix(table)).await {
                if key.ends_with("/manifest.json") && mirrored.seen.insert(key.clone()) {
                    let text = self.log.object(&key).await;
                    manifests.push(Manifest::from_json(&key, &text).unwrap_or_else(|error| panic!("{error}")));
                }
            }
            manifests.sort_by_key(|manifest| manifest.sequence);
            for manifest in manifests {
                match manifest.status {
                    SealStatus::Abandoned => {
                        assert!(manifest.files.is_empty() && manifest.replaced_chunks.is_empty(), "{manifest:?}");
                    }
                    SealStatus::Sealed => mirrored.apply(&self.log, manifest).await,
                }
            }
            mirrored.assert_state(&self.log, table).await;
        }
    }

    pub(crate) fn table(&self, table: &str) -> &MirroredTable {
        &self.tables[table]
    }

    /// No file lies in the run's folders that its manifests do not name.
    pub(crate) async fn assert_no_stray_files(&self, run_id: &str) {
        let run_id: RunId = run_id.parse().expect("a run id");
        for (table, mirrored) in &self.tables {
            let Some(manifest) = mirrored.manifests.iter().find(|manifest| manifest.run_id == run_id) else { continue };
            let files = manifest.files.iter().chain(&manifest.quarantine_files);
            let named: BTreeSet<_> =
                files.map(|file| file.key.clone()).chain([manifest.copy_manifest.clone()]).collect();
            let mut found = BTreeSet::new();
            for prefix in
                [object_key::raw_run_prefix(table, &run_id), object_key::quarantine_run_prefix(table, &run_id)]
            {
                let keys = self.log.keys(&prefix).await;
                found.extend(keys.into_iter().filter(|key| !key.ends_with("/manifest.json")));
            }
            assert_eq!(found, named, "files of run {run_id} and those that its manifest names");
        }
    }
}

/// Fails where the mirror and the source differ, with a few of the rows that do.
pub(crate) async fn assert_mirrors(mirror: &Mirror, source: &MySqlPool, zone: Tz, context: &str) {
    for spec in table_specs() {
        let mirrored = mirror.table(&spec.name);
        let (expected, rejected) = source_rows(source, spec, zone).await;
        let found = mirrored.rows();
        if found != expected {
            let columns = spec.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
            panic!(
                "`{}` at the source and in the log\n{columns:?}\nonly at the source: {:?}\nonly in the log: {:?}\n{context}",
                spec.name,
                more(&expected, &found),
                more(&found, &expected),
            );
        }
        assert_eq!(mirrored.quarantined(), rejected, "rejected rows of `{}`\n{context}", spec.name);
    }
}

/// Some of the rows that occur more often in `left` than in `right`.
fn more(left: &Rows, right: &Rows) -> Vec<(u64, Row)> {
    let surplus = |(row, count): (&Row, &u64)| {
        let surplus = count.saturating_sub(right.get(row).copied().unwrap_or(0));
        (surplus > 0).then(|| (surplus, row.clone()))
    };
    left.iter().filter_map(surplus).take(3).collect()
}

impl MirroredTable {
    /// All rows, in whatever chunk they are.
    pub(crate) fn rows(&self) -> Rows {
        let mut sum = Rows::new();
        for (row, count) in self.chunks.values().flat_map(|chunk| &chunk.rows) {
            *sum.entry(row.clone()).or_default() += count;
        }
        sum
    }

    pub(crate) fn quarantined(&self) -> u64 {
        self.chunks.values().map(|chunk| chunk.quarantined).sum()
    }

    /// The manifest that was applied last.
    pub(crate) fn last(&self) -> &Manifest {
        self.manifests.last().expect("a sealed manifest")
    }

    async fn apply(&mut self, log: &Log, manifest: Manifest) {
        let place = format!("manifest {} of `{}`", manifest.run_id, manifest.table);
        let sequence = self.manifests.last().map_or(0, |last| last.sequence);
        assert_eq!(manifest.sequence, sequence + 1, "{place}: its place in the order");
        let rows = manifest.rows;
        assert_eq!(rows.read, rows.unchanged + rows.written + rows.quarantined, "{place}: rows read");

        // As ranges: in a coarser grid a chunk takes the place of several.
        let ranges: BTreeSet<_> = manifest.replaced_chunks.iter().map(|replaced| replaced.chunk).collect();
        self.chunks.retain(|chunk, _| !ranges.contains(&manifest.chunk_grid.place(*chunk)));
        for replaced in &manifest.replaced_chunks {
            let chunk = MirroredChunk { quarantined: replaced.quarantined, ..MirroredChunk::default() };
            let twice = self.chunks.insert(replaced.chunk, chunk);
            assert!(twice.is_none(), "{place} replaces {} twice", replaced.chunk);
        }
        let replaced: BTreeMap<_, _> =
            manifest.replaced_chunks.iter().map(|replaced| (replaced.chunk, replaced)).collect();
        for file in &manifest.files {
            for batch in read_file(log, file).await {
                let columns: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
                assert_eq!(columns, manifest.columns, "{place}: columns of {}", file.key);
                for row in rows_of(&batch) {
                    let chunk = chunk_of(&manifest.chunk_grid, &columns, &row);
                    assert!(replaced.contains_key(&chunk), "{place}: {row:?} of {chunk}, which is not replaced");
                    *self.chunks.entry(chunk).or_default().rows.entry(row).or_default() += 1;
                }
            }
        }
        for (chunk, replaced) in &replaced {
            let written = row_count(&self.chunks[chunk].rows);
            assert_eq!(written, replaced.written, "{place}: rows in the files of {chunk}");
        }
        self.rejected.clear();
        for file in &manifest.quarantine_files {
            for batch in read_file(log, file).await {
                self.rejected.extend((0..batch.num_rows()).map(|row| RejectedRow::of(&batch, row)));
            }
        }
        assert_eq!(self.rejected.len() as u64, rows.quarantined, "{place}: rows in the quarantine files");
        self.chunks.retain(|_, chunk| chunk.quarantined > 0 || !chunk.rows.is_empty());
        let standing: u64 = self.chunks.values().map(|chunk| row_count(&chunk.rows) + chunk.quarantined).sum();
        assert_eq!(rows.read + rows.unread, standing, "{place}: rows read and not read, and those that stand");
        if manifest.scope == Scope::Sweep {
            assert_eq!((rows.unread, manifest.unread_chunk_count), (0, 0), "{place}: a sweep leaves nothing unread");
        }
        self.manifests.push(manifest);
    }

    /// The table's state knows the same chunks with as many rows.
    async fn assert_state(&self, log: &Log, table: &str) {
        let Some(last) = self.manifests.last() else { return };
        let state: TableState =
            serde_json::from_slice(&log.object(&object_key::table_state(table)).await).expect("read a table's state");
        if state.sequence != last.sequence || state.sealing.is_some() {
            // Killed between manifest and state: the next run completes it.
            return;
        }
        for rechecked in &last.rechecked_chunks {
            assert_eq!(
                state.chunks[&rechecked.chunk].violations, rechecked.violations,
                "{} of `{table}`",
                rechecked.chunk
            );
        }
        let known: BTreeMap<_, _> =
            state.chunks.iter().map(|(chunk, known)| (*chunk, known.fingerprint.row_count)).collect();
        let mirrored: BTreeMap<_, _> = self
            .chunks
            .iter()
            .map(|(chunk, mirrored)| (*chunk, row_count(&mirrored.rows) + mirrored.quarantined))
            .collect();
        assert_eq!(known, mirrored, "chunks of `{table}` in its state and in the mirror");
    }
}

impl RejectedRow {
    fn of(batch: &RecordBatch, row: usize) -> Self {
        let column =
            |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("a quarantine file without {name}"));
        let text = |name: &str| {
            let texts = column(name).as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        let needed = |name: &str| text(name).unwrap_or_else(|| panic!("a rejected row without {name}"));
        Self {
            rule: needed("rule_id"),
            case: text("rule_case"),
            version: column("rule_version").as_primitive::<Int32Type>().value(row),
            severity: needed("severity"),
            reason: needed("reason"),
            row_key: text("row_key"),
            source_row: serde_json::from_str(&needed("source_row")).expect("a rejected row is JSON"),
        }
    }
}

/// The batches of a file that is as large and has as many records as the manifest says.
async fn read_file(log: &Log, file: &DataFile) -> Vec<RecordBatch> {
    let content = log.object(&file.key).await;
    assert_eq!(content.len() as u64, file.file_size_in_bytes, "size of {}", file.key);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content)).expect("open a Parquet file");
    let records = reader.metadata().file_metadata().num_rows();
    assert_eq!(records as u64, file.record_count, "records of {}", file.key);
    reader.build().expect("read a Parquet file").map(|batch| batch.expect("read a batch")).collect()
}

fn chunk_of(grid: &ChunkGrid, columns: &[String], row: &Row) -> Chunk {
    let position = columns.iter().position(|column| column == grid.column()).expect("the grid's column");
    let text = row[position].as_deref().expect("a row in a file has a place in the grid");
    match grid {
        ChunkGrid::Key { width, .. } => Chunk::of_key(text.parse().expect("a key"), *width),
        ChunkGrid::Day { .. } => Chunk::Day { day: text[..10].parse().ok() },
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let columns: Vec<_> = batch.columns().iter().map(|column| texts(column.as_ref())).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|texts| texts[row].clone()).collect()).collect()
}

/// Values as text, in the form of [`super::source_rows`].
fn texts(array: &dyn Array) -> Vec<Option<String>> {
    let text = |row: usize| match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            (NaiveDate::default() + Duration::days(days.into())).to_string()
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = DateTime::from_timestamp_micros(micros).expect("a time within the calendar");
            time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        other => panic!("a data file has a column of type {other}"),
    };
    (0..array.len()).map(|row| array.is_valid(row).then(|| text(row))).collect()
}
