//! The rows of Parquet files by chunk: how many there are, and a hash that the same rows give in any order and whoever wrote
//! the file, extract-rds or UNLOAD.

use arrow::{
    array::{Array as _, AsArray as _, RecordBatch},
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType},
    row::{RowConverter, SortField},
};
use bytes::Bytes;
use chrono::DateTime;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use parquet::{
    arrow::{
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
        async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder},
    },
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use rental_core::{Chunk, ChunkGrid, Fingerprint, TableSpec};
use rental_task::Bucket;
use std::{collections::BTreeMap, ops::Range, sync::Arc};
use xxhash_rust::xxh3::xxh3_128;

/// What is read at first from the end of a file: nearly always all that says how the rest is to be read.
const FOOTER_BYTES: usize = 64 * 1024;

/// A Parquet file on S3. What of it is in memory is one row group.
pub(crate) struct ParquetObject {
    pub(crate) bucket: Bucket,
    pub(crate) key: String,
    pub(crate) size_in_bytes: u64,
}

impl AsyncFileReader for ParquetObject {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let read = async { self.bucket.read_range(&self.key, range).await };
        read.map(|result| result.map_err(|error| ParquetError::External(Box::new(error)))).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let size_in_bytes = self.size_in_bytes;
        let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES));
        async move { reader.load_and_finish(self, size_in_bytes).await.map(Arc::new) }.boxed()
    }
}

/// Row counts and hashes by chunk.
pub(crate) type ChunkRows = BTreeMap<Chunk, Fingerprint>;

/// Adds the rows of a file with the contract's columns.
///
/// # Errors
/// When the file cannot be read, or its columns hold other types than the contract has.
pub(crate) async fn add_rows(
    rows: &mut ChunkRows,
    mut file: impl AsyncFileReader + Unpin + 'static,
    spec: &TableSpec,
    grid: &ChunkGrid,
) -> Result<(), ParquetError> {
    let found = ArrowReaderMetadata::load_async(&mut file, ArrowReaderOptions::new()).await?;
    let options = ArrowReaderOptions::new().with_schema(contract_types(found.schema(), spec));
    let metadata = ArrowReaderMetadata::try_new(found.metadata().clone(), options)?;
    let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(file, metadata).build()?;
    let fields = spec.columns.iter().map(|column| SortField::new(column.column_type.arrow())).collect();
    let converter = RowConverter::new(fields)?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let encoded = converter.convert_columns(batch.columns())?;
        for (chunk, row) in chunks(&batch, grid).zip(encoded.iter()) {
            rows.entry(chunk).or_default().add(xxh3_128(row.as_ref()));
        }
    }
    Ok(())
}

/// The columns of a file with the types of the contract. Redshift writes timestamps as INT96, whose whole range fits
/// microseconds only.
fn contract_types(found: &Schema, spec: &TableSpec) -> SchemaRef {
    let field = |field: &Arc<Field>| match spec.column(field.name()) {
        Some(column) => field.as_ref().clone().with_data_type(column.column_type.arrow()),
        None => field.as_ref().clone(),
    };
    Arc::new(Schema::new(found.fields().iter().map(field).collect::<Vec<_>>()))
}

/// The chunk of each row.
fn chunks<'b>(batch: &'b RecordBatch, grid: &'b ChunkGrid) -> impl Iterator<Item = Chunk> + 'b {
    let column = batch.column_by_name(grid.column());
    (0..batch.num_rows()).map(move |row| {
        let placed = column.filter(|column| column.is_valid(row)).and_then(|column| match (grid, column.data_type()) {
            (ChunkGrid::Key { width, .. }, DataType::Int64) => {
                Some(Chunk::of_key(column.as_primitive::<Int64Type>().value(row), *width))
            }
            (ChunkGrid::Day { .. }, DataType::Timestamp(..)) => {
                let micros = column.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
                Some(Chunk::Day { day: Some(DateTime::from_timestamp_micros(micros)?.date_naive()) })
            }
            _ => None,
        });
        placed.unwrap_or(Chunk::WITHOUT_PLACE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };
    use parquet::{
        arrow::ArrowWriter,
        basic::Compression,
        data_type::{
            BoolType, ByteArray, ByteArrayType, DataType as ParquetType, DoubleType, FixedLenByteArrayType, Int32Type,
            Int64Type as ParquetInt64, Int96, Int96Type,
        },
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
    use std::io::Cursor;

    const MICROS_PER_DAY: i64 = 86_400_000_000;
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;

    /// One column of every type.
    fn spec() -> TableSpec {
        let text = "name = 't'\ncontract_version = 1\nunknown_columns = 'warn'\nrules = []\n\
                    chunk = { by = 'day', column = 'at' }\ncolumns = [\n\
                    { name = 'big', type = 'bigint' }, { name = 'small', type = 'integer' },\n\
                    { name = 'flag', type = 'boolean' }, { name = 'day', type = 'date' },\n\
                    { name = 'at', type = 'timestamp', required = true }, { name = 'number', type = 'double' },\n\
                    { name = 'money', type = 'decimal(12,2)' }, { name = 'exact', type = 'decimal(38,10)' },\n\
                    { name = 'whole', type = 'decimal(5,0)' }, { name = 'words', type = 'varchar(200)' }]";
        TableSpec::parse("t", text).unwrap()
    }

    #[derive(Debug, Clone, PartialEq)]
    struct Values {
        big: Option<i64>,
        small: Option<i32>,
        flag: Option<bool>,
        day: Option<i32>,
        at: i64,
        number: Option<f64>,
        money: Option<i128>,
        exact: Option<i128>,
        whole: Option<i128>,
        words: Option<String>,
    }

    fn random_values(random: &mut StdRng) -> Values {
        fn some<T>(random: &mut StdRng, value: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
            random.random_bool(0.8).then(|| value(random))
        }
        let digits = |random: &mut StdRng, limit: i128| random.random_range(-limit + 1..limit);
        Values {
            big: some(random, |random| random.random()),
            small: some(random, |random| random.random()),
            flag: some(random, |random| random.random()),
            // The years 1 to 9999, as far as a contract lets them through.
            day: some(random, |random| random.random_range(-719_162..2_932_896)),
            at: random.random_range(-719_162 * MICROS_PER_DAY..2_932_896 * MICROS_PER_DAY),
            number: some(random, |random| random.random_range(-1e9..1e9)),
            money: some(random, |random| digits(random, 10_i128.pow(12))),
            exact: some(random, |random| digits(random, 10_i128.pow(38))),
            whole: some(random, |random| digits(random, 10_i128.pow(5))),
            words: some(random, |random| {
                ["", " ", "0", "ä\u{308}", "🏠 'q'", "\\", "null"][random.random_range(0..7)].into()
            }),
        }
    }

    /// A file as extract-rds writes it.
    fn extracted(rows: &[Values]) -> Vec<u8> {
        let decimals = |part: fn(&Values) -> Option<i128>, precision, scale| {
            let values: Decimal128Array = rows.iter().map(part).collect();
            Arc::new(values.with_precision_and_scale(precision, scale).unwrap()) as ArrayRef
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.big).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.small).collect::<Int32Array>()),
            Arc::new(rows.iter().map(|row| row.flag).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.day).collect::<Date32Array>()),
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.at))),
            Arc::new(rows.iter().map(|row| row.number).collect::<Float64Array>()),
            decimals(|row| row.money, 12, 2),
            decimals(|row| row.exact, 38, 10),
            decimals(|row| row.whole, 5, 0),
            Arc::new(rows.iter().map(|row| row.words.clone()).collect::<StringArray>()),
        ];
        let batch = RecordBatch::try_new(spec().arrow_schema(), columns).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    /// A file as Redshift unloads it: every column optional, INT96 for timestamps, decimals of fixed length, Snappy.
    fn unloaded(rows: &[Values]) -> Vec<u8> {
        let schema = "message schema { optional int64 big; optional int32 small; optional boolean flag; \
                      optional int32 day (date); optional int96 at; optional double number; \
                      optional fixed_len_byte_array(6) money (decimal(12,2)); \
                      optional fixed_len_byte_array(16) exact (decimal(38,10)); \
                      optional fixed_len_byte_array(3) whole (decimal(5,0)); optional byte_array words (utf8); }";
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = |write: &dyn Fn(&mut parquet::file::writer::SerializedColumnWriter<'_>)| {
            let mut column = group.next_column().unwrap().unwrap();
            write(&mut column);
            column.close().unwrap();
        };
        fn put<T: ParquetType>(
            column: &mut parquet::file::writer::SerializedColumnWriter<'_>,
            values: impl Iterator<Item = Option<T::T>>,
        ) {
            let values: Vec<_> = values.collect();
            let levels: Vec<_> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let values: Vec<_> = values.into_iter().flatten().collect();
            column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
        }
        let decimal = |value: i128, length: usize| ByteArray::from(value.to_be_bytes()[16 - length..].to_vec()).into();
        let time = |micros: i64| {
            let nanos = (micros.rem_euclid(MICROS_PER_DAY) * 1000) as u64;
            let day = micros.div_euclid(MICROS_PER_DAY) + JULIAN_DAY_OF_1970;
            let mut time = Int96::new();
            time.set_data(nanos as u32, (nanos >> 32) as u32, day as u32);
            time
        };
        column(&|column| put::<ParquetInt64>(column, rows.iter().map(|row| row.big)));
        column(&|column| put::<Int32Type>(column, rows.iter().map(|row| row.small)));
        column(&|column| put::<BoolType>(column, rows.iter().map(|row| row.flag)));
        column(&|column| put::<Int32Type>(column, rows.iter().map(|row| row.day)));
        column(&|column| put::<Int96Type>(column, rows.iter().map(|row| Some(time(row.at)))));
        column(&|column| put::<DoubleType>(column, rows.iter().map(|row| row.number)));
        for (length, part) in [(6, (|row| row.money) as fn(&Values) -> _), (16, |row| row.exact), (3, |row| row.whole)]
        {
            let values = || rows.iter().map(|row| part(row).map(|value| decimal(value, length)));
            column(&|column| put::<FixedLenByteArrayType>(column, values()));
        }
        let words = || rows.iter().map(|row| row.words.as_deref().map(ByteArray::from));
        column(&|column| put::<ByteArrayType>(column, words()));
        group.close().unwrap();
        writer.into_inner().unwrap()
    }

    async fn chunk_rows(file: Vec<u8>) -> ChunkRows {
        let (mut rows, spec) = (ChunkRows::new(), spec());
        add_rows(&mut rows, Cursor::new(file), &spec, &spec.chunk_grid).await.unwrap();
        rows
    }

    #[tokio::test]
    async fn extract_and_unload_give_the_same_for_the_same_rows_in_any_order() {
        for seed in 0..20 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut rows: Vec<_> = (0..200).map(|_| random_values(&mut random)).collect();
            // True duplicates, and several rows of one day.
            rows.extend_from_within(..50);
            rows.extend_from_within(..20);
            let day = rows[0].at;
            rows[100..150].iter_mut().for_each(|row| row.at = day);
            let sealed = chunk_rows(extracted(&rows)).await;
            assert_eq!(sealed.values().map(|rows| rows.row_count).sum::<u64>(), 270);
            rows.shuffle(&mut random);
            assert_eq!(chunk_rows(unloaded(&rows)).await, sealed, "seed {seed}");
        }
    }

    #[tokio::test]
    async fn any_other_value_gives_another_hash() {
        let row = Values {
            big: Some(1),
            small: Some(1),
            flag: Some(true),
            day: Some(1),
            at: 1,
            number: Some(1.0),
            money: Some(1),
            exact: Some(1),
            whole: Some(1),
            words: Some("1".into()),
        };
        let changes: [fn(&mut Values); 13] = [
            |_| {},
            |row| row.big = Some(2),
            |row| row.big = None,
            |row| row.small = None,
            |row| row.flag = Some(false),
            |row| row.day = None,
            |row| row.at = 2,
            |row| row.number = Some(1.000_000_000_000_000_2),
            |row| row.money = Some(10),
            |row| row.exact = Some(-1),
            |row| row.whole = None,
            |row| row.words = Some("1 ".into()),
            |row| row.words = None,
        ];
        let mut seen = Vec::new();
        for (case, change) in changes.into_iter().enumerate() {
            let mut changed = row.clone();
            change(&mut changed);
            // Beside another row, whose values must not make up for it.
            let rows = chunk_rows(unloaded(&[row.clone(), changed])).await;
            assert!(!seen.contains(&rows), "case {case}");
            seen.push(rows);
        }
        // Two rows that trade a value are two other rows.
        let (mut left, mut right) = (row.clone(), row);
        (left.big, left.small, right.big, right.small) = (Some(1), Some(2), Some(3), Some(4));
        let before = chunk_rows(unloaded(&[left.clone(), right.clone()])).await;
        std::mem::swap(&mut left.small, &mut right.small);
        assert_ne!(chunk_rows(unloaded(&[left, right])).await, before);
    }

    #[tokio::test]
    async fn a_column_of_another_type_is_named() {
        let day = Arc::new(Date32Array::from(vec![1])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("at", day)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let file = Cursor::new(writer.into_inner().unwrap());
        let error = add_rows(&mut ChunkRows::new(), file, &spec(), &spec().chunk_grid).await.unwrap_err().to_string();
        assert!(error.contains("field at"), "{error}");
    }
}
