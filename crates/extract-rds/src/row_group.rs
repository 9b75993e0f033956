//! Batches into encoded row groups of Parquet, which then go to whichever file.

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, SchemaRef},
};
use parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::{ColumnPath, TypePtr},
};
use std::{collections::HashSet, mem, sync::Arc};
use xxhash_rust::xxh3::xxh3_64;

/// Rows of a row group, so that one COPY can read several at once.
const MAX_ROWS: usize = 128 * 1024;
/// Encoded bytes of a row group, so that wide rows stay within bounds as well.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Higher levels cost more time here than they save on the way.
const ZSTD_LEVEL: i32 = 1;
/// Encoded bytes of a page. The buffers of larger ones are new memory each time, of which the kernel has to clear every page.
const PAGE_BYTES: usize = 128 * 1024;

/// Encodes one row group after the other.
pub(crate) struct RowGroupEncoder {
    schema: SchemaRef,
    parquet_schema: TypePtr,
    properties: Arc<WriterProperties>,
    factory: ArrowRowGroupWriterFactory,
    columns: Vec<ArrowColumnWriter>,
    row_count: usize,
}

/// Some rows, ready to be put into a file.
pub(crate) struct RowGroup {
    columns: Vec<ArrowColumnChunk>,
    pub(crate) row_count: u64,
}

impl RowGroupEncoder {
    /// `sample` holds some of the rows to come: it decides how each column is encoded.
    pub(crate) fn new(schema: &SchemaRef, sample: &RecordBatch) -> Result<Self, ParquetError> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_offset_index_disabled(true)
            .set_created_by(concat!("extract-rds ", env!("CARGO_PKG_VERSION")).to_owned());
        for (field, values) in schema.fields().iter().zip(sample.columns()) {
            let path = ColumnPath::from(field.name().as_str());
            // Texts lie in no order that would let bounds leave anything out, and finding bounds means comparing each.
            if field.data_type() == &DataType::Utf8 {
                properties = properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            }
            properties = properties.set_column_dictionary_enabled(path, dictionary_pays(values));
        }
        let properties = Arc::new(properties.build());
        let parquet_schema = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
        // Nothing is written here: a writer is what the factory learns schema and properties from.
        let writer = SerializedFileWriter::new(Vec::new(), parquet_schema.clone(), properties.clone())?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, schema.clone());
        let columns = factory.create_column_writers(0)?;
        Ok(Self { schema: schema.clone(), parquet_schema, properties, factory, columns, row_count: 0 })
    }

    /// A file for the row groups of this encoder.
    pub(crate) fn new_file(&self) -> Result<SerializedFileWriter<Vec<u8>>, ParquetError> {
        SerializedFileWriter::new(Vec::new(), self.parquet_schema.clone(), self.properties.clone())
    }

    /// Rows that still fit.
    pub(crate) fn room(&self) -> usize {
        let encoded: usize = self.columns.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
        if encoded >= MAX_BYTES { 0 } else { MAX_ROWS.saturating_sub(self.row_count) }
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        for ((writer, field), values) in self.columns.iter_mut().zip(self.schema.fields()).zip(batch.columns()) {
            for leaf in compute_leaves(field, values)? {
                writer.write(&leaf)?;
            }
        }
        self.row_count += batch.num_rows();
        Ok(())
    }

    /// The rows so far, if any; the encoder starts anew.
    pub(crate) fn finish(&mut self) -> Result<Option<RowGroup>, ParquetError> {
        let row_count = mem::take(&mut self.row_count) as u64;
        if row_count == 0 {
            return Ok(None);
        }
        let writers = mem::replace(&mut self.columns, self.factory.create_column_writers(0)?);
        let columns = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        Ok(Some(RowGroup { columns, row_count }))
    }
}

impl RowGroup {
    pub(crate) fn append_to(self, file: &mut SerializedFileWriter<Vec<u8>>) -> Result<(), ParquetError> {
        let mut row_group = file.next_row_group()?;
        for column in self.columns {
            column.append_to_row_group(&mut row_group)?;
        }
        row_group.close().map(drop)
    }
}

/// Whether values come back often enough that naming them once makes the file smaller. Where they do not, a dictionary
/// only costs time.
fn dictionary_pays(values: &ArrayRef) -> bool {
    let count = values.len() - values.null_count();
    let distinct = match values.data_type() {
        DataType::Boolean => return false,
        DataType::Utf8 => {
            let texts = values.as_string::<i32>();
            texts.iter().flatten().map(|text| xxh3_64(text.as_bytes())).collect::<HashSet<_>>().len()
        }
        _ => {
            let data = values.to_data();
            let Some(width) = values.data_type().primitive_width() else { return false };
            let bytes = data.buffers()[0].as_slice();
            let start = data.offset() * width;
            let present = (0..values.len()).filter(|row| values.is_valid(*row));
            present.map(|row| &bytes[start + row * width..][..width]).collect::<HashSet<_>>().len()
        }
    };
    2 * distinct <= count
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};

    #[test]
    fn a_dictionary_is_for_values_that_come_back() {
        let cases: [(ArrayRef, bool); 5] = [
            (Arc::new(Int64Array::from_iter_values(0..100)), false),
            (Arc::new(Int64Array::from_iter_values((0..100).map(|row| row % 7))), true),
            (Arc::new((0..100).map(|row| (row % 9 == 0).then_some(row)).collect::<Int64Array>()), false),
            (Arc::new(StringArray::from_iter_values((0..100).map(|row| ["EUR", "USD"][row % 2]))), true),
            (Arc::new(StringArray::from_iter_values((0..100).map(|row| row.to_string()))), false),
        ];
        for (values, expected) in cases {
            assert_eq!(dictionary_pays(&values), expected, "{values:?}");
            assert_eq!(dictionary_pays(&values.slice(10, 50)), expected, "a slice of {values:?}");
        }
    }
}
