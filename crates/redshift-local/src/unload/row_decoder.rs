//! Rows of PostgreSQL as Arrow batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use parquet::errors::ParquetError;
use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::{Row, ValueRef};

use super::UnloadError;
use super::columns::{Column, ColumnType};
use crate::postgres_binary::{EPOCH_DAYS, EPOCH_MICROSECONDS, decode_decimal};

/// A batch is full at so many rows or bytes, whatever comes first.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 1024 * 1024;

/// Gathers rows until they are a batch.
pub(super) struct RowDecoder {
    columns: Vec<Column>,
    schema: SchemaRef,
    builders: Vec<Builder>,
    row_count: usize,
    byte_count: usize,
}

impl RowDecoder {
    pub(super) fn new(columns: Vec<Column>, schema: SchemaRef) -> Self {
        let builders = columns.iter().map(|column| Builder::of(column.column_type)).collect();
        Self { columns, schema, builders, row_count: 0, byte_count: 0 }
    }

    /// # Errors
    /// Values that the column's type cannot hold in Parquet: NaN and infinities of other types than floats.
    pub(super) fn push(&mut self, row: &PgRow) -> Result<(), UnloadError> {
        for (position, (column, builder)) in self.columns.iter().zip(&mut self.builders).enumerate() {
            let value = row.try_get_raw(position)?;
            if value.is_null() {
                builder.append_null();
                continue;
            }
            let unreadable = || UnloadError::Value {
                column: column.name.clone(),
                type_name: column.column_type.data_type().to_string(),
            };
            let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
            let appended = value.format() == PgValueFormat::Binary && builder.append(bytes);
            if !appended {
                return Err(unreadable());
            }
            self.byte_count += bytes.len();
        }
        self.row_count += 1;
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.row_count >= BATCH_ROWS || self.byte_count >= BATCH_BYTES
    }

    /// The rows since the last batch, if any.
    pub(super) fn batch(&mut self) -> Result<Option<RecordBatch>, UnloadError> {
        if self.row_count == 0 {
            return Ok(None);
        }
        (self.row_count, self.byte_count) = (0, 0);
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(ParquetError::from)?))
    }
}

/// The values of one column.
enum Builder {
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal { values: Decimal128Builder, scale: u8 },
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Builder {
    fn of(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::SmallInt => Self::Int16(Int16Builder::new()),
            ColumnType::Integer => Self::Int32(Int32Builder::new()),
            ColumnType::BigInt => Self::Int64(Int64Builder::new()),
            ColumnType::Real => Self::Float32(Float32Builder::new()),
            ColumnType::DoublePrecision => Self::Float64(Float64Builder::new()),
            ColumnType::Decimal { scale, .. } => {
                let values = Decimal128Builder::new().with_data_type(column_type.data_type());
                Self::Decimal { values, scale }
            }
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp | ColumnType::TimestampTz => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            ColumnType::Varchar { .. } | ColumnType::Char { .. } => Self::Text(StringBuilder::new()),
        }
    }

    fn append_null(&mut self) {
        match self {
            Self::Boolean(values) => values.append_null(),
            Self::Int16(values) => values.append_null(),
            Self::Int32(values) => values.append_null(),
            Self::Int64(values) => values.append_null(),
            Self::Float32(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Decimal { values, .. } => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Timestamp(values) => values.append_null(),
            Self::Text(values) => values.append_null(),
        }
    }

    /// Appends a value in PostgreSQL's binary format; returns whether it is one.
    fn append(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Boolean(values) => bytes.first().map(|byte| values.append_value(*byte != 0)),
            Self::Int16(values) => fixed(bytes).map(|bytes| values.append_value(i16::from_be_bytes(bytes))),
            Self::Int32(values) => fixed(bytes).map(|bytes| values.append_value(i32::from_be_bytes(bytes))),
            Self::Int64(values) => fixed(bytes).map(|bytes| values.append_value(i64::from_be_bytes(bytes))),
            Self::Float32(values) => fixed(bytes).map(|bytes| values.append_value(f32::from_be_bytes(bytes))),
            Self::Float64(values) => fixed(bytes).map(|bytes| values.append_value(f64::from_be_bytes(bytes))),
            Self::Decimal { values, scale } => decode_decimal(bytes, *scale).map(|value| values.append_value(value)),
            // An infinite date is the largest or smallest number.
            Self::Date(values) => fixed(bytes)
                .map(i32::from_be_bytes)
                .filter(|days| *days != i32::MIN)
                .and_then(|days| days.checked_add(EPOCH_DAYS))
                .map(|days| values.append_value(days)),
            Self::Timestamp(values) => fixed(bytes)
                .map(i64::from_be_bytes)
                .filter(|micros| *micros != i64::MIN)
                .and_then(|micros| micros.checked_add(EPOCH_MICROSECONDS))
                .map(|micros| values.append_value(micros)),
            Self::Text(values) => std::str::from_utf8(bytes).ok().map(|text| values.append_value(text)),
        }
        .is_some()
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::Int16(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Decimal { values, .. } => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
        }
    }
}

fn fixed<const LENGTH: usize>(bytes: &[u8]) -> Option<[u8; LENGTH]> {
    bytes.try_into().ok()
}
