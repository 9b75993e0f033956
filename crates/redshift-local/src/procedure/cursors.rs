//! Cursors: PostgreSQL's, opened by DECLARE, so that a client can fetch from one that a procedure hands out.

use sqlx::postgres::PgConnection;

use super::interpreter::{Activation, Interpreter};
use super::scope::{Frame, Scalar, Variable};
use super::value::{Value, ValueType};
use crate::dialect::plpgsql::CursorSource;
use crate::engine_error::EngineError;
use crate::translate::{Action, Values, quote_identifier, translate};

/// The cursors of one CALL. Redshift has one per session open at a time, and the loop over a query is one.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    open: Option<String>,
    is_implicit_open: bool,
    unnamed_count: usize,
    /// Grows with every transaction that ends, which closes all cursors.
    generation: u64,
}

impl Cursors {
    fn check_free(&self) -> Result<(), EngineError> {
        if self.open.is_none() && !self.is_implicit_open {
            return Ok(());
        }
        Err(is_open_already())
    }

    pub(super) fn open_implicit(&mut self) -> Result<(), EngineError> {
        self.check_free()?;
        self.is_implicit_open = true;
        Ok(())
    }

    /// Ends a loop's cursor, unless its transaction has ended before.
    pub(super) fn close_implicit(&mut self, opened_in: u64) {
        if self.generation == opened_in {
            self.is_implicit_open = false;
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
}

fn is_open_already() -> EngineError {
    let text = "a cursor is open already, and a session has one; close it first (a FOR loop over a query is one too)";
    EngineError::new("42P03", text)
}

/// Before a cursor opens: whether another of the session is open, whoever opened it.
pub(crate) async fn check_none_open(session: &mut PgConnection) -> Result<(), EngineError> {
    // The question itself is a cursor without a name.
    const IS_OPEN: &str = "select exists (select 1 from pg_catalog.pg_cursors where name <> '')";
    let is_open: bool = sqlx::query_scalar(IS_OPEN).persistent(false).fetch_one(session).await?;
    if is_open { Err(is_open_already()) } else { Ok(()) }
}

impl Interpreter<'_, '_> {
    /// The transaction has ended, and with it its cursors.
    pub(super) fn forget_cursors(&mut self) {
        self.cursors.open = None;
        self.cursors.is_implicit_open = false;
        self.cursors.generation += 1;
    }

    pub(super) async fn open(
        &mut self,
        activation: &mut Activation,
        cursor: &str,
        source: &CursorSource,
    ) -> Result<(), EngineError> {
        self.cursors.check_free()?;
        let query = match source {
            CursorSource::Query(query) => translate(&query.text, Values::Variables(&activation.scope))?,
            CursorSource::Dynamic(expression) => {
                let Some(text) = self.evaluate(activation, expression).await?.text else {
                    return Err(EngineError::new("22004", "cannot EXECUTE a null querystring"));
                };
                translate(&text, Values::NONE)?
            }
            CursorSource::Declared(arguments) => {
                let Some(Variable::Scalar(Scalar { query: Some((parameters, query)), .. })) =
                    activation.scope.variable(cursor)
                else {
                    let text =
                        format!("cursor {cursor} was declared without a query; write OPEN {cursor} FOR SELECT …");
                    return Err(EngineError::new("42601", text));
                };
                let (parameters, query) = (parameters.clone(), query.clone());
                if parameters.len() != arguments.len() {
                    let text = format!("cursor {cursor} takes {} arguments, not {}", parameters.len(), arguments.len());
                    return Err(EngineError::new("42601", text));
                }
                let mut frame = Frame::new(None);
                for ((name, type_name), argument) in parameters.iter().zip(arguments) {
                    let mut scalar = Scalar::new(ValueType::of(type_name));
                    let value = self.evaluate(activation, argument).await?;
                    scalar.value = self.coerce(value, &scalar.value_type).await?;
                    frame.declare(name, Variable::Scalar(scalar));
                }
                activation.scope.push(frame);
                let translation = translate(&query.text, Values::Variables(&activation.scope));
                activation.scope.pop();
                translation?
            }
        };
        let Action::Sql(sql) = query.action else {
            return Err(EngineError::new("42601", "a cursor runs over a query"));
        };
        let standing = activation.scope.value(cursor).and_then(|value| value.text);
        let name = match standing {
            Some(name) => name,
            None => {
                self.cursors.unnamed_count += 1;
                let name = format!("<unnamed portal {}>", self.cursors.unnamed_count);
                self.assign(activation, cursor, Value::new("refcursor", name.clone())).await?;
                name
            }
        };
        let declare = format!("declare {} no scroll cursor for {sql}", quote_identifier(&name));
        self.engine.perform(Action::Sql(declare)).await?;
        self.cursors.open = Some(name);
        Ok(())
    }

    pub(super) async fn fetch(
        &mut self,
        activation: &mut Activation,
        cursor: &str,
        targets: &[String],
    ) -> Result<(), EngineError> {
        let name = portal(activation, cursor)?;
        let fetch = format!("fetch next from {}", quote_identifier(&name));
        let result = self.engine.perform(Action::Sql(fetch)).await?.result.unwrap_or_default();
        let row = result.rows.first().map(Vec::as_slice);
        activation.scope.found = row.is_some();
        self.assign_row(activation, targets, &result.columns, row).await
    }

    pub(super) async fn close(&mut self, activation: &mut Activation, cursor: &str) -> Result<(), EngineError> {
        let name = portal(activation, cursor)?;
        self.engine.perform(Action::Sql(format!("close {}", quote_identifier(&name)))).await?;
        self.cursors.open = None;
        Ok(())
    }
}

/// The name of the open cursor that a variable holds.
fn portal(activation: &Activation, cursor: &str) -> Result<String, EngineError> {
    let value = activation.scope.value(cursor).and_then(|value| value.text);
    value.ok_or_else(|| EngineError::new("22004", format!("cursor variable \"{cursor}\" is null; open it first")))
}
