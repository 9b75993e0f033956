//! The load: every sealed manifest that the ledger does not hold becomes rows of the raw layer, run by run.

use crate::{
    error::LoadError,
    job::Job,
    ledger::{Ledger, LedgerEntry},
    load_plan::{RunLoad, SealedManifest, plan_load},
    load_table::{Loaded, load_table},
    migrate::migrate,
    sha256::sha256_hex,
    transform::{Extent, transform_run},
};
use chrono::Utc;
use rental_core::{LoadReceipt, LoadedTable, Manifest, RunId, SealStatus, TableSpec, object_key, table_spec};
use rental_task::{read_receipt, update_receipt};
use std::{collections::BTreeMap, time::Instant};

/// Loads what the ledger lacks, up to the configured run if one is. Versions of listings are taken run by run, so each
/// run is transformed before the next one is loaded.
///
/// # Errors
/// When the configured run has nothing to load, manifests are missing in between, or bucket or warehouse fail.
pub(crate) async fn load(job: &Job<'_>, migrate_first: bool) -> Result<(), LoadError> {
    let prefixes = run_prefixes(job).await?;
    if migrate_first {
        migrate(&job.api).await?;
    }
    let ledger = Ledger::read(&job.api).await?;
    let plan = loads_ahead(job, prefixes, &ledger).await?;
    let mut ahead = ledger.latest_run().filter(|run_id| !ledger.runs.contains_key(run_id)).cloned();
    for load in &plan {
        if let Some(earlier) = ahead.take().filter(|earlier| *earlier != load.run_id) {
            transform_before(job, &earlier, &load.run_id).await?;
        }
        let started_at = Instant::now();
        load_run(job, load).await?;
        note_load(job, &Ledger::read(&job.api).await?, &load.run_id, started_at).await?;
        ahead = Some(load.run_id.clone());
    }
    if plan.is_empty() {
        tracing::info!("nothing to load: the ledger holds every sealed manifest");
    }
    Ok(())
}

/// Transforms a run before the rows of the next one take the place of its own. Where there is no place for it in the history of
/// listings, what it changed counts with the next one; otherwise no later run would ever be loaded.
async fn transform_before(job: &Job<'_>, earlier: &RunId, next: &RunId) -> Result<(), LoadError> {
    tracing::info!(run_id = %earlier, "transforming an earlier run before {next} is loaded");
    match transform_run(job, earlier, None, Extent::Changes).await {
        Err(LoadError::DataApi(error)) if error.says("RUN_DATE_BEFORE_HISTORY") || error.says("SUPERSEDED") => {
            tracing::warn!(run_id = %earlier, "not transformed on its own, so what it changed counts with {next}: {error}");
            Ok(())
        }
        transformed => transformed,
    }
}

/// What a run would load, in its order.
///
/// # Errors
/// As [`load`] before it loads anything.
pub(crate) async fn pending_loads(job: &Job<'_>, ledger: &Ledger) -> Result<Vec<RunLoad>, LoadError> {
    loads_ahead(job, run_prefixes(job).await?, ledger).await
}

async fn loads_ahead(
    job: &Job<'_>,
    prefixes: Vec<(&'static TableSpec, RunId)>,
    ledger: &Ledger,
) -> Result<Vec<RunLoad>, LoadError> {
    let manifests = unloaded_manifests(job, prefixes, ledger).await?;
    let up_to = job.config.run_id.as_ref();
    let plan = plan_load(manifests, ledger, up_to)?;
    if let Some(run_id) = up_to
        && ledger.entries_of(run_id).next().is_none()
        && plan.iter().all(|load| load.run_id != *run_id)
    {
        return Err(LoadError::NotSealed { run_id: run_id.clone(), bucket: job.bucket.name().to_owned() });
    }
    Ok(plan)
}

/// `raw/<table>/run=<run_id>/` of every table that is to be loaded.
async fn run_prefixes(job: &Job<'_>) -> Result<Vec<(&'static TableSpec, RunId)>, LoadError> {
    let mut prefixes = Vec::new();
    for spec in &job.config.tables {
        let folders = job.bucket.folders(&object_key::raw_prefix(&spec.name)).await?;
        prefixes.extend(folders.iter().filter_map(|folder| Some((*spec, object_key::run_id_of(folder)?))));
    }
    Ok(prefixes)
}

/// Keys of the sealed manifests that the ledger does not hold.
///
/// # Errors
/// When the bucket fails, or holds a manifest that cannot be read.
pub(crate) async fn pending_manifests(job: &Job<'_>, ledger: &Ledger) -> Result<Vec<String>, LoadError> {
    let manifests = unloaded_manifests(job, run_prefixes(job).await?, ledger).await?;
    Ok(manifests.into_iter().map(|sealed| sealed.key).collect())
}

async fn unloaded_manifests(
    job: &Job<'_>,
    prefixes: Vec<(&'static TableSpec, RunId)>,
    ledger: &Ledger,
) -> Result<Vec<SealedManifest>, LoadError> {
    let mut manifests = Vec::new();
    for (spec, run_id) in prefixes {
        if ledger.entry(&spec.name, &run_id).is_some() {
            continue;
        }
        let key = object_key::manifest(&spec.name, &run_id);
        // A run without a manifest is not sealed yet, or never will be.
        let Some(object) = job.bucket.read(&key).await? else { continue };
        let manifest = Manifest::from_json(&key, &object.content)?;
        if manifest.table != spec.name || manifest.run_id != run_id {
            return Err(LoadError::Misplaced { key, table: manifest.table, run_id: manifest.run_id });
        }
        match manifest.status {
            SealStatus::Sealed => {
                let sha256 = sha256_hex([&object.content]);
                manifests.push(SealedManifest { key, sha256, manifest });
            }
            SealStatus::Abandoned => {}
        }
    }
    Ok(manifests)
}

async fn load_run(job: &Job<'_>, load: &RunLoad) -> Result<(), LoadError> {
    for sealed in &load.manifests {
        let started_at = Instant::now();
        let table = &sealed.manifest.table;
        let loaded = load_table(job, table_spec(table)?, sealed).await?;
        let message = match loaded {
            Loaded::Now => "loaded",
            Loaded::Before => "already loaded",
        };
        tracing::info!(
            table,
            run_id = %load.run_id,
            row_count = sealed.manifest.rows.written,
            chunk_count = sealed.manifest.replaced_chunks.len(),
            duration_ms = started_at.elapsed().as_millis() as u64,
            "{message}"
        );
    }
    Ok(())
}

/// Adds to the run's receipt what the ledger says of it, unless that stands there already.
///
/// # Errors
/// When the receipt cannot be read or written.
pub(crate) async fn note_load(
    job: &Job<'_>,
    ledger: &Ledger,
    run_id: &RunId,
    started_at: Instant,
) -> Result<(), LoadError> {
    let Some(run_date) = ledger.run_date(run_id) else { return Ok(()) };
    let loaded = |entry: &LedgerEntry| LoadedTable {
        manifest_rows: entry.row_count,
        // record_load counted them in the transaction that wrote them, or there would be no entry.
        raw_rows: entry.row_count,
        chunk_count: entry.chunk_count,
        file_count: entry.file_count,
    };
    let tables: BTreeMap<_, _> = ledger.entries_of(run_id).map(|entry| (entry.table.clone(), loaded(entry))).collect();
    let earlier = read_receipt(&job.bucket, run_id).await?.and_then(|receipt| receipt.load);
    if earlier.is_some_and(|earlier| earlier.tables == tables) {
        return Ok(());
    }
    let duration_ms = started_at.elapsed().as_millis() as u64;
    let part = LoadReceipt { finished_at: Utc::now(), duration_ms, tables };
    update_receipt(&job.bucket, run_id, run_date, |receipt| receipt.load = Some(part.clone())).await?;
    Ok(())
}
