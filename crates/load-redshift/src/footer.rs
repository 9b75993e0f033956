//! Footers of data files: what a Parquet file says of its columns and rows. They are read alone, so memory follows the number of
//! files and columns, not the rows.

use crate::error::LoadError;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, TimeDelta};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use parquet::{
    arrow::parquet_to_arrow_schema,
    errors::ParquetError,
    file::{
        metadata::{ParquetMetaData, ParquetMetaDataReader},
        statistics::Statistics,
    },
    schema::{printer::print_schema, types::Type},
};
use rental_core::DataFile;
use rental_task::Bucket;

/// Bytes at a file's end in which nearly every footer lies, so that one request reads it.
const USUAL_BYTES: usize = 64 * 1024;
/// Footers that are read at once.
const MAX_UNDER_WAY: usize = 8;

/// What a data file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) key: String,
    /// In the order of the file, by which COPY maps them.
    pub(crate) columns: Vec<FileColumn>,
}

/// One column of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileColumn {
    pub(crate) name: String,
    /// What Parquet's own types are in Arrow; what a writer noted beside them is unknown to Redshift.
    pub(crate) data_type: DataType,
    /// In Parquet's schema language, for example `OPTIONAL INT64 viewed_at (TIMESTAMP(MICROS,false))`.
    pub(crate) declaration: String,
    /// Where the file's statistics tell it.
    pub(crate) null_count: Option<u64>,
    pub(crate) days: FileDays,
}

/// On which days the values of a column lie, by the file's statistics; of times, the UTC days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileDays {
    /// It holds no values.
    None,
    /// From the first to the last one.
    Range(NaiveDate, NaiveDate),
    Unknown,
}

/// A data file that is not the one that its manifest sealed.
#[derive(Debug, thiserror::Error)]
pub enum DataFileFault {
    #[error("data file `{key}` is not in bucket `{bucket}` any more")]
    Missing { key: String, bucket: String },
    #[error("data file `{key}` was changed after it was sealed: object {found} bytes, manifest {sealed} bytes")]
    Size { key: String, found: u64, sealed: u64 },
    #[error("data file `{key}` was changed after it was sealed: its Parquet footer cannot be read")]
    Unreadable { key: String, source: ParquetError },
    #[error("data file `{key}` was changed after it was sealed: Parquet footer {found} rows, manifest {sealed} rows")]
    Rows { key: String, found: i64, sealed: u64 },
}

/// The footers of a manifest's files, in its order.
///
/// # Errors
/// When a file is missing, or has another size or row count than the manifest says, or no footer; when the bucket fails.
pub(crate) async fn read_footers(bucket: &Bucket, files: &[DataFile]) -> Result<Vec<Footer>, LoadError> {
    stream::iter(files).map(|file| read_footer(bucket, file)).buffered(MAX_UNDER_WAY).try_collect().await
}

async fn read_footer(bucket: &Bucket, file: &DataFile) -> Result<Footer, LoadError> {
    let key = || file.key.clone();
    let mut reader = ParquetMetaDataReader::new();
    let mut length = USUAL_BYTES;
    loop {
        let Some(end) = bucket.read_end(&file.key, length).await? else {
            return Err(DataFileFault::Missing { key: key(), bucket: bucket.name().to_owned() }.into());
        };
        let (found, sealed) = (end.size_in_bytes, file.file_size_in_bytes);
        if found != sealed {
            return Err(DataFileFault::Size { key: key(), found, sealed }.into());
        }
        match reader.try_parse_sized(&end.content, found) {
            Ok(()) => break,
            Err(ParquetError::NeedMoreData(needed)) if needed > length => length = needed,
            Err(source) => return Err(DataFileFault::Unreadable { key: key(), source }.into()),
        }
    }
    let unreadable = |source| DataFileFault::Unreadable { key: key(), source };
    let metadata = reader.finish().map_err(unreadable)?;
    let (found, sealed) = (metadata.file_metadata().num_rows(), file.record_count);
    if u64::try_from(found) != Ok(sealed) {
        return Err(DataFileFault::Rows { key: key(), found, sealed }.into());
    }
    Ok(Footer { key: key(), columns: columns(&metadata).map_err(unreadable)? })
}

fn columns(metadata: &ParquetMetaData) -> Result<Vec<FileColumn>, ParquetError> {
    let schema = metadata.file_metadata().schema_descr();
    let fields = parquet_to_arrow_schema(schema, None)?;
    let column = |(position, stored): (usize, &std::sync::Arc<Type>)| FileColumn {
        name: stored.name().to_owned(),
        data_type: fields.field(position).data_type().clone(),
        declaration: declaration(stored),
        null_count: null_count(metadata, position),
        days: days(metadata, position, fields.field(position).data_type()),
    };
    Ok(schema.root_schema().get_fields().iter().enumerate().map(column).collect())
}

fn declaration(stored: &Type) -> String {
    let mut text = Vec::new();
    print_schema(&mut text, stored);
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_owned()
}

/// The statistics of a column in each row group; a column that is a tree of columns has none.
fn statistics(metadata: &ParquetMetaData, position: usize) -> impl Iterator<Item = Option<&Statistics>> {
    let schema = metadata.file_metadata().schema_descr();
    let mut leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == position);
    let leaf = leaves.next().filter(|_| leaves.next().is_none());
    metadata.row_groups().iter().map(move |group| group.column(leaf?).statistics())
}

fn null_count(metadata: &ParquetMetaData, position: usize) -> Option<u64> {
    statistics(metadata, position).map(|statistics| statistics.and_then(Statistics::null_count_opt)).sum()
}

fn days(metadata: &ParquetMetaData, position: usize, data_type: &DataType) -> FileDays {
    let mut all = FileDays::None;
    for (group, statistics) in metadata.row_groups().iter().zip(statistics(metadata, position)) {
        let nulls = statistics.and_then(Statistics::null_count_opt);
        if nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(group.num_rows())) {
            continue;
        }
        let Some((first, last)) = statistics.and_then(|statistics| bounds(statistics, data_type)) else {
            return FileDays::Unknown;
        };
        all = all.with(FileDays::Range(first, last));
    }
    all
}

fn bounds(statistics: &Statistics, data_type: &DataType) -> Option<(NaiveDate, NaiveDate)> {
    let of_date = |days: &i32| NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(*days)));
    let of_time = |micros: &i64| DateTime::from_timestamp_micros(*micros).map(|time| time.date_naive());
    match (statistics, data_type) {
        (Statistics::Int32(values), DataType::Date32) => {
            Some((of_date(values.min_opt()?)?, of_date(values.max_opt()?)?))
        }
        (Statistics::Int64(values), DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            Some((of_time(values.min_opt()?)?, of_time(values.max_opt()?)?))
        }
        _ => None,
    }
}

impl FileDays {
    /// The days of both.
    pub(crate) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::None, days) | (days, Self::None) => days,
            (Self::Range(first, last), Self::Range(start, end)) => Self::Range(first.min(start), last.max(end)),
        }
    }
}

impl FileColumn {
    /// Whether its values have a day.
    pub(crate) fn is_dated(&self) -> bool {
        matches!(self.data_type, DataType::Date32 | DataType::Timestamp(..))
    }

    /// The type in Parquet's own words, for example `INT64 (TIMESTAMP(MICROS,false))`.
    pub(crate) fn stored_type(&self) -> String {
        let without_name = self.declaration.replacen(&format!(" {}", self.name), "", 1);
        without_name.split_once(' ').map_or(without_name.clone(), |(_repetition, stored)| stored.to_owned())
    }
}
