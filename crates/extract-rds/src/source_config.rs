//! Where the source is, how to be let in, and what is asked of TLS.

use crate::{
    arguments::ConnectionFlags,
    authorities::Authorities,
    config::{ConfigError, given_or},
    credentials::Authentication,
};
use chrono_tz::Tz;
use rental_core::{
    env::{required_var, var, var_parsed},
    expected::{NUMBER, PORT, SWITCH, TIMEZONE},
};
use std::{fmt, num::NonZero, path::PathBuf, str::FromStr};

/// An hour: longer than a table should take, short enough that a forgotten statement does not keep the source busy for days.
const DEFAULT_STATEMENT_TIMEOUT_S: u32 = 60 * 60;
/// What MySQL's count of milliseconds holds.
pub(crate) const MAX_STATEMENT_TIMEOUT_S: u32 = u32::MAX / 1000;

/// How to reach the source.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Where there is a secret, it says what is not set here.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub authentication: Authentication,
    pub ssl_mode: SslMode,
    /// PEM file with the authorities to trust in place of Amazon RDS's.
    pub ssl_ca: Option<PathBuf>,
    /// Seconds after which the source ends a statement; 0 is never.
    pub statement_timeout_s: u32,
    /// The zone of the source's DATETIME values.
    pub timezone: Tz,
}

/// What is asked of TLS, by the names that MySQL uses. Its PREFERRED is not among them: whoever can change a packet could turn
/// TLS off, so it is worth no more than DISABLED and only looks better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    Disabled,
    /// Encrypted, with nobody knows whom.
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// A text that names no mode.
#[derive(Debug, thiserror::Error)]
#[error("expected {SSL_MODE}")]
pub struct UnknownSslMode;

const SSL_MODE: &str = "one of VERIFY_IDENTITY, VERIFY_CA, REQUIRED, DISABLED";

impl SourceConfig {
    /// From the environment, where the flags do not say otherwise.
    ///
    /// # Errors
    /// A variable that is missing or cannot be understood, authorities that cannot be read, ways to be let in that exclude
    /// each other.
    pub(crate) fn from_env(flags: &ConnectionFlags) -> Result<Self, ConfigError> {
        let authentication = authentication()?;
        // A secret may name what is not set.
        let required = |name| match authentication {
            Authentication::Secret { .. } => var(name),
            Authentication::Password(_) | Authentication::IamToken => required_var(name).map(Some),
        };
        let config = Self {
            host: required("RDS_HOST")?,
            port: var_parsed::<NonZero<u16>>("RDS_PORT", PORT)?.map(NonZero::get),
            database: required("RDS_DATABASE")?,
            user: required("RDS_USER")?,
            ssl_mode: given_or(flags.ssl_mode, "RDS_SSL_MODE", SSL_MODE)?.unwrap_or(SslMode::VerifyIdentity),
            ssl_ca: var("RDS_SSL_CA")?.map(PathBuf::from),
            statement_timeout_s: checked_timeout_s(given_or(
                flags.statement_timeout_s,
                "STATEMENT_TIMEOUT_S",
                NUMBER,
            )?)?,
            timezone: required_var("SOURCE_TIMEZONE")
                .and_then(|_| var_parsed("SOURCE_TIMEZONE", TIMEZONE))?
                .unwrap_or(Tz::UTC),
            authentication,
        };
        // Only to see that they can be read.
        Authorities::new(config.ssl_ca.as_deref(), config.ssl_mode)?;
        match (&config.authentication, config.ssl_mode) {
            // To whom the others speak is anybody's guess, and with the token that one could enter the source in our place.
            (Authentication::IamToken, SslMode::Disabled | SslMode::Required | SslMode::VerifyCa) => {
                Err(ConfigError::TokenInTheOpen(config.ssl_mode))
            }
            _ => Ok(config),
        }
    }
}

/// The one of three ways that is set.
fn authentication() -> Result<Authentication, ConfigError> {
    let password = var("RDS_PASSWORD")?.map(|password| Authentication::Password(password.into()));
    let secret = var("RDS_SECRET_ARN")?.map(|id| Authentication::Secret { id });
    let token = var_parsed("RDS_IAM_AUTH", SWITCH)?.unwrap_or(false).then_some(Authentication::IamToken);
    let ways = [("RDS_PASSWORD", password), ("RDS_SECRET_ARN", secret), ("RDS_IAM_AUTH", token)];
    let mut set = ways.into_iter().filter_map(|(name, way)| Some((name, way?)));
    match (set.next(), set.next()) {
        (None, _) => Err(ConfigError::NoAuthentication),
        (Some((_, way)), None) => Ok(way),
        (Some((first, _)), Some((second, _))) => Err(ConfigError::TwoAuthentications(first, second)),
    }
}

fn checked_timeout_s(given: Option<u32>) -> Result<u32, ConfigError> {
    match given.unwrap_or(DEFAULT_STATEMENT_TIMEOUT_S) {
        value if value > MAX_STATEMENT_TIMEOUT_S => Err(ConfigError::OutOfRange {
            name: "STATEMENT_TIMEOUT_S",
            value,
            reason: "expected 4294967 s or less, or 0 for never",
        }),
        value => Ok(value),
    }
}

impl FromStr for SslMode {
    type Err = UnknownSslMode;

    fn from_str(text: &str) -> Result<Self, UnknownSslMode> {
        match text.to_ascii_uppercase().as_str() {
            "DISABLED" => Ok(Self::Disabled),
            "REQUIRED" => Ok(Self::Required),
            "VERIFY_CA" => Ok(Self::VerifyCa),
            "VERIFY_IDENTITY" => Ok(Self::VerifyIdentity),
            _ => Err(UnknownSslMode),
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Disabled => "DISABLED",
            Self::Required => "REQUIRED",
            Self::VerifyCa => "VERIFY_CA",
            Self::VerifyIdentity => "VERIFY_IDENTITY",
        })
    }
}
