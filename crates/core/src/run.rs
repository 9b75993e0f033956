//! What identifies a run, and the day it is for.

use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The day a run is for: the only source of "today" in business rules and metrics.
pub type RunDate = NaiveDate;

/// One execution of the pipeline: the Step Functions execution name, or a time-ordered id when run by hand.
///
/// It stands in object keys and SQL literals, so only letters, digits, `-`, `_` and `.` are allowed, 80 at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that cannot be a run id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a run id: expected 1 to 80 letters, digits, `-`, `_` or `.`, starting with a letter or digit")]
pub struct RunIdError(String);

impl RunId {
    /// A new id that sorts after those made before it.
    #[must_use]
    pub fn now() -> Self {
        let suffix = Uuid::new_v4().simple().to_string();
        Self(format!("{}-{}", Utc::now().format("%Y%m%dT%H%M%S"), &suffix[..8]))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts_well && text.len() <= 80 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(run_id: RunId) -> Self {
        run_id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_place_is_refused() {
        for text in ["", "a/b", "a'b", "a b", "..", "-a", &"a".repeat(81)] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert!("6c3f0e9e-0000-4a8e-9d1f_x.y".parse::<RunId>().is_ok());
    }

    #[test]
    fn a_new_id_is_a_valid_one() {
        assert!(RunId::now().as_str().parse::<RunId>().is_ok());
    }
}
