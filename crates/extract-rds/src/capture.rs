//! Two passes over a table. The first takes the fingerprint of every chunk and writes the rows of those that nobody has seen
//! before; the second reads the chunks again that are not what they were, and writes them. So a chunk that did not change is
//! read, hashed and dropped, nothing has to be kept in memory until it is known whether it changed, and the rows may come in
//! any order.

use crate::{
    error::ExtractError,
    extract_plan::{ExtractPlan, changed_chunks, conditions, ranges, shares},
    reader::{ChunkReading, ChunkReadings, Fingerprints, Others, ReadError, Reader, coarser},
    row_batch::RowBatch,
    source_error::SourceError,
    source_schema::Zone,
    table_writer::{ChunkTally, RuleCounts, TableWriter},
    wire::{WireConnection, WireError},
};
use rental_core::{Chunk, ChunkGrid, ChunkViolations, DataFile, Fingerprint, TableState};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{
        Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};
use tokio::runtime::Handle;

/// Batches that wait to be written, per reader.
const WAITING_BATCHES: usize = 2;

/// What was found of a table, and the files with its changed rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Capture {
    #[serde(with = "as_list")]
    pub(crate) chunks: BTreeMap<Chunk, CapturedChunk>,
    pub(crate) chunk_grid: ChunkGrid,
    pub(crate) files: Vec<DataFile>,
    pub(crate) quarantine_files: Vec<DataFile>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CapturedChunk {
    pub(crate) fingerprint: Fingerprint,
    /// Its good rows are in the files, the others in those of the quarantine.
    pub(crate) is_written: bool,
    pub(crate) quarantined: u64,
    pub(crate) violations: Vec<ChunkViolations>,
}

impl Capture {
    /// Adds what was captured of other rows of the table, in the coarser grid of both.
    pub(crate) fn join(&mut self, mut other: Self) {
        let width = self.width().max(other.width());
        self.widen(width);
        other.widen(width);
        other.chunks.into_iter().for_each(|(chunk, part)| self.add(chunk, part));
        self.files.append(&mut other.files);
        self.quarantine_files.append(&mut other.quarantine_files);
    }

    /// Makes the grid as coarse as one reader would have made it.
    pub(crate) fn coarsen(&mut self) {
        while let Some(coarser) = coarser(self.width(), self.chunks.len()) {
            self.widen(Some(coarser));
        }
    }

    fn width(&self) -> Option<u64> {
        match &self.chunk_grid {
            ChunkGrid::Key { width, .. } => Some(*width),
            ChunkGrid::Day { .. } => None,
        }
    }

    fn widen(&mut self, wanted: Option<u64>) {
        if let (ChunkGrid::Key { width, .. }, Some(wanted)) = (&mut self.chunk_grid, wanted)
            && *width != wanted
        {
            *width = wanted;
            let chunks = std::mem::take(&mut self.chunks);
            chunks.into_iter().for_each(|(chunk, part)| self.add(chunk.within(wanted), part));
        }
    }

    fn add(&mut self, chunk: Chunk, part: CapturedChunk) {
        match self.chunks.entry(chunk) {
            Entry::Vacant(vacant) => {
                vacant.insert(part);
            }
            Entry::Occupied(mut known) => known.get_mut().join(part),
        }
    }
}

impl CapturedChunk {
    fn join(&mut self, other: Self) {
        self.fingerprint = self.fingerprint.with(other.fingerprint);
        self.is_written |= other.is_written;
        self.quarantined += other.quarantined;
        let mut counts = RuleCounts::default();
        [&self.violations, &other.violations].into_iter().for_each(|part| counts.add(part));
        self.violations = counts.of_chunk();
    }
}

/// Captures what the plan reads. Blocks.
///
/// # Errors
/// When source or bucket fail; nothing is left of what was written then.
pub(crate) fn capture(
    reader: &Reader<'_>,
    plan: &ExtractPlan,
    state: &TableState,
    statements: Vec<String>,
    connections: &mut [WireConnection],
    writer: TableWriter<'_>,
    runtime: &Handle,
) -> Result<Capture, ExtractError> {
    let (mut writer, found) = pass(reader, statements, connections, writer, runtime)?;
    let changed = changed_chunks(state, plan, &found.by_chunk, |chunk| writer.quarantined(chunk));
    if !changed.is_empty() {
        writer.recount(&changed);
        let named = changed.iter().map(|chunk| (*chunk, ChunkReading::Write)).collect();
        let readings = ChunkReadings { named, others: Others::Ignore };
        let again = Reader { readings: &readings, ..*reader };
        let statements = reader.statements(&ranges(changed.iter().copied()));
        let (writer_after, found_again) = pass(&again, statements, connections, writer, runtime)?;
        writer = writer_after;
        for chunk in &changed {
            let (first, second) = (found.by_chunk.get(chunk), found_again.by_chunk.get(chunk));
            if first != second {
                writer.abort();
                return Err(ExtractError::SnapshotMoved { table: reader.spec.name.clone(), chunk: *chunk });
            }
        }
    }
    let written = writer.finish()?;
    let chunk_grid = found.grid(reader.grid);
    let tallies = match &chunk_grid {
        ChunkGrid::Key { width, .. } => tallies_within(written.tallies, *width),
        ChunkGrid::Day { .. } => written.tallies,
    };
    let chunks = found.by_chunk.into_iter().map(|(chunk, fingerprint)| {
        let is_written = changed.contains(&chunk) || plan.readings.of(chunk) == ChunkReading::Write;
        let tally = tallies.get(&chunk);
        let violations = match plan.readings.of(chunk) {
            // Nobody looked at its rows, which are the same as then.
            ChunkReading::Hash if !is_written => state.chunks.get(&chunk).map(|known| known.violations.clone()),
            _ => tally.map(|tally| tally.violations()),
        };
        let captured = CapturedChunk {
            fingerprint,
            is_written,
            quarantined: tally.map_or(0, |tally| tally.quarantined),
            violations: violations.unwrap_or_default(),
        };
        (chunk, captured)
    });
    let chunks = chunks.collect();
    Ok(Capture { chunks, chunk_grid, files: written.files, quarantine_files: written.quarantine_files })
}

/// Runs the statements over all connections, one after the other on each, and writes what comes.
fn pass<'w>(
    reader: &Reader<'_>,
    statements: Vec<String>,
    connections: &mut [WireConnection],
    writer: TableWriter<'w>,
    runtime: &Handle,
) -> Result<(TableWriter<'w>, Fingerprints), ExtractError> {
    let (sender, receiver) = sync_channel(WAITING_BATCHES * connections.len());
    let queue = Mutex::new(statements.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    reader.gives_up.store(false, Ordering::Relaxed);
    let (taken, read) = thread::scope(|scope| {
        let taking = scope.spawn(move || take_all(receiver, writer, runtime));
        let readings: Vec<_> = connections
            .iter_mut()
            .map(|connection| {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    let mut found = Fingerprints::of(reader.grid);
                    while let Some(statement) = next() {
                        let read = reader.read(connection, &statement, &sender);
                        // The others need not go on for nothing.
                        let read = read.inspect_err(|_| reader.gives_up.store(true, Ordering::Relaxed))?;
                        found.join(read, reader.may_coarsen);
                    }
                    Ok(found)
                })
            })
            .collect();
        drop(sender);
        let read: Vec<_> = readings.into_iter().map(|reading| reading.join()).collect();
        (taking.join(), read)
    });
    // A panic goes on where somebody sees it.
    let writer = taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let mut sum = Fingerprints::of(reader.grid);
    let mut first_error = None;
    for outcome in read {
        match outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Ok(found) => sum.join(found, reader.may_coarsen),
            // That another one gave up is not why.
            Err(ReadError::NotWanted) if first_error.is_some() => {}
            Err(error) => {
                if first_error.as_ref().is_none_or(|first| matches!(first, ReadError::NotWanted)) {
                    first_error = Some(error);
                }
            }
        }
    }
    match first_error {
        None => Ok((writer, sum)),
        Some(error) => {
            writer.abort();
            Err(reader.failed(error))
        }
    }
}

/// Tallies in the grid that the fingerprints came to have.
fn tallies_within(tallies: BTreeMap<Chunk, ChunkTally>, width: u64) -> BTreeMap<Chunk, ChunkTally> {
    let mut joined: BTreeMap<Chunk, ChunkTally> = BTreeMap::new();
    for (chunk, tally) in tallies {
        joined.entry(chunk.within(width)).or_default().join(tally);
    }
    joined
}

fn take_all<'w>(
    batches: Receiver<RowBatch>,
    writer: TableWriter<'w>,
    runtime: &Handle,
) -> Result<TableWriter<'w>, ExtractError> {
    let _context = runtime.enter();
    let mut writer = writer;
    for batch in batches {
        if let Err(error) = writer.take(&batch) {
            writer.abort();
            return Err(error);
        }
    }
    Ok(writer)
}

impl Reader<'_> {
    /// The statements that read these ranges.
    pub(crate) fn statements(&self, ranges: &[crate::extract_plan::ChunkRange]) -> Vec<String> {
        let zone = self.reading.selected.first().map_or(Zone::Utc, |position| self.reading.zone(*position));
        let conditions = conditions(self.grid, ranges, self.reading.finds_chunks, zone == Zone::Stated);
        conditions.iter().map(|condition| self.reading.select(self.spec, condition.as_deref())).collect()
    }

    /// The statements by which so many readers read all of a table that is not cut into ranges.
    pub(crate) fn statements_of_all(&self, state: &TableState, readers: usize) -> Vec<String> {
        let conditions = shares(self.grid, state, readers);
        conditions.iter().map(|condition| self.reading.select(self.spec, condition.as_deref())).collect()
    }

    fn failed(&self, error: ReadError) -> ExtractError {
        let table = self.spec.name.clone();
        match error {
            ReadError::Wire(WireError::Stopped) => ExtractError::Interrupted,
            ReadError::Wire(error) => {
                ExtractError::Read { table, source: SourceError::new("read rows", self.place, error) }
            }
            ReadError::Encode(source) => ExtractError::Encode { table, source },
            ReadError::NotWanted => ExtractError::Interrupted,
        }
    }
}

/// JSON has no maps with such keys.
mod as_list {
    use super::{BTreeMap, CapturedChunk, Chunk};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Listed {
        chunk: Chunk,
        #[serde(flatten)]
        captured: CapturedChunk,
    }

    pub(super) fn serialize<S: Serializer>(
        chunks: &BTreeMap<Chunk, CapturedChunk>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(chunks.iter().map(|(chunk, captured)| Listed { chunk: *chunk, captured: captured.clone() }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Chunk, CapturedChunk>, D::Error> {
        let entries = Vec::<Listed>::deserialize(deserializer)?;
        Ok(entries.into_iter().map(|entry| (entry.chunk, entry.captured)).collect())
    }
}
