//! The columns that a COPY fills, with what their types admit.

use sqlx::postgres::PgConnection;

use super::{CopyCommand, CopyError};

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    pub(super) is_nullable: bool,
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
        scale: i8,
    },
    Date,
    Timestamp,
    /// The length is in bytes.
    Varchar {
        max_bytes: usize,
    },
    Char {
        max_bytes: usize,
    },
}

/// The columns named by the command, or all of its table, in that order.
pub(super) async fn columns(command: &CopyCommand, session: &mut PgConnection) -> Result<Vec<Column>, CopyError> {
    const COLUMNS: &str = "select attname::text, atttypid::bigint, atttypmod, not attnotnull \
        from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum";
    let all: Vec<(String, i64, i32, bool)> =
        sqlx::query_as(COLUMNS).bind(command.quoted_table()).fetch_all(session).await?;
    if all.is_empty() {
        return Err(CopyError::UnknownTable(command.table_name()));
    }
    let all = all.into_iter().map(|(name, type_id, modifier, is_nullable)| {
        let column_type = ColumnType::of(type_id, modifier)
            .ok_or_else(|| CopyError::UnknownType { column: name.clone(), type_name: format!("#{type_id}") });
        (name, column_type, is_nullable)
    });
    if command.columns.is_empty() {
        return all
            .map(|(name, column_type, is_nullable)| Ok(Column { name, column_type: column_type?, is_nullable }))
            .collect();
    }
    let mut all: Vec<_> = all.collect();
    let named = command.columns.iter().map(|wanted| {
        let position = all.iter().position(|(name, _, _)| name == wanted);
        let (name, column_type, is_nullable) = all.swap_remove(
            position.ok_or_else(|| CopyError::UnknownColumn { table: command.table_name(), column: wanted.clone() })?,
        );
        Ok(Column { name, column_type: column_type?, is_nullable })
    });
    named.collect()
}

impl ColumnType {
    /// From PostgreSQL's object id and modifier of a type.
    fn of(type_id: i64, modifier: i32) -> Option<Self> {
        let length = usize::try_from(modifier - 4).ok();
        Some(match type_id {
            16 => Self::Boolean,
            21 => Self::SmallInt,
            23 => Self::Integer,
            20 => Self::BigInt,
            700 => Self::Real,
            701 => Self::DoublePrecision,
            1700 => {
                let length = modifier - 4;
                Self::Decimal { precision: u8::try_from(length >> 16).ok()?, scale: i8::try_from(length & 0x7ff).ok()? }
            }
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1043 => Self::Varchar { max_bytes: length? },
            1042 => Self::Char { max_bytes: length? },
            _ => return None,
        })
    }

    /// As Redshift names it in messages.
    pub(super) fn name(self) -> String {
        match self {
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::SmallInt => "SMALLINT".to_owned(),
            Self::Integer => "INTEGER".to_owned(),
            Self::BigInt => "BIGINT".to_owned(),
            Self::Real => "REAL".to_owned(),
            Self::DoublePrecision => "DOUBLE PRECISION".to_owned(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision}, {scale})"),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::Varchar { max_bytes } => format!("VARCHAR({max_bytes})"),
            Self::Char { max_bytes } => format!("CHAR({max_bytes})"),
        }
    }
}
