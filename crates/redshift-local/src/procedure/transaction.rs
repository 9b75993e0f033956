//! The transactions of a running procedure: its own, its caller's, or one per statement.

use super::interpreter::Interpreter;
use crate::engine::{Transaction, execute};
use crate::engine_error::EngineError;

/// How statements of the outermost procedure become permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallMode {
    /// One transaction per call, which COMMIT, ROLLBACK and TRUNCATE end and start anew.
    Atomic,
    /// The caller's, which no statement may end.
    Callers,
    /// NONATOMIC: every statement commits, unless START TRANSACTION was said.
    Nonatomic { is_explicit: bool },
}

/// A statement that ends a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Commit,
    Rollback,
    Truncate,
}

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Truncate => "TRUNCATE",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Commit | Self::Truncate => "commit",
            Self::Rollback => "rollback",
        }
    }
}

const BEGIN: &str = "begin isolation level repeatable read";

impl Interpreter<'_, '_> {
    /// Before the first statement of the outermost procedure.
    pub(super) async fn begin_call(&mut self, is_nonatomic: bool) -> Result<(), EngineError> {
        self.mode = match self.engine.transaction {
            Transaction::Callers => CallMode::Callers,
            Transaction::Own if is_nonatomic => CallMode::Nonatomic { is_explicit: false },
            Transaction::Own => CallMode::Atomic,
        };
        if self.mode == CallMode::Atomic {
            self.begin().await?;
        }
        Ok(())
    }

    /// After the outermost procedure has ended, well or not.
    pub(super) async fn end_call(&mut self, is_done: bool) -> Result<(), EngineError> {
        let was_begun = matches!(self.mode, CallMode::Atomic | CallMode::Nonatomic { is_explicit: true });
        if was_begun {
            self.engine.transaction = Transaction::Own;
            let keeps = is_done && self.mode == CallMode::Atomic;
            execute(self.engine.session, if keeps { "commit" } else { "rollback" }).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), EngineError> {
        execute(self.engine.session, BEGIN).await?;
        self.engine.snapshot.forget();
        self.engine.transaction = Transaction::Callers;
        Ok(())
    }

    /// Whether the statement may end the transaction here.
    pub(super) fn check_may_end(&self, ending: Ending) -> Result<(), EngineError> {
        if self.mode == CallMode::Callers || self.settings_depth > 0 {
            let name = ending.name();
            let text = format!("{name} cannot be invoked from a procedure that is executing in an atomic context.");
            return Err(EngineError::new("2D000", text));
        }
        Ok(())
    }

    /// Ends the transaction and, where the procedure is one, starts the next. Cursors close.
    pub(super) async fn end_transaction(&mut self, ending: Ending) -> Result<(), EngineError> {
        self.check_may_end(ending)?;
        match self.mode {
            CallMode::Nonatomic { is_explicit: false } => {}
            CallMode::Nonatomic { is_explicit: true } => {
                execute(self.engine.session, ending.sql()).await?;
                self.engine.transaction = Transaction::Own;
                self.mode = CallMode::Nonatomic { is_explicit: false };
            }
            CallMode::Atomic | CallMode::Callers => {
                execute(self.engine.session, ending.sql()).await?;
                self.begin().await?;
            }
        }
        self.forget_cursors();
        Ok(())
    }

    /// START TRANSACTION in a NONATOMIC procedure.
    pub(super) async fn start_transaction(&mut self) -> Result<(), EngineError> {
        match self.mode {
            CallMode::Nonatomic { is_explicit: false } => {
                self.begin().await?;
                self.mode = CallMode::Nonatomic { is_explicit: true };
                Ok(())
            }
            CallMode::Nonatomic { is_explicit: true } | CallMode::Atomic | CallMode::Callers => {
                Err(EngineError::new("25001", "there is already a transaction in progress"))
            }
        }
    }

    /// Throws away what the transaction did, and starts the one in which a handler runs.
    pub(super) async fn begin_handler(&mut self) -> Result<(), EngineError> {
        match self.mode {
            CallMode::Nonatomic { is_explicit: false } => {}
            CallMode::Nonatomic { is_explicit: true } => self.end_transaction(Ending::Rollback).await?,
            CallMode::Atomic | CallMode::Callers => {
                execute(self.engine.session, "rollback").await?;
                self.begin().await?;
            }
        }
        self.forget_cursors();
        Ok(())
    }

    /// Makes permanent what the handler of an atomic procedure did; its error is thrown again afterwards.
    pub(super) async fn commit_handler(&mut self) -> Result<(), EngineError> {
        execute(self.engine.session, "commit").await?;
        self.begin().await
    }
}
