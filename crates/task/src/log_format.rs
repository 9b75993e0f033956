//! Log lines on stderr: JSON in containers, text for people.

use rental_core::env::{EnvError, var_parsed};
use std::{
    error::Error,
    fmt,
    io::{IsTerminal, stderr},
    str::FromStr,
};
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    EnvFilter,
    field::{MakeVisitor, VisitFmt, VisitOutput},
    fmt::format::{DefaultVisitor, Writer},
};

/// Fields of log lines that a result on standard output repeats for people; JSON lines have them all.
const FOR_MACHINES: [&str; 6] =
    ["unchanged", "unread", "replaced_chunk_count", "unchanged_chunk_count", "file_count", "byte_count"];

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
        lines.fmt_fields(FieldsForPeople).with_target(false).with_ansi(stderr().is_terminal()).init();
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}

/// The fields of text lines, without those for machines.
struct FieldsForPeople;

struct VisitorForPeople<'a>(DefaultVisitor<'a>);

impl<'a> MakeVisitor<Writer<'a>> for FieldsForPeople {
    type Visitor = VisitorForPeople<'a>;

    fn make_visitor(&self, target: Writer<'a>) -> Self::Visitor {
        VisitorForPeople(DefaultVisitor::new(target, true))
    }
}

impl Visit for VisitorForPeople<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !FOR_MACHINES.contains(&field.name()) {
            self.0.record_debug(field, value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.record_str(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.record_error(field, value);
    }
}

impl VisitOutput<fmt::Result> for VisitorForPeople<'_> {
    fn finish(self) -> fmt::Result {
        self.0.finish()
    }
}

impl VisitFmt for VisitorForPeople<'_> {
    fn writer(&mut self) -> &mut dyn fmt::Write {
        self.0.writer()
    }
}
