//! LOOP, WHILE and FOR.

use super::cursors::check_none_open;
use super::interpreter::{Activation, Flow, Interpreter};
use super::scope::{Frame, Scalar, Variable};
use super::value::{Value, ValueType};
use crate::dialect::plpgsql::{BodyStatement, Fragment, Handler, Operation};
use crate::engine_error::EngineError;
use crate::result_set::ResultSet;
use crate::translate::{Values, translate};

/// What one round of a loop means for the loop.
enum Round {
    Again,
    Done,
    Leave(Flow),
}

/// `flow` as the loop with this label understands it.
fn round(flow: Flow, label: Option<&String>) -> Round {
    match flow {
        Flow::Next | Flow::Continue(None) => Round::Again,
        Flow::Exit(None) => Round::Done,
        Flow::Continue(Some(wanted)) if Some(&wanted) == label => Round::Again,
        Flow::Exit(Some(wanted)) if Some(&wanted) == label => Round::Done,
        other => Round::Leave(other),
    }
}

impl Interpreter<'_, '_> {
    pub(super) async fn run_loop(
        &mut self,
        activation: &mut Activation,
        operation: &Operation,
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        match operation {
            Operation::ForInteger { label, variable, is_reverse, from, to, body } => {
                let bounds = (self.integer(activation, from).await?, self.integer(activation, to).await?);
                let range = Integers { bounds, is_reverse: *is_reverse };
                self.for_integer(activation, label.as_ref(), variable, range, body, on_error).await
            }
            Operation::ForQuery { label, targets, query, is_dynamic, body } => {
                let result = self.rows_of(activation, query, *is_dynamic).await?;
                self.cursors.open_implicit()?;
                check_none_open(self.engine.session).await?;
                let opened_in = self.cursors.generation();
                let ran = self.for_rows(activation, label.as_ref(), targets, result, body, on_error).await;
                self.cursors.close_implicit(opened_in);
                ran
            }
            Operation::While { label, condition, body } => {
                while self.holds(activation, condition).await? {
                    match round(self.run_round(activation, body, on_error).await?, label.as_ref()) {
                        Round::Again => {}
                        Round::Done => break,
                        Round::Leave(flow) => return Ok(flow),
                    }
                }
                Ok(Flow::Next)
            }
            Operation::Loop { label, body } => loop {
                match round(self.run_round(activation, body, on_error).await?, label.as_ref()) {
                    Round::Again => {}
                    Round::Done => return Ok(Flow::Next),
                    Round::Leave(flow) => return Ok(flow),
                }
            },
            _ => Ok(Flow::Next),
        }
    }

    /// One round; others get their turn in between, so that a loop that asks nothing of PostgreSQL can be cancelled.
    async fn run_round(
        &mut self,
        activation: &mut Activation,
        body: &[BodyStatement],
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        tokio::task::yield_now().await;
        self.run_list(activation, body, on_error).await
    }

    async fn integer(&mut self, activation: &Activation, bound: &Fragment) -> Result<i32, EngineError> {
        let value = self.evaluate(activation, bound).await?;
        let value = self.coerce(value, &ValueType::of("integer")).await?;
        let Some(text) = value.text else {
            return Err(EngineError::new("22004", "a bound of the FOR loop cannot be null"));
        };
        text.parse().map_err(|_| EngineError::new("22003", format!("{text} is no integer")))
    }

    async fn for_integer(
        &mut self,
        activation: &mut Activation,
        label: Option<&String>,
        variable: &str,
        range: Integers,
        body: &[BodyStatement],
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        let mut current = Some(range.bounds.0);
        while let Some(value) = current.filter(|value| range.holds(*value)) {
            let mut scalar = Scalar::new(ValueType::of("integer"));
            scalar.value = Value::new("int4", value.to_string());
            let mut frame = Frame::new(label.cloned());
            frame.declare(variable, Variable::Scalar(scalar));
            activation.scope.push(frame);
            activation.scope.found = true;
            let flow = self.run_round(activation, body, on_error).await;
            activation.scope.pop();
            match round(flow?, label) {
                Round::Again => {}
                Round::Done => break,
                Round::Leave(flow) => return Ok(flow),
            }
            current = if range.is_reverse { value.checked_sub(1) } else { value.checked_add(1) };
        }
        Ok(Flow::Next)
    }

    async fn rows_of(
        &mut self,
        activation: &Activation,
        query: &Fragment,
        is_dynamic: bool,
    ) -> Result<ResultSet, EngineError> {
        let translation = if is_dynamic {
            let Some(text) = self.evaluate(activation, query).await?.text else {
                return Err(EngineError::new("22004", "cannot EXECUTE a null querystring"));
            };
            translate(&text, Values::NONE)?
        } else {
            translate(&query.text, Values::Variables(&activation.scope))?
        };
        let outcome = self.engine.perform(translation.action).await?;
        outcome.result.ok_or_else(|| EngineError::new("42601", "cannot open non-SELECT query as cursor"))
    }

    async fn for_rows(
        &mut self,
        activation: &mut Activation,
        label: Option<&String>,
        targets: &[String],
        result: ResultSet,
        body: &[BodyStatement],
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        let opened_in = self.cursors.generation();
        activation.scope.found = !result.rows.is_empty();
        for row in &result.rows {
            if self.cursors.generation() != opened_in {
                return Err(EngineError::new(
                    "34000",
                    "cursor of the FOR loop does not exist; the transaction it was opened in has ended",
                ));
            }
            self.assign_row(activation, targets, &result.columns, Some(row)).await?;
            match round(self.run_round(activation, body, on_error).await?, label) {
                Round::Again => {}
                Round::Done => break,
                Round::Leave(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }
}

/// The values of `FOR i IN [REVERSE] from..to`.
struct Integers {
    bounds: (i32, i32),
    is_reverse: bool,
}

impl Integers {
    fn holds(&self, value: i32) -> bool {
        if self.is_reverse { value >= self.bounds.1 } else { value <= self.bounds.1 }
    }
}
