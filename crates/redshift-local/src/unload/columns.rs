//! The columns that a query gives, with their types as PostgreSQL, Parquet and a manifest have them.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Column as _, Connection, Executor, SqlSafeStr, Statement as _};

use super::UnloadError;
use crate::engine::Transaction;

/// The longest VARCHAR, which text of no stated length is taken for.
const VARCHAR_MAX_BYTES: i32 = 65_535;
const MODIFIER_OFFSET: i32 = 4;

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Real,
    DoublePrecision,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    Timestamp,
    /// Loses its zone: the files hold UTC.
    TimestampTz,
    Varchar {
        max_bytes: i32,
    },
    Char {
        max_bytes: i32,
    },
}

/// What PostgreSQL says of one column of the query: object id, modifier and name of its type.
type Attribute = (i64, i32, String);

/// The columns of `query`. Precision and length of an expression are known to PostgreSQL's catalog only, so the query is
/// made a view for the time of the question.
pub(super) async fn describe(
    query: &str,
    session: &mut PgConnection,
    transaction: Transaction,
) -> Result<Vec<Column>, UnloadError> {
    // A statement that was kept from an earlier UNLOAD knows the tables as they were then.
    session.clear_cached_statements().await?;
    let prepared = (&mut *session).prepare(AssertSqlSafe(query.to_owned()).into_sql_str()).await?;
    let names: Vec<String> = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
    let (begin, end) = match transaction {
        Transaction::Own => ("begin", "rollback"),
        Transaction::Callers => ("savepoint unload", "rollback to savepoint unload; release savepoint unload"),
    };
    sqlx::raw_sql(begin).execute(&mut *session).await?;
    let attributes = attributes(query, names.len(), session).await;
    sqlx::raw_sql(end).execute(session).await?;
    names.into_iter().zip(attributes?).map(|(name, attribute)| column(name, attribute)).collect()
}

async fn attributes(query: &str, count: usize, session: &mut PgConnection) -> Result<Vec<Attribute>, sqlx::Error> {
    const ATTRIBUTES: &str = "select atttypid::bigint, atttypmod, pg_catalog.format_type(atttypid, atttypmod) \
        from pg_catalog.pg_attribute where attrelid = 'pg_temp.redshift_local_unload'::regclass and attnum > 0 \
        order by attnum";
    // Names of their own, as those of the query may repeat.
    let names: Vec<String> = (0..count).map(|position| format!("column_{position}")).collect();
    let view = format!("create temporary view redshift_local_unload ({}) as {query}", names.join(", "));
    sqlx::raw_sql(AssertSqlSafe(view)).execute(&mut *session).await?;
    // Not kept: the view is another one next time.
    sqlx::query_as(ATTRIBUTES).persistent(false).fetch_all(session).await
}

fn column(name: String, (type_id, modifier, type_name): Attribute) -> Result<Column, UnloadError> {
    const NUMERIC: i64 = 1700;
    match ColumnType::of(type_id, modifier) {
        Some(column_type) => Ok(Column { name, column_type }),
        None if type_id == NUMERIC && modifier < 0 => Err(UnloadError::UnknownPrecision { column: name }),
        None => Err(UnloadError::UnknownType { column: name, type_name }),
    }
}

impl ColumnType {
    /// From PostgreSQL's object id and modifier of a type.
    fn of(type_id: i64, modifier: i32) -> Option<Self> {
        let modifier = modifier - MODIFIER_OFFSET;
        let length = if modifier >= 0 { modifier } else { VARCHAR_MAX_BYTES };
        Some(match type_id {
            16 => Self::Boolean,
            21 => Self::SmallInt,
            23 => Self::Integer,
            20 => Self::BigInt,
            700 => Self::Real,
            701 => Self::DoublePrecision,
            1700 if modifier >= 0 => {
                let precision = u8::try_from(modifier >> 16).ok().filter(|precision| *precision <= 38)?;
                let scale = u8::try_from(modifier & 0x7ff).ok().filter(|scale| *scale <= precision)?;
                Self::Decimal { precision, scale }
            }
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::TimestampTz,
            25 | 1043 => Self::Varchar { max_bytes: length },
            1042 => Self::Char { max_bytes: length },
            _ => return None,
        })
    }

    /// In a Parquet file, as COPY reads it back.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::DoublePrecision => DataType::Float64,
            // Neither is larger than 38.
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::Date => DataType::Date32,
            Self::Timestamp | Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Varchar { .. } | Self::Char { .. } => DataType::Utf8,
        }
    }

    /// In the schema of a verbose manifest.
    pub(super) fn to_json(self) -> Value {
        match self {
            Self::Boolean => json!({"base": "boolean"}),
            Self::SmallInt => json!({"base": "smallint"}),
            Self::Integer => json!({"base": "integer"}),
            Self::BigInt => json!({"base": "bigint"}),
            Self::Real => json!({"base": "real"}),
            Self::DoublePrecision => json!({"base": "double precision"}),
            Self::Decimal { precision, scale } => json!({"base": "numeric", "precision": precision, "scale": scale}),
            Self::Date => json!({"base": "date"}),
            Self::Timestamp => json!({"base": "timestamp without time zone"}),
            Self::TimestampTz => json!({"base": "timestamp with time zone"}),
            Self::Varchar { max_bytes } => json!({"base": "character varying", "max_length": max_bytes}),
            Self::Char { max_bytes } => json!({"base": "character", "max_length": max_bytes}),
        }
    }
}

/// Every column may hold NULL, as in Redshift's files.
pub(super) fn schema(columns: &[Column]) -> Schema {
    Schema::new(
        columns.iter().map(|column| Field::new(&column.name, column.column_type.data_type(), true)).collect::<Vec<_>>(),
    )
}
