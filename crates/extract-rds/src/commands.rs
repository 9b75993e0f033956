//! One function per subcommand beside the run itself. Results go to standard output, everything else to the log.

mod quarantine;

pub use quarantine::quarantine;

use crate::{
    config::{Config, ConfigError},
    error::ExtractError,
    extract::plan,
    extract_table::TableSource,
    fan_out::{self, WorkItem},
    output::{grouped, new_table, print},
    snapshot::SourceSnapshot,
    source::Source,
};
use comfy_table::CellAlignment;
use rental_core::{ExtractedTable, Receipt, RuleAction, object_key};
use rental_task::{Bucket, LogFormat, Metrics, Unit, sdk_config};
use std::sync::Arc;

/// Connects and holds the source's columns against the contracts.
///
/// # Errors
/// Whatever would refuse a run before its first row.
pub async fn check(config: &Config) -> Result<(), ExtractError> {
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    bucket.keys("state/").await?;
    let mut source = Source::open(&config.source, Arc::default()).await?;
    let tables = plan(&mut source, &config.tables).await?;
    // Opens what a run would open: what is not permitted shows here.
    let snapshot = SourceSnapshot::open(&mut source, &config.tables, config.connections).await?;
    let mut table = new_table(&["table", "columns read", "absent", "ignored"], 4);
    for TableSource { spec, reading, .. } in &tables {
        let absent = reading.absent_columns(spec);
        let read = spec.columns.len() - absent.len();
        table.add_row([spec.name.clone(), read.to_string(), absent.join(", "), reading.ignored.join(", ")]);
    }
    print(&format!("server {}, {}", source.server_version, snapshot.mode))?;
    drop(snapshot);
    source.close().await;
    print(&table.to_string())
}

/// Plans a run for many tasks and prints its work items.
///
/// # Errors
/// As for [`fan_out::plan`].
pub async fn plan_items(config: &Config) -> Result<(), ExtractError> {
    let mut table = new_table(&["table", "item", "rows, about", "where"], 1);
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    let items = fan_out::plan(config, Arc::default()).await?;
    for item in &items {
        let rows = item.estimated_rows.map_or_else(|| "unknown".to_owned(), grouped);
        table.add_row([item.table.clone(), item.item.to_string(), rows, item.place()]);
    }
    let Config { run_id, bucket, .. } = config;
    print(&format!("run {run_id}: s3://{bucket}/{}\n{table}", object_key::extract_plan(run_id)))?;
    if let Some(WorkItem { table, item, .. }) = items.first() {
        print(&format!(
            "next: extract-rds chunk --run-id {run_id} --table {table} --item {item}, and so for each item\n\
             then: extract-rds seal --run-id {run_id}"
        ))?;
    }
    Ok(())
}

/// Prints what was captured of each table.
///
/// # Errors
/// When standard output is closed.
pub fn print_receipt(receipt: &Receipt) -> Result<(), ExtractError> {
    type Figure = (&'static str, fn(&ExtractedTable) -> u64);
    let figures: [Figure; 10] = [
        ("rows read", |part| part.rows.read),
        ("rows unchanged", |part| part.rows.unchanged),
        ("rows written", |part| part.rows.written),
        ("rows rejected", |part| part.rows.quarantined),
        ("rows unread", |part| part.rows.unread),
        ("rejected rows that stand", standing),
        ("chunks replaced", |part| part.replaced_chunk_count),
        ("chunks unchanged", |part| part.unchanged_chunk_count),
        ("files written", |part| part.file_count),
        ("bytes written", |part| part.byte_count),
    ];
    // Tables side by side, since a line of ten figures is wider than a terminal.
    let tables: Vec<_> = receipt.extract.iter().flat_map(|extract| &extract.tables).collect();
    let heads: Vec<_> = [""].into_iter().chain(tables.iter().map(|(name, _)| name.as_str())).collect();
    let mut table = new_table(&heads, 1);
    for (name, figure) in figures {
        table.add_row([name.to_owned()].into_iter().chain(tables.iter().map(|(_, part)| grouped(figure(part)))));
    }
    print(&format!("run {} for {}\n{table}", receipt.run_id, receipt.run_date))
}

/// Rows of the table that are rejected as it stands, whichever run found them.
fn standing(table: &ExtractedTable) -> u64 {
    let rejected = table.violations.iter().filter(|count| count.action == RuleAction::Quarantine);
    rejected.map(|count| count.standing).sum()
}

/// Emits what was captured as metrics, table by table and for the run.
pub fn emit_metrics(receipt: &Receipt, format: LogFormat) {
    let Some(extract) = &receipt.extract else { return };
    let properties = vec![("run_id", receipt.run_id.to_string())];
    for (table, part) in &extract.tables {
        let standing: u64 = part.violations.iter().map(|violation| violation.standing).sum();
        let metrics = Metrics {
            dimensions: vec![("Table", table.clone())],
            values: vec![
                ("RowsRead", Unit::Count, part.rows.read),
                ("RowsUnchanged", Unit::Count, part.rows.unchanged),
                ("RowsWritten", Unit::Count, part.rows.written),
                ("RowsQuarantined", Unit::Count, part.rows.quarantined),
                ("RowsUnread", Unit::Count, part.rows.unread),
                ("RowsBreakingRules", Unit::Count, standing),
                ("ChunksReplaced", Unit::Count, part.replaced_chunk_count),
                ("BytesWritten", Unit::Bytes, part.byte_count),
            ],
            properties: properties.clone(),
        };
        metrics.emit(format);
    }
    let values = vec![("ExtractDuration", Unit::Milliseconds, extract.duration_ms)];
    Metrics { dimensions: Vec::new(), values, properties }.emit(format);
}
