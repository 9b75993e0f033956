//! Log lines on stderr: JSON in containers, text for people.

use rental_core::env::{EnvError, var_parsed};
use std::{
    io::{IsTerminal, stderr},
    str::FromStr,
};
use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Json,
    Text,
}

/// A text that names no form.
#[derive(Debug, thiserror::Error)]
#[error("expected {EXPECTED}")]
pub struct UnknownLogFormat;

const EXPECTED: &str = "one of auto, json, text";

impl LogFormat {
    /// The form that `LOG_FORMAT` asks for.
    ///
    /// # Errors
    /// When it is none of the known ones.
    pub fn from_env() -> Result<Self, EnvError> {
        Ok(var_parsed("LOG_FORMAT", EXPECTED)?.unwrap_or(Self::Auto))
    }

    pub(crate) fn is_text(self) -> bool {
        match self {
            Self::Auto => stderr().is_terminal(),
            Self::Json => false,
            Self::Text => true,
        }
    }
}

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, UnknownLogFormat> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(UnknownLogFormat),
        }
    }
}

/// The SDK warns of each place that has no region or credentials; that none of them has is an error of ours.
const QUIET: &str = "aws_config=error";

/// Sends log lines to stderr. `RUST_LOG` chooses what is logged; without it, the lines of `own_crate` and this one.
pub fn start_logging(format: LogFormat, own_crate: &str) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,{QUIET},rental_task=info,{own_crate}=info")));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if format.is_text() {
        lines.with_target(false).with_ansi(stderr().is_terminal()).init();
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}
