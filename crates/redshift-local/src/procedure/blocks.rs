//! Blocks: their declarations, their statements in order, and their handlers.

use super::interpreter::{Activation, Flow, Interpreter, Running, nested};
use super::scope::{Frame, Scalar, Variable};
use super::value::{Value, ValueType};
use crate::dialect::plpgsql::{Block, BodyStatement, Declared, Handler};
use crate::engine_error::EngineError;

impl Interpreter<'_, '_> {
    pub(super) fn run_block<'a>(
        &'a mut self,
        activation: &'a mut Activation,
        block: &'a Block,
        around: Option<&'a Handler>,
    ) -> Running<'a, Flow> {
        nested(async move {
            activation.scope.push(Frame::new(block.label.clone()));
            let depth = activation.scope.depth();
            let ran = match self.declare(activation, block).await {
                Ok(()) => {
                    let own = block.handler.as_ref();
                    let ran = self.run_list(activation, &block.statements, own.or(around)).await;
                    match (ran, own) {
                        (Err(error), Some(handler)) if !handler.is_continue && error.is_catchable() => {
                            activation.scope.truncate(depth);
                            self.handle(activation, handler, error).await
                        }
                        (ran, _) => ran,
                    }
                }
                Err(error) => Err(error),
            };
            activation.scope.truncate(depth - 1);
            match ran? {
                Flow::Exit(Some(label)) if block.label.as_ref() == Some(&label) => Ok(Flow::Next),
                flow => Ok(flow),
            }
        })
    }

    /// Runs a handler in a transaction of its own. An atomic procedure throws the error again.
    async fn handle(
        &mut self,
        activation: &mut Activation,
        handler: &Handler,
        error: EngineError,
    ) -> Result<Flow, EngineError> {
        self.begin_handler().await?;
        let mut frame = Frame::new(None);
        for (name, text) in [("sqlerrm", error.message()), ("sqlstate", error.sqlstate())] {
            let mut scalar = Scalar::new(ValueType::of("varchar"));
            scalar.value = Value::new("varchar", text);
            frame.declare(name, Variable::Scalar(scalar));
        }
        activation.scope.push(frame);
        activation.handled.push(error.clone());
        let flow = self.run_list(activation, &handler.statements, None).await?;
        activation.handled.pop();
        activation.scope.pop();
        if activation.is_nonatomic {
            return Ok(flow);
        }
        self.commit_handler().await?;
        Err(error)
    }

    async fn declare(&mut self, activation: &mut Activation, block: &Block) -> Result<(), EngineError> {
        for declaration in &block.declarations {
            let variable = match &declaration.declared {
                Declared::Record => Variable::Record(None),
                Declared::Alias { of } => Variable::Alias(of.clone()),
                Declared::Cursor { parameters, query } => {
                    let mut scalar = Scalar::new(ValueType::of("refcursor"));
                    scalar.query = Some((parameters.clone(), query.clone()));
                    Variable::Scalar(scalar)
                }
                Declared::Variable { type_name, is_constant, is_not_null, value } => {
                    let mut scalar = Scalar::new(ValueType::of(type_name));
                    if let Some(value) = value {
                        let value = self.evaluate(activation, value).await?;
                        scalar.value = self.coerce(value, &scalar.value_type).await?;
                    }
                    scalar.is_constant = *is_constant;
                    scalar.is_not_null = *is_not_null;
                    Variable::Scalar(scalar)
                }
            };
            activation.scope.declare(&declaration.name, variable);
        }
        Ok(())
    }

    /// Runs statements until one leaves the list. `on_error` is the CONTINUE_HANDLER around them.
    pub(super) fn run_list<'a>(
        &'a mut self,
        activation: &'a mut Activation,
        list: &'a [BodyStatement],
        on_error: Option<&'a Handler>,
    ) -> Running<'a, Flow> {
        nested(async move {
            let on_error = on_error.filter(|handler| handler.is_continue);
            for statement in list {
                let depth = activation.scope.depth();
                let ran = self.run_statement(activation, statement, on_error).await;
                let flow = match (ran, on_error) {
                    (Err(error), Some(handler)) if error.is_catchable() => {
                        activation.scope.truncate(depth);
                        self.handle(activation, handler, error).await?
                    }
                    (Err(error), _) => {
                        let place = || format!("PL/pgSQL function \"{}\"", activation.name);
                        return Err(error.at(place));
                    }
                    (Ok(flow), _) => flow,
                };
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }
}
