//! ListDatabases, ListSchemas, ListTables and DescribeTable.

use crate::support::Warehouse;

async fn start(name: &str) -> Warehouse {
    let warehouse = Warehouse::start(name).await;
    warehouse
        .apply(&[
            "create schema sales",
            "create table sales.orders (k bigint not null, price decimal(8, 2) default 1.5, note varchar(40))",
            "create table public.plain (a int)",
            "create view sales.order_notes as select note from sales.orders",
        ])
        .await;
    warehouse
}

#[tokio::test]
async fn databases_schemas_and_tables_are_listed_by_pattern_and_page() {
    let warehouse = start("catalog_lists").await;
    let client = &warehouse.client;
    let databases = client.list_databases().workgroup_name("main").database("catalog_lists").send().await;
    assert!(databases.expect("list").databases().contains(&"catalog_lists".to_owned()));
    let schemas = client.list_schemas().workgroup_name("main").database("catalog_lists");
    let schemas = schemas.schema_pattern("s%").send().await.expect("list");
    assert_eq!(schemas.schemas(), ["sales"]);
    let tables = || client.list_tables().workgroup_name("main").database("catalog_lists");
    let first = tables().schema_pattern("sales").max_results(1).send().await.expect("list");
    assert_eq!(first.tables()[0].name.as_deref(), Some("order_notes"));
    assert_eq!(first.tables()[0].r#type.as_deref(), Some("VIEW"));
    let rest = tables().schema_pattern("sales").max_results(1).set_next_token(first.next_token).send().await;
    let rest = rest.expect("list");
    assert_eq!((rest.tables()[0].name.as_deref(), rest.tables()[0].r#type.as_deref()), (Some("orders"), Some("TABLE")));
    assert_eq!(rest.next_token, None);
    let named = tables().table_pattern("pl_in").send().await.expect("list");
    assert_eq!(named.tables()[0].schema.as_deref(), Some("public"));
}

#[tokio::test]
async fn a_table_is_described_column_by_column() {
    let warehouse = start("catalog_table").await;
    let call = warehouse.client.describe_table().workgroup_name("main").database("catalog_table");
    let table = call.schema("sales").table("orders").send().await.expect("describe");
    assert_eq!(table.table_name.as_deref(), Some("orders"));
    let seen: Vec<_> = table
        .column_list()
        .iter()
        .map(|it| {
            (it.name().unwrap_or_default(), it.type_name().unwrap_or_default(), it.precision, it.scale, it.nullable)
        })
        .collect();
    let expected = [("k", "int8", 19, 0, 0), ("price", "numeric", 8, 2, 1), ("note", "varchar", 40, 0, 1)];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn system_views_tell_what_there_is() {
    let warehouse = start("catalog_views").await;
    warehouse.apply(&["insert into sales.orders values (1, 2.5, 'x'), (2, 2.5, 'y')"]).await;
    assert_eq!(
        warehouse.rows("select \"schema\", \"table\", tbl_rows from svv_table_info").await,
        [["sales", "orders", "2"]]
    );
    assert_eq!(
        warehouse.rows("select \"column\", type, \"notnull\" from pg_table_def where tablename = 'plain'").await,
        [["a", "integer", "false"]]
    );
    assert_eq!(
        warehouse
            .rows(
                "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable \
                from svv_columns where table_name = 'orders' order by ordinal_position"
            )
            .await,
        [
            ["k", "bigint", "NULL", "NULL", "NULL", "NO"],
            ["price", "numeric", "NULL", "8", "2", "YES"],
            ["note", "character varying", "40", "NULL", "NULL", "YES"],
        ]
    );
    assert_eq!(
        warehouse.rows("select table_name, table_type from svv_tables where table_schema = 'sales' order by 1").await,
        [["order_notes", "VIEW"], ["orders", "BASE TABLE"]]
    );
    assert_eq!(
        warehouse.rows("select table_name, table_type from svv_redshift_tables where schema_name = 'public'").await,
        [["plain", "TABLE"]]
    );
    assert_eq!(warehouse.value("select count(*) from svv_redshift_columns where schema_name = 'sales'").await, "4");
}
