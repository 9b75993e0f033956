//! One function per subcommand beside the run itself. Results go to standard output, everything else to the log.

use crate::{
    config::{Config, ConfigError, QuarantineAction, QuarantineConfig},
    error::ExtractError,
    extract::plan,
    extract_table::TableSource,
    fan_out,
    snapshot::SourceSnapshot,
    source::Source,
};
use arrow::array::AsArray as _;
use bytes::Bytes;
use comfy_table::{CellAlignment, Table, presets};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rental_core::{Receipt, object_key};
use rental_task::{Bucket, sdk_config};
use std::{
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

/// Lists or shows the rows that a run rejected.
///
/// # Errors
/// When the bucket fails or a file cannot be read.
pub async fn quarantine(action: &QuarantineAction, config: &QuarantineConfig) -> Result<(), ExtractError> {
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    let mut shown = table(&["table", "rule", "key", "reason"]);
    for spec in &config.tables {
        for key in bucket.keys(&object_key::quarantine_run_prefix(&spec.name, &config.run_id)).await? {
            match action {
                QuarantineAction::List => print(&format!("s3://{}/{key}", bucket.name()))?,
                QuarantineAction::Show => {
                    let Some(object) = bucket.read(&key).await? else { continue };
                    let failed = |source| ExtractError::Parquet { key: key.clone(), source };
                    let reader =
                        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(object.content)).map_err(failed)?;
                    for batch in reader.build().map_err(failed)? {
                        let batch = batch.map_err(|error| failed(error.into()))?;
                        let text = |name: &str, row: usize| {
                            let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
                            column
                                .filter(|column| !arrow::array::Array::is_null(column, row))
                                .map_or("", |column| column.value(row))
                        };
                        for row in 0..batch.num_rows() {
                            shown.add_row([
                                spec.name.as_str(),
                                text("rule_id", row),
                                text("row_key", row),
                                text("reason", row),
                            ]);
                        }
                    }
                }
            }
        }
    }
    match action {
        QuarantineAction::List => Ok(()),
        QuarantineAction::Show => print(&shown.to_string()),
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
