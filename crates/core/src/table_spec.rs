//! Table contracts: the declared shape of each source table, from which the SELECT list, the Parquet schema, the raw
//! DDL and COPY's column list follow. Column order here is column order everywhere: COPY from Parquet maps by position.

use crate::{chunk::ChunkGrid, column_type::ColumnType, row_rule::RuleSpec};
use arrow::datatypes::{Field, Schema, SchemaRef};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::xxh3_128;

include!(concat!(env!("OUT_DIR"), "/table_files.rs"));

/// The contract of one source table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    pub name: String,
    /// Raised by hand with every change of the file.
    pub contract_version: u32,
    /// The single integer key column, or none.
    #[serde(default)]
    pub primary_key: Option<String>,
    pub unknown_columns: UnknownColumns,
    #[serde(rename = "chunk")]
    pub chunk_grid: ChunkGrid,
    pub columns: Vec<ColumnSpec>,
    /// Which chunks a frequent run reads beside those beyond the last known one. Without hints only these.
    #[serde(default)]
    pub hints: Vec<Hint>,
    /// In the order in which they are checked: a row counts under the first that it breaks.
    pub rules: Vec<RuleSpec>,
    /// 128-bit hash of the contract's text, in hex.
    #[serde(skip)]
    pub contract_hash: String,
}

/// One column of a contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// A row without a value here is quarantined.
    #[serde(default)]
    pub required: bool,
    /// The source table may lack the column; every value is then NULL.
    #[serde(default)]
    pub optional: bool,
    /// Not a source column: true where the named column is a DATETIME at the source, false where it is a DATE.
    #[serde(default)]
    pub has_time_of: Option<String>,
    #[serde(default)]
    pub classification: Classification,
}

/// Rows whose chunks are worth reading often.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "rows", rename_all = "snake_case", deny_unknown_fields)]
pub enum Hint {
    /// One of these dates or times is at most so many days before the run date, or after it.
    Recent { columns: Vec<String>, days: u32 },
    /// This time is not before the last run's snapshot.
    ModifiedSinceLastRun { column: String },
}

impl Hint {
    /// The columns that it looks at.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Recent { columns, .. } => columns.iter().map(String::as_str).collect(),
            Self::ModifiedSinceLastRun { column } => vec![column],
        }
    }
}

/// What to do with a source column that the contract does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownColumns {
    /// Refuse the run before a row is read.
    Freeze,
    /// Report and ignore it.
    Warn,
}

/// Whether a column says something about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classification {
    #[default]
    Internal,
    Personal,
}

/// Why a contract cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("parse the contract of table `{table}`")]
    Parse { table: String, source: toml::de::Error },
    #[error("the contract in `{file}.toml` is named `{name}`; file and name must agree")]
    Name { file: String, name: String },
    #[error("the contract of table `{table}` names column `{column}`, which it does not declare")]
    UnknownColumn { table: String, column: String },
    #[error("the contract of table `{table}` declares column `{column}` twice")]
    DuplicateColumn { table: String, column: String },
    #[error("the contract of table `{table}` chunks by `{column}`, which must be {expected} and required")]
    ChunkColumn { table: String, column: String, expected: &'static str },
}

/// A table name for which there is no contract.
#[derive(Debug, thiserror::Error)]
#[error("unknown table `{name}`; known tables: {known}")]
pub struct UnknownTable {
    name: String,
    known: String,
}

impl TableSpec {
    /// Reads one contract. `file` is the file's name without `.toml`.
    ///
    /// # Errors
    /// A text that is no contract, or one that contradicts itself.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let mut spec: Self =
            toml::from_str(text).map_err(|source| SpecError::Parse { table: file.to_owned(), source })?;
        if spec.name != file {
            return Err(SpecError::Name { file: file.to_owned(), name: spec.name });
        }
        spec.contract_hash = format!("{:032x}", xxh3_128(text.as_bytes()));
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), SpecError> {
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns[..index].iter().any(|earlier| earlier.name == column.name) {
                return Err(SpecError::DuplicateColumn { table: self.name.clone(), column: column.name.clone() });
            }
        }
        let derived = self.columns.iter().filter_map(|column| column.has_time_of.as_ref());
        let hinted = self.hints.iter().flat_map(Hint::columns);
        for name in self.primary_key.iter().chain(derived).map(String::as_str).chain(hinted) {
            self.declared(name)?;
        }
        let (name, expected) = match &self.chunk_grid {
            ChunkGrid::Key { column, .. } => (column, ColumnType::BigInt),
            ChunkGrid::Day { column } => (column, ColumnType::Timestamp),
        };
        let column = self.declared(name)?;
        if column.column_type != expected || !column.required {
            let expected = match expected {
                ColumnType::BigInt => "a bigint",
                _ => "a timestamp",
            };
            return Err(SpecError::ChunkColumn { table: self.name.clone(), column: name.clone(), expected });
        }
        Ok(())
    }

    fn declared(&self, name: &str) -> Result<&ColumnSpec, SpecError> {
        self.column(name).ok_or_else(|| SpecError::UnknownColumn { table: self.name.clone(), column: name.to_owned() })
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns to select from the source: all but the derived ones, in contract order.
    pub fn source_columns(&self) -> impl Iterator<Item = &ColumnSpec> {
        self.columns.iter().filter(|column| column.has_time_of.is_none())
    }

    /// The names of all columns of a data file, in their order: COPY's column list.
    #[must_use]
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// The Arrow schema of the table's data files.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        let field = |column: &ColumnSpec| Field::new(&column.name, column.column_type.arrow(), !column.required);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Column definitions of the raw and staging tables, `(name, "type [not null]")`, in contract order.
    #[must_use]
    pub fn redshift_columns(&self) -> Vec<(&str, String)> {
        let definition =
            |column: &ColumnSpec| column.column_type.redshift() + if column.required { " not null" } else { "" };
        self.columns.iter().map(|column| (column.name.as_str(), definition(column))).collect()
    }
}

/// All contracts, ordered by table name. They are part of the program: a faulty one fails every test.
///
/// # Panics
/// When an embedded contract is faulty.
#[must_use]
pub fn table_specs() -> &'static [TableSpec] {
    static SPECS: LazyLock<Vec<TableSpec>> = LazyLock::new(|| {
        let parse = |(file, text): &(&str, &str)| {
            TableSpec::parse(file, text).unwrap_or_else(|error| panic!("embedded contract: {error}: {error:?}"))
        };
        TABLE_FILES.iter().map(parse).collect()
    });
    &SPECS
}

/// The contract of the named table.
///
/// # Errors
/// When there is none; the message lists the known tables.
pub fn table_spec(name: &str) -> Result<&'static TableSpec, UnknownTable> {
    table_specs().iter().find(|spec| spec.name == name).ok_or_else(|| UnknownTable {
        name: name.to_owned(),
        known: table_specs().iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_contracts_are_sound() {
        let names: Vec<_> = table_specs().iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["apartment_attributes", "apartments", "bookings", "user_viewing"]);
    }

    #[test]
    fn an_unknown_table_is_named_with_the_known_ones() {
        let message = table_spec("booking").map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("`booking`") && message.contains("bookings"), "{message}");
    }

    #[test]
    fn a_contract_that_contradicts_itself_is_refused() {
        let contract = |columns: &str| {
            format!(
                "name = 't'\ncontract_version = 1\nunknown_columns = 'warn'\nrules = []\n\
                 chunk = {{ by = 'key', column = 'id', width = 10 }}\ncolumns = [{columns}]"
            )
        };
        let cases = [
            ("{ name = 'a', type = 'bigint' }", "does not declare"),
            ("{ name = 'id', type = 'bigint' }", "required"),
            ("{ name = 'id', type = 'bigint', required = true }, { name = 'id', type = 'date' }", "twice"),
            ("{ name = 'id', type = 'text' }", "parse"),
        ];
        for (columns, expected) in cases {
            let message = TableSpec::parse("t", &contract(columns)).unwrap_err().to_string();
            assert!(message.contains(expected), "{columns}: {message}");
        }
    }
}
