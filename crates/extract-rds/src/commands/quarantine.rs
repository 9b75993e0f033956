//! `quarantine list` and `quarantine show`: what a run rejected, for people and for programs.

use crate::{
    arguments::QuarantineCommand,
    config::{ConfigError, QuarantineConfig},
    error::ExtractError,
    output::{grouped, new_table, print},
    quarantine::{QuarantinedRow, for_each_quarantined_row, rule_name},
    seal::{last_seal, read_manifest},
};
use comfy_table::{ColumnConstraint, Width};
use rental_core::{Manifest, RuleAction, RunId, SealStatus};
use rental_task::{Bucket, OutputFormat, sdk_config};
use serde::Serialize;
use serde_json::{Map, Value};

/// Runs that an unknown one is told apart from.
const NAMED_RUNS: usize = 5;
/// Of a text this much is enough to recognise it; CSV and JSON have all of it.
const SHOWN_CHARACTERS: usize = 40;
const LABEL_WIDTH: u16 = 36;

/// The rows that count under one rule.
#[derive(Debug, Serialize)]
struct RuleRows<'a> {
    table: &'a str,
    rule: String,
    /// Found in what this run wrote.
    rejected: u64,
    /// Of all rows of the table as it stands.
    standing: u64,
}

/// A rejected row.
#[derive(Debug, Serialize)]
struct RejectedRow<'a> {
    table: &'a str,
    rule: String,
    rule_version: i32,
    key: Option<String>,
    reason: String,
    source_row: SourceRow,
}

/// The row as it stood at the source: an object in JSON, the text of it in CSV.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SourceRow {
    Object(Map<String, Value>),
    Text(String),
}

/// Counts or shows rejected rows.
///
/// # Errors
/// When there is no such run, the bucket fails or a file cannot be read.
pub async fn quarantine(command: &QuarantineCommand) -> Result<(), ExtractError> {
    let config = match command {
        QuarantineCommand::List(flags) | QuarantineCommand::Show { flags, .. } => flags.config()?,
    };
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    let (run_id, which) = match &config.run_id {
        Some(run_id) => (run_id.clone(), ""),
        None => (latest_run(&bucket, &config).await?, ", the latest"),
    };
    let manifests = manifests(&bucket, &config, &run_id).await?;
    if let (OutputFormat::Table, Some(first)) = (config.format, manifests.first()) {
        print(&format!("run {run_id} for {}{which}", first.run_date))?;
    }
    match command {
        QuarantineCommand::List(_) => list(&config, &manifests),
        QuarantineCommand::Show { limit, .. } => show(&bucket, &config, &manifests, *limit).await,
    }
}

/// The run that sealed a table last.
async fn latest_run(bucket: &Bucket, config: &QuarantineConfig) -> Result<RunId, ExtractError> {
    let mut seals = Vec::new();
    for spec in &config.tables {
        seals.extend(last_seal(bucket, spec).await?);
    }
    let latest = seals.into_iter().max_by_key(|(at, _)| *at).map(|(_, run_id)| run_id);
    latest.ok_or_else(|| ExtractError::NoRun { bucket: bucket.name().to_owned() })
}

async fn manifests(bucket: &Bucket, config: &QuarantineConfig, run_id: &RunId) -> Result<Vec<Manifest>, ExtractError> {
    let mut manifests = Vec::new();
    for spec in &config.tables {
        let manifest = read_manifest(bucket, &spec.name, run_id).await?;
        manifests.extend(manifest.filter(|manifest| manifest.status == SealStatus::Sealed));
    }
    if manifests.is_empty() {
        let mut known = bucket.folders("runs/").await?;
        known.sort_unstable();
        let count = known.len();
        let known = known.iter().rev().take(NAMED_RUNS).filter_map(|folder| folder.split('/').nth(1));
        let known = known.map(str::to_owned).collect();
        return Err(ExtractError::UnknownRun {
            run_id: run_id.clone(),
            bucket: bucket.name().to_owned(),
            known,
            count,
        });
    }
    Ok(manifests)
}

fn is_wanted(config: &QuarantineConfig, rule: &str, name: &str) -> bool {
    config.rule.as_ref().is_none_or(|wanted| wanted == rule || wanted == name)
}

fn list(config: &QuarantineConfig, manifests: &[Manifest]) -> Result<(), ExtractError> {
    let mut listed: Vec<RuleRows<'_>> = Vec::new();
    for manifest in manifests {
        for count in manifest.violations.iter().filter(|count| count.action == RuleAction::Quarantine) {
            let rule = count.rule.to_string();
            let name = rule_name(&rule, count.case.map(|case| case.to_string()).as_deref());
            if is_wanted(config, &rule, &name) {
                let (rejected, standing) = (count.found, count.standing);
                listed.push(RuleRows { table: &manifest.table, rule: name, rejected, standing });
            }
        }
    }
    match config.format {
        OutputFormat::Csv => print_csv(&listed),
        OutputFormat::Json => print_json(&listed),
        OutputFormat::Table => {
            let mut table = new_table(&["table", "rule", "rejected by this run", "standing"], 2);
            for RuleRows { table: name, rule, rejected, standing } in &listed {
                table.add_row([name, rule.as_str(), &grouped(*rejected), &grouped(*standing)]);
            }
            let rejected = listed.iter().map(|rows| rows.rejected).sum();
            let standing = listed.iter().map(|rows| rows.standing).sum();
            table.add_row(["", "total", &grouped(rejected), &grouped(standing)]);
            print(&table.to_string())?;
            if rejected == 0 && standing > 0 {
                eprintln!("what stands was rejected by earlier runs: `--run-id` names one of them");
            }
            Ok(())
        }
    }
}

async fn show(
    bucket: &Bucket,
    config: &QuarantineConfig,
    manifests: &[Manifest],
    limit: u64,
) -> Result<(), ExtractError> {
    let (mut shown, mut count) = (Vec::new(), 0);
    for manifest in manifests {
        for file in &manifest.quarantine_files {
            let object = bucket.read(&file.key).await?;
            let object = object.ok_or_else(|| ExtractError::MissingFile { key: file.key.clone() })?;
            for_each_quarantined_row(&file.key, object.content, |row| {
                if !is_wanted(config, &row.rule, &row.name()) {
                    return;
                }
                count += 1;
                if count <= limit {
                    shown.push(RejectedRow::new(&manifest.table, row, config.format));
                }
            })?;
        }
    }
    match config.format {
        OutputFormat::Csv => print_csv(&shown)?,
        OutputFormat::Json => print_json(&shown)?,
        OutputFormat::Table => {
            let mut table = new_table(&["rejected", "row at the source"], 2);
            if let Some(labels) = table.column_mut(0) {
                labels.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(LABEL_WIDTH)));
            }
            for row in &shown {
                table.add_row([row.label(), row.source_row.shortened()]);
            }
            print(&table.to_string())?;
        }
    }
    // Beside the result, which a program may read.
    eprintln!("{} of {} rejected rows", grouped(count.min(limit)), grouped(count));
    Ok(())
}

impl<'a> RejectedRow<'a> {
    fn new(table: &'a str, row: QuarantinedRow, format: OutputFormat) -> Self {
        let rule = row.name();
        let source_row = match (format, serde_json::from_str(&row.source_row)) {
            (OutputFormat::Table | OutputFormat::Json, Ok(object)) => SourceRow::Object(object),
            (OutputFormat::Csv, _) | (_, Err(_)) => SourceRow::Text(row.source_row),
        };
        Self { table, rule, rule_version: row.rule_version, key: row.row_key, reason: row.reason, source_row }
    }

    fn label(&self) -> String {
        let key = self.key.as_deref().map(|key| format!(" {key}")).unwrap_or_default();
        format!("{}{key}\n{}\n{}", self.table, self.rule, self.reason)
    }
}

impl SourceRow {
    /// Columns and values for people, long texts cut off.
    fn shortened(&self) -> String {
        let Self::Object(columns) = self else { return String::new() };
        let pair = |(column, value): (&String, &Value)| match value.as_str() {
            None => format!("{column}: NULL"),
            Some(text) if text.chars().count() > SHOWN_CHARACTERS => {
                format!("{column}: {}…", text.chars().take(SHOWN_CHARACTERS).collect::<String>())
            }
            Some(text) => format!("{column}: {text}"),
        };
        columns.iter().map(pair).collect::<Vec<_>>().join(", ")
    }
}

fn print_csv(rows: &[impl Serialize]) -> Result<(), ExtractError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| ExtractError::Output { source: error.into() };
    rows.iter().try_for_each(|row| writer.serialize(row)).map_err(failed)?;
    let content = writer.into_inner().map_err(|error| ExtractError::Output { source: error.into_error() })?;
    print(String::from_utf8_lossy(&content).trim_end_matches('\n'))
}

fn print_json(rows: &[impl Serialize]) -> Result<(), ExtractError> {
    let text = serde_json::to_string_pretty(rows);
    print(&text.map_err(|error| ExtractError::Output { source: error.into() })?)
}
