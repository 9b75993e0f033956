//! One table: its rows in the order of their chunks, each chunk compared with what the last sealed run saw of it, and the
//! changed ones written.

use crate::{
    cell::utc_day,
    chunk_buffer::{BufferError, ChunkBuffer, FinishedChunk, RuleCounts, TableContext, add_counts},
    data_files::DataFiles,
    error::ExtractError,
    quarantine::{quarantine_batch, quarantine_schema},
    source::{SNAPSHOT_MODE, SourceSnapshot},
    source_schema::{ColumnOrigin, TableReading, Zone},
};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use rental_core::{
    Chunk, ChunkGrid, Fingerprint, Manifest, ReplacedChunk, RowCounts, RowRule, RowValidator, RuleContext, RunDate,
    RunId, SealStatus, Snapshot, TableSpec, TableState, ViolationCount, object_key,
};
use rental_task::Bucket;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Chunks that may fill at once. Rows arrive in the order of local time, and around a clock change that of UTC days differs.
const OPEN_CHUNKS: usize = 2;

/// What is the same for all tables of a run.
#[derive(Debug, Clone)]
pub(crate) struct RunContext<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) run_id: RunId,
    pub(crate) run_date: RunDate,
    pub(crate) source_timezone: Tz,
    pub(crate) reporting_timezone: Tz,
    pub(crate) max_nights: u32,
}

/// Everything of a table that has passed so far.
struct Progress<'a> {
    state: &'a TableState,
    data_files: DataFiles<'a>,
    quarantine_files: DataFiles<'a>,
    replaced: Vec<ReplacedChunk>,
    seen: BTreeSet<Chunk>,
    unchanged_chunk_count: u64,
    rows: RowCounts,
    standing: RuleCounts,
    found: RuleCounts,
}

/// Reads a table and writes what changed; the manifest that seals it is returned, not written.
///
/// # Errors
/// When source or bucket fail, or the numbers do not balance.
pub(crate) async fn extract_table(
    run: &RunContext<'_>,
    spec: &'static TableSpec,
    reading: &TableReading,
    source: &mut SourceSnapshot,
    state: &TableState,
) -> Result<Manifest, ExtractError> {
    let rules =
        RuleContext { run_date: run.run_date, reporting_timezone: run.reporting_timezone, max_nights: run.max_nights };
    let validator = RowValidator::new(spec, rules, reading.absent_columns(spec))?;
    let position = |name: &str| spec.columns.iter().position(|column| column.name == name);
    let context = TableContext {
        spec,
        reading,
        validator: &validator,
        timezone: run.source_timezone,
        key_position: spec.primary_key.as_deref().and_then(position),
    };
    let grid = state.chunk_grid.as_ref().unwrap_or(&spec.chunk_grid);
    let place = ChunkPlace::new(spec, reading, grid, run.source_timezone);
    let seed = fingerprint_seed(run, spec, reading);

    let snapshot_at = source.at;
    let server_version = source.server_version.clone();
    let mut progress = Progress::new(run, spec, state);
    let mut open: BTreeMap<Chunk, ChunkBuffer> = BTreeMap::new();
    let mut without_place: Option<ChunkBuffer> = None;
    {
        let mut rows = source.rows(reading.select(spec), &spec.name);
        while let Some(selected) = rows.try_next().await? {
            let row_hash = row_hash(&selected, seed);
            let values = in_contract_order(reading, selected);
            let chunk = place.of(&values);
            if chunk == (Chunk::Day { day: None }) {
                let buffer = without_place.get_or_insert_with(|| ChunkBuffer::new(chunk, &context));
                buffer.push(values, row_hash, &context).map_err(encoding(spec))?;
                continue;
            }
            let buffer = match open.entry(chunk) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(_) if progress.seen.contains(&chunk) => {
                    return Err(ExtractError::OutOfOrder { table: spec.name.clone(), chunk });
                }
                Entry::Vacant(entry) => entry.insert(ChunkBuffer::new(chunk, &context)),
            };
            buffer.push(values, row_hash, &context).map_err(encoding(spec))?;
            if open.len() > OPEN_CHUNKS
                && let Some((_, oldest)) = open.pop_first()
            {
                progress.take(oldest.finish(&context).map_err(encoding(spec))?, spec).await?;
            }
        }
    }
    for buffer in open.into_values().chain(without_place) {
        progress.take(buffer.finish(&context).map_err(encoding(spec))?, spec).await?;
    }
    let snapshot = Snapshot {
        at: snapshot_at,
        mode: SNAPSHOT_MODE.to_owned(),
        server_version,
        source_timezone: run.source_timezone.to_string(),
    };
    progress.into_manifest(run, spec, reading, grid, snapshot).await
}

impl<'a> Progress<'a> {
    fn new(run: &'a RunContext<'_>, spec: &'a TableSpec, state: &'a TableState) -> Self {
        let data_key = |part| object_key::data_file(&spec.name, &run.run_id, part);
        let quarantine_key = |part| object_key::quarantine_file(&spec.name, &run.run_id, part);
        Self {
            state,
            data_files: DataFiles::new(run.bucket, spec.arrow_schema(), data_key),
            quarantine_files: DataFiles::new(run.bucket, quarantine_schema(), quarantine_key),
            replaced: Vec::new(),
            seen: BTreeSet::new(),
            unchanged_chunk_count: 0,
            rows: RowCounts::default(),
            standing: RuleCounts::new(),
            found: RuleCounts::new(),
        }
    }

    /// Writes a chunk if it changed, drops it if not; counts it either way.
    async fn take(&mut self, finished: FinishedChunk, spec: &TableSpec) -> Result<(), ExtractError> {
        self.seen.insert(finished.chunk);
        self.rows.read += finished.fingerprint.row_count;
        add_counts(&mut self.standing, &finished.rule_counts);
        if self.state.chunks.get(&finished.chunk) == Some(&finished.fingerprint) {
            self.unchanged_chunk_count += 1;
            self.rows.unchanged += finished.fingerprint.row_count;
            return Ok(());
        }
        add_counts(&mut self.found, &finished.rule_counts);
        for batch in &finished.good_rows {
            self.data_files.write(batch).await?;
        }
        if !finished.rejected_rows.is_empty() {
            let batch = quarantine_batch(spec, &finished.rejected_rows)
                .map_err(|source| ExtractError::Encode { table: spec.name.clone(), source })?;
            self.quarantine_files.write(&batch).await?;
        }
        let written = finished.good_rows.iter().map(|batch| batch.num_rows() as u64).sum();
        let quarantined = finished.rejected_rows.len() as u64;
        self.rows.written += written;
        self.rows.quarantined += quarantined;
        self.replaced.push(ReplacedChunk {
            chunk: finished.chunk,
            fingerprint: finished.fingerprint,
            written,
            quarantined,
        });
        Ok(())
    }

    async fn into_manifest(
        mut self,
        run: &RunContext<'_>,
        spec: &TableSpec,
        reading: &TableReading,
        grid: &ChunkGrid,
        snapshot: Snapshot,
    ) -> Result<Manifest, ExtractError> {
        let emptied = self.state.chunks.keys().filter(|chunk| !self.seen.contains(*chunk));
        let tombstone = |chunk: &Chunk| ReplacedChunk {
            chunk: *chunk,
            fingerprint: Fingerprint::default(),
            written: 0,
            quarantined: 0,
        };
        self.replaced.extend(emptied.map(tombstone));
        self.replaced.sort_by_key(|replaced| replaced.chunk);
        let manifest = Manifest {
            format_version: Manifest::FORMAT_VERSION,
            status: SealStatus::Sealed,
            run_id: run.run_id.clone(),
            run_date: run.run_date,
            table: spec.name.clone(),
            contract_version: spec.contract_version,
            contract_hash: spec.contract_hash.clone(),
            sequence: self.state.sequence + 1,
            snapshot,
            columns: spec.columns.iter().map(|column| column.name.clone()).collect(),
            absent_columns: reading.absent_columns(spec),
            chunk_grid: grid.clone(),
            replaced_chunks: self.replaced,
            unchanged_chunk_count: self.unchanged_chunk_count,
            files: self.data_files.finish().await?,
            quarantine_files: self.quarantine_files.finish().await?,
            rows: self.rows,
            violations: violations(&self.standing, &self.found),
        };
        match manifest.imbalance() {
            Some(what) => Err(ExtractError::Imbalance { table: spec.name.clone(), what }),
            None => Ok(manifest),
        }
    }
}

fn violations(standing: &RuleCounts, found: &RuleCounts) -> Vec<ViolationCount> {
    let count = |(&(rule, case), counted): (&(RowRule, _), &crate::chunk_buffer::RuleCount)| ViolationCount {
        rule,
        case,
        rule_version: RowRule::VERSION,
        severity: counted.severity,
        action: counted.action,
        standing: counted.count,
        found: found.get(&(rule, case)).map_or(0, |found| found.count),
        sample_keys: counted.sample_keys.clone(),
    };
    standing.iter().map(count).collect()
}

/// Places rows in chunks.
struct ChunkPlace<'a> {
    position: usize,
    zone: Zone,
    timezone: Tz,
    grid: &'a ChunkGrid,
}

impl<'a> ChunkPlace<'a> {
    fn new(spec: &TableSpec, reading: &TableReading, grid: &'a ChunkGrid, timezone: Tz) -> Self {
        // A contract names its chunk column, or it would not have been read.
        let position = spec.columns.iter().position(|column| column.name == grid.column()).unwrap_or_default();
        let zone = match &reading.origins[position] {
            ColumnOrigin::Selected { zone, .. } => *zone,
            ColumnOrigin::Absent | ColumnOrigin::Constant(_) => Zone::Utc,
        };
        Self { position, zone, timezone, grid }
    }

    fn of(&self, values: &[Option<String>]) -> Chunk {
        let text = values[self.position].as_deref();
        match self.grid {
            ChunkGrid::Key { width, .. } => match text.and_then(|text| text.parse().ok()) {
                Some(key) => Chunk::of_key(key, *width),
                None => Chunk::Day { day: None },
            },
            ChunkGrid::Day { .. } => Chunk::Day { day: text.and_then(|text| utc_day(text, self.zone, self.timezone)) },
        }
    }
}

/// Selected values with NULL for the columns that are not at the source.
fn in_contract_order(reading: &TableReading, selected: Vec<Option<String>>) -> Vec<Option<String>> {
    let mut selected = selected.into_iter();
    let value = |origin: &ColumnOrigin| match origin {
        ColumnOrigin::Selected { .. } => selected.next().flatten(),
        ColumnOrigin::Absent | ColumnOrigin::Constant(_) => None,
    };
    reading.origins.iter().map(value).collect()
}

/// Of everything beside the row that decides what is written for it: a change of these is a change of every chunk.
fn fingerprint_seed(run: &RunContext<'_>, spec: &TableSpec, reading: &TableReading) -> u64 {
    let text = format!("{} {} {} {:?}", spec.contract_hash, run.source_timezone, run.max_nights, reading.origins);
    xxh3_64(text.as_bytes())
}

/// Hash of a row: each value with its length, NULL apart from the empty text.
fn row_hash(values: &[Option<String>], seed: u64) -> u128 {
    let mut bytes = Vec::with_capacity(256);
    for value in values {
        match value {
            None => bytes.push(0),
            Some(text) => {
                bytes.push(1);
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    xxh3_128_with_seed(&bytes, seed)
}

fn encoding(spec: &TableSpec) -> impl Fn(BufferError) -> ExtractError {
    let table = spec.name.clone();
    move |error| match error {
        BufferError::Contract(fault) => fault.into(),
        BufferError::Encode(source) => ExtractError::Encode { table: table.clone(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_differ_anywhere_have_different_hashes() {
        let row = |values: &[Option<&str>]| {
            let values: Vec<_> = values.iter().map(|value| value.map(str::to_owned)).collect();
            row_hash(&values, 7)
        };
        let rows = [
            row(&[Some("a"), Some("b")]),
            row(&[Some("b"), Some("a")]),
            row(&[Some("ab"), Some("")]),
            row(&[Some("ab"), None]),
            row(&[None, Some("ab")]),
        ];
        let distinct: BTreeSet<_> = rows.iter().collect();
        assert_eq!(distinct.len(), rows.len());
        assert_ne!(row_hash(&[None], 1), row_hash(&[None], 2));
    }
}
