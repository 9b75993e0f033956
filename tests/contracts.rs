//! The contracts and `sql/raw` declare the same tables. COPY from Parquet maps by position and converts nothing, so a
//! difference would put values into the wrong columns or fail at night.

use crate::support::{Pipeline, cloud};
use rental_core::{ColumnType, TableSpec, table_specs};
use sqlx::{Connection as _, PgConnection, Row as _};

/// A column's type as PostgreSQL's catalog prints it.
fn catalog_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::BigInt => "bigint".into(),
        ColumnType::Integer => "integer".into(),
        ColumnType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        ColumnType::Double => "double precision".into(),
        ColumnType::Boolean => "boolean".into(),
        ColumnType::Date => "date".into(),
        ColumnType::Timestamp => "timestamp without time zone".into(),
        ColumnType::Varchar { max_bytes } => format!("character varying({max_bytes})"),
    }
}

fn declared(spec: &TableSpec) -> Vec<String> {
    let column = |(name, column_type, required): (&str, ColumnType, bool)| {
        let null = if required { " not null" } else { "" };
        format!("{name} {}{null}", catalog_type(column_type))
    };
    let own = spec.columns.iter().map(|column| (column.name.as_str(), column.column_type, column.required));
    own.chain([("run_id", ColumnType::Varchar { max_bytes: 128 }, true)]).map(column).collect()
}

#[tokio::test]
async fn the_raw_tables_are_those_of_the_contracts() {
    let pipeline = Pipeline::new("contracts").await;
    pipeline.load(&["migrate"]).expect(0, &[]);
    let mut warehouse = PgConnection::connect(&cloud().warehouse_url(&pipeline.warehouse)).await.expect("connect");
    for spec in table_specs() {
        let rows = sqlx::query(
            "select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
             from pg_attribute
             where attrelid = ('raw.' || $1)::regclass and attnum > 0 and not attisdropped
             order by attnum",
        )
        .bind(&spec.name)
        .fetch_all(&mut warehouse)
        .await
        .expect("read the columns of a raw table");
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, declared(spec), "raw.{}", spec.name);
    }
}
