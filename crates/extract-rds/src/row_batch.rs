//! Rows on their way from the source to a file: as columns of Arrow, with the faults that were found and, in case one is
//! rejected, the bytes that the server sent.

use crate::{
    cell::{CellBuilder, SourceZone},
    reader::ReadError,
    source_row::{SourceColumn, SourceRow},
    source_schema::{ColumnOrigin, TableReading},
    wire::{WireColumn, WireError},
};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use rental_core::{Chunk, TableSpec, ValueFault, unchecked_schema};
use std::{mem, sync::Arc};

/// Rows that are decoded and checked at a time.
const BATCH_ROWS: usize = 8192;
/// Bytes of the source that are decoded and checked at a time, so that wide rows stay within bounds as well.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Rows of which one column is decoded at a time: few enough that their bytes stay in the nearest cache, and enough that what
/// kind of column it is need not be asked for each value.
const DECODED_ROWS: usize = 256;

/// Some rows of one table, in the order in which they came.
pub(crate) struct RowBatch {
    /// The contract's columns, faulty values NULL.
    pub(crate) columns: RecordBatch,
    pub(crate) faults: Vec<ValueFault>,
    pub(crate) rows: SourceRows,
    /// Which chunk the rows belong to, from the named row on.
    runs: Vec<ChunkRun>,
}

struct ChunkRun {
    first_row: usize,
    chunk: Chunk,
    writes: bool,
}

/// The bytes of rows, one after the other.
pub(crate) struct SourceRows {
    columns: Arc<[WireColumn]>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Fills batches.
pub(crate) struct RowBatchBuilder<'a> {
    reading: &'a TableReading,
    schema: SchemaRef,
    source_zone: &'a SourceZone,
    builders: Vec<CellBuilder>,
    faults: Vec<ValueFault>,
    rows: SourceRows,
    runs: Vec<ChunkRun>,
}

impl<'a> RowBatchBuilder<'a> {
    /// For rows of these columns, as the server describes them.
    pub(crate) fn new(
        spec: &TableSpec,
        reading: &'a TableReading,
        source_zone: &'a SourceZone,
        columns: &[WireColumn],
    ) -> Self {
        let builder = |(position, column): (usize, &rental_core::ColumnSpec)| {
            CellBuilder::new(column.column_type, reading.zone(position))
        };
        Self {
            reading,
            schema: unchecked_schema(spec),
            source_zone,
            builders: spec.columns.iter().enumerate().map(builder).collect(),
            faults: Vec::new(),
            rows: SourceRows::of(columns.into(), 0),
            runs: Vec::new(),
        }
    }

    /// Takes in a row of `chunk`, to be written or only to be checked.
    pub(crate) fn push(&mut self, bytes: &[u8], chunk: Chunk, writes: bool) {
        if self.runs.last().is_none_or(|run| (run.chunk, run.writes) != (chunk, writes)) {
            self.runs.push(ChunkRun { first_row: self.rows.count(), chunk, writes });
        }
        self.rows.bytes.extend_from_slice(bytes);
        self.rows.ends.push(self.rows.bytes.len());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.count() >= BATCH_ROWS || self.rows.bytes.len() >= BATCH_BYTES
    }

    /// The rows so far, if any; the builder starts anew.
    ///
    /// # Errors
    /// When the bytes are not rows of these columns.
    pub(crate) fn finish(&mut self) -> Result<Option<RowBatch>, ReadError> {
        let row_count = self.rows.count();
        if row_count == 0 {
            return Ok(None);
        }
        self.decode()?;
        for (builder, origin) in self.builders.iter_mut().zip(&self.reading.origins) {
            let value = match origin {
                ColumnOrigin::Selected { .. } => continue,
                ColumnOrigin::Absent => None,
                ColumnOrigin::Constant(value) => Some(*value),
            };
            (0..row_count).for_each(|_| builder.append_constant(value));
        }
        let columns = self.builders.iter_mut().map(CellBuilder::finish).collect();
        let next_rows = SourceRows::of(self.rows.columns.clone(), self.rows.bytes.len());
        Ok(Some(RowBatch {
            columns: RecordBatch::try_new(self.schema.clone(), columns)?,
            faults: mem::take(&mut self.faults),
            rows: mem::replace(&mut self.rows, next_rows),
            runs: mem::take(&mut self.runs),
        }))
    }

    /// Brings the rows into columns, one column of some rows after the other.
    fn decode(&mut self) -> Result<(), WireError> {
        let mut rows = Vec::with_capacity(DECODED_ROWS);
        for first_row in (0..self.rows.count()).step_by(DECODED_ROWS) {
            let last_row = self.rows.count().min(first_row + DECODED_ROWS);
            rows.clear();
            for row in first_row..last_row {
                rows.push(SourceRow::new(self.rows.columns.len(), self.rows.row(row))?);
            }
            for (position, (column, definition)) in self.reading.selected.iter().zip(&*self.rows.columns).enumerate() {
                let values = SourceColumn { rows: &mut rows, position, definition: *definition };
                self.builders[*column].append(values, self.source_zone, |row, fault| {
                    let (rule, reason) = *fault;
                    self.faults.push(ValueFault { row: first_row + row, column: *column, rule, reason });
                })?;
            }
        }
        Ok(())
    }
}

impl RowBatch {
    /// The chunk of a row.
    pub(crate) fn chunk(&self, row: usize) -> Chunk {
        self.run(row).chunk
    }

    /// Whether a row belongs into a file, should it pass.
    pub(crate) fn writes(&self, row: usize) -> bool {
        self.run(row).writes
    }

    pub(crate) fn writes_all(&self) -> bool {
        self.runs.iter().all(|run| run.writes)
    }

    fn run(&self, row: usize) -> &ChunkRun {
        let after = self.runs.partition_point(|run| run.first_row <= row);
        // The first run begins with the first row.
        &self.runs[after - 1]
    }
}

impl SourceRows {
    /// None yet, with room for about as many `bytes` as came before.
    fn of(columns: Arc<[WireColumn]>, bytes: usize) -> Self {
        Self { columns, bytes: Vec::with_capacity(bytes + bytes / 16), ends: Vec::with_capacity(BATCH_ROWS) }
    }

    /// The values of a row as text, in the order of the contract; columns that the source lacks are NULL.
    ///
    /// # Errors
    /// When the bytes are not a row of these columns.
    pub(crate) fn texts(&self, row: usize, reading: &TableReading) -> Result<Vec<Option<String>>, WireError> {
        let mut texts = vec![None; reading.origins.len()];
        let values = SourceRow::new(self.columns.len(), self.row(row))?.values(&self.columns);
        for ((value, definition), column) in values.zip(&*self.columns).zip(&reading.selected) {
            texts[*column] = value?.to_text(definition);
        }
        Ok(texts)
    }

    fn count(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[row]]
    }
}
