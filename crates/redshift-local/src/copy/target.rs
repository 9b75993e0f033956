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

/// A row of the catalog: name, object id and modifier of the type, whether NULL may be, whether values are generated always.
type Attribute = (String, i64, i32, bool, bool);

/// The columns named by the command, or all of its table, in that order. Values of an IDENTITY column are generated unless
/// EXPLICIT_IDS takes them from the files (Database Developer Guide, page copy-parameters-column-mapping).
pub(super) async fn columns(command: &CopyCommand, session: &mut PgConnection) -> Result<Vec<Column>, CopyError> {
    const COLUMNS: &str = "select attname::text, atttypid::bigint, atttypmod, not attnotnull, attidentity = 'a' \
        from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum";
    let mut all: Vec<Attribute> = sqlx::query_as(COLUMNS).bind(command.quoted_table()).fetch_all(session).await?;
    if all.is_empty() {
        return Err(CopyError::UnknownTable(command.table_name()));
    }
    if command.columns.is_empty() {
        all.retain(|(_, _, _, _, is_generated)| command.has_explicit_ids || !is_generated);
        return all.into_iter().map(column).collect();
    }
    for (name, _, _, _, is_generated) in &all {
        if *is_generated && command.columns.contains(name) != command.has_explicit_ids {
            return Err(CopyError::IdentityColumn { column: name.clone() });
        }
    }
    let named = command.columns.iter().map(|wanted| {
        let position = all.iter().position(|attribute| attribute.0 == *wanted);
        let unknown = || CopyError::UnknownColumn { table: command.table_name(), column: wanted.clone() };
        column(all.swap_remove(position.ok_or_else(unknown)?))
    });
    named.collect()
}

fn column((name, type_id, modifier, is_nullable, _): Attribute) -> Result<Column, CopyError> {
    match ColumnType::of(type_id, modifier) {
        Some(column_type) => Ok(Column { name, column_type, is_nullable }),
        None => Err(CopyError::UnknownType { column: name, type_name: format!("#{type_id}") }),
    }
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

    /// Of text, its longest value.
    pub(super) fn max_bytes(self) -> Option<usize> {
        match self {
            Self::Varchar { max_bytes } | Self::Char { max_bytes } => Some(max_bytes),
            _ => None,
        }
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
