//! Log lines on stderr: JSON in containers, text for people. The failure that ends the program is reported here, once.

use crate::{config::LogFormat, error::ExtractError};
use std::{
    error::Error,
    io::{IsTerminal, stderr},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

impl LogFormat {
    fn is_text(self) -> bool {
        match self {
            Self::Auto => stderr().is_terminal(),
            Self::Json => false,
            Self::Text => true,
        }
    }
}

/// Sends log lines to stderr. `RUST_LOG` chooses what is logged; without it, this program's own lines.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,extract_rds=info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if format.is_text() {
        lines.with_target(false).with_ansi(stderr().is_terminal()).init();
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}

/// Prints why the program ends and the way out, and says so with the exit code.
#[must_use]
pub fn report_failure(format: LogFormat, error: &ExtractError) -> ExitCode {
    let message = chain(error);
    let hint = error.hint();
    if format.is_text() {
        eprintln!("extract-rds: {message}");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
    } else {
        let hint = hint.as_deref().unwrap_or_default();
        tracing::error!(exit_code = error.exit_code(), hint, "extract-rds: {message}");
    }
    ExitCode::from(error.exit_code())
}

/// An error and its causes, outermost first. A cause that only repeats the text before it is left out.
fn chain(error: &dyn Error) -> String {
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
