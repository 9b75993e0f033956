//! Reads rows from one connection: places each in its chunk, adds it to the chunk's fingerprint, and decodes only what is to
//! be checked or written.

use crate::{
    cell::SourceZone,
    extract_plan::ChunkRange,
    progress::TableProgress,
    row_batch::{RowBatch, RowBatchBuilder},
    source_row::{SourceRow, SourceValue},
    source_schema::{TableReading, Zone},
    throttle::Throttle,
    wire::{WireConnection, WireError},
};
use arrow::error::ArrowError;
use chrono::{Duration, NaiveDate};
use rental_core::{Chunk, ChunkGrid, Fingerprint, TableSpec};
use std::{
    collections::HashMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// More chunks than this make a state that takes longer to read than the rows of a chunk.
pub(crate) const MAX_CHUNKS: usize = 20_000;
/// By how much the grid of a table whose keys lie far apart is made coarser at a time.
const COARSER: u64 = 16;
/// Rows after which the throttle and the progress bar hear of them.
const REPORTED_ROWS: u64 = 1024;

/// What is done with the rows of a chunk. Every row that is not ignored counts in the fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkReading {
    /// They came along with others.
    Ignore,
    /// Nothing else: the fingerprint tells whether they changed.
    Hash,
    /// They are checked against the rules.
    Check,
    /// They are checked, and those that pass are written.
    Write,
}

/// What is done with each chunk.
#[derive(Debug, Clone)]
pub(crate) struct ChunkReadings {
    pub(crate) named: HashMap<Chunk, ChunkReading>,
    pub(crate) others: Others,
}

/// What is done with chunks that have no name: nobody has seen them before.
#[derive(Debug, Clone)]
pub(crate) enum Others {
    Ignore,
    Write,
    /// Of what lies outside these ranges, only some rows may have come along.
    WriteWithin(Vec<ChunkRange>),
}

impl ChunkReadings {
    pub(crate) fn of(&self, chunk: Chunk) -> ChunkReading {
        if let Some(reading) = self.named.get(&chunk) {
            return *reading;
        }
        let is_written = match &self.others {
            Others::Ignore => false,
            Others::Write => true,
            Others::WriteWithin(ranges) => ranges.iter().any(|range| range.contains(&chunk)),
        };
        if is_written { ChunkReading::Write } else { ChunkReading::Ignore }
    }
}

/// Why rows could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the rows cannot be put into columns")]
    Encode(#[from] ArrowError),
    /// Whoever takes the batches gave up, and knows why.
    #[error("nobody takes the rows any more")]
    NotWanted,
}

/// How the rows of one table are read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) spec: &'a TableSpec,
    pub(crate) reading: &'a TableReading,
    /// The source in messages.
    pub(crate) place: &'a str,
    pub(crate) grid: &'a ChunkGrid,
    pub(crate) source_zone: &'a SourceZone,
    /// Whether the grid may be made coarser: nobody has seen the table before.
    pub(crate) may_coarsen: bool,
    /// Sets fingerprints of another basis apart.
    pub(crate) seed: u64,
    pub(crate) readings: &'a ChunkReadings,
    pub(crate) throttle: &'a Throttle,
    pub(crate) progress: &'a TableProgress,
    /// The signal to end the run.
    pub(crate) stop: &'a AtomicBool,
    /// Set by a reader that failed, for the others.
    pub(crate) gives_up: &'a AtomicBool,
}

/// What was read of each chunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fingerprints {
    pub(crate) by_chunk: HashMap<Chunk, Fingerprint>,
    /// Width of the key ranges; none of days.
    width: Option<u64>,
}

/// The chunk that rows go to at the moment; most rows go to the same as the one before.
struct Current {
    place: Place,
    chunk: Chunk,
    reading: ChunkReading,
    fingerprint: Fingerprint,
}

/// Where a row stands in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Key(i64),
    Day(i32),
    Nowhere,
}

impl Reader<'_> {
    /// Reads the rows of a statement; returns the fingerprints of what was read.
    ///
    /// # Errors
    /// When the connection is lost or nobody takes the rows.
    pub(crate) fn read(
        &self,
        connection: &mut WireConnection,
        statement: &str,
        batches: &SyncSender<RowBatch>,
    ) -> Result<Fingerprints, ReadError> {
        let mut rows = connection.select(statement)?;
        let columns = rows.columns().to_vec();
        // The column that places a row is the first.
        let placing = *columns.first().ok_or(WireError::Protocol("rows without columns"))?;
        let zone = self.reading.selected.first().map_or(Zone::Utc, |position| self.reading.zone(*position));
        let mut builder = RowBatchBuilder::new(self.spec, self.reading, self.source_zone, &columns);
        let mut fingerprints = Fingerprints::of(self.grid);
        let mut current: Option<Current> = None;
        let mut unreported = 0;
        while let Some(bytes) = rows.next()? {
            let place = self.place(SourceRow::new(columns.len(), bytes)?.first_value(placing)?, zone);
            let to = match &mut current {
                Some(same) if same.holds(place) => same,
                _ => {
                    if let Some(left) = current.take() {
                        left.leave(&mut fingerprints);
                        fingerprints.coarsen(self.may_coarsen);
                    }
                    current.insert(self.begin(place, fingerprints.width))
                }
            };
            match to.reading {
                ChunkReading::Ignore => {}
                ChunkReading::Hash => to.fingerprint.add(xxh3_128_with_seed(bytes, self.seed)),
                ChunkReading::Check | ChunkReading::Write => {
                    to.fingerprint.add(xxh3_128_with_seed(bytes, self.seed));
                    builder.push(bytes, to.chunk, to.reading == ChunkReading::Write);
                    if builder.is_full() {
                        send(&mut builder, batches)?;
                    }
                }
            }
            unreported += 1;
            if unreported == REPORTED_ROWS {
                self.report(&mut unreported)?;
            }
        }
        self.report(&mut unreported)?;
        if let Some(left) = current {
            left.leave(&mut fingerprints);
        }
        send(&mut builder, batches)?;
        Ok(fingerprints)
    }

    fn place(&self, value: SourceValue<'_>, zone: Zone) -> Place {
        match (self.grid, value) {
            (ChunkGrid::Key { .. }, SourceValue::Int(key)) => Place::Key(key),
            (ChunkGrid::Day { .. }, SourceValue::Time(time)) => {
                self.source_zone.utc_day(time, zone).map_or(Place::Nowhere, Place::Day)
            }
            _ => Place::Nowhere,
        }
    }

    fn begin(&self, place: Place, width: Option<u64>) -> Current {
        let chunk = match (place, width) {
            (Place::Key(key), Some(width)) => Chunk::of_key(key, width),
            (Place::Day(day), _) => {
                Chunk::Day { day: NaiveDate::default().checked_add_signed(Duration::days(day.into())) }
            }
            (Place::Key(_) | Place::Nowhere, _) => Chunk::WITHOUT_PLACE,
        };
        Current { place, chunk, reading: self.readings.of(chunk), fingerprint: Fingerprint::default() }
    }

    fn report(&self, unreported: &mut u64) -> Result<(), ReadError> {
        let rows = std::mem::take(unreported);
        self.progress.read(rows);
        let is_over = || [self.stop, self.gives_up].iter().any(|flag| flag.load(Ordering::Relaxed));
        self.throttle.passed(rows, is_over);
        if self.stop.load(Ordering::Relaxed) {
            return Err(WireError::Stopped.into());
        }
        if self.gives_up.load(Ordering::Relaxed) { Err(ReadError::NotWanted) } else { Ok(()) }
    }
}

impl Current {
    fn holds(&self, place: Place) -> bool {
        match (place, self.chunk) {
            (Place::Key(key), Chunk::Keys { first, last }) => (first..=last).contains(&key),
            _ => place == self.place,
        }
    }

    fn leave(self, fingerprints: &mut Fingerprints) {
        if self.reading != ChunkReading::Ignore {
            fingerprints.add(self.chunk, self.fingerprint);
        }
    }
}

impl Fingerprints {
    pub(crate) fn of(grid: &ChunkGrid) -> Self {
        let width = match grid {
            ChunkGrid::Key { width, .. } => Some(*width),
            ChunkGrid::Day { .. } => None,
        };
        Self { by_chunk: HashMap::new(), width }
    }

    /// Adds what was read elsewhere, in the coarser grid of both.
    pub(crate) fn join(&mut self, mut other: Self, may_coarsen: bool) {
        let width = self.width.max(other.width);
        self.widen(width);
        other.widen(width);
        other.by_chunk.into_iter().for_each(|(chunk, part)| self.add(chunk, part));
        self.coarsen(may_coarsen);
    }

    /// The grid that the chunks are of.
    pub(crate) fn grid(&self, grid: &ChunkGrid) -> ChunkGrid {
        match (grid, self.width) {
            (ChunkGrid::Key { column, .. }, Some(width)) => ChunkGrid::Key { column: column.clone(), width },
            (grid, _) => grid.clone(),
        }
    }

    fn add(&mut self, chunk: Chunk, part: Fingerprint) {
        let sum = self.by_chunk.entry(chunk).or_default();
        *sum = sum.with(part);
    }

    /// Fingerprints are sums, so that those of the parts make that of the whole.
    fn coarsen(&mut self, may_coarsen: bool) {
        while let Some(coarser) = coarser(self.width, self.by_chunk.len()).filter(|_| may_coarsen) {
            self.widen(Some(coarser));
        }
    }

    fn widen(&mut self, width: Option<u64>) {
        if let Some(width) = width.filter(|_| width != self.width) {
            self.width = Some(width);
            for (chunk, part) in std::mem::take(&mut self.by_chunk) {
                self.add(chunk.within(width), part);
            }
        }
    }
}

/// The width that so many chunks should rather have, if another one.
pub(crate) fn coarser(width: Option<u64>, chunk_count: usize) -> Option<u64> {
    width.filter(|_| chunk_count > MAX_CHUNKS)?.checked_mul(COARSER)
}

fn send(builder: &mut RowBatchBuilder<'_>, batches: &SyncSender<RowBatch>) -> Result<(), ReadError> {
    match builder.finish()? {
        Some(batch) => batches.send(batch).map_err(|_| ReadError::NotWanted),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_lie_far_apart_make_a_coarser_grid_with_the_same_sums() {
        let grid = ChunkGrid::Key { column: "id".into(), width: 10 };
        let mut parts = [Fingerprints::of(&grid), Fingerprints::of(&grid)];
        for key in 0..50_000_i64 {
            let part = &mut parts[usize::from(key % 5 == 0)];
            let chunk = Chunk::of_key(key * 1_000_000, 10).within(part.width.unwrap());
            part.add(chunk, Fingerprint { row_count: 1, hash: 3 });
            part.coarsen(true);
        }
        let [mut sum, other] = parts;
        sum.join(other, true);
        assert!(sum.by_chunk.len() <= MAX_CHUNKS, "{}", sum.by_chunk.len());
        let total = sum.by_chunk.values().fold(Fingerprint::default(), |sum, part| sum.with(*part));
        assert_eq!(total, Fingerprint { row_count: 50_000, hash: 150_000 });
        let ChunkGrid::Key { width, .. } = sum.grid(&grid) else { panic!("another grid") };
        assert!(sum.by_chunk.keys().all(|chunk| chunk.within(width) == *chunk), "chunks of two widths");
    }

    #[test]
    fn a_grid_that_is_known_stays() {
        let mut known = Fingerprints::of(&ChunkGrid::Key { column: "id".into(), width: 10 });
        (0..30_000).for_each(|key| known.add(Chunk::of_key(key * 10, 10), Fingerprint::default()));
        known.coarsen(false);
        assert_eq!((known.by_chunk.len(), known.width), (30_000, Some(10)));
    }
}
