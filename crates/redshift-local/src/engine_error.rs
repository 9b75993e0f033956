//! PostgreSQL's errors in Redshift's words. The Data API has no error code beside the text, so clients classify by it.

use std::fmt;

use sqlx::postgres::PgDatabaseError;

use crate::copy::CopyError;
use crate::dialect::Refusal;

/// The text of a failed statement, `ERROR: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineError(String);

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self(format!("ERROR: {refusal}"))
    }
}

impl From<CopyError> for EngineError {
    fn from(error: CopyError) -> Self {
        Self(error.to_string())
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
                Some(error) => words_of(error),
                None => format!("ERROR: {database}"),
            },
            other => format!("ERROR: {other}"),
        };
        Self(text)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn words_of(error: &PgDatabaseError) -> String {
    let message = error.message();
    match error.code() {
        "40001" => format!("ERROR: 1023\n  Detail: Serializable isolation violation on table: {message}"),
        "23502" => format!("ERROR: Cannot insert a NULL value into column {}", error.column().unwrap_or("unknown")),
        // The check that stands for a length in bytes carries that length in its name.
        "23514" => match error.constraint().and_then(|name| name.rsplit_once("_bytes_")) {
            Some((column, bytes)) => {
                format!("ERROR: value too long for type character varying({bytes})\n  Detail: column {column}")
            }
            None => with_detail(error),
        },
        "21000" if message.starts_with("MERGE command cannot affect row a second time") => {
            "ERROR: Found multiple matches to update the same tuple.".to_owned()
        }
        "2D000" => {
            "ERROR: TRUNCATE cannot be invoked from a procedure that is executing in an atomic context.".to_owned()
        }
        "57014" if message.contains("user request") => "ERROR: Query cancelled on user's request".to_owned(),
        _ => with_detail(error),
    }
}

fn with_detail(error: &PgDatabaseError) -> String {
    let mut text = format!("ERROR: {}", error.message());
    for (label, value) in [("Detail", error.detail()), ("Hint", error.hint()), ("Where", error.r#where())] {
        if let Some(value) = value {
            text = format!("{text}\n  {label}: {value}");
        }
    }
    text
}
