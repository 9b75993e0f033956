//! How a task fails: one message, the way out, and an exit code for whoever started it.

use crate::log_format::LogFormat;
use std::{borrow::Cow, error::Error, process::ExitCode};

/// What ended a task.
pub trait TaskError: Error {
    /// 1 failed and worth a retry, 2 usage or configuration, 3 the data was refused.
    fn exit_code(&self) -> u8;

    /// The way out, where there is one to name.
    fn hint(&self) -> Option<Cow<'static, str>>;
}

/// Says why `program` ends and the way out, once, and returns its exit code.
#[must_use]
pub fn report_failure(program: &str, format: LogFormat, error: &impl TaskError) -> ExitCode {
    let message = chain(error);
    let hint = error.hint();
    if format.is_text() {
        eprintln!("{program}: {message}");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
    } else {
        let hint = hint.as_deref().unwrap_or_default();
        tracing::error!(exit_code = error.exit_code(), hint, "{program}: {message}");
    }
    ExitCode::from(error.exit_code())
}

/// An error and its causes, outermost first. A cause that only repeats the text before it is left out.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
