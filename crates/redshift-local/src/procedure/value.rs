//! Values of variables: PostgreSQL's text of them, with their type.

use crate::result_set::{ColumnMetadata, Field};
use crate::translate::quote_literal;

/// A type in PostgreSQL's catalog name, with its length or precision, for example `numeric` and `(12,2)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueType {
    pub(super) base: String,
    pub(super) modifier: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(super) base: String,
    /// NULL without.
    pub(super) text: Option<String>,
}

impl ValueType {
    /// Of PostgreSQL's spelling, `numeric(12,2)`.
    pub(super) fn of(spelling: &str) -> Self {
        let (name, modifier) = match spelling.split_once('(') {
            Some((name, rest)) => (name.trim(), format!("({rest}")),
            None => (spelling, String::new()),
        };
        let base = match name {
            "smallint" => "int2",
            "integer" => "int4",
            "bigint" => "int8",
            "real" => "float4",
            "double precision" => "float8",
            "boolean" => "bool",
            "char" => "bpchar",
            other => other,
        };
        Self { base: base.to_owned(), modifier }
    }

    /// The most bytes of a VARCHAR or CHAR.
    pub(super) fn max_bytes(&self) -> Option<usize> {
        if !matches!(self.base.as_str(), "varchar" | "bpchar") {
            return None;
        }
        self.modifier.trim_matches(['(', ')']).parse().ok()
    }

    pub(super) fn is_text(&self) -> bool {
        is_text(&self.base)
    }
}

fn is_text(base: &str) -> bool {
    matches!(base, "varchar" | "refcursor")
}

impl Value {
    pub(super) fn null(base: &str) -> Self {
        Self { base: base.to_owned(), text: None }
    }

    pub(super) fn new(base: &str, text: impl Into<String>) -> Self {
        Self { base: base.to_owned(), text: Some(text.into()) }
    }

    pub(super) fn of_field(column: &ColumnMetadata, field: &Field) -> Self {
        let text = match field {
            Field::Null => None,
            Field::Boolean(value) => Some(value.to_string()),
            Field::Long(value) => Some(value.to_string()),
            Field::Double(value) => Some(value.to_string()),
            // The Data API shows a fraction on whole seconds too.
            Field::Text(text) if column.type_name == "timestamp" => {
                Some(text.strip_suffix(".0").unwrap_or(text).to_owned())
            }
            Field::Text(text) => Some(text.clone()),
        };
        Self { base: column.type_name.clone(), text }
    }

    pub(super) fn to_field(&self) -> Result<Field, sqlx::Error> {
        match &self.text {
            None => Ok(Field::Null),
            Some(text) if self.base == "bool" => Ok(Field::Boolean(matches!(text.as_str(), "t" | "true"))),
            Some(text) => Field::from_text(&self.base, text),
        }
    }

    /// How it stands in a statement of PostgreSQL.
    pub(super) fn literal(&self) -> String {
        match &self.text {
            None => format!("null::{}", self.base),
            Some(text) => format!("{}::{}", quote_literal(text), self.base),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self.text.as_deref(), Some("t" | "true"))
    }

    /// The value without a question to PostgreSQL, where that is certain.
    pub(super) fn coerced(&self, to: &ValueType) -> Option<Self> {
        let Some(text) = &self.text else { return Some(Self::null(&to.base)) };
        let is_plain = if to.is_text() { is_text(&self.base) } else { self.base == to.base && to.modifier.is_empty() };
        is_plain.then(|| Self::new(&to.base, text.clone()))
    }

    /// How RAISE shows it.
    pub(super) fn shown(&self) -> &str {
        self.text.as_deref().unwrap_or("<NULL>")
    }
}
