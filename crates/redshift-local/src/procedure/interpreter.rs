//! A running CALL: its parameters, the body under its settings, and what comes back.

use std::future::Future;
use std::pin::Pin;

use sqlx::AssertSqlSafe;

use super::catalog::{self, Argument, Procedure};
use super::command::CallCommand;
use super::cursors::Cursors;
use super::definition::directions;
use super::scope::{Frame, Scalar, Scope, Variable};
use super::transaction::CallMode;
use super::value::{Value, ValueType};
use crate::dialect::plpgsql::{self, Body, Mode};
use crate::engine::{Engine, Outcome};
use crate::engine_error::EngineError;
use crate::result_set::{ColumnMetadata, ResultSet};
use crate::snapshot;
use crate::translate::Values;

/// Redshift's limit for procedures that call procedures.
const NESTING_MAX: usize = 16;

/// What a list of statements leaves to do for those around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Exit(Option<String>),
    Continue(Option<String>),
    Return,
}

pub(super) type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// When less than this is left of the stack, a deeper block or call goes on in a new piece of it. One level takes some
/// hundred KiB in a build without optimization.
const STACK_RED_ZONE_BYTES: usize = 1024 * 1024;
const STACK_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// A future that may stand in itself, however deep.
pub(super) fn nested<'a, T: 'a>(future: impl Future<Output = Result<T, EngineError>> + Send + 'a) -> Running<'a, T> {
    let mut future: Running<'a, T> = Box::pin(future);
    Box::pin(std::future::poll_fn(move |context| {
        stacker::maybe_grow(STACK_RED_ZONE_BYTES, STACK_PIECE_BYTES, || future.as_mut().poll(context))
    }))
}

/// Runs one CALL of a client, and what it calls.
pub(super) struct Interpreter<'e, 's> {
    pub(super) engine: &'e mut Engine<'s>,
    pub(super) mode: CallMode,
    pub(super) cursors: Cursors,
    depth: usize,
    /// How many of the procedures that run have SET clauses.
    pub(super) settings_depth: usize,
}

/// One running procedure.
pub(super) struct Activation {
    pub(super) name: String,
    pub(super) is_nonatomic: bool,
    pub(super) scope: Scope,
    pub(super) row_count: i64,
    /// The errors whose handlers run, the innermost last.
    pub(super) handled: Vec<EngineError>,
}

/// A parameter's value after a call, and the argument it came from.
pub(super) struct Output {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) argument: Option<usize>,
}

/// Runs the CALL of a client: its result is one row of the OUT and INOUT parameters, if there are any.
pub(crate) fn call<'a>(
    engine: &'a mut Engine<'_>,
    command: &'a CallCommand,
    values: Values<'a>,
) -> Running<'a, Outcome> {
    Box::pin(async move {
        let mut interpreter =
            Interpreter { engine, mode: CallMode::Callers, cursors: Cursors::default(), depth: 0, settings_depth: 0 };
        let arguments = interpreter.arguments(command, values).await?;
        let procedure = catalog::resolve(interpreter.engine.lookup_session().await?, command, &arguments).await?;
        interpreter.begin_call(procedure.is_nonatomic).await?;
        let result = interpreter.invoke(&procedure, arguments).await;
        let ended = interpreter.end_call(result.is_ok()).await;
        let outputs = result?;
        ended?;
        Ok(outcome_of(&outputs)?)
    })
}

fn outcome_of(outputs: &[Output]) -> Result<Outcome, sqlx::Error> {
    if outputs.is_empty() {
        return Ok(Outcome::default());
    }
    let column = |output: &Output| ColumnMetadata {
        name: output.name.clone(),
        type_name: output.value.base.clone(),
        is_nullable: true,
        ..ColumnMetadata::default()
    };
    let row = outputs.iter().map(|output| output.value.to_field()).collect::<Result<_, _>>()?;
    let result = ResultSet { columns: outputs.iter().map(column).collect(), rows: vec![row], ..ResultSet::default() };
    Ok(Outcome { row_count: 1, result: Some(result) })
}

impl Interpreter<'_, '_> {
    pub(super) async fn arguments(
        &mut self,
        command: &CallCommand,
        values: Values<'_>,
    ) -> Result<Vec<Argument>, EngineError> {
        let mut arguments = Vec::new();
        for argument in &command.arguments {
            let value = self.evaluate_text(&argument.text, values).await?;
            arguments.push(Argument { value, is_untyped: argument.is_untyped });
        }
        Ok(arguments)
    }

    /// Runs one procedure from its first statement to its last.
    pub(super) async fn invoke(
        &mut self,
        procedure: &Procedure,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Output>, EngineError> {
        if self.depth == NESTING_MAX {
            return Err(EngineError::new("54001", "Redshift's limit of 16 nested procedure calls is exceeded"));
        }
        let names: Vec<_> = procedure.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let body = plpgsql::parse(&procedure.body, &names)?;
        let mut activation = Activation {
            name: procedure.name.clone(),
            is_nonatomic: procedure.is_nonatomic,
            scope: Scope::default(),
            row_count: 0,
            handled: Vec::new(),
        };
        activation.scope.push(self.parameters(procedure, arguments).await?);
        self.depth += 1;
        let ran = self.with_settings(procedure, &mut activation, &body).await;
        self.depth -= 1;
        ran?;
        let mut outputs = Vec::new();
        let mut argument = 0;
        for (position, parameter) in procedure.parameters.iter().enumerate() {
            let (takes, gives) = directions(parameter.mode);
            if gives {
                let numbered = format!("${}", position + 1);
                let value = activation.scope.value(&numbered).unwrap_or_else(|| Value::null(&parameter.base));
                let name = parameter.name.clone().unwrap_or_else(|| format!("column{}", position + 1));
                outputs.push(Output { name, value, argument: takes.then_some(argument) });
            }
            argument += usize::from(takes);
        }
        Ok(outputs)
    }

    /// The frame of the parameters: variables `$1`, `$2`, … with their names as aliases.
    async fn parameters(&mut self, procedure: &Procedure, arguments: Vec<Argument>) -> Result<Frame, EngineError> {
        let label = procedure.name.rsplit('.').next().map(str::to_owned);
        let mut frame = Frame::new(label);
        let mut arguments = arguments.into_iter();
        for (position, parameter) in procedure.parameters.iter().enumerate() {
            let mut scalar = Scalar::new(ValueType::of(&parameter.base));
            if parameter.mode != Mode::Out
                && let Some(argument) = arguments.next()
            {
                scalar.value = self.coerce(argument.value, &scalar.value_type).await?;
            }
            let numbered = format!("${}", position + 1);
            frame.declare(&numbered, Variable::Scalar(scalar));
            if let Some(name) = &parameter.name {
                frame.declare(name, Variable::Alias(numbered));
            }
        }
        Ok(frame)
    }

    /// Runs the body under the settings of its SET clauses, and restores those that stood before.
    async fn with_settings(
        &mut self,
        procedure: &Procedure,
        activation: &mut Activation,
        body: &Body,
    ) -> Result<(), EngineError> {
        let mut before = Vec::new();
        for (name, value) in &procedure.settings {
            before.push((name, snapshot::show(self.engine.session, name).await?));
            self.set(name, value).await?;
        }
        self.settings_depth += usize::from(!before.is_empty());
        let ran = self.run_block(activation, &body.block, None).await;
        self.settings_depth -= usize::from(!before.is_empty());
        ran?;
        for (name, value) in before {
            self.set(name, &value).await?;
        }
        Ok(())
    }

    async fn set(&mut self, name: &str, value: &str) -> Result<(), EngineError> {
        let setting = snapshot::set(name, value, "local");
        sqlx::raw_sql(AssertSqlSafe(setting)).execute(&mut *self.engine.session).await?;
        Ok(())
    }
}
