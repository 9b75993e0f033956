//! What a setting looks like, in words for whoever got it wrong; flags and variables say the same.

use std::str::FromStr;

pub const DATE: &str = "a date as YYYY-MM-DD, for example 2025-12-31";
pub const TIMEZONE: &str = "an IANA time zone, for example Europe/Berlin";
pub const SWITCH: &str = "true or false";
pub const RUN_ID: &str = "a run id of 1 to 80 letters, digits, `-`, `_` or `.`, for example nightly-2025-12-31";
pub const PORT: &str = "a port number from 1 to 65535, for example 3306";
pub const COUNT: &str = "a whole number, 1 or more";
pub const NUMBER: &str = "a whole number, 0 or more";

/// Parses the value of a flag; where it cannot, says what was expected instead of what the parser stumbled over.
pub fn expecting<T: FromStr>(expected: &'static str) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| text.parse().map_err(|_| format!("expected {expected}"))
}
