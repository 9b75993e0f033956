//! One table: what to read of it, two passes over it, and the manifest that says what was found.

use crate::{
    capture::{Capture, capture},
    cell::SourceZone,
    data_files::FileLayout,
    error::ExtractError,
    extract_plan::{ChunkRange, ExtractPlan, Hinted, emptied_chunks, hinted, ranges, split_keys},
    progress::TableProgress,
    reader::{MAX_CHUNKS, Reader},
    snapshot::SourceSnapshot,
    source::Source,
    source_schema::{TableReading, quoted},
    table_writer::{Destination, RuleCounts, TableWriter},
    throttle::Throttle,
};
use rental_core::{
    Chunk, ChunkGrid, Fingerprint, Manifest, RecheckedChunk, ReplacedChunk, RowCounts, RowRule, RowValidator,
    RuleContext, RunDate, RunId, SealStatus, Snapshot, TableSpec, TableState, object_key,
};
use rental_task::Bucket;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicBool,
};
use tokio::{runtime::Handle, task::block_in_place};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

/// Raised with every change of what a value of the source becomes, so that what was written before it is written anew.
const DECODING_VERSION: u32 = 1;
/// A table that grows by itself is not captured anew for every few chunks.
const FAR_TOO_MANY_CHUNKS: usize = 4 * MAX_CHUNKS;
/// Below this the rows of a table are on their way sooner than a second statement is.
const SHARED_BYTES: u64 = 16 * 1024 * 1024;

/// What is the same for all tables of a run.
pub(crate) struct RunContext<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) run_id: RunId,
    pub(crate) run_date: RunDate,
    pub(crate) source_zone: SourceZone,
    pub(crate) rules: RuleContext,
    pub(crate) is_sweep: bool,
    /// Tables of fewer rows are always read whole.
    pub(crate) hint_min_rows: u64,
    /// Rows that one connection or task reads at a time, where a table is shared out.
    pub(crate) rows_per_range: u64,
    pub(crate) layout: FileLayout,
    pub(crate) throttle: Throttle,
    pub(crate) stop: &'a AtomicBool,
}

/// A table as the source has it.
#[derive(Debug, Clone)]
pub(crate) struct TableSource {
    pub(crate) spec: &'static TableSpec,
    pub(crate) reading: TableReading,
    /// The server's estimate.
    pub(crate) row_count: Option<u64>,
    /// The same of the bytes that the rows take there.
    pub(crate) byte_count: Option<u64>,
}

impl TableSource {
    /// Rows that each of several readers gets of a table that is worth sharing out.
    fn share_of(&self, readers: usize) -> u64 {
        match (self.row_count, self.byte_count) {
            // Estimates of the shares differ a little from each other.
            (Some(rows), Some(bytes)) if bytes >= SHARED_BYTES => (rows / readers as u64).saturating_mul(9) / 8 + 1,
            _ => u64::MAX,
        }
    }
}

/// Reads a table and writes what changed; the manifest that seals it is returned, not written.
///
/// # Errors
/// When source or bucket fail, or the numbers do not balance.
pub(crate) async fn extract_table(
    run: &RunContext<'_>,
    table: &TableSource,
    source: &mut Source,
    snapshot: &mut SourceSnapshot,
    state: &TableState,
    attempt: &str,
) -> Result<Manifest, ExtractError> {
    let basis = basis(run, table);
    let compared = &*comparable(state);
    let hinted = hinted_ranges(run, table, compared, source, snapshot)?;
    let plan = ExtractPlan::new(compared, &basis, run.run_date, hinted);
    let ranges = match &plan.ranges {
        None if snapshot.readers.len() > 1 => {
            let rows_per_range = run.rows_per_range.min(table.share_of(snapshot.readers.len()));
            whole_table(table, compared, rows_per_range, source, snapshot).await?
        }
        ranges => ranges.clone(),
    };
    let captured = capture_ranges(run, table, &plan, ranges.as_deref(), snapshot, compared, attempt)?;
    let absent_columns = table.reading.absent_columns(table.spec);
    manifest(run, table.spec, absent_columns, basis, &plan, state, captured, snapshot.described(run, source))
}

/// Captures these ranges of a table, or all of it.
///
/// # Errors
/// When source or bucket fail.
pub(crate) fn capture_ranges(
    run: &RunContext<'_>,
    table: &TableSource,
    plan: &ExtractPlan,
    ranges: Option<&[ChunkRange]>,
    snapshot: &mut SourceSnapshot,
    state: &TableState,
    attempt: &str,
) -> Result<Capture, ExtractError> {
    let TableSource { spec, reading, .. } = table;
    let validator = RowValidator::new(spec, run.rules.clone(), reading.absent_columns(spec))?;
    let progress = TableProgress::new(spec, table.row_count);
    let reader = Reader {
        spec,
        reading,
        place: &snapshot.place,
        grid: grid(table.spec, state),
        source_zone: &run.source_zone,
        // What is known of a table is known in its grid.
        may_coarsen: state.chunks.is_empty(),
        seed: xxh3_64(basis(run, table).as_bytes()),
        readings: &plan.readings,
        throttle: &run.throttle,
        progress: &progress,
        stop: run.stop,
        gives_up: &AtomicBool::new(false),
    };
    let statements = match ranges {
        Some(ranges) => reader.statements(ranges),
        None => {
            let is_shared = table.byte_count.is_some_and(|bytes| bytes >= SHARED_BYTES)
                || table.row_count.is_some_and(|rows| rows >= run.rows_per_range);
            reader.statements_of_all(state, if is_shared { snapshot.readers.len() } else { 1 })
        }
    };
    let runtime = Handle::current();
    let destination =
        Destination { bucket: run.bucket, runtime: runtime.clone(), run_id: &run.run_id, attempt, layout: run.layout };
    let writer = TableWriter::new(spec, reading, &validator, &progress, &destination);
    let captured =
        block_in_place(|| capture(&reader, plan, state, statements, &mut snapshot.readers, writer, &runtime));
    progress.finish();
    captured
}

/// The state that a table is compared with: nothing, once there are far too many chunks in its grid, because keys that lay close
/// together came to lie far apart. Then the table is captured as on the first run, in a coarser grid.
pub(crate) fn comparable(state: &TableState) -> Cow<'_, TableState> {
    if state.chunks.len() > FAR_TOO_MANY_CHUNKS {
        Cow::Owned(TableState { chunks: BTreeMap::new(), ..state.clone() })
    } else {
        Cow::Borrowed(state)
    }
}

/// How a table is cut: as it was at first.
pub(crate) fn grid<'t>(spec: &'t TableSpec, state: &'t TableState) -> &'t ChunkGrid {
    state.chunk_grid.as_ref().unwrap_or(&spec.chunk_grid)
}

/// What a hinted run looks at; `None` for a sweep, which small tables always get: it costs next to nothing there.
pub(crate) fn hinted_ranges(
    run: &RunContext<'_>,
    table: &TableSource,
    state: &TableState,
    source: &Source,
    snapshot: &mut SourceSnapshot,
) -> Result<Option<Vec<ChunkRange>>, ExtractError> {
    let known_rows: u64 = state.chunks.values().map(|chunk| chunk.fingerprint.row_count).sum();
    if run.is_sweep || known_rows < run.hint_min_rows {
        return Ok(None);
    }
    let condition = match hinted(table.spec, run.run_date, state.snapshot_at) {
        Hinted::Ranges(ranges) => return Ok(Some(ranges)),
        Hinted::RowsWhere(condition) => condition,
    };
    let ChunkGrid::Key { column, width } = grid(table.spec, state) else { return Ok(None) };
    let column = quoted(column);
    // Rounded towards zero, so that the chunks on either side of it come as one group: both its ends are looked at.
    let statement = format!(
        "select min({column}), max({column}) from {} where {condition} group by {column} div {width}",
        quoted(&table.spec.name)
    );
    let failed = |error| source.failed("look for rows that may have changed", error);
    let groups = block_in_place(|| snapshot.readers[0].integers(&statement)).map_err(failed)?;
    let chunks = groups.into_iter().flatten().flatten().map(|key| Chunk::of_key(key, *width));
    Ok(Some(ranges(chunks)))
}

/// All of a table in ranges of about as many rows each; `None` where it cannot be shared out or is not worth it.
///
/// # Errors
/// When the source fails.
pub(crate) async fn whole_table(
    table: &TableSource,
    state: &TableState,
    rows_per_range: u64,
    source: &mut Source,
    snapshot: &mut SourceSnapshot,
) -> Result<Option<Vec<ChunkRange>>, ExtractError> {
    let TableSource { spec, reading, row_count, .. } = table;
    let ChunkGrid::Key { column, width } = grid(table.spec, state) else { return Ok(None) };
    if !reading.finds_chunks || row_count.is_some_and(|rows| rows < rows_per_range) {
        return Ok(None);
    }
    let column = quoted(column);
    let bounds = format!("select min({column}), max({column}) from {}", quoted(&spec.name));
    let failed = |error| source.failed("read the lowest and the highest key", error);
    let bounds = block_in_place(|| snapshot.readers[0].integers(&bounds)).map_err(failed)?;
    let Some([Some(first), Some(last)]) = bounds.first().map(Vec::as_slice) else { return Ok(None) };
    let estimate = async |first: i64, last: i64| {
        source.estimate(&spec.name, &format!("{column} between {first} and {last}")).await
    };
    let mut ranges = split_keys((*first, *last), *width, rows_per_range, estimate).await?;
    // Whatever lies beyond the bounds in another snapshot, and what has no place in the grid.
    if let Some(ChunkRange::Keys { first, .. }) = ranges.first_mut() {
        *first = i64::MIN;
    }
    if let Some(ChunkRange::Keys { last, .. }) = ranges.last_mut() {
        *last = i64::MAX;
    }
    ranges.push(ChunkRange::Nowhere);
    Ok(Some(ranges))
}

/// What sets the files of one attempt apart from those of all others.
pub(crate) fn new_attempt() -> String {
    Uuid::new_v4().simple().to_string()[..8].to_owned()
}

/// What decides, beside the rows, what is written for them: a change of these is a change of every chunk.
pub(crate) fn basis(run: &RunContext<'_>, table: &TableSource) -> String {
    let TableSource { spec, reading, .. } = table;
    let RuleContext { reporting_timezone, max_nights, .. } = &run.rules;
    let source_timezone = run.source_zone.timezone();
    let text = format!(
        "{} {} {DECODING_VERSION} {source_timezone} {reporting_timezone} {max_nights} {:?}",
        spec.contract_hash,
        RowRule::VERSION,
        reading.origins
    );
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// What was captured of a table on top of `state`, in the form that seals it.
///
/// # Errors
/// When the numbers do not balance.
#[expect(clippy::too_many_arguments, reason = "everything that a manifest tells")]
pub(crate) fn manifest(
    run: &RunContext<'_>,
    spec: &TableSpec,
    absent_columns: Vec<String>,
    basis: String,
    plan: &ExtractPlan,
    state: &TableState,
    capture: Capture,
    snapshot: Snapshot,
) -> Result<Manifest, ExtractError> {
    let mut rows = RowCounts::default();
    let mut unchanged_chunk_count = 0;
    let (mut standing, mut found) = (RuleCounts::default(), RuleCounts::default());
    let (mut replaced_chunks, mut rechecked_chunks) = (Vec::new(), Vec::new());
    for (chunk, captured) in &capture.chunks {
        let row_count = captured.fingerprint.row_count;
        rows.read += row_count;
        standing.add(&captured.violations);
        if !captured.is_written {
            unchanged_chunk_count += 1;
            rows.unchanged += row_count;
            if state.chunks.get(chunk).is_some_and(|known| known.violations != captured.violations) {
                rechecked_chunks.push(RecheckedChunk { chunk: *chunk, violations: captured.violations.clone() });
            }
            continue;
        }
        found.add(&captured.violations);
        let written = row_count.saturating_sub(captured.quarantined);
        rows.written += written;
        rows.quarantined += captured.quarantined;
        replaced_chunks.push(ReplacedChunk {
            chunk: *chunk,
            fingerprint: captured.fingerprint,
            written,
            quarantined: captured.quarantined,
            violations: captured.violations.clone(),
        });
    }
    let fingerprints: BTreeMap<_, _> =
        capture.chunks.iter().map(|(chunk, captured)| (*chunk, captured.fingerprint)).collect();
    let emptied = emptied_chunks(state, plan, &fingerprints).into_iter().map(|chunk| capture.chunk_grid.place(chunk));
    let emptied: BTreeSet<_> = emptied.filter(|chunk| !fingerprints.contains_key(chunk)).collect();
    replaced_chunks.extend(emptied.into_iter().map(|chunk| ReplacedChunk {
        chunk,
        fingerprint: Fingerprint::default(),
        written: 0,
        quarantined: 0,
        violations: Vec::new(),
    }));
    replaced_chunks.sort_by_key(|replaced| replaced.chunk);
    let mut unread_chunk_count = 0;
    for (_, unread) in state.chunks.iter().filter(|(chunk, _)| !plan.reads(chunk)) {
        unread_chunk_count += 1;
        rows.unread += unread.fingerprint.row_count;
        standing.add(&unread.violations);
    }
    let manifest = Manifest {
        format_version: Manifest::FORMAT_VERSION,
        status: SealStatus::Sealed,
        run_id: run.run_id.clone(),
        run_date: run.run_date,
        table: spec.name.clone(),
        contract_version: spec.contract_version,
        contract_hash: spec.contract_hash.clone(),
        basis,
        sequence: state.sequence + 1,
        snapshot,
        columns: spec.columns.iter().map(|column| column.name.clone()).collect(),
        absent_columns,
        chunk_grid: capture.chunk_grid,
        replaced_chunks,
        unchanged_chunk_count,
        scope: plan.scope,
        unread_chunk_count,
        rechecked_chunks,
        files: capture.files,
        copy_manifest: object_key::copy_manifest(&spec.name, &run.run_id, &new_attempt()),
        quarantine_files: capture.quarantine_files,
        rows,
        violations: standing.with_found(&found, spec, rows.read + rows.unread),
    };
    match manifest.imbalance() {
        Some(what) => Err(ExtractError::Imbalance { table: spec.name.clone(), what }),
        None => Ok(manifest),
    }
}
