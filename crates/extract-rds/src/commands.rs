//! One function per subcommand beside the run itself. Results go to standard output, everything else to the log.

use crate::{
    config::{Config, ConfigError, QuarantineAction, QuarantineConfig},
    error::ExtractError,
    extract::plan,
    extract_table::TableSource,
    fan_out,
    quarantine::for_each_quarantined_row,
    seal::read_manifest,
    snapshot::SourceSnapshot,
    source::Source,
};
use comfy_table::{CellAlignment, Table, presets};
use rental_core::{Receipt, object_key};
use rental_task::{Bucket, LogFormat, Metrics, Unit, sdk_config};
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    sync::Arc,
};

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
    let mut table = table(&["table", "columns read", "absent", "ignored"]);
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
    let mut table = table(&["table", "item"]);
    for item in fan_out::plan(config, Arc::default()).await? {
        table.add_row([item.table.clone(), item.item.to_string()]);
    }
    let key = object_key::extract_plan(&config.run_id);
    print(&format!("run {}: s3://{}/{key}\n{table}", config.run_id, config.bucket))
}

/// Prints what was captured, table by table.
///
/// # Errors
/// When standard output is closed.
pub fn print_receipt(receipt: &Receipt) -> Result<(), ExtractError> {
    let heads = [
        "table",
        "read",
        "unchanged",
        "written",
        "quarantined",
        "not read",
        "chunks replaced",
        "unchanged",
        "files",
        "bytes",
    ];
    let mut table = table(&heads);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for (name, part) in receipt.extract.iter().flat_map(|extract| &extract.tables) {
        let numbers = [
            part.rows.read,
            part.rows.unchanged,
            part.rows.written,
            part.rows.quarantined,
            part.rows.unread,
            part.replaced_chunk_count,
            part.unchanged_chunk_count,
            part.file_count,
            part.byte_count,
        ];
        let cells = numbers.iter().map(ToString::to_string);
        table.add_row(std::iter::once(name.clone()).chain(cells));
    }
    print(&format!("run {} for {}\n{table}", receipt.run_id, receipt.run_date))
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

/// Counts or shows the rows that a run rejected.
///
/// # Errors
/// When the bucket fails or a file cannot be read.
pub async fn quarantine(action: &QuarantineAction, config: &QuarantineConfig) -> Result<(), ExtractError> {
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    let (mut counts, mut left) = (BTreeMap::new(), config.limit);
    let mut shown = table(&["table", "rule", "version", "key", "reason", "row at the source"]);
    for spec in &config.tables {
        let Some(manifest) = read_manifest(&bucket, &spec.name, &config.run_id).await? else { continue };
        for file in &manifest.quarantine_files {
            let object = bucket.read(&file.key).await?;
            let object = object.ok_or_else(|| ExtractError::MissingFile { key: file.key.clone() })?;
            for_each_quarantined_row(&file.key, object.content, |row| {
                if config.rule.as_ref().is_some_and(|rule| *rule != row.rule) {
                    return;
                }
                *counts.entry((spec.name.clone(), row.rule.clone())).or_insert(0_u64) += 1;
                if left > 0 {
                    left -= 1;
                    shown.add_row([
                        spec.name.clone(),
                        row.rule_case.map_or_else(|| row.rule.clone(), |case| format!("{} {case}", row.rule)),
                        row.rule_version.to_string(),
                        row.row_key.unwrap_or_default(),
                        row.reason,
                        row.source_row,
                    ]);
                }
            })?;
        }
    }
    match action {
        QuarantineAction::List => {
            let mut listed = table(&["table", "rule", "rows"]);
            for ((name, rule), count) in counts {
                listed.add_row([name, rule, count.to_string()]);
            }
            print(&listed.to_string())
        }
        QuarantineAction::Show => {
            let count: u64 = counts.values().sum();
            print(&format!("{shown}\n{} of {count} rejected rows", config.limit.min(count)))
        }
    }
}

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(heads);
    table
}

fn print(text: &str) -> Result<(), ExtractError> {
    writeln!(io::stdout().lock(), "{text}").map_err(|source| ExtractError::Output { source })
}
