//! Rows as the Data API shows them: a typed union per value, and what is known of each column.

use serde_json::{Value, json};
use sqlx::postgres::{PgColumn, PgRow};
use sqlx::{Column, Row, ValueRef};

/// PostgreSQL's message that holds a row says its length and the count of its values …
const ROW_HEADER_BYTES: usize = 6;
/// … and the length of each value.
const VALUE_HEADER_BYTES: usize = 4;

/// Rows that one page of GetStatementResult holds at most, in bytes of their values.
const PAGE_BYTES: usize = 1024 * 1024;

/// The complete result of one statement.
#[derive(Debug, Default)]
pub(crate) struct ResultSet {
    pub(crate) columns: Vec<ColumnMetadata>,
    pub(crate) rows: Vec<Vec<Field>>,
    pub(crate) size_bytes: usize,
}

/// What is known of a result column. `precision` is the width of text, as the Data API has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnMetadata {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) schema_name: String,
    pub(crate) table_name: String,
    pub(crate) precision: i32,
    pub(crate) scale: i32,
    pub(crate) is_nullable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    Text(String),
}

impl ResultSet {
    /// Appends a row that PostgreSQL sent in text format.
    pub(crate) fn push(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let mut fields = Vec::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            let value = row.try_get_raw(index)?;
            let field = if value.is_null() {
                Field::Null
            } else {
                Field::from_text(&column.type_name, value.as_str().map_err(sqlx::Error::Decode)?)?
            };
            fields.push(field);
        }
        self.size_bytes += row_size_bytes(&fields);
        self.rows.push(fields);
        Ok(())
    }

    /// The rows from `offset` that fit one page, and the offset of the next page.
    pub(crate) fn page(&self, offset: usize) -> (&[Vec<Field>], Option<usize>) {
        let rows = self.rows.get(offset..).unwrap_or_default();
        let mut bytes = 0;
        let count = rows
            .iter()
            .take_while(|row| {
                let fits = bytes < PAGE_BYTES;
                bytes += row_size_bytes(row);
                fits
            })
            .count();
        let next = offset + count;
        (&rows[..count], (next < self.rows.len()).then_some(next))
    }
}

/// Size of a row as its message has it: the documentation's `select 1` is 11 bytes long.
pub(crate) fn row_size_bytes(row: &[Field]) -> usize {
    ROW_HEADER_BYTES + row.iter().map(|field| VALUE_HEADER_BYTES + field.text_bytes()).sum::<usize>()
}

impl ColumnMetadata {
    pub(crate) fn of(column: &PgColumn) -> Self {
        let type_name = column.type_info().oid().map_or("unknown", |oid| internal_type_name(oid.0));
        let column = Self { name: column.name().to_owned(), is_nullable: true, ..Self::default() };
        column.of_type(type_name)
    }

    /// With a type, and the precision and scale that all its values have. The documentation's examples show those of
    /// integers and TIMESTAMP; they are what PostgreSQL's JDBC driver says (`TypeInfoCache`), and so are the others here.
    pub(crate) fn of_type(self, type_name: &str) -> Self {
        let (precision, scale) = match type_name {
            "bool" => (1, 0),
            "int2" => (5, 0),
            "int4" | "oid" => (10, 0),
            "int8" => (19, 0),
            "float4" => (8, 8),
            "float8" => (17, 17),
            "date" => (13, 0),
            "time" => (15, 6),
            "timetz" => (21, 6),
            "timestamp" => (29, 6),
            "timestamptz" => (35, 6),
            "interval" => (49, 6),
            // That of the column or the expression.
            _ => (0, 0),
        };
        Self { type_name: type_name.to_owned(), precision, scale, ..self }
    }

    /// Width, or precision and scale, as PostgreSQL keeps them in one number.
    pub(crate) fn set_modifier(&mut self, modifier: i32) {
        let modifier = modifier - 4;
        match self.type_name.as_str() {
            "numeric" if modifier > 0 => (self.precision, self.scale) = (modifier >> 16, modifier & 0xffff),
            "varchar" | "bpchar" if modifier > 0 => self.precision = modifier,
            _ => {}
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let is_text = matches!(self.type_name.as_str(), "varchar" | "bpchar");
        let is_number = matches!(self.type_name.as_str(), "int2" | "int4" | "int8" | "float4" | "float8" | "numeric");
        json!({
            "columnDefault": null,
            "isCaseSensitive": is_text,
            "isCurrency": false,
            "isSigned": is_number,
            "label": self.name,
            "length": 0,
            "name": self.name,
            "nullable": i32::from(self.is_nullable),
            "precision": self.precision,
            "scale": self.scale,
            "schemaName": self.schema_name,
            "tableName": self.table_name,
            "typeName": self.type_name,
        })
    }
}

/// Redshift's internal name of a PostgreSQL type, by its fixed object id.
pub(crate) fn internal_type_name(oid: u32) -> &'static str {
    match oid {
        16 => "bool",
        20 => "int8",
        21 => "int2",
        23 => "int4",
        26 => "oid",
        700 => "float4",
        701 => "float8",
        1042 => "bpchar",
        1082 => "date",
        1083 => "time",
        1114 => "timestamp",
        1184 => "timestamptz",
        1186 => "interval",
        1266 => "timetz",
        1700 => "numeric",
        // Text of unbounded width does not exist in Redshift.
        _ => "varchar",
    }
}

impl Field {
    pub(crate) fn from_text(type_name: &str, text: &str) -> Result<Self, sqlx::Error> {
        let decode = |source: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(source);
        Ok(match type_name {
            "bool" => Self::Boolean(text == "t"),
            "int2" | "int4" | "int8" | "oid" => Self::Long(text.parse().map_err(|error| decode(Box::new(error)))?),
            "float4" | "float8" => match text {
                // JSON numbers know neither; the Data API sends text.
                "NaN" | "Infinity" | "-Infinity" => Self::Text(text.to_owned()),
                _ => Self::Double(text.parse().map_err(|error| decode(Box::new(error)))?),
            },
            "timestamp" if !text.contains('.') => Self::Text(format!("{text}.0")),
            _ => Self::Text(text.to_owned()),
        })
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Long(value) => {
                value.checked_abs().and_then(i64::checked_ilog10).map_or(1, |power| power as usize + 1)
                    + usize::from(*value < 0)
            }
            Self::Double(value) => value.to_string().len(),
            Self::Text(text) => text.len(),
        }
    }

    /// How it stands between commas; NULL is nothing.
    pub(crate) fn to_csv(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Long(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => json!({ "isNull": true }),
            Self::Boolean(value) => json!({ "booleanValue": value }),
            Self::Long(value) => json!({ "longValue": value }),
            Self::Double(value) => json!({ "doubleValue": value }),
            Self::Text(value) => json!({ "stringValue": value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, ResultSet};

    #[test]
    fn values_take_the_member_of_their_type() {
        for (type_name, text, expected) in [
            ("int8", "9007199254740993", Field::Long(9_007_199_254_740_993)),
            ("numeric", "10.50", Field::Text("10.50".into())),
            ("bool", "t", Field::Boolean(true)),
            ("float8", "0.1", Field::Double(0.1)),
            ("timestamp", "2022-02-22 00:00:00", Field::Text("2022-02-22 00:00:00.0".into())),
        ] {
            assert_eq!(Field::from_text(type_name, text).expect(text), expected);
        }
    }

    #[test]
    fn pages_cover_all_rows_once() {
        let rows = vec![vec![Field::Text("x".repeat(400_000))]; 10];
        let result = ResultSet { rows, ..ResultSet::default() };
        let (mut offset, mut seen) = (0, 0);
        loop {
            let (page, next) = result.page(offset);
            seen += page.len();
            match next {
                Some(next) => offset = next,
                None => break,
            }
        }
        assert_eq!(seen, 10);
    }
}
