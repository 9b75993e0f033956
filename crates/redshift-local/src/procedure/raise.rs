//! RAISE: its text, and where it goes.

use super::scope::Scope;
use crate::dialect::plpgsql::RaiseLevel;
use crate::engine_error::EngineError;

/// Shows a message, or fails with it. The Data API has no place for messages below EXCEPTION; they go to the log.
pub(super) fn raise(level: RaiseLevel, format: &str, variables: &[String], scope: &Scope) -> Result<(), EngineError> {
    let text = message(format, variables, scope)?;
    match level {
        RaiseLevel::Exception => return Err(EngineError::new("P0001", text)),
        RaiseLevel::Warning => tracing::warn!(target: "redshift_local::raise", "{text}"),
        RaiseLevel::Notice | RaiseLevel::Info => tracing::info!(target: "redshift_local::raise", "{text}"),
        RaiseLevel::Log => tracing::debug!(target: "redshift_local::raise", "{text}"),
    }
    Ok(())
}

/// `%` is the next variable, `%%` a percent sign.
fn message(format: &str, variables: &[String], scope: &Scope) -> Result<String, EngineError> {
    let mut text = String::with_capacity(format.len());
    let mut next = variables.iter();
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
        } else if characters.next_if_eq(&'%').is_some() {
            text.push('%');
        } else {
            let Some(variable) = next.next() else {
                return Err(EngineError::new("42601", "too few parameters specified for RAISE"));
            };
            let value = scope.value(variable);
            text.push_str(value.as_ref().map_or("<NULL>", |value| value.shown()));
        }
    }
    if next.next().is_some() {
        return Err(EngineError::new("42601", "too many parameters specified for RAISE"));
    }
    Ok(text)
}
