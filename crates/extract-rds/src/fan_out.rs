//! One run over many tasks: `plan` cuts the tables into work items, `chunk` captures one of them, wherever it runs and however
//! often it is tried, and `seal` makes of their results the manifests that a single task would have made.
//!
//! Tasks cannot share a snapshot, so each work item is of a moment of its own; the manifest says so.

use crate::{
    capture::Capture,
    config::Config,
    error::ExtractError,
    extract::{add_to_receipt, bucket, plan as plan_tables, run_date, seal_table, sealed_before},
    extract_plan::{ChunkRange, ExtractPlan, conditions},
    extract_table::{
        RunContext, TableSource, basis, capture_ranges, comparable, grid, hinted_ranges, manifest, new_attempt,
        whole_table,
    },
    json::{read_json, to_json},
    seal::{ReadState, settled_state},
    snapshot::SourceSnapshot,
    source::Source,
};
use chrono::Utc;
use rental_core::{Chunk, Receipt, RunDate, Scope, Snapshot, TableSpec, TableState, object_key, table_spec};
use rental_task::{Bucket, Put};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

/// Scattered ranges that one task reads.
const HINTED_RANGES_PER_ITEM: usize = 64;

/// A part of a table that one task captures. A plan is a list of them, as a distributed map reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkItem {
    pub(crate) table: String,
    /// Its number within the table.
    pub(crate) item: usize,
    scope: Scope,
    /// Where its rows lie; all of the table without any.
    ranges: Option<Vec<ChunkRange>>,
    /// As of the last run, else as the server estimates them.
    #[serde(default)]
    pub(crate) estimated_rows: Option<u64>,
    /// The state that it is compared with.
    sequence: u64,
    basis: String,
    run_date: RunDate,
    absent_columns: Vec<String>,
}

/// What a task captured.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    snapshot: Snapshot,
    capture: Capture,
}

/// Cuts the tables that the run has not sealed yet into work items and writes them to the bucket; the plan of an earlier call
/// stands.
///
/// # Errors
/// As for a run, before its first row.
pub(crate) async fn plan(config: &Config, stop: Arc<AtomicBool>) -> Result<Vec<WorkItem>, ExtractError> {
    let bucket = bucket(config).await?;
    let key = object_key::extract_plan(&config.run_id);
    if let Some(planned) = read_json(&bucket, &key).await? {
        return Ok(planned);
    }
    let manifests = sealed_before(config, &bucket).await?;
    let run = RunContext::new(config, &bucket, manifests.values().next(), &stop)?;
    let open: Vec<_> = config.tables.iter().copied().filter(|spec| !manifests.contains_key(&spec.name)).collect();
    let mut source = Source::open(&config.source, stop.clone()).await?;
    let tables = plan_tables(&mut source, &open).await?;
    let mut snapshot = SourceSnapshot::open(&mut source, &open, NonZero::<usize>::MIN).await?;
    let mut items = Vec::new();
    for table in &tables {
        let read = settled_state(&bucket, table.spec, &run.run_id).await?;
        items.extend(table_items(&run, table, &read, &mut source, &mut snapshot).await?);
    }
    source.close().await;
    match bucket.replace(&key, to_json(&key, &items)?, None).await? {
        Put::Done { .. } => Ok(items),
        Put::Contended => Ok(read_json(&bucket, &key).await?.unwrap_or(items)),
    }
}

async fn table_items(
    run: &RunContext<'_>,
    table: &TableSource,
    read: &ReadState,
    source: &mut Source,
    snapshot: &mut SourceSnapshot,
) -> Result<Vec<WorkItem>, ExtractError> {
    let state = &*comparable(&read.state);
    let basis = basis(run, table);
    let hinted = hinted_ranges(run, table, state, source, snapshot)?;
    let plan = ExtractPlan::new(state, &basis, run.run_date, hinted);
    let ranges: Vec<Option<Vec<ChunkRange>>> = match plan.ranges {
        // Days are found by one look at the whole table, so that they are not shared out.
        Some(ranges) if !table.reading.finds_chunks => vec![Some(ranges)],
        Some(ranges) => ranges.chunks(HINTED_RANGES_PER_ITEM).map(|ranges| Some(ranges.to_vec())).collect(),
        None => match whole_table(table, state, run.rows_per_range, source, snapshot).await? {
            Some(ranges) => ranges.into_iter().map(|range| Some(vec![range])).collect(),
            None => vec![None],
        },
    };
    let mut items = Vec::new();
    for (item, ranges) in ranges.into_iter().enumerate() {
        items.push(WorkItem {
            table: table.spec.name.clone(),
            item,
            scope: plan.scope,
            estimated_rows: match &ranges {
                Some(ranges) => Some(estimated_rows(table, ranges, state, source).await?),
                None => table.row_count,
            },
            ranges,
            sequence: state.sequence,
            basis: basis.clone(),
            run_date: run.run_date,
            absent_columns: table.reading.absent_columns(table.spec),
        });
    }
    Ok(items)
}

/// About how many rows lie in these ranges: as many as the last run found there, or as the server estimates.
async fn estimated_rows(
    table: &TableSource,
    ranges: &[ChunkRange],
    state: &TableState,
    source: &mut Source,
) -> Result<u64, ExtractError> {
    let is_in = |chunk: &Chunk| ranges.iter().any(|range| range.contains(chunk));
    if !state.chunks.is_empty() {
        let known = state.chunks.iter().filter(|(chunk, _)| is_in(chunk));
        return Ok(known.map(|(_, known)| known.fingerprint.row_count).sum());
    }
    let mut estimated = 0;
    for condition in conditions(grid(table.spec, state), ranges, table.reading.finds_chunks, false) {
        estimated += match condition {
            Some(condition) => source.estimate(&table.spec.name, &condition).await?,
            None => table.row_count.unwrap_or_default(),
        };
    }
    Ok(estimated)
}

/// Captures one work item. One that was captured before is not read again.
///
/// # Errors
/// As for a run; also when the plan does not fit the source or the state any more.
pub(crate) async fn chunk(
    config: &Config,
    table: &str,
    item: usize,
    stop: Arc<AtomicBool>,
) -> Result<(), ExtractError> {
    let bucket = bucket(config).await?;
    let spec = table_spec(table).map_err(crate::config::ConfigError::from)?;
    let items = planned(config, &bucket).await?;
    let planned = items.iter().find(|planned| planned.table == table && planned.item == item);
    let unplanned = || ExtractError::Unplanned { run_id: config.run_id.clone(), table: table.to_owned(), item };
    let planned = planned.ok_or_else(unplanned)?;
    let key = object_key::extract_part(&config.run_id, table, item);
    if bucket.read(&key).await?.is_some() {
        tracing::info!(table, item, run_id = %config.run_id, "captured before");
        return Ok(());
    }
    let started = Instant::now();
    let run = RunContext::new(&as_planned(config, planned)?, &bucket, None, &stop)?;
    let read = compared_state(&run, spec, planned).await?;
    let state = comparable(&read.state);
    let mut source = Source::open(&config.source, stop.clone()).await?;
    let tables = plan_tables(&mut source, &[spec]).await?;
    let mut snapshot = SourceSnapshot::open(&mut source, &[spec], config.connections).await?;
    for table in &tables {
        if basis(&run, table) != planned.basis {
            return Err(ExtractError::OtherBasis { table: spec.name.clone(), run_id: config.run_id.clone() });
        }
        let plan = planned.extract_plan(&state);
        let ranges = planned.ranges.as_deref();
        let capture = capture_ranges(&run, table, &plan, ranges, &mut snapshot, &state, &new_attempt())?;
        let part = Part { snapshot: snapshot.described(&run, &source), capture };
        // Whoever is first counts; the files of the others are removed after the seal.
        bucket.replace(&key, to_json(&key, &part)?, None).await?;
        let row_count: u64 = part.capture.chunks.values().map(|chunk| chunk.fingerprint.row_count).sum();
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(table = spec.name, item, run_id = %config.run_id, row_count, duration_ms, "captured");
    }
    source.close().await;
    Ok(())
}

/// Seals every table of the plan whose work items are all captured.
///
/// # Errors
/// When some are missing, or the state is not the one that they were compared with.
pub(crate) async fn seal(config: &Config, stop: Arc<AtomicBool>) -> Result<Receipt, ExtractError> {
    let (started_at, started) = (Utc::now(), Instant::now());
    let bucket = bucket(config).await?;
    let mut manifests = sealed_before(config, &bucket).await?;
    let items = planned(config, &bucket).await?;
    let mut by_table: BTreeMap<&str, Vec<&WorkItem>> = BTreeMap::new();
    for item in &items {
        by_table.entry(&item.table).or_default().push(item);
    }
    let (mut context, mut missing) = (None, BTreeMap::new());
    for (table, items) in by_table {
        let first = items[0];
        let run = context.insert(RunContext::new(&as_planned(config, first)?, &bucket, None, &stop)?);
        if manifests.contains_key(table) {
            continue;
        }
        let spec = table_spec(table).map_err(crate::config::ConfigError::from)?;
        let read = compared_state(run, spec, first).await?;
        let compared = comparable(&read.state);
        let (capture, snapshot) = match joined_parts(run, &items, compared.chunks.is_empty()).await? {
            // The others need not wait for it.
            Err(items) => {
                missing.insert(table.to_owned(), items);
                continue;
            }
            Ok(parts) => parts,
        };
        let plan = WorkItem { ranges: all_ranges(&items), ..first.clone() }.extract_plan(&compared);
        let (absent_columns, basis) = (first.absent_columns.clone(), first.basis.clone());
        let manifest = manifest(run, spec, absent_columns, basis, &plan, &read.state, capture, snapshot)?;
        seal_table(run, &manifest, read, started_at, started).await?;
        manifests.insert(table.to_owned(), manifest);
    }
    let receipt = match &context {
        Some(run) => add_to_receipt(run, &manifests, started).await?,
        None => {
            let run = RunContext::new(config, &bucket, manifests.values().next(), &stop)?;
            add_to_receipt(&run, &manifests, started).await?
        }
    };
    if missing.is_empty() {
        return Ok(receipt);
    }
    Err(ExtractError::MissingParts { run_id: config.run_id.clone(), missing })
}

/// The results of all work items of a table together, or the numbers of those that are not captured yet.
async fn joined_parts(
    run: &RunContext<'_>,
    items: &[&WorkItem],
    may_coarsen: bool,
) -> Result<Result<(Capture, Snapshot), Vec<usize>>, ExtractError> {
    let mut missing = Vec::new();
    let mut joined: Option<Part> = None;
    for item in items {
        let key = object_key::extract_part(&run.run_id, &item.table, item.item);
        let Some(part) = read_json::<Part>(run.bucket, &key).await? else {
            missing.push(item.item);
            continue;
        };
        match &mut joined {
            None => joined = Some(part),
            Some(joined) => {
                joined.snapshot.at = joined.snapshot.at.min(part.snapshot.at);
                joined.capture.join(part.capture);
            }
        }
    }
    match joined {
        Some(mut joined) if missing.is_empty() => {
            if may_coarsen {
                joined.capture.coarsen();
            }
            joined.snapshot.mode.push_str("; each work item has its own");
            Ok(Ok((joined.capture, joined.snapshot)))
        }
        _ => Ok(Err(missing)),
    }
}

impl WorkItem {
    /// Where its rows lie, in words.
    pub(crate) fn place(&self) -> String {
        match self.ranges.as_deref() {
            None => "the whole table".to_owned(),
            Some([]) => "nothing".to_owned(),
            Some([range]) => range.to_string(),
            Some([first, .., last]) => format!("{first}, …, {last}"),
        }
    }

    fn extract_plan(&self, state: &TableState) -> ExtractPlan {
        match &self.ranges {
            Some(ranges) => ExtractPlan::within(state, &self.basis, self.run_date, self.scope, ranges.clone()),
            None => ExtractPlan::new(state, &self.basis, self.run_date, None),
        }
    }
}

fn all_ranges(items: &[&WorkItem]) -> Option<Vec<ChunkRange>> {
    items.iter().map(|item| item.ranges.clone()).collect::<Option<Vec<_>>>().map(|ranges| ranges.concat())
}

/// The configuration for the date that was planned.
fn as_planned(config: &Config, item: &WorkItem) -> Result<Config, ExtractError> {
    Ok(Config { as_of: Some(run_date(config, Some(item.run_date))?), ..config.clone() })
}

/// The state, if it still is the one that the plan was made on.
async fn compared_state(run: &RunContext<'_>, spec: &TableSpec, item: &WorkItem) -> Result<ReadState, ExtractError> {
    let read = settled_state(run.bucket, spec, &run.run_id).await?;
    if read.state.sequence == item.sequence {
        Ok(read)
    } else {
        Err(ExtractError::StalePlan { table: spec.name.clone(), run_id: run.run_id.clone() })
    }
}

async fn planned(config: &Config, bucket: &Bucket) -> Result<Vec<WorkItem>, ExtractError> {
    let planned = read_json(bucket, &object_key::extract_plan(&config.run_id)).await?;
    planned.ok_or_else(|| ExtractError::NoPlan { run_id: config.run_id.clone() })
}
