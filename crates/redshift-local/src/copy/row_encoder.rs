//! Arrow batches as rows of PostgreSQL's binary COPY format.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
};
use bytes::Bytes;

use super::CopyError;
use super::target::{Column, ColumnType};

/// Signature, flags, length of the header extension.
pub(super) const FILE_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A row of -1 fields.
pub(super) const FILE_TRAILER: &[u8] = &[0xff, 0xff];

const NULL_LENGTH: i32 = -1;
/// PostgreSQL counts from 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// The rows of `batch`, whose schema was checked against `columns`. Columns that the batch lacks are NULL.
///
/// # Errors
/// NULL where the column has none, text longer than the column, dates that PostgreSQL cannot hold.
pub(super) fn encode(batch: &RecordBatch, columns: &[Column]) -> Result<Bytes, CopyError> {
    let field_count = i16::try_from(columns.len())
        .map_err(|_| CopyError::mismatch(format!("{} columns are too many", columns.len())))?;
    let arrays: Vec<Option<Values<'_>>> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| batch.columns().get(position).map(|array| Values::of(column, array)).transpose())
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
    Text { values: &'a arrow::array::StringArray, max_bytes: usize, is_single_byte: bool },
}

impl<'a> Values<'a> {
    fn of(column: &Column, array: &'a ArrayRef) -> Result<Self, CopyError> {
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
            (ColumnType::Varchar { max_bytes }, _) => {
                array.as_string_opt::<i32>().map(|values| Self::Text { values, max_bytes, is_single_byte: false })
            }
            (ColumnType::Char { max_bytes }, _) => {
                array.as_string_opt::<i32>().map(|values| Self::Text { values, max_bytes, is_single_byte: true })
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
            Self::Decimal { values, scale } => write_decimal(out, values.value(row), *scale),
            Self::Date(values) => {
                let days = values.value(row).checked_sub(EPOCH_DAYS).ok_or_else(|| out_of_range(column))?;
                write_field(out, &days.to_be_bytes());
            }
            Self::Milliseconds(values) => {
                let micros = values.value(row).checked_mul(1000).ok_or_else(|| out_of_range(column))?;
                write_timestamp(out, column, micros)?;
            }
            Self::Microseconds(values) => write_timestamp(out, column, values.value(row))?,
            Self::Text { values, max_bytes, is_single_byte } => {
                let text = values.value(row);
                check_text(column, text, *max_bytes, *is_single_byte)?;
                write_field(out, text.as_bytes());
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

/// PostgreSQL's NUMERIC: digits to the base 10,000 on both sides of the point.
fn write_decimal(out: &mut Vec<u8>, value: i128, scale: u8) {
    const BASE: u128 = 10_000;
    const NEGATIVE: u16 = 0x4000;
    let unit = 10_u128.pow(u32::from(scale));
    let (mut whole, mut fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let mut digits: Vec<u16> = Vec::with_capacity(20);
    while whole > 0 {
        digits.push((whole % BASE) as u16);
        whole /= BASE;
    }
    digits.reverse();
    let weight = digits.len() as i16 - 1;
    let mut left = i32::from(scale);
    while left > 0 {
        left -= 4;
        if left >= 0 {
            let below = 10_u128.pow(left.unsigned_abs());
            digits.push((fraction / below) as u16);
            fraction %= below;
        } else {
            digits.push((fraction * 10_u128.pow(left.unsigned_abs())) as u16);
        }
    }
    let mut field = Vec::with_capacity(8 + 2 * digits.len());
    field.extend_from_slice(&(digits.len() as i16).to_be_bytes());
    field.extend_from_slice(&weight.to_be_bytes());
    field.extend_from_slice(&(if value < 0 { NEGATIVE } else { 0 }).to_be_bytes());
    field.extend_from_slice(&i16::from(scale).to_be_bytes());
    for digit in digits {
        field.extend_from_slice(&digit.to_be_bytes());
    }
    write_field(out, &field);
}

fn check_text(column: &Column, text: &str, max_bytes: usize, is_single_byte: bool) -> Result<(), CopyError> {
    if text.len() > max_bytes {
        return Err(CopyError::mismatch(format!(
            "The length of the data column {} is longer than the length defined in the table. Table: {max_bytes}, Data: {}",
            column.name,
            text.len()
        )));
    }
    if is_single_byte && !text.is_ascii() {
        return Err(CopyError::mismatch(format!(
            "CHAR column {} holds single-byte characters only; write VARCHAR",
            column.name
        )));
    }
    if text.contains('\0') {
        return Err(CopyError::mismatch(format!("text of column {} holds a NUL byte", column.name)));
    }
    Ok(())
}

fn out_of_range(column: &Column) -> CopyError {
    CopyError::mismatch(format!("a value of column {} is out of range for its type", column.name))
}

#[cfg(test)]
mod tests {
    use super::write_decimal;

    /// What the encoding stands for, read as PostgreSQL reads it.
    fn decoded(value: i128, scale: u8) -> String {
        let mut out = Vec::new();
        write_decimal(&mut out, value, scale);
        let word = |index: usize| i16::from_be_bytes([out[4 + 2 * index], out[5 + 2 * index]]);
        let (count, weight, sign) = (word(0), word(1), word(2));
        let groups = (0..count).map(|index| format!("{:04}", word(4 + index as usize)));
        let text: String = groups.collect();
        let whole = 4 * (weight + 1) as usize;
        let whole_digits = text[..whole].trim_start_matches('0');
        let fraction = &text[whole..][..usize::from(scale)];
        format!("{}{whole_digits}.{fraction}", if sign == 0 { "" } else { "-" })
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (value, scale, expected) in [
            (123_456_789_i128, 2, "1234567.89"),
            (-5, 2, "-.05"),
            (10_000, 0, "10000."),
            (0, 4, ".0000"),
            (99_999, 5, ".99999"),
            (10_i128.pow(37) + 7, 37, "1.0000000000000000000000000000000000007"),
        ] {
            assert_eq!(decoded(value, scale), expected);
        }
    }
}
