//! Data files that are not those that were sealed, or that the raw table cannot take: found before COPY, named in words, and the
//! raw table stands as it did.

use crate::support::{Log, Pipeline, assert_equal, cloud, table_checksums};
use arrow::{
    array::RecordBatch,
    compute::cast,
    datatypes::{DataType, Field, Schema},
};
use bytes::Bytes;
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use serde_json::{Value, json};
use std::sync::Arc;

const DAY: &str = "2025-12-31";
const MANIFEST: &str = "raw/bookings/run=second/manifest.json";

/// A pipeline with a loaded run, and a sealed one that replaces bookings.
async fn sealed_twice(name: &str) -> Pipeline {
    let pipeline = Pipeline::sampled(name).await;
    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    pipeline.load(&["run"]).expect(0, &[]);
    pipeline.at_source(&["update bookings set total_price = total_price + 1"]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", DAY]).expect(0, &[]);
    pipeline
}

/// The second run's file of bookings, which tests change and put back.
struct SealedFile {
    pipeline: Pipeline,
    manifest: Value,
    key: String,
    content: Vec<u8>,
    batch: RecordBatch,
}

impl SealedFile {
    async fn of(pipeline: Pipeline) -> Self {
        let manifest = cloud().get_json(&pipeline.bucket, MANIFEST).await;
        let key = manifest["files"][0]["key"].as_str().expect("a key").to_owned();
        let content = Log::of(&pipeline.bucket).object(&key).await;
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content.clone())).expect("a Parquet file");
        let schema = reader.schema().clone();
        let batches: Vec<_> = reader.build().expect("a reader").map(|batch| batch.expect("a batch")).collect();
        let batch = arrow::compute::concat_batches(&schema, &batches).expect("one batch");
        Self { pipeline, manifest, key, content, batch }
    }

    async fn put(&self, content: Vec<u8>) {
        let put = cloud().s3().put_object().bucket(&self.pipeline.bucket).key(&self.key).body(content.into());
        put.send().await.expect("put a data file");
    }

    /// Puts another file in its place, of which the manifest knows size and rows.
    async fn replace(&self, batch: &RecordBatch) {
        let content = parquet(batch);
        let mut manifest = self.manifest.clone();
        manifest["files"][0]["file_size_in_bytes"] = json!(content.len());
        cloud().put_json(&self.pipeline.bucket, MANIFEST, &manifest).await;
        self.put(content).await;
    }

    fn without(&self, column: &str) -> RecordBatch {
        let places: Vec<_> =
            (0..self.batch.num_columns()).filter(|place| self.batch.schema().field(*place).name() != column).collect();
        self.batch.project(&places).expect("a batch of fewer columns")
    }

    /// Loads, which must be refused with these words and leave everything as it was; then puts the sealed file back.
    async fn assert_refused(&self, said: &[&str]) {
        let url = self.pipeline.warehouse_url();
        let before = table_checksums(&url, &["raw", "etl"], &[]).await;
        let key = format!("`{}`", self.key);
        self.pipeline.load(&["load", "--tables", "bookings"]).expect(3, &[&[key.as_str()], said].concat());
        let after = table_checksums(&url, &["raw", "etl"], &[]).await;
        assert_equal(&before, &after, &format!("after a load that was refused with {said:?}"));
        self.put(self.content.clone()).await;
        cloud().put_json(&self.pipeline.bucket, MANIFEST, &self.manifest).await;
    }
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, batch.schema(), None).expect("a Parquet writer");
    writer.write(batch).expect("write a batch");
    writer.close().expect("finish a Parquet file");
    content
}

/// The batch with one column's type changed; its values are converted.
fn with_type(batch: &RecordBatch, column: &str, data_type: &DataType) -> RecordBatch {
    let schema = batch.schema();
    let is_meant = |field: &Arc<Field>| field.name() == column;
    let fields = schema.fields().iter().map(|field| {
        if is_meant(field) { Arc::new(field.as_ref().clone().with_data_type(data_type.clone())) } else { field.clone() }
    });
    let columns =
        schema.fields().iter().zip(batch.columns()).map(|(field, values)| {
            if is_meant(field) { cast(values, data_type).expect("a cast") } else { values.clone() }
        });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns.collect()).expect("a batch")
}

/// The batch's schema with NULL allowed in every column.
fn lenient(batch: &RecordBatch) -> Arc<Schema> {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_named_with_every_column_before_copy() {
    let file = SealedFile::of(sealed_twice("preflight_misfit").await).await;

    let wrong_types =
        with_type(&with_type(&file.batch, "total_price", &DataType::Float64), "user_id", &DataType::Int32);
    file.replace(&wrong_types).await;
    let said = [
        "column 2 `user_id`: file INT32, table BIGINT",
        "column 8 `total_price`: file DOUBLE, table DECIMAL(12,2)",
        "does not fit table `raw.bookings`",
        "nothing of this table was loaded",
    ];
    file.assert_refused(&said).await;

    // COPY would load these without a word: both are dates.
    let swapped = file.batch.project(&[0, 1, 2, 3, 4, 6, 5, 7, 8, 9, 10, 11]).expect("a batch");
    file.replace(&swapped).await;
    file.assert_refused(&["column 6 `checkin_date`: at place 7 of the file", "column 7 `checkout_date`: at place 6"])
        .await;

    file.replace(&file.without("num_guests")).await;
    file.assert_refused(&["column 12 `num_guests`: not in the file"]).await;

    let again = Field::new("channel", DataType::Int64, true);
    let fields: Vec<_> = file.batch.schema().fields().iter().cloned().chain([Arc::new(again)]).collect();
    let columns = file.batch.columns().iter().cloned().chain([file.batch.column(1).clone()]).collect();
    file.replace(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")).await;
    file.assert_refused(&["column 13 `channel` of the file: not in the table"]).await;

    // A required column that may be NULL in the file, and is.
    let mut columns = file.batch.columns().to_vec();
    columns[1] = arrow::array::new_null_array(&DataType::Int64, file.batch.num_rows());
    file.replace(&RecordBatch::try_new(lenient(&file.batch), columns).expect("a batch")).await;
    file.assert_refused(&[&format!("column 2 `user_id`: file {} NULLs, table NOT NULL", file.batch.num_rows())]).await;

    file.pipeline.load(&["load"]).expect(0, &[]);
}

#[tokio::test]
async fn files_of_one_manifest_are_alike() {
    let file = SealedFile::of(sealed_twice("preflight_mixed").await).await;
    // The same rows once more, in a file that says of each column that it may be NULL.
    let batch = RecordBatch::try_new(lenient(&file.batch), file.batch.columns().to_vec()).expect("a batch");
    let half = batch.num_rows() / 2;
    let (one, other) = (file.batch.slice(0, half), parquet(&batch.slice(half, batch.num_rows() - half)));
    let second_key = "raw/bookings/run=second/part-other.parquet";
    let put = cloud().s3().put_object().bucket(&file.pipeline.bucket).key(second_key);
    let mut manifest = file.manifest.clone();
    let rows = [half, batch.num_rows() - half];
    let one = parquet(&one);
    manifest["files"] = json!([file.manifest["files"][0], file.manifest["files"][0]]);
    for (place, (size, rows)) in [one.len(), other.len()].into_iter().zip(rows).enumerate() {
        manifest["files"][place]["file_size_in_bytes"] = json!(size);
        manifest["files"][place]["record_count"] = json!(rows);
    }
    manifest["files"][1]["key"] = json!(second_key);
    put.body(other.into()).send().await.expect("put a data file");
    file.put(one).await;
    cloud().put_json(&file.pipeline.bucket, MANIFEST, &manifest).await;
    file.assert_refused(&[second_key, "not alike", "`REQUIRED INT64 booking_id`", "`OPTIONAL INT64 booking_id`"]).await;
}

#[tokio::test]
async fn a_file_that_was_changed_after_it_was_sealed_is_named_with_the_way_out() {
    let file = SealedFile::of(sealed_twice("preflight_changed").await).await;
    let pipeline = &file.pipeline;
    let (size, rows) = (file.content.len(), file.batch.num_rows());

    cloud().s3().delete_object().bucket(&pipeline.bucket).key(&file.key).send().await.expect("delete");
    let restore = "restore the object's earlier version";
    file.assert_refused(&["is not in bucket", &pipeline.bucket, restore]).await;

    file.put(file.content[..size / 2].to_vec()).await;
    file.assert_refused(&[&format!("object {} bytes, manifest {size} bytes", size / 2), restore]).await;
    file.put(Vec::new()).await;
    file.assert_refused(&[&format!("object 0 bytes, manifest {size} bytes")]).await;

    // As large as it was, and no Parquet.
    file.put(vec![b'x'; size]).await;
    file.assert_refused(&["Parquet footer cannot be read", restore]).await;

    file.replace(&file.batch.slice(1, rows - 1)).await;
    file.assert_refused(&[&format!("Parquet footer {} rows, manifest {rows} rows", rows - 1), restore]).await;

    pipeline.load(&["load"]).expect(0, &[]);

    // Where no earlier version is left: the table's log begins anew.
    for prefix in ["raw/bookings/", "state/bookings.json"] {
        for key in Log::of(&pipeline.bucket).keys(prefix).await {
            cloud().s3().delete_object().bucket(&pipeline.bucket).key(key).send().await.expect("delete");
        }
    }
    pipeline.extract(&["--run-id", "anew", "--as-of", DAY]).expect(0, &[]);
    let rebuilt = pipeline.with_empty_warehouse("rebuilt");
    rebuilt.load(&["run"]).expect(0, &[]);
    assert_equal(
        &table_checksums(&pipeline.warehouse_url(), &["raw"], &["run_id"]).await,
        &table_checksums(&rebuilt.warehouse_url(), &["raw"], &["run_id"]).await,
        "raw tables after the log of bookings began anew",
    );
}
