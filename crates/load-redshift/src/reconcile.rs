//! Whether the raw layer holds the rows of the source: chunk by chunk, what the log says of it against what stands in the
//! warehouse, which UNLOAD brings to S3.

use crate::{
    chunk_rows::{ChunkRows, ParquetObject, add_rows},
    copy::raw_table,
    data_api::{DataApi, Statement},
    error::LoadError,
    job::Job,
    ledger::Ledger,
    literal,
    load::pending_manifests,
    log_table::LogTable,
    result_rows::{ResultRows, Row, UnexpectedValue},
};
use rental_core::{Chunk, ChunkGrid, Fingerprint, RunId, TableSpec, object_key};
use std::{collections::BTreeSet, fmt};

/// How closely rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// How many there are. One query for a table.
    Counts,
    /// Every value.
    Values,
}

/// What was found of one table.
#[derive(Debug)]
pub(crate) struct Reconciled {
    pub(crate) table: String,
    pub(crate) chunk_count: usize,
    pub(crate) row_count: u64,
    pub(crate) differences: Vec<ChunkDifference>,
}

/// A chunk whose rows are not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkDifference {
    pub(crate) chunk: Chunk,
    /// Without those that were rejected.
    pub(crate) source_rows: u64,
    pub(crate) warehouse_rows: u64,
    pub(crate) kind: DifferenceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DifferenceKind {
    NotInWarehouse,
    NotInSource,
    RowCount,
    Values,
    /// The extract counts on rows that no loaded manifest holds.
    NotInLog,
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotInWarehouse => "not in the warehouse",
            Self::NotInSource => "not in the source",
            Self::RowCount => "row count",
            Self::Values => "values",
            Self::NotInLog => "not in the log as last sealed",
        })
    }
}

/// Compares the configured tables. What is unloaded to S3 for it lies under the reconciliation's prefix, and stays there.
///
/// # Errors
/// When sealed manifests are not loaded yet, or bucket or warehouse fail.
pub(crate) async fn reconcile(job: &Job<'_>, id: &RunId, depth: Depth) -> Result<Vec<Reconciled>, LoadError> {
    let ledger = Ledger::read(&job.api).await?;
    let manifests = pending_manifests(job, &ledger).await?;
    if !manifests.is_empty() {
        return Err(LoadError::Behind { manifests });
    }
    let mut tables = Vec::new();
    for spec in &job.config.tables {
        let log = LogTable::read(&job.bucket, spec, &ledger).await?;
        let (source, warehouse) = match depth {
            Depth::Counts => (log.row_counts(), standing_counts(&job.api, spec, &log.grid).await?),
            Depth::Values => (log.rows(&job.bucket).await?, standing_rows(job, id, spec, &log.grid).await?),
        };
        let (sealed, loaded) =
            (ledger.last_sequence(&spec.name), Ledger::read(&job.api).await?.last_sequence(&spec.name));
        if sealed != loaded {
            return Err(LoadError::OtherSequence { table: spec.name.clone(), sealed, loaded });
        }
        tables.push(Reconciled {
            table: spec.name.clone(),
            chunk_count: source.len(),
            row_count: source.values().map(|rows| rows.row_count).sum(),
            differences: compare(&source, &warehouse, &log.unsealed),
        });
    }
    Ok(tables)
}

/// Deletes what was unloaded for a reconciliation.
///
/// # Errors
/// When the bucket fails.
pub(crate) async fn remove_unloaded(job: &Job<'_>, id: &RunId) -> Result<(), LoadError> {
    let keys = job.bucket.keys(&object_key::reconcile_prefix(id)).await?;
    Ok(job.bucket.delete(&keys).await?)
}

/// Every value of the raw table, by way of S3.
async fn standing_rows(job: &Job<'_>, id: &RunId, spec: &TableSpec, grid: &ChunkGrid) -> Result<ChunkRows, LoadError> {
    let prefix = object_key::unloaded_prefix(id, &spec.name);
    let query = format!("select {} from {}", spec.column_names().join(", "), raw_table(spec));
    let unload = format!(
        "unload ({})\nto 's3://{}/{prefix}'\niam_role '{}'\nformat as parquet",
        literal::text(&query),
        job.bucket.name(),
        job.config.copy_role,
    );
    job.api.execute(&[Statement::new(format!("unload {}", raw_table(spec)), unload)]).await?;
    let mut rows = ChunkRows::new();
    for object in job.bucket.objects(&prefix).await? {
        let key = object.key.clone();
        let file = ParquetObject { bucket: job.bucket.clone(), key: object.key, size_in_bytes: object.size_in_bytes };
        add_rows(&mut rows, file, spec, grid).await.map_err(|source| LoadError::Parquet { key, source })?;
    }
    Ok(rows)
}

/// The rows of the raw table, counted where they are: their hashes are zero.
async fn standing_counts(api: &DataApi, spec: &TableSpec, grid: &ChunkGrid) -> Result<ChunkRows, LoadError> {
    let table = raw_table(spec);
    let sql = match grid {
        // Integers are divided towards zero, and chunks are counted downwards.
        ChunkGrid::Key { column, width } => format!(
            "select min({column}), count(*)\nfrom {table}\ngroup by case when {column} >= 0 then {column} / {width} \
             else ({column} + 1) / {width} - 1 end"
        ),
        ChunkGrid::Day { column } => {
            format!("select {column}::date::varchar(10), count(*)\nfrom {table}\ngroup by {column}::date")
        }
    };
    let result = api.query(&format!("count the rows of {table}"), &sql).await?;
    counts(&result, grid).map_err(|source| LoadError::Result { what: "row counts", source })
}

fn counts(result: &ResultRows, grid: &ChunkGrid) -> Result<ChunkRows, UnexpectedValue> {
    let count = |cells: &Vec<_>| {
        let row = Row(cells);
        let chunk = match grid {
            ChunkGrid::Key { width, .. } => Chunk::of_key(row.integer(0)?, *width),
            ChunkGrid::Day { .. } => Chunk::Day { day: Some(row.date(0)?) },
        };
        Ok((chunk, Fingerprint { row_count: row.count(1)?, hash: 0 }))
    };
    result.rows.iter().map(count).collect()
}

fn compare(source: &ChunkRows, warehouse: &ChunkRows, unsealed: &BTreeSet<Chunk>) -> Vec<ChunkDifference> {
    let chunks: BTreeSet<_> = source.keys().chain(warehouse.keys()).chain(unsealed).copied().collect();
    let differences = chunks.into_iter().filter_map(|chunk| {
        let [source, warehouse] = [source, warehouse].map(|side| side.get(&chunk).copied().unwrap_or_default());
        let kind = match (source.row_count, warehouse.row_count) {
            _ if unsealed.contains(&chunk) => DifferenceKind::NotInLog,
            _ if source == warehouse => return None,
            (_, 0) => DifferenceKind::NotInWarehouse,
            (0, _) => DifferenceKind::NotInSource,
            (left, right) if left != right => DifferenceKind::RowCount,
            _ => DifferenceKind::Values,
        };
        let (source_rows, warehouse_rows) = (source.row_count, warehouse.row_count);
        Some(ChunkDifference { chunk, source_rows, warehouse_rows, kind })
    });
    differences.collect()
}
