//! One run: contracts against the source, then table by table from one snapshot to a seal.

use crate::{
    config::{Config, ConfigError},
    error::ExtractError,
    extract_table::{RunContext, extract_table},
    seal::{read_manifest, seal, settled_state},
    source::SourceSnapshot,
    source_schema::TableReading,
};
use chrono::Utc;
use rental_core::{ExtractReceipt, ExtractedTable, Manifest, Receipt, RunDate, SealStatus, TableSpec};
use rental_task::{Bucket, sdk_config, update_receipt};
use std::{collections::BTreeMap, time::Instant};

/// Runs the extract until it is done or `stop` completes.
///
/// # Errors
/// See [`ExtractError`]. What is sealed stays sealed; the same run id completes the rest.
pub async fn run_until(config: &Config, stop: impl Future<Output = ()>) -> Result<Receipt, ExtractError> {
    tokio::select! {
        // Boxed, because the state of all steps in one would be too deep for the compiler.
        receipt = Box::pin(run(config)) => receipt,
        () = stop => Err(ExtractError::Interrupted),
    }
}

async fn run(config: &Config) -> Result<Receipt, ExtractError> {
    let started_at = Instant::now();
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    let mut manifests = BTreeMap::new();
    for spec in &config.tables {
        if let Some(manifest) = read_manifest(&bucket, &spec.name, &config.run_id).await? {
            if manifest.status == SealStatus::Abandoned {
                return Err(ExtractError::Abandoned { table: spec.name.clone(), run_id: config.run_id.clone() });
            }
            manifests.insert(spec.name.clone(), manifest);
        }
    }
    let run_date = run_date(config, manifests.values().next())?;
    let run = RunContext {
        bucket: &bucket,
        run_id: config.run_id.clone(),
        run_date,
        source_timezone: config.source.timezone,
        reporting_timezone: config.reporting_timezone,
        max_nights: config.max_nights,
    };
    let open_tables: Vec<_> =
        config.tables.iter().copied().filter(|spec| !manifests.contains_key(&spec.name)).collect();
    for table in manifests.keys() {
        tracing::info!(table, run_id = %config.run_id, "sealed before");
    }
    if !open_tables.is_empty() {
        let mut source = SourceSnapshot::open(&config.source).await?;
        let readings = plan(&mut source, &open_tables).await?;
        for (spec, reading) in open_tables.into_iter().zip(&readings) {
            let manifest = extract_and_seal(&run, spec, reading, &mut source).await?;
            manifests.insert(spec.name.clone(), manifest);
        }
        source.close().await;
    }
    let part = ExtractReceipt {
        finished_at: Utc::now(),
        duration_ms: started_at.elapsed().as_millis() as u64,
        tables: manifests.iter().map(|(table, manifest)| (table.clone(), extracted(manifest))).collect(),
    };
    let add = |receipt: &mut Receipt| {
        // Beside the tables of earlier attempts.
        let mut tables = receipt.extract.take().map(|earlier| earlier.tables).unwrap_or_default();
        tables.extend(part.tables.clone());
        receipt.extract = Some(ExtractReceipt { tables, ..part.clone() });
    };
    Ok(update_receipt(&bucket, &config.run_id, run_date, add).await?)
}

/// How each table will be read.
///
/// # Errors
/// Every difference between source and contracts, of all tables together, before a row is read.
pub(crate) async fn plan(source: &mut SourceSnapshot, specs: &[&TableSpec]) -> Result<Vec<TableReading>, ExtractError> {
    let (mut readings, mut drifts) = (Vec::new(), Vec::new());
    for spec in specs {
        match TableReading::plan(spec, &source.columns(&spec.name).await?) {
            Ok(reading) => {
                for column in &reading.ignored {
                    tracing::warn!(table = spec.name, column, "column is not in the contract and is ignored");
                }
                readings.push(reading);
            }
            Err(found) => drifts.extend(found),
        }
    }
    if drifts.is_empty() { Ok(readings) } else { Err(ExtractError::Drift { drifts }) }
}

async fn extract_and_seal(
    run: &RunContext<'_>,
    spec: &'static TableSpec,
    reading: &TableReading,
    source: &mut SourceSnapshot,
) -> Result<Manifest, ExtractError> {
    let started_at = Instant::now();
    let read = settled_state(run.bucket, spec, &run.run_id).await?;
    let manifest = extract_table(run, spec, reading, source, &read.state).await?;
    seal(run.bucket, &manifest, read).await?;
    tracing::info!(
        table = spec.name,
        run_id = %run.run_id,
        read = manifest.rows.read,
        unchanged = manifest.rows.unchanged,
        written = manifest.rows.written,
        quarantined = manifest.rows.quarantined,
        duration_ms = started_at.elapsed().as_millis() as u64,
        "sealed"
    );
    Ok(manifest)
}

/// The run's date: as asked for, else that of an earlier attempt, else today where reports are read.
fn run_date(config: &Config, earlier: Option<&Manifest>) -> Result<RunDate, ExtractError> {
    match (config.as_of, earlier.map(|manifest| manifest.run_date)) {
        (Some(asked), Some(sealed)) if asked != sealed => {
            Err(ExtractError::RunDate { run_id: config.run_id.clone(), sealed, asked })
        }
        (Some(asked), _) => Ok(asked),
        (None, Some(sealed)) => Ok(sealed),
        (None, None) => Ok(Utc::now().with_timezone(&config.reporting_timezone).date_naive()),
    }
}

/// What a manifest says, in the form of the receipt.
fn extracted(manifest: &Manifest) -> ExtractedTable {
    ExtractedTable {
        rows: manifest.rows,
        replaced_chunk_count: manifest.replaced_chunks.len() as u64,
        unchanged_chunk_count: manifest.unchanged_chunk_count,
        file_count: manifest.files.len() as u64,
        byte_count: manifest.files.iter().map(|file| file.file_size_in_bytes).sum(),
        violations: manifest.violations.clone(),
    }
}
