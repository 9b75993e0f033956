//! Comparing the content of warehouse tables.

use sqlx::{Connection, PgConnection, Row};
use std::collections::BTreeMap;

/// Row count and checksum of every table of the schemas, read from the PostgreSQL under the stand-in. The order of rows does
/// not matter; columns named in `except` are left out.
pub(crate) async fn table_checksums(url: &str, schemas: &[&str], except: &[&str]) -> BTreeMap<String, (i64, String)> {
    let mut connection = PgConnection::connect(url).await.expect("connect to the warehouse");
    let columns = sqlx::query(
        "select table_schema || '.' || table_name as relation, string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns
         from information_schema.columns
         where table_schema = any($1) and not (column_name = any($2))
           and (table_schema, table_name) in (select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE')
         group by 1 order by 1",
    )
    .bind(schemas.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind(except.iter().map(ToString::to_string).collect::<Vec<_>>())
    .fetch_all(&mut connection)
    .await
    .expect("list the warehouse's tables");
    let mut checksums = BTreeMap::new();
    for row in columns {
        let (relation, columns): (String, String) = (row.get("relation"), row.get("columns"));
        let text = format!(
            "select count(*), coalesce(md5(string_agg(md5(row_text), '' order by row_text)), '') from (select row({columns})::text as row_text from {relation}) as rows"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(&mut connection).await.expect("checksum a table");
        checksums.insert(relation, (row.get(0), row.get(1)));
    }
    checksums
}

/// Fails naming every table that differs.
pub(crate) fn assert_equal(
    left: &BTreeMap<String, (i64, String)>,
    right: &BTreeMap<String, (i64, String)>,
    context: &str,
) {
    assert!(!left.is_empty(), "{context}: nothing to compare");
    let names = left.keys().chain(right.keys()).collect::<std::collections::BTreeSet<_>>();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| format!("{name}: {:?} and {:?}", left.get(name), right.get(name)))
        .collect();
    assert!(differing.is_empty(), "{context}: tables differ:\n{}", differing.join("\n"));
}
