//! What a run would do, found out by reading alone: the manifests that it would load, and the published periods that may move by
//! it.

use crate::{
    error::LoadError,
    job::Job,
    ledger::Ledger,
    load::pending_loads,
    load_plan::{RunLoad, SealedManifest},
    moving_periods::{MovingPeriods, moving_periods},
    preflight::preflight,
};
use rental_core::{RunDate, RunId, table_spec};

/// What a run would do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In the order in which they are loaded.
    pub(crate) loads: Vec<PlannedLoad>,
    /// By metric and day.
    pub(crate) moving: Vec<MovingPeriods>,
}

/// A sealed manifest that the ledger does not hold.
#[derive(Debug)]
pub(crate) struct PlannedLoad {
    pub(crate) run_id: RunId,
    pub(crate) run_date: RunDate,
    pub(crate) table: String,
    pub(crate) chunk_count: usize,
    pub(crate) file_count: usize,
    pub(crate) row_count: u64,
    pub(crate) bytes: u64,
}

/// Finds out what a run would do. Nothing is written, neither in the bucket nor in the warehouse.
///
/// # Errors
/// When a run could not load what is pending, or bucket or warehouse fail.
pub(crate) async fn plan(job: &Job<'_>) -> Result<Plan, LoadError> {
    let ledger = match Ledger::read(&job.api).await {
        // A run makes it.
        Err(LoadError::NotMigrated { .. }) => None,
        read => Some(read?),
    };
    let loads = pending_loads(job, ledger.as_ref().unwrap_or(&Ledger::default())).await?;
    let mut pending = Vec::new();
    for sealed in loads.iter().flat_map(|load| &load.manifests) {
        let footers = preflight(&job.bucket, table_spec(&sealed.manifest.table)?, sealed).await?;
        pending.push((&sealed.manifest, footers));
    }
    let moving = match &ledger {
        Some(ledger) => moving_periods(job, ledger, &pending).await?,
        // Nobody has seen a number yet.
        None => Vec::new(),
    };
    Ok(Plan { loads: loads.iter().flat_map(planned_loads).collect(), moving })
}

fn planned_loads(load: &RunLoad) -> impl Iterator<Item = PlannedLoad> {
    load.manifests.iter().map(|SealedManifest { manifest, .. }| PlannedLoad {
        run_id: manifest.run_id.clone(),
        run_date: manifest.run_date,
        table: manifest.table.clone(),
        chunk_count: manifest.replaced_chunks.len(),
        file_count: manifest.files.len(),
        row_count: manifest.rows.written,
        bytes: manifest.files.iter().map(|file| file.file_size_in_bytes).sum(),
    })
}
