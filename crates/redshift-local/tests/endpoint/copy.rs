//! COPY of Parquet, from a real S3.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int64Type;

use crate::support::{Bucket, Random, Warehouse, parquet};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
        .expect("columns of one length")
}

fn decimals(values: Vec<Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).expect("precision"))
}

async fn start(name: &str) -> (Bucket, Warehouse) {
    let bucket = Bucket::create(&name.replace('_', "-")).await;
    let warehouse = Warehouse::start_with_s3(name, &bucket.endpoint()).await;
    (bucket, warehouse)
}

#[tokio::test]
async fn every_type_arrives_as_it_was_written() {
    let (bucket, warehouse) = start("copy_types").await;
    let rows = batch(vec![
        ("a", Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(-1)]))),
        ("b", Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(7)]))),
        ("c", Arc::new(Int16Array::from(vec![Some(-3), None, Some(3)]))),
        ("d", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("e", decimals(vec![Some(-5), None, Some(123_456_789_012)], 12, 2)),
        ("f", decimals(vec![Some(10_i128.pow(37) + 7), None, Some(0)], 38, 10)),
        ("g", Arc::new(Date32Array::from(vec![Some(19_782), None, Some(-719_162)]))),
        ("h", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_704_110_400_123_456), None, Some(-1_000_000)]))),
        ("i", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-2.5)]))),
        ("j", Arc::new(Float32Array::from(vec![Some(0.5), None, Some(-2.0)]))),
        ("k", Arc::new(StringArray::from(vec![Some("héllo"), None, Some("")]))),
    ]);
    warehouse
        .apply(&[
            "create table public.t (a bigint, b integer, c smallint, d boolean, e decimal(12,2), f decimal(38,10), \
            g date, h timestamp, i double precision, j real, k varchar(6))",
        ])
        .await;
    let entry = bucket.put_parquet("types.parquet", &rows, 2).await;
    warehouse.apply(&[&bucket.copy("t", &[entry]).await]).await;
    let expected: [&[&str]; 3] = [
        &[
            "9223372036854775807",
            "-2147483648",
            "-3",
            "true",
            "-0.05",
            "1000000000000000000000000000.0000000007",
            "2024-02-29",
            "2024-01-01 12:00:00.123456",
            "0.1",
            "0.5",
            "héllo",
        ],
        &[
            "-1",
            "7",
            "3",
            "false",
            "1234567890.12",
            "0.0000000000",
            "0001-01-01",
            "1969-12-31 23:59:59.0",
            "-2.5",
            "-2",
            "",
        ],
        &["NULL"; 11],
    ];
    assert_eq!(warehouse.rows("select * from t order by b").await, expected);
}

#[tokio::test]
async fn columns_go_by_position_and_the_rest_takes_defaults() {
    let (bucket, warehouse) = start("copy_positions").await;
    let rows = batch(vec![
        ("named_otherwise", Arc::new(Int64Array::from(vec![1, 2]))),
        ("b", Arc::new(StringArray::from(vec!["x", "y"]))),
    ]);
    let entry = bucket.put_parquet("file.parquet", &rows, 10).await;
    warehouse
        .apply(&["create table public.t (id bigint identity(1, 1), b varchar(5), a bigint, source varchar(5) default 'file')"])
        .await;
    // A file that is listed twice is loaded twice.
    warehouse.apply(&[&bucket.copy("t (a, b)", &[entry.clone(), entry.clone()]).await]).await;
    assert_eq!(
        warehouse.rows("select a, b, source, count(*) from t group by 1, 2, 3 order by 1").await,
        [["1", "x", "file", "2"], ["2", "y", "file", "2"]]
    );
    let short = bucket.copy("t (a, b, source)", &[entry]).await;
    assert!(warehouse.error(&short).await.contains("Table columns: 3, Data columns: 2"));
    warehouse.apply(&[&format!("{short} fillrecord")]).await;
    assert_eq!(warehouse.value("select count(*) from t where source is null").await, "2");
}

#[tokio::test]
async fn a_copy_is_part_of_its_batch() {
    let (bucket, warehouse) = start("copy_batch").await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from_iter_values(0..10_000)))]);
    let entry = bucket.put_parquet("file.parquet", &rows, 1_000).await;
    warehouse.apply(&["create table public.t (a bigint)"]).await;
    let copy = bucket.copy("t", &[entry]).await;
    let failed = warehouse.run_batch(&[&copy, "select 1 / 0"]).await;
    assert_eq!((failed.status(), failed.0.sub_statements()[0].result_rows), ("FAILED", 10_000));
    assert_eq!(warehouse.value("select count(*) from t").await, "0");
    let counts = "select pg_last_copy_count(), sum(a), pg_last_copy_id() = pg_last_query_id() from t";
    let id = warehouse.submit_batch(&[&copy, counts]).await;
    let loaded = warehouse.end(&id).await;
    assert!(loaded.is_finished(), "{}", loaded.error());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["10000", "49995000", "true"]]);
}

#[tokio::test]
async fn a_failed_copy_has_loaded_nothing() {
    let (bucket, warehouse) = start("copy_count").await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from_iter_values(0..3)))]);
    let entry = bucket.put_parquet("file.parquet", &rows, 1_000).await;
    warehouse.apply(&["create table public.t (a bigint)", "create table public.u (a bigint, b bigint)"]).await;
    let copy = bucket.copy("t", std::slice::from_ref(&entry)).await;
    let failing = bucket.copy("u", &[entry]).await;
    let first = warehouse.client.execute_statement().workgroup_name("main").database(&warehouse.database).sql(&copy);
    let first = first.session_keep_alive_seconds(600).send().await.expect("open a session");
    warehouse.end(first.id().expect("id")).await;
    for is_batch in [false, true] {
        for (sql, count) in [(&copy, "3"), (&failing, "0")] {
            let session_id = first.session_id().expect("session id");
            let id = if is_batch {
                warehouse.client.batch_execute_statement().session_id(session_id).sqls(sql).send().await.expect(sql).id
            } else {
                warehouse.client.execute_statement().session_id(session_id).sql(sql).send().await.expect(sql).id
            };
            warehouse.end(&id.expect("id")).await;
            let ask = warehouse.client.execute_statement().session_id(session_id).sql("select pg_last_copy_count()");
            let id = ask.send().await.expect("ask").id.expect("id");
            assert!(warehouse.end(&id).await.is_finished());
            assert_eq!(warehouse.result(&id).await, [[count]]);
        }
    }
}

#[tokio::test]
async fn a_file_that_does_not_fit_the_table_fails_the_copy() {
    let (bucket, warehouse) = start("copy_faults").await;
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]));
    let cases: Vec<(&str, ArrayRef, &str)> = vec![
        (
            "bigint",
            Arc::new(Int32Array::from(vec![1])),
            "incompatible Parquet schema for column 'v'. Column type: BIGINT",
        ),
        ("integer", Arc::new(Int64Array::from(vec![1])), "incompatible Parquet schema"),
        ("double precision", Arc::new(Float32Array::from(vec![1.0])), "incompatible Parquet schema"),
        ("decimal(12,2)", decimals(vec![Some(1)], 10, 2), "incompatible Parquet schema"),
        // Stored in 13 bytes and in 8, as of more than 18 digits and of 18.
        ("numeric(18,9)", decimals(vec![Some(1)], 29, 9), "has an invalid type length. Expecting: 8 len in file: 13"),
        ("timestamp", Arc::new(TimestampNanosecondArray::from(vec![1])), "incompatible Parquet schema"),
        ("date", text("2024-01-01"), "incompatible Parquet schema"),
        ("varchar(10)", list, "incompatible Parquet schema"),
        ("varchar(3)", text("éé"), "longer than the length defined in the table. Table: 3, Data: 4"),
        ("char(3)", text("é"), "single-byte characters only"),
        (
            "bigint not null",
            Arc::new(Int64Array::from(vec![None, Some(1)])),
            "Cannot insert a NULL value into column v",
        ),
    ];
    for (position, (column_type, values, expected)) in cases.into_iter().enumerate() {
        let table = format!("t{position}");
        warehouse.apply(&[&format!("create table public.{table} (v {column_type})")]).await;
        let entry = bucket.put_parquet(&format!("{table}.parquet"), &batch(vec![("v", values)]), 10).await;
        let error = warehouse.error(&bucket.copy(&table, &[entry]).await).await;
        assert!(error.contains(expected), "{column_type}: {error}");
        assert_eq!(warehouse.value(&format!("select count(*) from {table}")).await, "0");
    }
}

#[tokio::test]
async fn a_manifest_is_taken_at_its_word() {
    let (bucket, warehouse) = start("copy_manifests").await;
    warehouse.apply(&["create table public.t (a bigint)"]).await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let good = bucket.put_parquet("good.parquet", &rows, 10).await;
    bucket.put("broken.parquet", b"PAR1 not a file at all PAR1".to_vec()).await;
    let optional = bucket.entry("absent.parquet", 9).replace("true", "false");
    for (entries, expected) in [
        (vec![bucket.entry("absent.parquet", 9)], "File not found"),
        (vec![optional.clone()], "none of the files in the manifest exists"),
        (vec![bucket.entry("good.parquet", 1_000_000)], "416"),
        (vec![bucket.entry("good.parquet", 8)], "invalid version number"),
        (vec![bucket.entry("broken.parquet", 27)], "not valid Parquet"),
        (vec![format!(r#"{{"url":"{}"}}"#, bucket.url("good.parquet"))], "File entry does not have 'meta' key."),
        (vec![good.clone(), bucket.entry("broken.parquet", 27)], "not valid Parquet"),
    ] {
        let error = warehouse.error(&bucket.copy("t", &entries).await).await;
        assert!(error.contains(expected), "{entries:?}: {error}");
    }
    assert_eq!(warehouse.value("select count(*) from t").await, "0");
    warehouse.apply(&[&bucket.copy("t", &[optional, good]).await]).await;
    assert_eq!(warehouse.value("select count(*) from t").await, "1");

    let copy = bucket.copy("t", &[]).await;
    assert!(warehouse.error(&copy).await.contains("The manifest has no entries."));
    assert!(warehouse.error(&copy.replace("t.manifest", "none.manifest")).await.contains("Error NoSuchKey"));
    assert!(warehouse.error(&copy.replace("copy t", "copy u")).await.contains("nonexistent table u"));
}

#[tokio::test]
async fn files_are_read_however_they_are_compressed() {
    let (bucket, warehouse) = start("copy_compressed").await;
    warehouse.apply(&["create table public.t (a bigint)"]).await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from_iter_values(0..1_000)))]);
    let mut entries = Vec::new();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).expect("writer");
        writer.write(&rows).expect("write rows");
        writer.close().expect("close file");
        let key = format!("{}.parquet", entries.len());
        entries.push(bucket.entry(&key, file.len()));
        bucket.put(&key, file).await;
    }
    warehouse.apply(&[&bucket.copy("t", &entries).await]).await;
    assert_eq!(warehouse.rows("select count(*), sum(a) from t").await, [["6000", "2997000"]]);
}

#[tokio::test]
async fn invalid_text_fails_unless_it_is_replaced() {
    let (bucket, warehouse) = start("copy_invalid_text").await;
    warehouse.apply(&["create table public.t (n bigint, v varchar(8))"]).await;
    let texts: Vec<Option<&str>> = vec![Some("Zürich"), None, Some("Zyxxich")];
    let rows = batch(vec![("n", Arc::new(Int64Array::from(vec![1, 2, 3]))), ("v", Arc::new(StringArray::from(texts)))]);
    // Written as valid text and broken in the file, as no writer of Arrow would do it.
    let mut file = parquet(&rows, 10);
    let places: Vec<usize> = (0..file.len() - 2).filter(|&at| file[at..].starts_with(b"yxx")).collect();
    for at in places {
        file[at + 1..at + 3].copy_from_slice(&[0xff, 0xc3]);
    }
    let length = file.len();
    bucket.put("file.parquet", file).await;
    let copy = bucket.copy("t", &[bucket.entry("file.parquet", length)]).await;
    assert!(warehouse.error(&copy).await.contains("UTF-8"));
    warehouse.apply(&[&format!("{copy} acceptinvchars"), &format!("{copy} acceptinvchars as '~'")]).await;
    assert_eq!(
        warehouse.rows("select n, v, count(*) from t group by 1, 2 order by 1, 2").await,
        [["1", "Zürich", "2"], ["2", "NULL", "2"], ["3", "Zy??ich", "1"], ["3", "Zy~~ich", "1"]]
    );
}

#[tokio::test]
async fn identity_values_are_generated_unless_the_files_have_them() {
    let (bucket, warehouse) = start("copy_identity").await;
    let names = batch(vec![("v", Arc::new(StringArray::from(vec!["x", "y"])))]);
    let both = batch(vec![("id", Arc::new(Int64Array::from(vec![70]))), ("v", Arc::new(StringArray::from(vec!["z"])))]);
    let (names, both) = (bucket.put_parquet("n", &names, 10).await, bucket.put_parquet("b", &both, 10).await);
    warehouse.apply(&["create table public.t (id bigint identity(1, 1), v varchar(5))"]).await;
    warehouse.apply(&[&bucket.copy("t", std::slice::from_ref(&names)).await]).await;
    let explicit = bucket.copy("t", std::slice::from_ref(&both)).await;
    assert!(warehouse.error(&explicit).await.contains("Table columns: 1, Data columns: 2"));
    warehouse.apply(&[&format!("{explicit} explicit_ids")]).await;
    assert_eq!(
        warehouse.rows("select id > 0, v from t where id <> 70 order by v").await,
        [["true", "x"], ["true", "y"]]
    );
    assert_eq!(warehouse.value("select v from t where id = 70").await, "z");
    let listed = bucket.copy("t (id, v)", &[both]).await;
    assert!(warehouse.error(&listed).await.contains("EXPLICIT_IDS"));
    let unlisted = bucket.copy("t (v)", &[names]).await;
    assert!(warehouse.error(&format!("{unlisted} explicit_ids")).await.contains("EXPLICIT_IDS"));
}

#[tokio::test]
async fn many_files_are_read_whole_and_the_first_fault_counts() {
    let (bucket, warehouse) = start("copy_many_files").await;
    warehouse.apply(&["create table public.t (a bigint)"]).await;
    let mut entries = Vec::new();
    for file in 0..10 {
        let rows = batch(vec![("a", Arc::new(Int64Array::from_iter_values(file * 5_000..(file + 1) * 5_000)))]);
        entries.push(bucket.put_parquet(&format!("{file}.parquet"), &rows, 700).await);
    }
    warehouse.apply(&[&bucket.copy("t", &entries).await]).await;
    assert_eq!(
        warehouse.rows("select count(*), sum(a), count(distinct a) from t").await,
        [["50000", "1249975000", "50000"]]
    );

    let null = batch(vec![("a", Arc::new(Int64Array::from(vec![None])))]);
    let texts = batch(vec![("a", Arc::new(StringArray::from(vec!["x"])))]);
    warehouse.apply(&["create table public.strict (a bigint not null)"]).await;
    entries.insert(7, bucket.put_parquet("null.parquet", &null, 10).await);
    entries.insert(8, bucket.put_parquet("texts.parquet", &texts, 10).await);
    let error = warehouse.error(&bucket.copy("strict", &entries).await).await;
    assert!(error.contains("Cannot insert a NULL value into column a"), "{error}");
    assert_eq!(warehouse.value("select count(*) from strict").await, "0");
}

#[tokio::test]
async fn without_a_manifest_the_source_is_a_prefix() {
    let (bucket, warehouse) = start("copy_prefix").await;
    warehouse.apply(&["create table public.t (a bigint)"]).await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![1, 2])))]);
    for key in ["day=1/0.parquet", "day=1/1.parquet", "day=10/0.parquet", "day=2/0.parquet"] {
        bucket.put_parquet(key, &rows, 10).await;
    }
    bucket.put("day=1/", Vec::new()).await;
    let copy = |prefix: &str| format!("copy t from '{}' iam_role default format as parquet", bucket.url(prefix));
    warehouse.apply(&[&copy("day=1")]).await;
    assert_eq!(warehouse.value("select count(*) from t").await, "6");
    warehouse.apply(&[&copy("day=1/"), &copy("day=3")]).await;
    assert_eq!(warehouse.value("select count(*) from t").await, "10");
    bucket.put("day=1/notes.txt", b"no Parquet".to_vec()).await;
    assert!(warehouse.error(&copy("day=1/")).await.contains("not valid Parquet"));
    assert!(
        warehouse.error("copy t from 's3://no-such-bucket/k' iam_role default parquet").await.contains("NoSuchBucket")
    );
}

/// A mutilated file may by chance still hold valid rows; it never leads to a panic or a hang.
#[tokio::test]
async fn broken_files_fail_their_copy_only() {
    let (bucket, warehouse) = start("copy_broken").await;
    warehouse.apply(&["create table public.t (a bigint, b varchar(8), c decimal(12,2))"]).await;
    let rows = batch(vec![
        ("a", Arc::new(Int64Array::from_iter((0..500).map(|row| (row % 7 > 0).then_some(row))))),
        ("b", Arc::new(StringArray::from_iter((0..500).map(|row| Some(format!("é{}", row % 40)))))),
        ("c", decimals((0..500).map(Some).collect(), 12, 2)),
    ]);
    let whole = parquet(&rows, 100);
    let mut random = Random::seeded();
    for round in 0..150 {
        let mut file = whole.clone();
        // The schema and the positions of everything stand at the end.
        let mut end = file.split_off(if random.below(2) == 0 { 0 } else { file.len() - 700 });
        random.mutilate(&mut end);
        file.extend(end);
        let length = file.len();
        bucket.put("broken.parquet", file).await;
        let statement = warehouse.run(&bucket.copy("t", &[bucket.entry("broken.parquet", length)]).await).await;
        let error = statement.error();
        assert!(
            statement.is_finished()
                || error.starts_with("ERROR: ")
                    && !error.contains("stopped")
                    && !error.contains("redshift-local failed"),
            "round {round}: {error}"
        );
    }
    warehouse
        .apply(&["truncate t", &bucket.copy("t", &[bucket.put_parquet("whole.parquet", &rows, 100).await]).await])
        .await;
    assert_eq!(warehouse.value("select count(*) from t").await, "500");
}

#[tokio::test]
async fn loads_and_queries_leave_their_history() {
    let (bucket, warehouse) = start("copy_history").await;
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![Some(1), None])))]);
    let entry = bucket.put_parquet("file.parquet", &rows, 10).await;
    warehouse.apply(&["create table public.t (a bigint)", "create table public.strict (a bigint not null)"]).await;
    let copied = warehouse.run(&bucket.copy("t", &[entry.clone(), entry.clone()]).await).await;
    assert!(copied.is_finished(), "{}", copied.error());
    // A load that is rolled back is remembered too.
    warehouse.run_batch(&[&bucket.copy("public.strict", &[entry]).await, "select 1"]).await;
    assert_eq!(
        warehouse
            .rows(
                "select table_name, status, loaded_rows, source_file_count, error_count, \
                split_part(data_source, '/', 4) from sys_load_history order by query_id"
            )
            .await,
        [
            ["t", "completed", "4", "2", "0", "t.manifest"],
            ["public.strict", "aborted", "0", "1", "1", "public.strict.manifest"]
        ]
    );
    assert_eq!(
        warehouse.rows("select table_name, split_part(file_name, '/', 4), error_code from sys_load_error_detail").await,
        [["public.strict", "file.parquet", "8007"]]
    );
    let query = format!(
        "select q.query_type, q.status, l.loaded_rows, q.elapsed_time > 0 from sys_query_history q \
        join sys_load_history l on l.query_id = q.query_id where q.query_id = {}",
        copied.0.redshift_query_id
    );
    assert_eq!(warehouse.rows(&query).await, [["COPY", "success", "4", "true"]]);
    assert_eq!(
        warehouse.rows("select query_type, status, count(*) from sys_query_history group by 1, 2 order by 1, 2").await,
        [["COPY", "failed", "1"], ["COPY", "success", "1"], ["DDL", "success", "2"], ["SELECT", "success", "3"]]
    );
}
