//! The story of one table of one run: its manifest becomes one transaction that replaces chunks in the raw table and
//! writes the ledger's row.

use crate::{
    copy::{
        CopySource, copy_into_staging, create_staging, delete_chunks, insert_from_staging, note_changes, staging_table,
    },
    data_api::{DataApiError, Statement},
    error::LoadError,
    job::Job,
    literal,
    load_plan::SealedManifest,
    preflight::{column_list, preflight},
};
use rental_core::TableSpec;

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loaded {
    Now,
    /// Another attempt was first.
    Before,
}

/// Loads one table. Sending it twice, from here or from elsewhere, loads it once.
///
/// # Errors
/// As [`preflight`] says, or when the warehouse refuses; the raw table is then as before.
pub(crate) async fn load_table(job: &Job<'_>, spec: &TableSpec, sealed: &SealedManifest) -> Result<Loaded, LoadError> {
    let columns = column_list(&preflight(&job.bucket, spec, sealed).await?);
    let source = CopySource { bucket: job.bucket.name(), role: &job.config.copy_role, columns: &columns };
    match job.api.execute(&statements(spec, sealed, source)).await {
        Ok(()) => Ok(Loaded::Now),
        Err(error) if error.says("ALREADY_LOADED") => Ok(Loaded::Before),
        Err(error @ DataApiError::Statement { .. }) if error.says("ROW_COUNT_DIFFERS") => {
            Err(LoadError::RowsDiffer { key: sealed.key.clone(), source: error })
        }
        Err(error) => Err(error.into()),
    }
}

fn statements(spec: &TableSpec, sealed: &SealedManifest, source: CopySource<'_>) -> Vec<Statement> {
    let manifest = &sealed.manifest;
    let mut statements = Vec::new();
    let mut add = |step: &str, sql: String| {
        statements.push(Statement::new(format!("load table {} of run {}: {step}", spec.name, manifest.run_id), sql));
    };
    let run_id = literal::text(manifest.run_id.as_str());
    let table = literal::text(&spec.name);
    let sha256 = literal::text(&sealed.sha256);
    // First, so that the transaction sees what the one before it did.
    add("lock the guard", "lock etl.guard".to_owned());
    add("look into the ledger", format!("call etl.begin_load({run_id}, {table}, {sha256})"));
    let has_rows = manifest.rows.written > 0;
    let has_changes = !manifest.replaced_chunks.is_empty();
    if has_changes {
        add("make the staging table", create_staging(spec));
    }
    if has_rows {
        add("copy", copy_into_staging(spec, manifest, source));
        let staging = literal::text(&staging_table(spec));
        add("count what was copied", format!("call etl.check_row_count({staging}, {})", manifest.rows.written));
    }
    if has_changes {
        for note in note_changes(spec, manifest) {
            add("note what changes", note);
        }
    }
    for delete in delete_chunks(spec, manifest) {
        add("delete replaced chunks", delete);
    }
    if has_rows {
        add("insert", insert_from_staging(spec, manifest));
    }
    if has_changes {
        // One session may load several tables; a temporary table outlives its transaction.
        add("drop the staging table", format!("drop table {}", staging_table(spec)));
    }
    if !manifest.absent_columns.is_empty() || has_changes {
        let absent = literal::text(&manifest.absent_columns.join(" "));
        add("note absent columns", format!("call etl.set_setting('absent_columns.{}', {absent})", spec.name));
    }
    add(
        "write the ledger",
        format!(
            "call etl.record_load(\n    {run_id}, {table}, {}, {}, {},\n    {}, {sha256},\n    {}, {}, {}, {}\n)",
            manifest.sequence,
            literal::date(manifest.run_date),
            literal::timestamp(manifest.snapshot.at),
            literal::text(&sealed.key),
            manifest.replaced_chunks.len(),
            manifest.files.len(),
            manifest.rows.written,
            manifest.rows.quarantined,
        ),
    );
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::tests::manifest;
    use rental_core::{Chunk, table_spec};

    fn batch(chunks: &[Chunk]) -> Vec<String> {
        let sealed = SealedManifest {
            key: "raw/user_viewing/run=r1/manifest.json".into(),
            sha256: "ab12".into(),
            manifest: manifest("user_viewing", "r1", 7, "2025-02-16T03:00:00.000007Z", chunks),
        };
        let spec = table_spec("user_viewing").unwrap();
        let columns: Vec<_> = spec.column_names().into_iter().map(str::to_owned).collect();
        let source = CopySource { bucket: "log", role: "arn:aws:iam::123456789012:role/copy", columns: &columns };
        statements(spec, &sealed, source).into_iter().map(|statement| statement.sql).collect()
    }

    #[test]
    fn a_load_is_one_batch_from_the_guard_to_the_ledger() {
        let expected = [
            "lock etl.guard",
            "call etl.begin_load('r1', 'user_viewing', 'ab12')",
            "create temp table staging_user_viewing (\n    user_id bigint,\n    apartment_id bigint,\n    \
             viewed_at timestamp not null,\n    is_wishlisted boolean,\n    call_to_action varchar(200)\n)",
            "copy staging_user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action)\n\
             from 's3://log/raw/user_viewing/run=r1/copy-1f00cafe.manifest'\n\
             iam_role 'arn:aws:iam::123456789012:role/copy'\nformat as parquet\nmanifest",
            "call etl.check_row_count('staging_user_viewing', 1)",
            "insert into etl.changed_rows (table_name, row_day)\nselect distinct 'user_viewing', viewed_at::date\n\
             from \"raw\".user_viewing\nwhere (viewed_at >= '2025-01-31' and viewed_at < '2025-02-01')",
            "insert into etl.changed_rows (table_name, row_day)\nselect distinct 'user_viewing', viewed_at::date\n\
             from staging_user_viewing",
            "delete from \"raw\".user_viewing\nwhere (viewed_at >= '2025-01-31' and viewed_at < '2025-02-01')",
            "call etl.insert_staged('r1', 'user_viewing', \
             'user_id, apartment_id, viewed_at, is_wishlisted, call_to_action', 1)",
            "drop table staging_user_viewing",
            "call etl.set_setting('absent_columns.user_viewing', '')",
            "call etl.record_load(\n    'r1', 'user_viewing', 7, '2025-02-16'::date, \
             '2025-02-16 03:00:00.000007'::timestamp,\n    'raw/user_viewing/run=r1/manifest.json', 'ab12',\n    \
             1, 1, 1, 0\n)",
        ];
        assert_eq!(batch(&[Chunk::Day { day: "2025-01-31".parse().ok() }]), expected);
    }

    #[test]
    fn a_manifest_without_changes_only_writes_the_ledger() {
        let texts = batch(&[]);
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts[2].contains("0, 0, 0, 0"), "{}", texts[2]);
    }
}
