//! Arrow batches as rows of PostgreSQL's binary COPY format.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
};
use bytes::Bytes;

use super::CopyError;
use super::target::{Column, ColumnType};
use crate::postgres_binary::{EPOCH_DAYS, EPOCH_MICROSECONDS, encode_decimal};

/// Signature, flags, length of the header extension.
pub(super) const FILE_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A row of -1 fields.
pub(super) const FILE_TRAILER: &[u8] = &[0xff, 0xff];

const NULL_LENGTH: i32 = -1;

/// The rows of `batch`, whose schema was checked against `columns`. Columns that the batch lacks are NULL. Text that came as
/// bytes has `replacement` in place of each byte that is not UTF-8.
///
/// # Errors
/// NULL where the column has none, text longer than the column, dates that PostgreSQL cannot hold.
pub(super) fn encode(batch: &RecordBatch, columns: &[Column], replacement: Option<char>) -> Result<Bytes, CopyError> {
    let field_count = i16::try_from(columns.len())
        .map_err(|_| CopyError::mismatch(format!("{} columns are too many", columns.len())))?;
    let arrays: Vec<Option<Values<'_>>> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            batch.columns().get(position).map(|array| Values::of(column, array, replacement)).transpose()
        })
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::with_capacity(batch.get_array_memory_size());
    for row in 0..batch.num_rows() {
        rows.extend_from_slice(&field_count.to_be_bytes());
        for (column, values) in columns.iter().zip(&arrays) {
            match values {
                Some(values) if !values.array().is_null(row) => values.write(column, row, &mut rows)?,
                _ if column.is_nullable => rows.extend_from_slice(&NULL_LENGTH.to_be_bytes()),
                _ => return Err(CopyError::NullValue { column: column.name.clone() }),
            }
        }
    }
    Ok(rows.into())
}

/// The values of one column.
enum Values<'a> {
    Boolean(&'a arrow::array::BooleanArray),
    Int8(&'a arrow::array::Int8Array),
    Int16(&'a arrow::array::Int16Array),
    Int32(&'a arrow::array::Int32Array),
    Int64(&'a arrow::array::Int64Array),
    Float32(&'a arrow::array::Float32Array),
    Float64(&'a arrow::array::Float64Array),
    Decimal { values: &'a arrow::array::Decimal128Array, scale: u8 },
    Date(&'a arrow::array::Date32Array),
    Milliseconds(&'a arrow::array::TimestampMillisecondArray),
    Microseconds(&'a arrow::array::TimestampMicrosecondArray),
    Text { values: &'a arrow::array::StringArray, limit: TextLimit },
    Bytes { values: &'a arrow::array::BinaryArray, limit: TextLimit, replacement: char },
}

impl<'a> Values<'a> {
    fn of(column: &Column, array: &'a ArrayRef, replacement: Option<char>) -> Result<Self, CopyError> {
        let values = match (column.column_type, array.data_type()) {
            (ColumnType::Boolean, _) => array.as_boolean_opt().map(Self::Boolean),
            (ColumnType::SmallInt, DataType::Int8) => array.as_primitive_opt::<Int8Type>().map(Self::Int8),
            (ColumnType::SmallInt, _) => array.as_primitive_opt::<Int16Type>().map(Self::Int16),
            (ColumnType::Integer, _) => array.as_primitive_opt::<Int32Type>().map(Self::Int32),
            (ColumnType::BigInt, _) => array.as_primitive_opt::<Int64Type>().map(Self::Int64),
            (ColumnType::Real, _) => array.as_primitive_opt::<Float32Type>().map(Self::Float32),
            (ColumnType::DoublePrecision, _) => array.as_primitive_opt::<Float64Type>().map(Self::Float64),
            (ColumnType::Decimal { scale, .. }, _) => array
                .as_primitive_opt::<Decimal128Type>()
                .zip(u8::try_from(scale).ok())
                .map(|(values, scale)| Self::Decimal { values, scale }),
            (ColumnType::Date, _) => array.as_primitive_opt::<Date32Type>().map(Self::Date),
            (ColumnType::Timestamp, DataType::Timestamp(TimeUnit::Millisecond, _)) => {
                array.as_primitive_opt::<TimestampMillisecondType>().map(Self::Milliseconds)
            }
            (ColumnType::Timestamp, _) => array.as_primitive_opt::<TimestampMicrosecondType>().map(Self::Microseconds),
            (column_type @ (ColumnType::Varchar { max_bytes } | ColumnType::Char { max_bytes }), stored) => {
                let is_single_byte = matches!(column_type, ColumnType::Char { .. });
                let limit = TextLimit { max_bytes, is_single_byte };
                match (stored, replacement) {
                    (DataType::Binary, Some(replacement)) => {
                        array.as_binary_opt::<i32>().map(|values| Self::Bytes { values, limit, replacement })
                    }
                    _ => array.as_string_opt::<i32>().map(|values| Self::Text { values, limit }),
                }
            }
        };
        values.ok_or_else(|| CopyError::mismatch(format!("column '{}' is read as {}", column.name, array.data_type())))
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Boolean(values) => values,
            Self::Int8(values) => values,
            Self::Int16(values) => values,
            Self::Int32(values) => values,
            Self::Int64(values) => values,
            Self::Float32(values) => values,
            Self::Float64(values) => values,
            Self::Decimal { values, .. } => values,
            Self::Date(values) => values,
            Self::Milliseconds(values) => values,
            Self::Microseconds(values) => values,
            Self::Text { values, .. } => values,
            Self::Bytes { values, .. } => values,
        }
    }

    /// Appends length and bytes of the value at `row`, which is not NULL.
    fn write(&self, column: &Column, row: usize, out: &mut Vec<u8>) -> Result<(), CopyError> {
        match self {
            Self::Boolean(values) => write_field(out, &[u8::from(values.value(row))]),
            Self::Int8(values) => write_field(out, &i16::from(values.value(row)).to_be_bytes()),
            Self::Int16(values) => write_field(out, &values.value(row).to_be_bytes()),
            Self::Int32(values) => write_field(out, &values.value(row).to_be_bytes()),
            Self::Int64(values) => write_field(out, &values.value(row).to_be_bytes()),
            Self::Float32(values) => write_field(out, &values.value(row).to_be_bytes()),
            Self::Float64(values) => write_field(out, &values.value(row).to_be_bytes()),
            Self::Decimal { values, scale } => write_field(out, &encode_decimal(values.value(row), *scale)),
            Self::Date(values) => {
                let days = values.value(row).checked_sub(EPOCH_DAYS).ok_or_else(|| out_of_range(column))?;
                write_field(out, &days.to_be_bytes());
            }
            Self::Milliseconds(values) => {
                let micros = values.value(row).checked_mul(1000).ok_or_else(|| out_of_range(column))?;
                write_timestamp(out, column, micros)?;
            }
            Self::Microseconds(values) => write_timestamp(out, column, values.value(row))?,
            Self::Text { values, limit } => write_text(out, column, values.value(row), *limit)?,
            Self::Bytes { values, limit, replacement } => {
                write_text(out, column, &replace_invalid(values.value(row), *replacement), *limit)?;
            }
        }
        Ok(())
    }
}

fn write_field(out: &mut Vec<u8>, value: &[u8]) {
    // A value is at most 65,535 bytes long.
    out.extend_from_slice(&(value.len() as i32).to_be_bytes());
    out.extend_from_slice(value);
}

fn write_timestamp(out: &mut Vec<u8>, column: &Column, micros: i64) -> Result<(), CopyError> {
    let micros = micros.checked_sub(EPOCH_MICROSECONDS).ok_or_else(|| out_of_range(column))?;
    write_field(out, &micros.to_be_bytes());
    Ok(())
}

/// What text a column holds.
#[derive(Clone, Copy)]
struct TextLimit {
    max_bytes: usize,
    is_single_byte: bool,
}

/// As many replacements as there are bytes that are not UTF-8.
fn replace_invalid(bytes: &[u8], replacement: char) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(replacement, chunk.invalid().len()));
    }
    text
}

fn write_text(out: &mut Vec<u8>, column: &Column, text: &str, limit: TextLimit) -> Result<(), CopyError> {
    if text.len() > limit.max_bytes {
        return Err(CopyError::mismatch(format!(
            "The length of the data column {} is longer than the length defined in the table. Table: {}, Data: {}",
            column.name,
            limit.max_bytes,
            text.len()
        )));
    }
    if limit.is_single_byte && !text.is_ascii() {
        return Err(CopyError::mismatch(format!(
            "CHAR column {} holds single-byte characters only; write VARCHAR",
            column.name
        )));
    }
    if text.contains('\0') {
        return Err(CopyError::mismatch(format!("text of column {} holds a NUL byte", column.name)));
    }
    write_field(out, text.as_bytes());
    Ok(())
}

fn out_of_range(column: &Column) -> CopyError {
    CopyError::mismatch(format!("a value of column {} is out of range for its type", column.name))
}
