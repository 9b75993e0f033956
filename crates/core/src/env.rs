//! Environment variables, with the variable's name in every message and never its value where it may be a secret.

use std::{env, str::FromStr};

/// Why a variable cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    #[error("missing variable `{0}`")]
    Missing(&'static str),
    #[error("variable `{0}` is not valid UTF-8")]
    NotUnicode(&'static str),
    #[error("variable `{name}` has the value `{value}`: expected {expected}")]
    Invalid { name: &'static str, value: String, expected: &'static str },
}

/// The variable's value; an empty one counts as not set.
///
/// # Errors
/// When the value is not UTF-8.
pub fn var(name: &'static str) -> Result<Option<String>, EnvError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(EnvError::NotUnicode(name)),
    }
}

/// The variable's value.
///
/// # Errors
/// When it is not set or empty.
pub fn required_var(name: &'static str) -> Result<String, EnvError> {
    var(name)?.ok_or(EnvError::Missing(name))
}

/// The variable's value as a typed one. Not for secrets: the message of a value that does not parse shows it.
///
/// # Errors
/// When it is set and does not parse; the message says what is `expected`, as [`crate::expected`] words it.
pub fn var_parsed<T: FromStr>(name: &'static str, expected: &'static str) -> Result<Option<T>, EnvError> {
    let Some(value) = var(name)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| EnvError::Invalid { name, value, expected })
}
