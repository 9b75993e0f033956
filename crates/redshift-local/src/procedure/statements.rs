//! Statements of a body, one by one.

use super::catalog;
use super::command::CallCommand;
use super::interpreter::{Activation, Flow, Interpreter, Running, nested};
use super::raise::raise;
use super::transaction::Ending;
use super::value::Value;
use crate::dialect::lexer;
use crate::dialect::plpgsql::{BodyStatement, Fragment, Handler, Mode, Operation};
use crate::dialect::statement_kind::StatementKind;
use crate::engine::Outcome;
use crate::engine_error::EngineError;
use crate::translate::{Action, Values, translate};

impl Interpreter<'_, '_> {
    pub(super) async fn run_statement(
        &mut self,
        activation: &mut Activation,
        statement: &BodyStatement,
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        match &statement.operation {
            Operation::Nothing => {}
            Operation::Block(block) => return self.run_block(activation, block, on_error).await,
            Operation::Assign { target, value } => {
                let value = self.evaluate(activation, value).await?;
                self.assign(activation, target, value).await?;
            }
            Operation::Branch { branches, otherwise, is_case } => {
                for (condition, list) in branches {
                    if self.holds(activation, condition).await? {
                        return self.run_list(activation, list, on_error).await;
                    }
                }
                return self.otherwise(activation, otherwise.as_deref(), *is_case, on_error).await;
            }
            Operation::Match { operand, branches, otherwise } => {
                let operand = self.evaluate(activation, operand).await?.literal();
                for (values, list) in branches {
                    for value in values {
                        let text = format!("{operand} = ({})", value.text);
                        if self.evaluate_text(&text, Values::Variables(&activation.scope)).await?.is_true() {
                            return self.run_list(activation, list, on_error).await;
                        }
                    }
                }
                return self.otherwise(activation, otherwise.as_deref(), true, on_error).await;
            }
            Operation::Loop { .. }
            | Operation::While { .. }
            | Operation::ForInteger { .. }
            | Operation::ForQuery { .. } => return self.run_loop(activation, &statement.operation, on_error).await,
            Operation::Exit { label, condition } => {
                if self.holds_or_none(activation, condition.as_ref()).await? {
                    return Ok(Flow::Exit(label.clone()));
                }
            }
            Operation::Continue { label, condition } => {
                if self.holds_or_none(activation, condition.as_ref()).await? {
                    return Ok(Flow::Continue(label.clone()));
                }
            }
            Operation::Return => return Ok(Flow::Return),
            Operation::Raise { level, format, variables } => raise(*level, format, variables, &activation.scope)?,
            Operation::RaiseAgain => {
                let reason = "RAISE without level cannot be used outside an exception handler";
                let handled = activation.handled.last().cloned();
                return Err(handled.unwrap_or_else(|| EngineError::new("0Z002", reason)));
            }
            Operation::Execute { statement, targets } => self.execute(activation, statement, targets).await?,
            Operation::SelectInto { query, targets } => {
                let ran = self.run_sql(activation, &query.text, true).await?;
                let row = ran.result.as_ref().and_then(|result| Some((&result.columns, result.rows.first()?)));
                activation.scope.found = row.is_some();
                activation.row_count = i64::from(row.is_some());
                let columns = ran.result.as_ref().map(|result| result.columns.as_slice()).unwrap_or_default();
                self.assign_row(activation, targets, columns, row.map(|(_, row)| row.as_slice())).await?;
            }
            Operation::Call(fragment) | Operation::Sql(fragment) => {
                let ran = self.run_sql(activation, &fragment.text, false).await?;
                if ran.result.is_some() {
                    return Err(EngineError::new(
                        "42601",
                        "SELECT query has no destination for result data\n  Hint: Write SELECT … INTO variable.",
                    ));
                }
            }
            Operation::Open { cursor, source } => self.open(activation, cursor, source).await?,
            Operation::Fetch { cursor, targets } => self.fetch(activation, cursor, targets).await?,
            Operation::Close { cursor } => self.close(activation, cursor).await?,
            Operation::GetDiagnostics { target } => {
                let count = Value::new("int8", activation.row_count.to_string());
                self.assign(activation, target, count).await?;
            }
            Operation::Commit => self.end_transaction(Ending::Commit).await?,
            Operation::Rollback => self.end_transaction(Ending::Rollback).await?,
            Operation::StartTransaction => self.start_transaction().await?,
        }
        Ok(Flow::Next)
    }

    async fn otherwise(
        &mut self,
        activation: &mut Activation,
        otherwise: Option<&[BodyStatement]>,
        is_case: bool,
        on_error: Option<&Handler>,
    ) -> Result<Flow, EngineError> {
        match otherwise {
            Some(list) => self.run_list(activation, list, on_error).await,
            None if is_case => {
                Err(EngineError::new("20000", "case not found\n  Hint: CASE statement is missing ELSE part."))
            }
            None => Ok(Flow::Next),
        }
    }

    /// EXECUTE: the text that an expression gives passes the gate and the translation like any other.
    async fn execute(
        &mut self,
        activation: &mut Activation,
        statement: &Fragment,
        targets: &[String],
    ) -> Result<(), EngineError> {
        let Some(text) = self.evaluate(activation, statement).await?.text else {
            return Err(EngineError::new("22004", "cannot EXECUTE a null querystring"));
        };
        check_dynamic(&text)?;
        let translation = translate(&text, Values::NONE)?;
        let outcome = self.perform(activation, translation.kind, translation.action).await?;
        if !targets.is_empty() {
            let result = outcome.result.unwrap_or_default();
            self.assign_row(activation, targets, &result.columns, result.rows.first().map(Vec::as_slice)).await?;
        }
        Ok(())
    }

    /// Runs SQL of the body. A query without a target does not run.
    async fn run_sql(
        &mut self,
        activation: &mut Activation,
        sql: &str,
        has_target: bool,
    ) -> Result<Outcome, EngineError> {
        let translation = translate(sql, Values::Variables(&activation.scope))?;
        let sees_rows = has_target || translation.kind != StatementKind::Select;
        let outcome = self.perform(activation, translation.kind, translation.action).await?;
        Ok(if sees_rows && !has_target { Outcome { result: None, ..outcome } } else { outcome })
    }

    async fn perform(
        &mut self,
        activation: &mut Activation,
        kind: StatementKind,
        action: Action,
    ) -> Result<Outcome, EngineError> {
        match (kind, action) {
            (_, Action::Call(command)) => {
                self.call_nested(activation, &command).await?;
                Ok(Outcome::default())
            }
            (StatementKind::Vacuum, _) => {
                Err(EngineError::new("25001", "VACUUM cannot be executed from a function or procedure"))
            }
            (_, Action::Alone { construct, .. }) => {
                Err(EngineError::new("25001", format!("{construct} cannot be executed from a function or procedure")))
            }
            (StatementKind::Truncate, action) => {
                self.check_may_end(Ending::Truncate)?;
                let outcome = self.engine.perform(action).await?;
                self.end_transaction(Ending::Truncate).await?;
                Ok(outcome)
            }
            (kind, action) => {
                let outcome = self.engine.perform(action).await?;
                activation.row_count = outcome.row_count.max(0);
                let counts = matches!(
                    kind,
                    StatementKind::Insert | StatementKind::Update | StatementKind::Delete | StatementKind::Merge
                );
                if counts {
                    activation.scope.found = outcome.row_count > 0;
                }
                Ok(outcome)
            }
        }
    }

    /// CALL in a body. Values come back into the variables that were passed for INOUT parameters.
    fn call_nested<'a>(&'a mut self, activation: &'a mut Activation, command: &'a CallCommand) -> Running<'a, ()> {
        nested(async move {
            let arguments = self.arguments(command, Values::Variables(&activation.scope)).await?;
            let procedure = catalog::resolve(self.engine.lookup_session().await?, command, &arguments).await?;
            if procedure.is_nonatomic != activation.is_nonatomic {
                let text = format!(
                    "{} and {} differ in NONATOMIC; nested procedures share one mode",
                    activation.name, procedure.name
                );
                return Err(EngineError::new("2D000", text));
            }
            if procedure.parameters.iter().any(|parameter| parameter.mode == Mode::Out) {
                let text = format!("{} has OUT parameters; a nested CALL gets values back by INOUT", procedure.name);
                return Err(EngineError::new("42601", text));
            }
            for output in self.invoke(&procedure, arguments).await? {
                let argument = output.argument.and_then(|position| command.arguments.get(position));
                let Some(target) = argument.and_then(|argument| argument.variable.as_deref()) else {
                    let text = format!(
                        "the argument for INOUT parameter {} of {} is no variable",
                        output.name, procedure.name
                    );
                    return Err(EngineError::new("42601", text));
                };
                self.assign(activation, target, output.value).await?;
            }
            Ok(())
        })
    }
}

/// Dynamic SQL cannot end a transaction, except by TRUNCATE.
fn check_dynamic(text: &str) -> Result<(), EngineError> {
    let kind = lexer::tokenize(text).and_then(|tokens| StatementKind::of(text, &tokens));
    if kind.is_ok_and(|kind| kind == StatementKind::TransactionControl) {
        let text = "dynamic SQL cannot control transactions; write COMMIT or ROLLBACK in the procedure itself";
        return Err(EngineError::new("0A000", text));
    }
    Ok(())
}
