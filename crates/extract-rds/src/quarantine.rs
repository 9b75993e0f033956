//! Rejected rows as Parquet: which rule, why, and the row as it stood at the source.

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
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
    let case = |row: &RejectedRow| {
        let case = serde_json::to_value(row.violation.case).ok()?;
        case.as_str().map(str::to_owned)
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
            texts(&case),
            Arc::new(versions),
            texts(&|row| Some(row.violation.severity.to_string())),
            texts(&|row| Some(row.violation.reason.to_string())),
            texts(&|row| row.row_key.clone()),
            texts(&|row| Some(source_row(row))),
        ],
    )
}
