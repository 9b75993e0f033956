//! Parquet files on S3, several of them at a time, each in pieces that fit into memory.
//!
//! COPY loads the files of a manifest side by side, one to a slice of the warehouse, and is done when the last one is. So a
//! table is spread over as many files as there are slices: row groups go to the smallest of the open files, and when all
//! have their size, as many new ones are begun. A table of fewer row groups has one file for each.

use crate::{
    error::ExtractError,
    row_group::{RowGroup, RowGroupEncoder},
};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use futures::future::try_join_all;
use parquet::{errors::ParquetError, file::writer::SerializedFileWriter};
use rental_core::DataFile;
use rental_task::{Bucket, Upload};
use std::{mem, num::NonZero};
use tokio::runtime::Handle;

const CONTENT_TYPE: &str = "application/vnd.apache.parquet";

/// How the rows of a table are spread over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLayout {
    /// Files that are written side by side: the slices of the warehouse, or a multiple.
    pub slices: NonZero<usize>,
    /// Size from which a file is not added to.
    pub file_bytes: u64,
}

/// Writes batches of one schema to as many files as they need. It blocks, and belongs on a thread that may.
pub(crate) struct DataFiles<'a> {
    bucket: &'a Bucket,
    runtime: Handle,
    schema: SchemaRef,
    layout: FileLayout,
    key: Box<dyn Fn(usize) -> String + Send + 'a>,
    /// Known from the first batch on.
    encoder: Option<RowGroupEncoder>,
    open: Vec<OpenFile>,
    /// Row groups that will begin new files, if enough of them come.
    held: Vec<RowGroup>,
    part_count: usize,
    files: Vec<DataFile>,
}

struct OpenFile {
    writer: SerializedFileWriter<Vec<u8>>,
    upload: Upload,
    row_count: u64,
}

impl<'a> DataFiles<'a> {
    /// `key` names the file of a part. Uploads run on `runtime`.
    pub(crate) fn new(
        bucket: &'a Bucket,
        runtime: Handle,
        schema: SchemaRef,
        layout: FileLayout,
        key: impl Fn(usize) -> String + Send + 'a,
    ) -> Self {
        let (encoder, open, held, files) = (None, Vec::new(), Vec::new(), Vec::new());
        Self { bucket, runtime, schema, layout, key: Box::new(key), encoder, open, held, part_count: 0, files }
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// When it cannot be encoded or the bucket fails.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ExtractError> {
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => RowGroupEncoder::new(&self.schema, batch).map_err(self.failed())?,
        };
        let mut first = 0;
        while first < batch.num_rows() {
            let count = encoder.room().min(batch.num_rows() - first);
            encoder.write(&batch.slice(first, count)).map_err(self.failed())?;
            first += count;
            if encoder.room() == 0 {
                self.place(&mut encoder)?;
            }
        }
        self.encoder = Some(encoder);
        Ok(())
    }

    /// Closes all files and names them.
    ///
    /// # Errors
    /// As [`DataFiles::write`].
    pub(crate) fn finish(mut self) -> Result<Vec<DataFile>, ExtractError> {
        if let Some(mut encoder) = self.encoder.take() {
            self.place(&mut encoder)?;
        }
        // Too few for new files: they go to those that were full.
        for row_group in mem::take(&mut self.held) {
            self.append(row_group)?;
        }
        self.close_files()?;
        Ok(self.files)
    }

    /// Gives up the open files: nothing is left of them. Complete ones count only if a manifest names them.
    pub(crate) fn abort(self) {
        for file in self.open {
            self.runtime.block_on(file.upload.abort());
        }
    }

    /// Puts the encoder's rows into a file, or aside until there are enough for new files.
    fn place(&mut self, encoder: &mut RowGroupEncoder) -> Result<(), ExtractError> {
        let Some(row_group) = encoder.finish().map_err(self.failed())? else { return Ok(()) };
        let slices = self.layout.slices.get();
        if self.open.len() < slices {
            return self.begin_file(encoder, row_group);
        }
        let is_full = |file: &OpenFile| file.writer.bytes_written() as u64 >= self.layout.file_bytes;
        if !self.open.iter().all(is_full) {
            return self.append(row_group);
        }
        self.held.push(row_group);
        if self.held.len() == slices {
            self.close_files()?;
            for row_group in mem::take(&mut self.held) {
                self.begin_file(encoder, row_group)?;
            }
        }
        Ok(())
    }

    fn begin_file(&mut self, encoder: &RowGroupEncoder, row_group: RowGroup) -> Result<(), ExtractError> {
        let upload = self.bucket.upload(&(self.key)(self.part_count), CONTENT_TYPE);
        self.part_count += 1;
        let writer = encoder.new_file().map_err(failed(upload.key()))?;
        let mut file = OpenFile { writer, upload, row_count: 0 };
        file.append(row_group, &self.runtime)?;
        self.open.push(file);
        Ok(())
    }

    /// Appends to the smallest file.
    fn append(&mut self, row_group: RowGroup) -> Result<(), ExtractError> {
        // Row groups are held only while files are open.
        let smallest = self.open.iter_mut().min_by_key(|file| file.writer.bytes_written());
        smallest.map_or(Ok(()), |file| file.append(row_group, &self.runtime))
    }

    fn close_files(&mut self) -> Result<(), ExtractError> {
        // Side by side: each waits for the bucket several times.
        let closing = mem::take(&mut self.open).into_iter().map(OpenFile::close);
        self.files.extend(self.runtime.block_on(try_join_all(closing))?);
        Ok(())
    }

    /// For what concerns no file yet.
    fn failed(&self) -> impl Fn(ParquetError) -> ExtractError + use<> {
        failed(&(self.key)(self.part_count))
    }
}

impl OpenFile {
    fn append(&mut self, row_group: RowGroup, runtime: &Handle) -> Result<(), ExtractError> {
        self.row_count += row_group.row_count;
        row_group.append_to(&mut self.writer).map_err(failed(self.upload.key()))?;
        let bytes = mem::take(self.writer.inner_mut());
        Ok(runtime.block_on(self.upload.write(bytes))?)
    }

    async fn close(mut self) -> Result<DataFile, ExtractError> {
        let key = self.upload.key().to_owned();
        self.writer.finish().map_err(failed(&key))?;
        let rest = mem::take(self.writer.inner_mut());
        self.upload.write(rest).await?;
        let uploaded = self.upload.finish().await?;
        Ok(DataFile {
            key,
            record_count: self.row_count,
            file_size_in_bytes: uploaded.size_in_bytes,
            checksum_crc64nvme: uploaded.checksum,
        })
    }
}

fn failed(key: &str) -> impl Fn(ParquetError) -> ExtractError + use<> {
    let key = key.to_owned();
    move |source| ExtractError::Parquet { key: key.clone(), source }
}
