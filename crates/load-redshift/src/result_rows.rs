//! Result sets of the Data API as values that the rest of the program can read.

use aws_sdk_redshiftdata::types::Field;
use chrono::NaiveDateTime;
use rental_core::{RunDate, RunId};
use std::{collections::BTreeMap, str::FromStr};

/// A result set, read to its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResultRows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One column of a result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The engine's own name, for example `int8` or `numeric`.
    pub(crate) type_name: String,
}

/// One value. Decimals, dates and times arrive as text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
}

/// A value that is not what the query promised.
#[derive(Debug, thiserror::Error)]
#[error("column {position} of a result has no usable value, expected {expected}")]
pub struct UnexpectedValue {
    position: usize,
    expected: &'static str,
}

impl ResultRows {
    /// The first two columns as texts; rows where one of them is NULL are left out.
    pub(crate) fn text_pairs(&self) -> BTreeMap<String, String> {
        let text = |row: &[Cell], position: usize| row.get(position).and_then(Cell::to_text);
        self.rows.iter().filter_map(|row| Some((text(row, 0)?, text(row, 1)?))).collect()
    }

    /// These columns, in this order, as far as there are any.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let position = |name: &&str| self.columns.iter().position(|column| column.name == *name);
        let positions: Vec<_> = names.iter().filter_map(position).collect();
        let cells = |row: &Vec<Cell>| positions.iter().filter_map(|position| row.get(*position).cloned()).collect();
        Self {
            columns: positions.iter().filter_map(|position| self.columns.get(*position).cloned()).collect(),
            rows: self.rows.iter().map(cells).collect(),
        }
    }
}

impl Column {
    pub(crate) fn is_decimal(&self) -> bool {
        self.type_name == "numeric" || self.type_name == "decimal"
    }
}

impl From<&Field> for Cell {
    fn from(field: &Field) -> Self {
        match field {
            Field::BooleanValue(value) => Self::Boolean(*value),
            Field::LongValue(value) => Self::Integer(*value),
            Field::DoubleValue(value) => Self::Double(*value),
            Field::StringValue(value) => Self::Text(value.clone()),
            // No query here asks for bytes; a kind of field that is not known yet holds nothing that could be read.
            _ => Self::Null,
        }
    }
}

impl Cell {
    /// The value as text; `None` for NULL.
    pub(crate) fn to_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Boolean(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Double(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
        }
    }
}

/// One row, read by position.
pub(crate) struct Row<'a>(pub(crate) &'a [Cell]);

impl Row<'_> {
    pub(crate) fn text(&self, position: usize) -> Result<String, UnexpectedValue> {
        match self.0.get(position) {
            Some(Cell::Text(value)) => Ok(value.clone()),
            _ => Err(UnexpectedValue { position, expected: "a text" }),
        }
    }

    pub(crate) fn optional_text(&self, position: usize) -> Option<String> {
        self.0.get(position).and_then(Cell::to_text)
    }

    pub(crate) fn integer(&self, position: usize) -> Result<i64, UnexpectedValue> {
        match self.0.get(position) {
            Some(Cell::Integer(value)) => Ok(*value),
            _ => Err(UnexpectedValue { position, expected: "a whole number" }),
        }
    }

    pub(crate) fn count(&self, position: usize) -> Result<u64, UnexpectedValue> {
        let count = self.integer(position).ok().and_then(|value| u64::try_from(value).ok());
        count.ok_or(UnexpectedValue { position, expected: "a count" })
    }

    pub(crate) fn run_id(&self, position: usize) -> Result<RunId, UnexpectedValue> {
        self.parsed(position, "a run id")
    }

    pub(crate) fn date(&self, position: usize) -> Result<RunDate, UnexpectedValue> {
        self.parsed(position, "a date")
    }

    pub(crate) fn timestamp(&self, position: usize) -> Result<NaiveDateTime, UnexpectedValue> {
        NaiveDateTime::parse_from_str(&self.text(position)?, "%Y-%m-%d %H:%M:%S%.f")
            .map_err(|_| UnexpectedValue { position, expected: "a timestamp" })
    }

    fn parsed<T: FromStr>(&self, position: usize, expected: &'static str) -> Result<T, UnexpectedValue> {
        self.text(position)?.parse().map_err(|_| UnexpectedValue { position, expected })
    }
}
