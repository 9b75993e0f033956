//! One Parquet file: its schema against the table's columns, then its rows in PostgreSQL's binary format.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader};
use parquet::schema::types::{SchemaDescriptor, Type};
use tokio::sync::mpsc;

use super::command::Leniency;
use super::manifest::DataFile;
use super::row_encoder;
use super::target::{Column, ColumnType};
use super::{CopyError, ObjectStore};

/// Rows that are decoded at once, where they are short.
const BATCH_ROWS: usize = 4096;
/// Rows that are decoded at once have no more bytes than this, however long their texts are: a file may say a long text once and
/// refer to it in every row.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A value that is no text, at most.
const VALUE_BYTES: usize = 16;

/// Sends all rows of `file` to `sender`. A receiver that is gone ends it without a fault.
pub(super) async fn read(
    file: &DataFile,
    columns: &[Column],
    leniency: Leniency,
    store: &ObjectStore,
    sender: &mpsc::Sender<Result<Bytes, CopyError>>,
) -> Result<(), CopyError> {
    let unreadable = |error: ParquetError| match error {
        ParquetError::External(cause) => match cause.downcast::<CopyError>() {
            Ok(error) => *error,
            Err(cause) => CopyError::unreadable(format!("File '{}': {cause}", file.url)),
        },
        error => CopyError::unreadable(format!("File '{}' is not valid Parquet: {error}", file.url)),
    };
    let mut reader = FileReader { file: file.clone(), store: store.clone() };
    // What an Arrow writer noted beside Parquet's own types is unknown to Redshift.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let stored = ArrowReaderMetadata::load_async(&mut reader, options.clone()).await.map_err(unreadable)?;
    check_schema(file, columns, leniency.fills_record, stored.schema(), stored.parquet_schema())?;
    let stored = match leniency.replacement {
        Some(_) => {
            let metadata = text_as_bytes(&stored).map_err(unreadable)?;
            ArrowReaderMetadata::try_new(metadata.into(), options).map_err(unreadable)?
        }
        None => stored,
    };
    let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, stored);
    let mut batches = builder.with_batch_size(batch_rows(columns)).build().map_err(unreadable)?;
    while let Some(batch) = batches.try_next().await.map_err(unreadable)? {
        let rows = row_encoder::encode(&batch, columns, leniency.replacement)?;
        if sender.send(Ok(rows)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn batch_rows(columns: &[Column]) -> usize {
    let row_bytes: usize = columns.iter().map(|column| column.column_type.max_bytes().unwrap_or(VALUE_BYTES)).sum();
    (BATCH_BYTES_MAX / row_bytes.max(1)).clamp(1, BATCH_ROWS)
}

/// By position: as many columns as the table's, each of the same type and width. FILLRECORD admits missing last ones.
fn check_schema(
    file: &DataFile,
    columns: &[Column],
    fills_record: bool,
    schema: &Schema,
    parquet_schema: &SchemaDescriptor,
) -> Result<(), CopyError> {
    let (expected, found) = (columns.len(), schema.fields().len());
    if found > expected || (found < expected && !fills_record) {
        return Err(CopyError::mismatch(format!(
            "Unmatched number of columns between table and file. Table columns: {expected}, Data columns: {found}. \
             File: {}",
            file.url
        )));
    }
    for ((column, field), stored) in columns.iter().zip(schema.fields()).zip(parquet_schema.root_schema().get_fields())
    {
        if let Some((expected, found)) = other_length(column.column_type, stored) {
            return Err(CopyError::unreadable(format!(
                "File '{}': column '{}' has an invalid type length. Expecting: {expected} len in file: {found}",
                file.url, column.name
            )));
        }
        if !is_compatible(column.column_type, field.data_type()) {
            return Err(CopyError::mismatch(format!(
                "File '{}' has an incompatible Parquet schema for column '{}'. Column type: {}, Parquet schema: {}",
                file.url,
                column.name,
                column.column_type.name(),
                describe(stored)
            )));
        }
    }
    Ok(())
}

/// The lengths in bytes of a DECIMAL and of what is stored for it, where they differ.
fn other_length(column: ColumnType, stored: &Type) -> Option<(i32, i32)> {
    let (ColumnType::Decimal { precision, .. }, Type::PrimitiveType { physical_type, type_length, .. }) =
        (column, stored)
    else {
        return None;
    };
    // The fewest bytes whose signed numbers have so many digits.
    let largest = 10_i128.checked_pow(u32::from(precision))? - 1;
    let expected = i32::try_from((i128::BITS - largest.leading_zeros() + 1).div_ceil(8)).ok()?;
    let is_decimal = matches!(stored.get_basic_info().converted_type(), ConvertedType::DECIMAL);
    (*physical_type == PhysicalType::FIXED_LEN_BYTE_ARRAY && is_decimal && *type_length != expected)
        .then_some((expected, *type_length))
}

/// Redshift converts nothing. Nanoseconds would be read as microseconds, without a fault, so they are refused here.
fn is_compatible(column: ColumnType, stored: &DataType) -> bool {
    match column {
        ColumnType::Boolean => *stored == DataType::Boolean,
        ColumnType::SmallInt => matches!(stored, DataType::Int8 | DataType::Int16),
        ColumnType::Integer => *stored == DataType::Int32,
        ColumnType::BigInt => *stored == DataType::Int64,
        ColumnType::Real => *stored == DataType::Float32,
        ColumnType::DoublePrecision => *stored == DataType::Float64,
        ColumnType::Decimal { precision, scale } => *stored == DataType::Decimal128(precision, scale),
        ColumnType::Date => *stored == DataType::Date32,
        ColumnType::Timestamp => {
            matches!(stored, DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Millisecond, _))
        }
        ColumnType::Varchar { .. } | ColumnType::Char { .. } => *stored == DataType::Utf8,
    }
}

/// The same file without the note that its text is UTF-8, so that it is read as it is, valid or not.
fn text_as_bytes(stored: &ArrowReaderMetadata) -> Result<ParquetMetaData, ParquetError> {
    let file = stored.metadata().file_metadata();
    let root = file.schema_descr().root_schema();
    let fields = root.get_fields().iter().zip(stored.schema().fields()).map(|(field, read)| {
        if *read.data_type() == DataType::Utf8 {
            let builder = Type::primitive_type_builder(field.name(), PhysicalType::BYTE_ARRAY);
            builder.with_repetition(field.get_basic_info().repetition()).build().map(Arc::new)
        } else {
            Ok(Arc::clone(field))
        }
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let root = Type::group_type_builder(root.name()).with_fields(fields).build()?;
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        None,
        Arc::new(SchemaDescriptor::new(Arc::new(root))),
        file.column_orders().cloned(),
    );
    Ok(ParquetMetaDataBuilder::new(file).set_row_groups(stored.metadata().row_groups().to_vec()).build())
}

/// A column as Parquet's own schema text has it, for example `optional int32 a (DATE)`.
fn describe(stored: &Type) -> String {
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, stored);
    String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

struct FileReader {
    file: DataFile,
    store: ObjectStore,
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            let wanted = range.end - range.start;
            let bytes = self.store.range(&self.file.url, range).await;
            let bytes = bytes.map_err(|error| ParquetError::External(Box::new(CopyError::from(error))))?;
            if bytes.len() as u64 == wanted {
                Ok(bytes)
            } else {
                Err(ParquetError::EOF(format!("{wanted} bytes were asked for, {} came", bytes.len())))
            }
        }
        .boxed()
    }

    /// The columns of a row group lie side by side and all of them are read: one request fetches them.
    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
            let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
            let bytes = self.get_bytes(start..end.max(start)).await?;
            let offset = |position: u64| usize::try_from(position - start);
            ranges.iter().map(|range| Ok(bytes.slice(offset(range.start)?..offset(range.end)?))).collect()
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let length = self.file.content_length;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, length).await?))
        }
        .boxed()
    }
}
