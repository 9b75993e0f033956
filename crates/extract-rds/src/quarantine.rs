//! Rejected rows as Parquet: which rule, why, and the row as it stood at the source.

use crate::error::ExtractError;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef},
    error::ArrowError,
};
use bytes::Bytes;
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};
use rental_core::{RowRule, TableSpec, Violation};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A row that was rejected, as it stands at the source.
#[derive(Debug, Clone)]
pub(crate) struct RejectedRow {
    pub(crate) violation: Violation,
    pub(crate) row_key: Option<String>,
    /// Values of the contract's columns in their order; columns that the source lacks are NULL.
    pub(crate) values: Vec<Option<String>>,
}

/// The columns of a quarantine file, the same for every table.
pub(crate) fn quarantine_schema() -> SchemaRef {
    let text = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("rule_id", false),
        text("rule_case", true),
        Field::new("rule_version", DataType::Int32, false),
        text("severity", false),
        text("reason", false),
        text("row_key", true),
        // A JSON object: column name to the value's text.
        text("source_row", false),
    ]))
}

/// Rejected rows in that form.
///
/// # Errors
/// None that data can cause.
pub(crate) fn quarantine_batch(spec: &TableSpec, rows: &[RejectedRow]) -> Result<RecordBatch, ArrowError> {
    let texts = |text: &dyn Fn(&RejectedRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(text).collect::<StringArray>())
    };
    let source_row = |row: &RejectedRow| {
        let pair = |(column, value): (&rental_core::ColumnSpec, &Option<String>)| {
            (column.name.clone(), value.clone().map_or(Value::Null, Value::String))
        };
        let columns = spec.columns.iter().zip(&row.values).filter(|(column, _)| column.has_time_of.is_none());
        Value::Object(columns.map(pair).collect::<Map<_, _>>()).to_string()
    };
    let versions = Int32Array::from_value(RowRule::VERSION as i32, rows.len());
    RecordBatch::try_new(
        quarantine_schema(),
        vec![
            texts(&|row| Some(row.violation.rule.to_string())),
            texts(&|row| row.violation.case.map(|case| case.to_string())),
            Arc::new(versions),
            texts(&|row| Some(row.violation.severity.to_string())),
            texts(&|row| Some(row.violation.reason.to_string())),
            texts(&|row| row.row_key.clone()),
            texts(&|row| Some(source_row(row))),
        ],
    )
}

/// A row of a quarantine file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuarantinedRow {
    pub(crate) rule: String,
    pub(crate) rule_case: Option<String>,
    pub(crate) rule_version: i32,
    pub(crate) reason: String,
    pub(crate) row_key: Option<String>,
    pub(crate) source_row: String,
}

impl QuarantinedRow {
    /// The rule, and the case of it where it has several.
    pub(crate) fn name(&self) -> String {
        rule_name(&self.rule, self.rule_case.as_deref())
    }
}

/// A rule as it is shown and asked for, for example `BKG-PRICE:decimals`.
pub(crate) fn rule_name(rule: &str, case: Option<&str>) -> String {
    case.map_or_else(|| rule.to_owned(), |case| format!("{rule}:{case}"))
}

/// Hands out the rows of a quarantine file, one after the other.
///
/// # Errors
/// When it is no such file.
pub(crate) fn for_each_quarantined_row(
    key: &str,
    content: Vec<u8>,
    mut take: impl FnMut(QuarantinedRow),
) -> Result<(), ExtractError> {
    let failed = |source: ParquetError| ExtractError::Parquet { key: key.to_owned(), source };
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content)).and_then(|reader| reader.build());
    for batch in reader.map_err(failed)? {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let column = |name: &str| {
            let missing = || failed(ParquetError::General(format!("it has no column `{name}`")));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let text = |name: &str, row: usize| {
            let texts = column(name)?.as_string_opt::<i32>();
            Ok::<_, ExtractError>(texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).to_owned()))
        };
        let versions = column("rule_version")?.as_primitive_opt::<Int32Type>();
        for row in 0..batch.num_rows() {
            take(QuarantinedRow {
                rule: text("rule_id", row)?.unwrap_or_default(),
                rule_case: text("rule_case", row)?,
                rule_version: versions.map_or(0, |versions| versions.value(row)),
                reason: text("reason", row)?.unwrap_or_default(),
                row_key: text("row_key", row)?,
                source_row: text("source_row", row)?.unwrap_or_default(),
            });
        }
    }
    Ok(())
}
