//! Footers of data files: what a Parquet file says of its columns and rows. They are read alone, so memory follows the number of
//! files and columns, not the rows.

use crate::error::LoadError;
use arrow::datatypes::DataType;
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
    };
    Ok(schema.root_schema().get_fields().iter().enumerate().map(column).collect())
}

fn declaration(stored: &Type) -> String {
    let mut text = Vec::new();
    print_schema(&mut text, stored);
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_owned()
}

/// Over all row groups; a column that is a tree of columns has none.
fn null_count(metadata: &ParquetMetaData, position: usize) -> Option<u64> {
    let schema = metadata.file_metadata().schema_descr();
    let mut leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == position);
    let (Some(leaf), None) = (leaves.next(), leaves.next()) else { return None };
    metadata.row_groups().iter().map(|group| group.column(leaf).statistics().and_then(Statistics::null_count_opt)).sum()
}

impl FileColumn {
    /// The type in Parquet's own words, for example `INT64 (TIMESTAMP(MICROS,false))`.
    pub(crate) fn stored_type(&self) -> String {
        let without_name = self.declaration.replacen(&format!(" {}", self.name), "", 1);
        without_name.split_once(' ').map_or(without_name.clone(), |(_repetition, stored)| stored.to_owned())
    }
}
