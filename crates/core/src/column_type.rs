//! The column types of a contract and their form in MySQL, Arrow and Redshift, side by side.

use arrow::datatypes::{DataType, TimeUnit};
use serde::Deserialize;
use std::{fmt, str::FromStr};

/// The logical type of a column. Text widths are UTF-8 bytes, as Redshift counts them; timestamps are UTC with
/// microseconds and no zone, the only Parquet timestamp that Redshift loads exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ColumnType {
    BigInt,
    Integer,
    Decimal { precision: u8, scale: i8 },
    Double,
    Boolean,
    Date,
    Timestamp,
    Varchar { max_bytes: u32 },
}

/// A type text of a contract that names no column type.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a column type; expected bigint, integer, decimal(p,s) with p up to 38, double, boolean, date, timestamp or varchar(bytes) up to 65535"
)]
pub struct ColumnTypeError(String);

impl ColumnType {
    /// The Arrow type, and by it the Parquet type: DECIMAL keeps precision and scale, a timestamp is INT64 micros.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::BigInt => DataType::Int64,
            Self::Integer => DataType::Int32,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Varchar { .. } => DataType::Utf8,
        }
    }

    /// The type in Redshift DDL. COPY from Parquet converts nothing, so widths equal the file's.
    #[must_use]
    pub fn redshift(self) -> String {
        match self {
            Self::BigInt => "bigint".into(),
            Self::Integer => "integer".into(),
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Double => "double precision".into(),
            Self::Boolean => "boolean".into(),
            Self::Date => "date".into(),
            Self::Timestamp => "timestamp".into(),
            Self::Varchar { max_bytes } => format!("varchar({max_bytes})"),
        }
    }

    /// The MySQL types (`information_schema.columns.data_type`) that can be read into this type without loss; a value
    /// that does not fit is quarantined by itself.
    #[must_use]
    pub fn mysql_types(self) -> &'static [&'static str] {
        match self {
            Self::BigInt | Self::Integer => &["tinyint", "smallint", "mediumint", "int", "bigint"],
            Self::Decimal { .. } => &["decimal", "tinyint", "smallint", "mediumint", "int", "bigint"],
            Self::Double => &["double", "float", "decimal"],
            Self::Boolean => &["tinyint", "bit"],
            Self::Date => &["date", "datetime", "timestamp"],
            Self::Timestamp => &["datetime", "timestamp", "date"],
            Self::Varchar { .. } => &[
                "varchar",
                "char",
                "tinytext",
                "text",
                "mediumtext",
                "longtext",
                "enum",
                "set",
                "tinyint",
                "varbinary",
                "binary",
                "tinyblob",
                "blob",
                "mediumblob",
                "longblob",
            ],
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double => formatter.write_str("double"),
            other => formatter.write_str(&other.redshift()),
        }
    }
}

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, ColumnTypeError> {
        let refused = || ColumnTypeError(text.to_owned());
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or_else(refused)?;
                let arguments = inner.split(',').map(|part| part.trim().parse::<u32>());
                (name, arguments.collect::<Result<Vec<_>, _>>().map_err(|_| refused())?)
            }
            None => (text, Vec::new()),
        };
        match (name, arguments.as_slice()) {
            ("bigint", []) => Ok(Self::BigInt),
            ("integer", []) => Ok(Self::Integer),
            ("double", []) => Ok(Self::Double),
            ("boolean", []) => Ok(Self::Boolean),
            ("date", []) => Ok(Self::Date),
            ("timestamp", []) => Ok(Self::Timestamp),
            ("decimal", &[precision @ 1..=38, scale]) if scale <= precision => {
                Ok(Self::Decimal { precision: precision as u8, scale: scale as i8 })
            }
            ("varchar", &[max_bytes @ 1..=65535]) => Ok(Self::Varchar { max_bytes }),
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for ColumnType {
    type Error = ColumnTypeError;

    fn try_from(text: String) -> Result<Self, ColumnTypeError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_its_text() {
        for text in ["bigint", "integer", "decimal(12,2)", "double", "boolean", "date", "timestamp", "varchar(255)"] {
            assert_eq!(text.parse::<ColumnType>().map(|parsed| parsed.to_string()).ok().as_deref(), Some(text));
        }
    }

    #[test]
    fn an_unsized_or_oversized_type_is_refused() {
        for text in ["varchar", "decimal", "decimal(39,0)", "decimal(2,3)", "varchar(65536)", "text", "bigint(20)"] {
            assert!(text.parse::<ColumnType>().is_err(), "{text}");
        }
    }
}
