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
    wire::{WireColumn, WireConnection, WireError},
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
    pub(crate) grid: &'a ChunkGrid,
    pub(crate) source_zone: &'a SourceZone,
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
    /// Reads the rows of a statement; returns the fingerprints of what was read, by chunk.
    ///
    /// # Errors
    /// When the connection is lost or nobody takes the rows.
    pub(crate) fn read(
        &self,
        connection: &mut WireConnection,
        statement: &str,
        batches: &SyncSender<RowBatch>,
    ) -> Result<HashMap<Chunk, Fingerprint>, ReadError> {
        let mut rows = connection.select(statement)?;
        let columns = rows.columns().to_vec();
        let zone = self.reading.selected.first().map_or(Zone::Utc, |position| self.reading.zone(*position));
        let mut builder = RowBatchBuilder::new(self.spec, self.reading, self.source_zone, &columns);
        let mut fingerprints = HashMap::new();
        let mut current: Option<Current> = None;
        let mut unreported = 0;
        while let Some(bytes) = rows.next()? {
            let place = self.place(&columns, bytes, zone)?;
            let to = match &mut current {
                Some(same) if same.holds(place) => same,
                _ => {
                    let next = self.begin(place);
                    if let Some(left) = current.replace(next) {
                        left.leave(&mut fingerprints);
                    }
                    let Some(next) = &mut current else { continue };
                    next
                }
            };
            match to.reading {
                ChunkReading::Ignore => {}
                ChunkReading::Hash => to.fingerprint.add(xxh3_128_with_seed(bytes, self.seed)),
                ChunkReading::Check | ChunkReading::Write => {
                    to.fingerprint.add(xxh3_128_with_seed(bytes, self.seed));
                    builder.push(bytes, to.chunk, to.reading == ChunkReading::Write)?;
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

    fn place(&self, columns: &[WireColumn], bytes: &[u8], zone: Zone) -> Result<Place, WireError> {
        // The column that places a row is the first.
        let value = SourceRow::new(columns, bytes)?.value()?;
        Ok(match (self.grid, value) {
            (ChunkGrid::Key { .. }, SourceValue::Int(key)) => Place::Key(key),
            (ChunkGrid::Day { .. }, SourceValue::Time(time)) => {
                self.source_zone.utc_day(time, zone).map_or(Place::Nowhere, Place::Day)
            }
            _ => Place::Nowhere,
        })
    }

    fn begin(&self, place: Place) -> Current {
        let chunk = match (place, self.grid) {
            (Place::Key(key), ChunkGrid::Key { width, .. }) => Chunk::of_key(key, *width),
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
        self.throttle.passed(rows);
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

    fn leave(self, fingerprints: &mut HashMap<Chunk, Fingerprint>) {
        if self.reading != ChunkReading::Ignore {
            let sum = fingerprints.entry(self.chunk).or_default();
            *sum = sum.with(self.fingerprint);
        }
    }
}

fn send(builder: &mut RowBatchBuilder<'_>, batches: &SyncSender<RowBatch>) -> Result<(), ReadError> {
    match builder.finish()? {
        Some(batch) => batches.send(batch).map_err(|_| ReadError::NotWanted),
        None => Ok(()),
    }
}
