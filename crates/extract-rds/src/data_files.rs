//! Parquet files on S3, written in pieces that fit into memory.

use crate::error::ExtractError;
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use rental_core::DataFile;
use rental_task::Bucket;

/// A file is closed once it has this many bytes: large enough for COPY, small enough to be held in memory.
const FILE_BYTES: usize = 64 * 1024 * 1024;
/// Rows of a row group, so that the encoder's memory is bounded as well.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const CONTENT_TYPE: &str = "application/vnd.apache.parquet";

/// Writes batches of one schema to as many files as they need.
pub(crate) struct DataFiles<'a> {
    bucket: &'a Bucket,
    schema: SchemaRef,
    key: Box<dyn Fn(usize) -> String + Send + 'a>,
    open: Option<ArrowWriter<Vec<u8>>>,
    open_rows: u64,
    files: Vec<DataFile>,
}

impl<'a> DataFiles<'a> {
    /// `key` names the file of a part.
    pub(crate) fn new(bucket: &'a Bucket, schema: SchemaRef, key: impl Fn(usize) -> String + Send + 'a) -> Self {
        Self { bucket, schema, key: Box::new(key), open: None, open_rows: 0, files: Vec::new() }
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// When it cannot be encoded or the bucket fails.
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), ExtractError> {
        let key = (self.key)(self.files.len());
        let writer = match &mut self.open {
            Some(writer) => writer,
            None => {
                let writer = ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties(&key)?));
                self.open.insert(writer.map_err(failed(&key))?)
            }
        };
        writer.write(batch).map_err(failed(&key))?;
        let byte_count = writer.bytes_written() + writer.in_progress_size();
        self.open_rows += batch.num_rows() as u64;
        if byte_count >= FILE_BYTES { self.close_file().await } else { Ok(()) }
    }

    /// Closes the last file and names all of them.
    ///
    /// # Errors
    /// As [`DataFiles::write`].
    pub(crate) async fn finish(mut self) -> Result<Vec<DataFile>, ExtractError> {
        self.close_file().await?;
        Ok(self.files)
    }

    async fn close_file(&mut self) -> Result<(), ExtractError> {
        let Some(writer) = self.open.take() else { return Ok(()) };
        let key = (self.key)(self.files.len());
        let content = writer.into_inner().map_err(failed(&key))?;
        let file_size_in_bytes = content.len() as u64;
        self.bucket.write(&key, content, CONTENT_TYPE).await?;
        self.files.push(DataFile { key, record_count: self.open_rows, file_size_in_bytes });
        self.open_rows = 0;
        Ok(())
    }
}

fn properties(key: &str) -> Result<WriterProperties, ExtractError> {
    let level = ZstdLevel::try_new(3).map_err(failed(key))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("extract-rds ", env!("CARGO_PKG_VERSION")).to_owned())
        .build())
}

fn failed(key: &str) -> impl Fn(ParquetError) -> ExtractError {
    let key = key.to_owned();
    move |source| ExtractError::Parquet { key: key.clone(), source }
}
