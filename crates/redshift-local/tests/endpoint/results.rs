//! Typed values, column metadata, pages.

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use aws_sdk_redshiftdata::types::{Field, QueryRecords, ResultFormatString};

use crate::support::Warehouse;

#[tokio::test]
async fn every_type_has_its_member() {
    let warehouse = Warehouse::start("result_types").await;
    let sql = "select 1::smallint, 2::int, 9007199254740993::bigint, 0.5::real, 0.1::double precision, true, \
        12.50::decimal(12,2), date '2024-02-29', timestamp '2022-02-22 00:00:00', timestamp '2022-02-22 01:02:03.045', \
        'text'::varchar(10), 'ab'::char(4), null::int";
    let id = warehouse.submit(sql).await;
    assert!(warehouse.end(&id).await.is_finished());
    let result = warehouse.client.get_statement_result().id(&id).send().await.expect("result");
    let text = |value: &str| Field::StringValue(value.to_owned());
    assert_eq!(
        result.records[0],
        [
            Field::LongValue(1),
            Field::LongValue(2),
            Field::LongValue(9_007_199_254_740_993),
            Field::DoubleValue(0.5),
            Field::DoubleValue(0.1),
            Field::BooleanValue(true),
            text("12.50"),
            text("2024-02-29"),
            text("2022-02-22 00:00:00.0"),
            text("2022-02-22 01:02:03.045"),
            text("text"),
            text("ab  "),
            Field::IsNull(true),
        ]
    );
    let columns = result.column_metadata.expect("columns");
    let types: Vec<&str> = columns.iter().filter_map(|column| column.type_name.as_deref()).collect();
    assert_eq!(
        types,
        [
            "int2",
            "int4",
            "int8",
            "float4",
            "float8",
            "bool",
            "numeric",
            "date",
            "timestamp",
            "timestamp",
            "varchar",
            "bpchar",
            "int4"
        ]
    );
}

#[tokio::test]
async fn columns_of_a_table_tell_where_they_come_from() {
    let warehouse = Warehouse::start("result_columns").await;
    warehouse.apply(&["create table public.t (id bigint not null, name varchar(20), price decimal(12,2))"]).await;
    let id = warehouse.submit("select id, name as title, price from t").await;
    let statement = warehouse.end(&id).await;
    assert_eq!((statement.0.has_result_set, statement.0.result_rows), (Some(true), 0), "an empty result is one");
    let result = warehouse.client.get_statement_result().id(&id).send().await.expect("result");
    let columns = result.column_metadata.expect("columns");
    let described: Vec<_> = columns
        .iter()
        .map(|c| (c.label.as_deref(), c.table_name.as_deref(), c.precision, c.scale, c.nullable, c.length))
        .collect();
    assert_eq!(
        described,
        [
            (Some("id"), Some("t"), 19, 0, 0, 0),
            (Some("title"), Some("t"), 20, 0, 1, 0),
            (Some("price"), Some("t"), 12, 2, 1, 0),
        ]
    );
}

#[tokio::test]
async fn a_long_result_comes_in_pages() {
    let warehouse = Warehouse::start("result_pages").await;
    let sql = "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 3000) \
        select n, repeat('x', 1000) from numbers order by n";
    let id = warehouse.submit(sql).await;
    assert_eq!(warehouse.end(&id).await.0.result_rows, 3000);
    let first = warehouse.client.get_statement_result().id(&id).send().await.expect("result");
    assert!(first.records.len() < 3000 && first.next_token.is_some());
    assert_eq!(first.total_num_rows, 3000);
    let all = warehouse.result(&id).await;
    let numbers: Vec<String> = all.into_iter().map(|mut row| row.swap_remove(0)).collect();
    assert_eq!(numbers, (1..=3000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_statement_without_rows_has_no_result() {
    let warehouse = Warehouse::start("result_none").await;
    let id = warehouse.submit("create table public.t (a int)").await;
    assert_eq!(warehouse.end(&id).await.0.has_result_set, Some(false));
    assert!(warehouse.client.get_statement_result().id(&id).send().await.is_err());
}

#[tokio::test]
async fn a_result_in_csv_is_read_by_the_second_operation_only() {
    let warehouse = Warehouse::start("csv_results").await;
    let call = || warehouse.client.execute_statement().workgroup_name("main").database("csv_results");
    let sql = "select 1, 'a,\"b\"', null::int, 1.50, true union all select 2, 'line\\nend', 3, 2.25, false order by 1";
    let id = call().sql(sql).result_format(ResultFormatString::Csv).send().await.expect("submit").id.expect("id");
    assert!(warehouse.end(&id).await.is_finished());
    let result = warehouse.client.get_statement_result_v2().id(&id).send().await.expect("result");
    let QueryRecords::CsvRecords(text) = &result.records()[0] else { panic!("no CSV") };
    assert_eq!(text, "1,\"a,\"\"b\"\"\",,1.50,true\n2,\"line\nend\",3,2.25,false\n");
    assert_eq!((result.total_num_rows, result.column_metadata().len()), (2, 5));
    let first = warehouse.client.get_statement_result().id(&id).send().await.expect_err("it is CSV");
    assert_eq!(first.code(), Some("ValidationException"));
    let json = warehouse.submit("select 1").await;
    assert!(warehouse.end(&json).await.is_finished());
    let second = warehouse.client.get_statement_result_v2().id(&json).send().await.expect_err("it is JSON");
    assert_eq!(second.code(), Some("ValidationException"));
}

/// As the documentation's examples show them.
#[tokio::test]
async fn types_have_their_precision_and_scale() {
    let warehouse = Warehouse::start("result_precisions").await;
    let id = warehouse.submit("select 1::smallint, 1, 1::bigint, timestamp '2022-02-22 00:00:00'").await;
    assert!(warehouse.end(&id).await.is_finished());
    let result = warehouse.client.get_statement_result().id(&id).send().await.expect("result");
    let columns = result.column_metadata.expect("columns");
    let sizes: Vec<_> = columns.iter().map(|column| (column.precision, column.scale)).collect();
    assert_eq!(sizes, [(5, 0), (10, 0), (19, 0), (29, 6)]);
}

#[tokio::test]
async fn a_row_has_at_most_64_kilobytes() {
    let warehouse = Warehouse::start("result_row_size").await;
    // Ten bytes of a row are not its value's.
    assert_eq!(warehouse.value("select repeat('x', 65526)").await.len(), 65_526);
    let error = warehouse.error("select repeat('x', 65527)").await;
    assert!(error.contains("Packet for query is too large"), "{error}");
}
