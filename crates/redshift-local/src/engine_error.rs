//! PostgreSQL's errors in Redshift's words. The Data API has no error code beside the text, so clients classify by it.

use std::fmt;

use sqlx::postgres::PgDatabaseError;

use crate::copy::CopyError;
use crate::dialect::{Refusal, Verdict};

/// SQLSTATE of a statement that its user cancelled, which no handler catches.
const QUERY_CANCELED: &str = "57014";

/// Why a statement failed. `Display` is `ERROR: …`, as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineError {
    text: String,
    sqlstate: String,
    /// Where in a procedure it happened.
    place: Option<String>,
}

impl EngineError {
    /// An error of this process's own, without `ERROR: ` in front.
    pub(crate) fn new(sqlstate: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), sqlstate: sqlstate.to_owned(), place: None }
    }

    pub(crate) fn sqlstate(&self) -> &str {
        &self.sqlstate
    }

    /// What SQLERRM shows: the message without details.
    pub(crate) fn message(&self) -> &str {
        self.text.split("\n  ").next().unwrap_or_default()
    }

    /// Whether a handler of a procedure catches it.
    pub(crate) fn is_catchable(&self) -> bool {
        self.sqlstate != QUERY_CANCELED
    }

    /// The same error with the place it came from, unless that is known already.
    pub(crate) fn at(mut self, place: impl FnOnce() -> String) -> Self {
        if self.place.is_none() {
            self.place = Some(place());
        }
        self
    }
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        let sqlstate = match refusal.verdict {
            Verdict::NotRedshift => "42601",
            Verdict::NotOffered => "0A000",
        };
        Self::new(sqlstate, refusal.to_string())
    }
}

impl From<CopyError> for EngineError {
    fn from(error: CopyError) -> Self {
        let text = error.to_string();
        Self::new("XX000", text.strip_prefix("ERROR: ").unwrap_or(&text))
    }
}

impl From<sqlx::Error> for EngineError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&sqlx::Error> for EngineError {
    fn from(error: &sqlx::Error) -> Self {
        let text = match error {
            sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => return Self::new(error.code(), words_of(error)),
                None => database.to_string(),
            },
            other => other.to_string(),
        };
        Self::new("XX000", text)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ERROR: {}", self.text)?;
        match &self.place {
            Some(place) => write!(formatter, "\n  Where: {place}"),
            None => Ok(()),
        }
    }
}

fn words_of(error: &PgDatabaseError) -> String {
    let message = error.message();
    // Two that make or change the same object at once.
    let is_of_catalog = error.schema() == Some("pg_catalog") && error.code() == "23505";
    if is_of_catalog || message.starts_with("tuple concurrently ") {
        return format!("could not complete because of conflict with concurrent transaction\n  Detail: {message}");
    }
    match error.code() {
        "40001" => format!("1023\n  Detail: Serializable isolation violation on table: {message}"),
        "23502" => format!("Cannot insert a NULL value into column {}", error.column().unwrap_or("unknown")),
        // The check that stands for a length in bytes carries that length in its name.
        "23514" => match error.constraint().and_then(|name| name.rsplit_once("_bytes_")) {
            Some((column, bytes)) => {
                format!("value too long for type character varying({bytes})\n  Detail: column {column}")
            }
            None => with_detail(error),
        },
        "21000" if message.starts_with("MERGE command cannot affect row a second time") => {
            "Found multiple matches to update the same tuple.".to_owned()
        }
        "57014" if message.contains("user request") => "Query cancelled on user's request".to_owned(),
        _ => with_detail(error),
    }
}

fn with_detail(error: &PgDatabaseError) -> String {
    let mut text = error.message().to_owned();
    for (label, value) in [("Detail", error.detail()), ("Hint", error.hint()), ("Where", error.r#where())] {
        if let Some(value) = value {
            text = format!("{text}\n  {label}: {value}");
        }
    }
    text
}
