//! Expressions, and the variables that take their values.

use super::definition::SELECT;
use super::interpreter::{Activation, Interpreter};
use super::scope::Variable;
use super::value::{Value, ValueType};
use crate::dialect::plpgsql::Fragment;
use crate::engine::Engine;
use crate::engine_error::EngineError;
use crate::result_set::{ColumnMetadata, Field};
use crate::translate::{Action, Values, translate};

impl Interpreter<'_, '_> {
    /// The value of an expression of the body.
    pub(super) async fn evaluate(
        &mut self,
        activation: &Activation,
        expression: &Fragment,
    ) -> Result<Value, EngineError> {
        match known(&expression.text, activation) {
            Some(value) => Ok(value),
            None => self.evaluate_text(&expression.text, Values::Variables(&activation.scope)).await,
        }
    }

    /// The value of `expression`, which PostgreSQL computes.
    pub(super) async fn evaluate_text(&mut self, expression: &str, values: Values<'_>) -> Result<Value, EngineError> {
        let translation = translate(&format!("{SELECT}{expression}"), values)?;
        let result = match translation.action {
            Action::Sql(sql) => self.engine.compute(sql).await?.result.unwrap_or_default(),
            _ => return Err(EngineError::new("42601", format!("`{expression}` is no expression"))),
        };
        let [column] = result.columns.as_slice() else {
            return Err(EngineError::new(
                "42601",
                format!("`{expression}` gives {} columns, not one", result.columns.len()),
            ));
        };
        match result.rows.as_slice() {
            [] => Ok(Value::null(&column.type_name)),
            [row] => Ok(Value::of_field(column, &row[0])),
            rows => {
                let text = format!("query \"SELECT {expression}\" returned more than one row ({})", rows.len());
                Err(EngineError::new("21000", text))
            }
        }
    }

    pub(super) async fn holds(&mut self, activation: &Activation, condition: &Fragment) -> Result<bool, EngineError> {
        let value = self.evaluate(activation, condition).await?;
        Ok(self.coerce(value, &ValueType::of("boolean")).await?.is_true())
    }

    pub(super) async fn holds_or_none(
        &mut self,
        activation: &Activation,
        condition: Option<&Fragment>,
    ) -> Result<bool, EngineError> {
        match condition {
            Some(condition) => self.holds(activation, condition).await,
            None => Ok(true),
        }
    }

    /// Gives `value` to `variable` or `record.field`.
    pub(super) async fn assign(
        &mut self,
        activation: &mut Activation,
        target: &str,
        value: Value,
    ) -> Result<(), EngineError> {
        let unknown = || EngineError::new("42703", format!("{target} is no variable that takes a value"));
        let (name, field) = match target.split_once('.') {
            Some((name, field)) => (name, Some(field)),
            None => (target, None),
        };
        match (activation.scope.variable_mut(name), field) {
            (Some(Variable::Record(Some(fields))), Some(field)) => {
                let slot = fields.iter_mut().find(|(name, _)| name == field).ok_or_else(unknown)?;
                slot.1 = value;
                Ok(())
            }
            (Some(Variable::Scalar(scalar)), None) => {
                if scalar.is_constant {
                    return Err(EngineError::new("22005", format!("\"{name}\" is declared CONSTANT")));
                }
                if scalar.is_not_null && value.text.is_none() {
                    let text = format!("null value cannot be assigned to variable \"{name}\" declared NOT NULL");
                    return Err(EngineError::new("22004", text));
                }
                let value_type = scalar.value_type.clone();
                let value = self.coerce(value, &value_type).await?;
                if let Some(Variable::Scalar(scalar)) = activation.scope.variable_mut(name) {
                    scalar.value = value;
                }
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    /// Gives a row to a record, or its values to just as many variables; no row gives NULLs.
    pub(super) async fn assign_row(
        &mut self,
        activation: &mut Activation,
        targets: &[String],
        columns: &[ColumnMetadata],
        row: Option<&[Field]>,
    ) -> Result<(), EngineError> {
        let value_at = |position: usize| match row.and_then(|row| row.get(position)) {
            Some(field) => Value::of_field(&columns[position], field),
            None => Value::null(&columns[position].type_name),
        };
        if let [target] = targets
            && let Some(Variable::Record(record)) = activation.scope.variable_mut(target)
        {
            let fields = columns.iter().enumerate().map(|(position, column)| (column.name.clone(), value_at(position)));
            *record = Some(fields.collect());
            return Ok(());
        }
        if columns.len() != targets.len() {
            let text =
                format!("the row has {} columns, and {} variables are to take them", columns.len(), targets.len());
            return Err(EngineError::new("42804", text));
        }
        for (position, target) in targets.iter().enumerate() {
            self.assign(activation, target, value_at(position)).await?;
        }
        Ok(())
    }

    /// `value` in the type of a variable, as an assignment converts it.
    pub(super) async fn coerce(&mut self, value: Value, to: &ValueType) -> Result<Value, EngineError> {
        let coerced = match value.coerced(to) {
            Some(value) => value,
            // A length is checked below, where PostgreSQL's cast would cut.
            None if to.max_bytes().is_some() => cast(self.engine, &value, &to.base).await?,
            None => cast(self.engine, &value, &format!("{}{}", to.base, to.modifier)).await?,
        };
        let too_long = to
            .max_bytes()
            .filter(|max| coerced.text.as_ref().is_some_and(|text| text.trim_end_matches(' ').len() > *max));
        match too_long {
            Some(max) => {
                let name = if to.base == "bpchar" { "character" } else { "character varying" };
                Err(EngineError::new("22001", format!("value too long for type {name}({max})")))
            }
            None => Ok(coerced),
        }
    }
}

async fn cast(engine: &mut Engine<'_>, value: &Value, type_name: &str) -> Result<Value, EngineError> {
    let outcome = engine.compute(format!("select {}::{type_name}", value.literal())).await?;
    let result = outcome.result.unwrap_or_default();
    match (result.columns.first(), result.rows.first()) {
        (Some(column), Some(row)) => Ok(Value::of_field(column, &row[0])),
        _ => Ok(Value::null(type_name)),
    }
}

/// The value of a number, a truth value or a variable, which needs no question to PostgreSQL.
fn known(text: &str, activation: &Activation) -> Option<Value> {
    if !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Value::new("int4", text));
    }
    match text {
        "true" | "false" => Some(Value::new("bool", text)),
        _ => activation.scope.value(&text.to_lowercase()),
    }
}
