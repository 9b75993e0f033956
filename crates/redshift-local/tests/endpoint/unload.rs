//! UNLOAD of Parquet to a real S3, and back by COPY.

use aws_sdk_redshiftdata::types::ExecutionMode;
use serde_json::{Value, json};

use crate::support::{Bucket, Warehouse};

const ROLE: &str = "iam_role 'arn:aws:iam::123456789012:role/unload'";

/// Every type that can be unloaded.
const COLUMNS: &str = "a bigint, b integer, c smallint, d boolean, e decimal(12,2), f decimal(38,10), g date, h timestamp, \
    i double precision, j real, k varchar(40), l char(4)";

async fn start(name: &str) -> (Bucket, Warehouse) {
    let bucket = Bucket::create(&name.replace('_', "-")).await;
    let warehouse = Warehouse::start_with_s3(name, &bucket.endpoint()).await;
    (bucket, warehouse)
}

fn unload(query: &str, bucket: &Bucket, prefix: &str, options: &str) -> String {
    format!("unload ('{}') to '{}' {ROLE} format as parquet {options}", query.replace('\'', "''"), bucket.url(prefix))
}

fn copy(table: &str, bucket: &Bucket, prefix: &str) -> String {
    format!("copy {table} from '{}manifest' {ROLE} format as parquet manifest", bucket.url(prefix))
}

/// Runs a batch of statements that each stand for themselves, in one session; returns its id.
async fn run_each(warehouse: &Warehouse, sqls: &[&str]) -> String {
    let batch = warehouse.client.batch_execute_statement().workgroup_name("main").database(&warehouse.database);
    let batch = batch.execution_mode(ExecutionMode::AutoCommit);
    let submitted = batch.set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect())).send().await;
    let id = submitted.expect("submit batch").id.expect("id");
    warehouse.end(&id).await;
    id
}

async fn manifest(bucket: &Bucket, prefix: &str) -> Value {
    serde_json::from_slice(&bucket.get(&format!("{prefix}manifest")).await).expect("JSON")
}

#[tokio::test]
async fn every_type_comes_back_as_it_was() {
    let (bucket, warehouse) = start("unload_types").await;
    warehouse
        .apply(&[
            &format!("create table public.source ({COLUMNS})"),
            &format!("create table public.target ({COLUMNS})"),
            r"insert into source values
                (9223372036854775807, -2147483648, -3, true, -0.05, 1000000000000000000000000000.0000000007, '2024-02-29',
                 '2024-01-01 12:00:00.123456', 0.1, 0.5, 'héllo ''quoted'' \\ back', 'ab'),
                (-9223372036854775808, 2147483647, 3, false, 9999999999.99, -0.0000000001, '0001-01-01',
                 '1969-12-31 23:59:59', -2.5e300, -2, '', 'abcd'),
                (0, 0, 0, false, 0, 0, '2000-01-01', '2000-01-01', 0, 0, '0', '0'),
                (null, null, null, null, null, null, null, null, null, null, null, null)",
        ])
        .await;
    let id = warehouse.submit(&unload("select * from source", &bucket, "out/", "manifest")).await;
    let unloaded = warehouse.end(&id).await;
    assert!(unloaded.is_finished(), "{}", unloaded.error());
    assert_eq!((unloaded.0.result_rows, unloaded.0.has_result_set), (4, Some(false)));
    assert_eq!(bucket.keys("").await, ["out/0000_part_00.parquet", "out/manifest"]);

    warehouse.apply(&[&copy("target", &bucket, "out/")]).await;
    assert_eq!(warehouse.value("select count(*) from target").await, "4");
    for difference in
        ["select * from source except select * from target", "select * from target except select * from source"]
    {
        assert_eq!(warehouse.rows(difference).await, [[""; 0]; 0], "{difference}");
    }
}

#[tokio::test]
async fn a_query_is_redshift_sql_between_quotes() {
    let (bucket, warehouse) = start("unload_queries").await;
    warehouse
        .apply(&[
            "create table public.source (id integer, name varchar(20), paid decimal(10,2), seen timestamptz)",
            "insert into source values (1, 'it''s', 1.50, '2024-01-01 12:00:00+02'), (2, null, 2.25, null)",
            "create table public.target (id integer, name varchar(20), day date, share decimal(8,4), seen timestamp)",
        ])
        .await;
    let query = "with rows as (select id, nvl(name, 'none') as name, paid, seen from source as s qualify row_number() over \
                 (order by id desc) <= 2) select id, name, dateadd(day, id, '2024-02-28')::date as day, \
                 cast(paid / 3 as decimal(8,4)) as share, seen from rows where name in ('it''s', 'none') order by id";
    let expected =
        [["1", "it's", "2024-02-29", "0.5000", "2024-01-01 10:00:00.0"], ["2", "none", "2024-03-01", "0.7500", "NULL"]];
    let dollars = format!("unload ($${query};$$) to '{}' {ROLE} parquet manifest", bucket.url("dollars/"));
    for (statement, prefix) in [
        (unload(query, &bucket, "doubled/", "manifest"), "doubled/"),
        (unload(query, &bucket, "escaped/", "manifest").replace("''", r"\'"), "escaped/"),
        (dollars, "dollars/"),
    ] {
        let load = copy("target", &bucket, prefix);
        warehouse.apply(&[&statement, "truncate target", &load]).await;
        assert_eq!(warehouse.rows("select * from target order by id").await, expected, "{prefix}");
    }
}

#[tokio::test]
async fn a_manifest_tells_what_was_written() {
    let (bucket, warehouse) = start("unload_manifests").await;
    warehouse
        .apply(&[
            &format!("create table public.source ({COLUMNS})"),
            "insert into source (a) values (1), (2), (3)",
            &unload("select a, upper(k) as k from source", &bucket, "plain_", "manifest parallel off"),
            &unload("select * from source", &bucket, "verbose_", "manifest verbose"),
        ])
        .await;
    let length = bucket.get("plain_000.parquet").await.len();
    let url = bucket.url("plain_000.parquet");
    assert_eq!(
        manifest(&bucket, "plain_").await,
        json!({"entries": [{"url": url, "meta": {"content_length": length}}]})
    );

    let length = bucket.get("verbose_0000_part_00.parquet").await.len();
    let meta = json!({"content_length": length, "record_count": 3});
    let element = |name: &str, column_type: Value| json!({"name": name, "type": column_type});
    assert_eq!(
        manifest(&bucket, "verbose_").await,
        json!({
            "entries": [{"url": bucket.url("verbose_0000_part_00.parquet"), "meta": meta}],
            "schema": {"elements": [
                element("a", json!({"base": "bigint"})),
                element("b", json!({"base": "integer"})),
                element("c", json!({"base": "smallint"})),
                element("d", json!({"base": "boolean"})),
                element("e", json!({"base": "numeric", "precision": 12, "scale": 2})),
                element("f", json!({"base": "numeric", "precision": 38, "scale": 10})),
                element("g", json!({"base": "date"})),
                element("h", json!({"base": "timestamp without time zone"})),
                element("i", json!({"base": "double precision"})),
                element("j", json!({"base": "real"})),
                element("k", json!({"base": "character varying", "max_length": 40})),
                element("l", json!({"base": "character", "max_length": 4})),
            ]},
            "meta": meta,
            "author": {"name": "Amazon Redshift", "version": "1.0.0"},
        })
    );
}

#[tokio::test]
async fn an_empty_result_writes_nothing() {
    let (bucket, warehouse) = start("unload_empty").await;
    let query = "select 1 as a, a + 1 as b where 1 = 0";
    let counts = "select pg_last_unload_count(), pg_last_unload_id() = pg_last_query_id()";
    let id = warehouse.submit_batch(&[&unload(query, &bucket, "out/", "manifest verbose"), counts]).await;
    assert!(warehouse.end(&id).await.is_finished());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["0", "true"]]);
    assert!(bucket.keys("").await.is_empty());
}

#[tokio::test]
async fn files_in_the_way_are_kept_overwritten_or_deleted() {
    let (bucket, warehouse) = start("unload_destination").await;
    let table = "create table public.target (a integer)";
    warehouse.apply(&[table, &unload("select 1 as a", &bucket, "out/", "manifest")]).await;
    bucket.put("out/deep/other.txt", b"other".to_vec()).await;
    for prefix in ["out/", "ou", ""] {
        let error = warehouse.error(&unload("select 2 as a", &bucket, prefix, "")).await;
        assert!(error.starts_with("ERROR: Specified unload destination on S3 is not empty. Consider"), "{error}");
    }
    warehouse.apply(&[&unload("select 2 as a", &bucket, "out/new/", "")]).await;
    warehouse.apply(&[&unload("select 3 as a", &bucket, "out/", "manifest allowoverwrite")]).await;
    assert_eq!(
        bucket.keys("").await,
        ["out/0000_part_00.parquet", "out/deep/other.txt", "out/manifest", "out/new/0000_part_00.parquet"]
    );
    warehouse.apply(&[&copy("target", &bucket, "out/")]).await;
    assert_eq!(warehouse.rows("select a from target").await, [["3"]]);
    // What cannot run deletes nothing.
    warehouse.error(&unload("select a from absent", &bucket, "out/", "cleanpath")).await;
    assert_eq!(bucket.keys("").await.len(), 4);
    warehouse.apply(&[&unload("select 4 as a", &bucket, "out/", "cleanpath parallel off")]).await;
    assert_eq!(bucket.keys("").await, ["out/000.parquet"]);
}

#[tokio::test]
async fn a_large_result_is_many_files() {
    let (bucket, warehouse) = start("unload_files").await;
    let digits = "select 0 as d union all select 1 union all select 2 union all select 3 union all select 4 union all \
                  select 5 union all select 6 union all select 7 union all select 8 union all select 9";
    warehouse
        .apply(&[
            "create table public.digits (d integer)",
            &format!("insert into digits {digits}"),
            "create table public.source (id integer, noise varchar(200))",
            "create table public.target (like source)",
            "insert into source select n, md5('a' || n) || md5('b' || n) || md5('c' || n) || md5('d' || n) from \
             (select a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d as n \
              from digits a, digits b, digits c, digits d, digits e) as numbers",
        ])
        .await;
    for (prefix, options, first, second) in [
        ("slices/", "maxfilesize 5 mb", "slices/0000_part_00.parquet", "slices/0001_part_00.parquet"),
        ("serial/", "maxfilesize as 5 parallel off", "serial/000.parquet", "serial/001.parquet"),
    ] {
        let statement =
            unload("select * from source order by id", &bucket, prefix, &format!("manifest verbose {options}"));
        let id = warehouse.submit_batch(&[&statement, "select pg_last_unload_count()"]).await;
        let unloaded = warehouse.end(&id).await;
        assert!(unloaded.is_finished(), "{}", unloaded.error());
        assert_eq!(warehouse.result(&format!("{id}:2")).await, [["100000"]]);
        let keys = bucket.keys(prefix).await;
        assert!((4..=5).contains(&keys.len()) && keys[0] == first && keys[1] == second, "{keys:?}");
        let manifest = manifest(&bucket, prefix).await;
        assert_eq!(manifest["meta"]["record_count"], 100_000);
        for entry in manifest["entries"].as_array().expect("entries") {
            let length = entry["meta"]["content_length"].as_u64().expect("length");
            assert!(length < 6 << 20, "{length} bytes are no 5 MB");
        }
        warehouse.apply(&["truncate target", &copy("target", &bucket, prefix)]).await;
        assert_eq!(warehouse.value("select count(*) from target").await, "100000");
        assert_eq!(
            warehouse.value("select count(*) from (select * from source except select * from target) as d").await,
            "0"
        );
    }
    // S3 refuses while rows are still coming; the session answers the next statement with its own rows.
    let lost = unload("select * from source", &bucket, "x/", "maxfilesize 5 mb allowoverwrite")
        .replace("unload-files", "no-such-bucket-at-all");
    let id = run_each(&warehouse, &[&lost, "select count(*) from source", "select pg_last_unload_count()"]).await;
    assert!(warehouse.end(&format!("{id}:1")).await.error().contains("Error NoSuchBucket"));
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["100000"]]);
    assert_eq!(warehouse.result(&format!("{id}:3")).await, [["0"]]);
}

#[tokio::test]
async fn an_unload_belongs_to_its_session_and_transaction() {
    let (bucket, warehouse) = start("unload_sessions").await;
    warehouse.apply(&["create table public.source (a integer)", "create table public.target (a integer)"]).await;
    // A temporary table, rows that are not committed, and a transaction that goes on.
    let id = warehouse
        .submit_batch(&[
            "insert into source values (1), (2)",
            "create temp table picked as select a from source where a > 1",
            &unload("select a from picked", &bucket, "batch/", "manifest"),
            &copy("target", &bucket, "batch/"),
            "select pg_last_unload_count(), pg_last_copy_count()",
        ])
        .await;
    let ended = warehouse.end(&id).await;
    assert!(ended.is_finished(), "{}", ended.error());
    assert_eq!(warehouse.result(&format!("{id}:5")).await, [["1", "1"]]);
    assert_eq!(warehouse.rows("select a from target").await, [["2"]]);

    let failed =
        warehouse.run_batch(&["insert into source values (3)", &unload("select 1 / 0", &bucket, "no/", "")]).await;
    assert_eq!((failed.status(), failed.sub_statuses()), ("FAILED", vec!["FINISHED", "FAILED"]));
    assert_eq!(warehouse.value("select count(*) from source").await, "2");
    assert!(bucket.keys("no/").await.is_empty());

    warehouse
        .apply(&[
            "create procedure public.unload_above(low integer) as $$ begin execute 'unload (''select a from source \
             where a > ' || low || ''') to ''s3://unload-sessions/procedure/'' iam_role default parquet manifest'; \
             end $$ language plpgsql",
            "call unload_above(0)",
        ])
        .await;
    assert_eq!(bucket.keys("procedure/").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_unloaded_says_why() {
    let (bucket, warehouse) = start("unload_faults").await;
    warehouse.apply(&["create table public.source (a integer, b decimal(10,2), c time)"]).await;
    for (query, expected) in [
        (
            "select sum(b) as total from source",
            "column \"total\" is not offered by the stand-in: the DECIMAL has neither",
        ),
        ("select c from source", "column \"c\" of type time without time zone is not offered"),
        ("select 1 / 0", "division by zero"),
        ("select a from absent", "\"absent\" does not exist"),
        ("select a from source limit 1", "ERROR: 1:31: LIMIT: Limit clause is not supported"),
        ("select now(), 'it''s'", "ERROR: 1:17: NOW()"),
        ("select 'it''s', now()", "ERROR: 1:30: NOW()"),
        ("delete from source", "ERROR: 1:10: UNLOAD of DELETE"),
        ("select a from source where a = :id", "no parameter of that name was given"),
        ("select 1; select 2", "cannot insert multiple commands"),
        ("", "ERROR: 1:10: UNLOAD of nothing"),
    ] {
        let error = warehouse.error(&unload(query, &bucket, "out/", "")).await;
        assert!(error.contains(expected), "{query}: {error}");
    }
    let plain = unload("select 1 as a", &bucket, "out/", "");
    for (statement, expected) in [
        (plain.replace("unload-faults", "no-such-bucket-at-all"), "Error NoSuchBucket"),
        (format!("{plain} gzip"), "GZIP: Redshift has no GZIP with FORMAT AS PARQUET"),
        (format!("{plain} maxfilesize 4 mb"), "Redshift takes 5 MB to 6.2 GB"),
        (plain.replace("format as parquet", "csv"), "CSV: the stand-in writes FORMAT AS PARQUET only"),
        (plain.replace("s3://", "file://"), "Redshift unloads to S3"),
        (plain.replace("('select 1 as a')", "(select 1 as a)"), "the query stands between brackets as one literal"),
    ] {
        let error = warehouse.error(&statement).await;
        assert!(error.contains(expected), "{statement}: {error}");
    }
    assert!(bucket.keys("").await.is_empty());
}

#[tokio::test]
async fn a_failed_unload_counts_nothing() {
    let (bucket, warehouse) = start("unload_counts").await;
    let good = unload("select 1 as a", &bucket, "good/", "");
    let late = unload("select 1 / a as b from source order by a desc", &bucket, "late/", "");
    let unknown = unload("select a from absent", &bucket, "none/", "");
    warehouse.apply(&["create table public.source (a integer)", "insert into source values (1), (0)"]).await;
    let count = "select pg_last_unload_count()";
    let id = run_each(&warehouse, &[&good, count, &unknown, count, &late, count]).await;
    for (number, expected) in [(2, "1"), (4, "1"), (6, "0")] {
        assert_eq!(warehouse.result(&format!("{id}:{number}")).await, [[expected]], "statement {number}");
    }
}
