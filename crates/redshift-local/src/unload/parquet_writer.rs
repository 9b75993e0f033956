//! Batches as Parquet files on S3, one after the other, each held in memory until it is full.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{UnloadCommand, UnloadError};
use crate::object_store::ObjectStore;

/// What a file holds at most, however large MAXFILESIZE is, because files are built in memory.
const FILE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// A file that was written.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub(super) url: String,
    pub(super) content_length: usize,
    pub(super) record_count: u64,
}

pub(super) struct ParquetWriter<'a> {
    command: &'a UnloadCommand,
    store: &'a ObjectStore,
    schema: SchemaRef,
    properties: WriterProperties,
    file_bytes: usize,
    current: Option<CurrentFile>,
    files: Vec<DataFile>,
}

struct CurrentFile {
    writer: ArrowWriter<Vec<u8>>,
    record_count: u64,
}

impl<'a> ParquetWriter<'a> {
    pub(super) fn new(command: &'a UnloadCommand, store: &'a ObjectStore, schema: SchemaRef) -> Self {
        let file_bytes = file_bytes(command.max_file_bytes, command.row_group_bytes);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("redshift-local".to_owned())
            .set_max_row_group_bytes(Some(command.row_group_bytes.min(file_bytes)))
            .build();
        Self { command, store, schema, properties, file_bytes, current: None, files: Vec::new() }
    }

    /// Adds rows to the file at hand, and ends it when it is full.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<(), UnloadError> {
        let current = match &mut self.current {
            Some(current) => current,
            vacant => {
                // Redshift's files hold Parquet's own types and no notes of Arrow.
                let options =
                    ArrowWriterOptions::new().with_properties(self.properties.clone()).with_skip_arrow_metadata(true);
                let writer = ArrowWriter::try_new_with_options(Vec::new(), self.schema.clone(), options)?;
                vacant.insert(CurrentFile { writer, record_count: 0 })
            }
        };
        current.writer.write(batch)?;
        current.record_count += batch.num_rows() as u64;
        if current.writer.bytes_written() + current.writer.in_progress_size() >= self.file_bytes {
            self.end_file().await?;
        }
        Ok(())
    }

    /// Writes what is left; returns all files. Without rows there is none, as in Redshift.
    pub(super) async fn finish(mut self) -> Result<Vec<DataFile>, UnloadError> {
        self.end_file().await?;
        Ok(self.files)
    }

    async fn end_file(&mut self) -> Result<(), UnloadError> {
        let Some(CurrentFile { writer, record_count }) = self.current.take() else { return Ok(()) };
        let file = writer.into_inner()?;
        let name = file_name(self.command.is_parallel, self.files.len());
        let url = format!("{}{name}", self.command.prefix);
        let content_length = file.len();
        self.store.put(&url, file.into()).await?;
        tracing::debug!(%url, size_bytes = content_length, row_count = record_count, "unloaded a file");
        self.files.push(DataFile { url, content_length, record_count });
        Ok(())
    }
}

/// Redshift names a file by its slice and the part of the slice; here every file is the first part of another slice.
fn file_name(is_parallel: bool, number: usize) -> String {
    if is_parallel { format!("{number:04}_part_00.parquet") } else { format!("{number:03}.parquet") }
}

/// Redshift rounds the size down to whole row groups, where it is that large.
fn file_bytes(wanted: usize, row_group: usize) -> usize {
    let wanted = wanted.min(FILE_MAX_BYTES);
    if wanted < row_group { wanted } else { wanted - wanted % row_group }
}

#[cfg(test)]
mod tests {
    use super::{file_bytes, file_name};

    #[test]
    fn files_are_named_by_slice_or_by_number() {
        assert_eq!(
            (file_name(true, 0), file_name(true, 12)),
            ("0000_part_00.parquet".into(), "0012_part_00.parquet".into())
        );
        assert_eq!((file_name(false, 0), file_name(false, 1000)), ("000.parquet".into(), "1000.parquet".into()));
    }

    #[test]
    fn files_hold_whole_row_groups_and_fit_the_memory() {
        const MEGABYTE: usize = 1 << 20;
        for (wanted, row_group, expected) in
            [(5, 32, 5), (63, 32, 32), (6_000, 32, 64), (6_000, 48, 48), (6_000, 128, 64)]
        {
            assert_eq!(file_bytes(wanted * MEGABYTE, row_group * MEGABYTE), expected * MEGABYTE);
        }
    }
}
