//! Why the source could not be entered or read, whichever connection says so, and the way out.

use crate::{
    authorities::AuthoritiesError,
    connection::CONNECT_TIMEOUT,
    credentials::CredentialsError,
    wire::{TlsError, WireError},
};
use rustls::CertificateError;
use sqlx::mysql::MySqlDatabaseError;
use std::{error::Error, fmt, io};

/// Numbers of the server's errors: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html and, for 1969 and
/// 4151, https://mariadb.com/kb/en/mariadb-error-code-reference/. In this order: database, password, host, table, column and way
/// of login denied; password to be changed, expired; account locked, at MySQL and at MariaDB.
const ACCESS_DENIED: [u16; 10] = [1044, 1045, 1130, 1142, 1143, 1698, 1820, 1862, 3118, 4151];
const UNKNOWN_DATABASE: u16 = 1049;
const SECURE_TRANSPORT_REQUIRED: u16 = 3159;
const STATEMENT_TIMEOUT: [u16; 2] = [3024, 1969];
/// The server shuts down, the connection was killed (at MariaDB), was idle for too long, or a table was altered since the
/// snapshot.
const LOST: [u16; 4] = [1053, 1927, 4031, 1412];

/// Why the source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("missing variable `{name}`")]
    Missing { name: &'static str },
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    TlsSetup(#[from] TlsError),
    #[error("no connection to {place} within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout { place: String },
    #[error("the host of {place} has no address")]
    UnknownHost { place: String, source: io::Error },
    #[error("access to {place} is denied: {message}")]
    AccessDenied { place: String, message: String },
    #[error("database of {place} does not exist")]
    UnknownDatabase { place: String },
    #[error("no trusted TLS connection to {place}: {fault}")]
    Tls { place: String, fault: TlsFault, source: Box<DriverError> },
    #[error("{action} at {place}: the server ended a statement that took too long")]
    StatementTimeout { action: String, place: String },
    #[error("stopped by a signal")]
    Stopped,
    #[error("{action} at {place}")]
    Failed { action: String, place: String, source: Box<DriverError> },
}

/// What either kind of connection says.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// What stands between us and a trusted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    NotOffered,
    /// The server or the account lets nobody in without it.
    NotAskedFor,
    UnknownAuthority,
    OtherName,
    NotValidNow,
    Handshake,
}

impl SourceError {
    /// What `action` at `place` ended with.
    pub(crate) fn new(action: &str, place: &str, error: impl Into<DriverError>) -> Self {
        let (action, place, error) = (action.to_owned(), place.to_owned(), error.into());
        if let Some((number, message)) = error.of_server() {
            return match number {
                UNKNOWN_DATABASE => Self::UnknownDatabase { place },
                SECURE_TRANSPORT_REQUIRED => Self::Tls { place, fault: TlsFault::NotAskedFor, source: Box::new(error) },
                _ if ACCESS_DENIED.contains(&number) => Self::AccessDenied { place, message: message.to_owned() },
                _ if STATEMENT_TIMEOUT.contains(&number) => Self::StatementTimeout { action, place },
                _ => Self::Failed { action, place, source: Box::new(error) },
            };
        }
        if let Some(fault) = error.tls_fault() {
            return Self::Tls { place, fault, source: Box::new(error) };
        }
        match error {
            DriverError::Wire(WireError::Stopped) => Self::Stopped,
            DriverError::Wire(WireError::UnknownHost(source)) => Self::UnknownHost { place, source },
            DriverError::Wire(WireError::ConnectTimeout) => Self::Timeout { place },
            // A login that the account is not made for.
            DriverError::Wire(error @ (WireError::AuthPlugin(_) | WireError::Cleartext)) => {
                Self::AccessDenied { place, message: error.to_string() }
            }
            DriverError::Sqlx(sqlx::Error::Io(io)) if io.kind() == io::ErrorKind::TimedOut => Self::Timeout { place },
            error => Self::Failed { action, place, source: Box::new(error) },
        }
    }

    /// Whether the connection went away, or its snapshot with a table that was altered: what was read over it does not count,
    /// and all of it can be read anew.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let Self::Failed { source, .. } = self else { return false };
        match source.as_ref() {
            DriverError::Wire(WireError::Server { code, .. }) => LOST.contains(code),
            DriverError::Wire(WireError::Io(_)) => true,
            DriverError::Wire(_) | DriverError::Sqlx(_) => false,
        }
    }

    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Credentials(error) => error.is_retryable(),
            // A name server may be away for a moment, as the server may be.
            Self::Timeout { .. }
            | Self::UnknownHost { .. }
            | Self::StatementTimeout { .. }
            | Self::Stopped
            | Self::Failed { .. } => true,
            Self::Missing { .. }
            | Self::Authorities(_)
            | Self::TlsSetup(_)
            | Self::AccessDenied { .. }
            | Self::UnknownDatabase { .. }
            | Self::Tls { .. } => false,
        }
    }

    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing { .. } => "set it in the environment or in `.env`; `.env.example` explains every variable",
            Self::Authorities(_) | Self::TlsSetup(_) => AUTHORITIES_HINT,
            Self::Credentials(error) => error.hint(),
            Self::Timeout { .. } => "check `RDS_HOST`, `RDS_PORT` and that the network lets this machine in",
            Self::UnknownHost { .. } => "correct `RDS_HOST`, or the name server that this machine asks",
            Self::AccessDenied { .. } => {
                "check `RDS_USER` and `RDS_PASSWORD`, or what `RDS_SECRET_ARN` or `RDS_IAM_AUTH` give in their place, `RDS_DATABASE`, that the user may SELECT from the four tables, and that `RDS_SSL_MODE` is not DISABLED where the server asks for TLS"
            }
            Self::UnknownDatabase { .. } => "set `RDS_DATABASE` to the marketplace's database",
            Self::Tls { fault, .. } => fault.hint(),
            Self::StatementTimeout { .. } => "raise `STATEMENT_TIMEOUT_S`, or see what keeps the source busy",
            Self::Stopped => return None,
            Self::Failed { .. } => "check that `RDS_HOST` and `RDS_PORT` lead to the server and that it is up",
        })
    }
}

/// What to do about `RDS_SSL_CA`.
pub(crate) const AUTHORITIES_HINT: &str =
    "name a readable PEM file, or leave it out to trust Amazon RDS's authorities and the system's";

impl TlsFault {
    fn hint(self) -> &'static str {
        match self {
            Self::NotOffered => {
                "turn on TLS at the server; `RDS_SSL_MODE=DISABLED` does without, for a network that nobody else reads"
            }
            Self::NotAskedFor => {
                "set `RDS_SSL_MODE` to VERIFY_IDENTITY, or to what else the server allows but DISABLED"
            }
            Self::UnknownAuthority => {
                "name the authority of the server's certificate in `RDS_SSL_CA`; without it those of Amazon RDS are trusted, and the system's under VERIFY_IDENTITY"
            }
            Self::OtherName => {
                "set `RDS_HOST` to the host as the certificate has it, or `RDS_SSL_MODE=VERIFY_CA` if any of the authority's servers will do"
            }
            Self::NotValidNow => "renew the server's certificate, or correct this machine's clock",
            Self::Handshake => {
                "check that `RDS_HOST` and `RDS_PORT` lead to a MySQL server with TLS 1.2 or newer and nothing in between ends TLS"
            }
        }
    }

    fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::OtherName,
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::NotValidNow,
            rustls::Error::InvalidCertificate(_) => Self::UnknownAuthority,
            _ => Self::Handshake,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotOffered => "the server offers none",
            Self::NotAskedFor => "the server demands it, and none was asked for",
            Self::UnknownAuthority => "the server's certificate is from no trusted authority",
            Self::OtherName => "the server's certificate is for another host",
            Self::NotValidNow => "the server's certificate is not valid at this time",
            Self::Handshake => "the handshake failed",
        })
    }
}

impl DriverError {
    /// Number and message, where it was the server that refused.
    fn of_server(&self) -> Option<(u16, &str)> {
        match self {
            Self::Sqlx(error) => {
                let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
                Some((error.number(), error.message()))
            }
            Self::Wire(WireError::Server { code, message }) => Some((*code, message)),
            Self::Wire(_) => None,
        }
    }

    fn tls_fault(&self) -> Option<TlsFault> {
        match self {
            Self::Sqlx(sqlx::Error::Tls(error)) => {
                let by_rustls = rustls_error(error.as_ref()).map(TlsFault::of);
                // The driver has no other word for it.
                let by_text = error.to_string().contains("does not support TLS").then_some(TlsFault::NotOffered);
                Some(by_rustls.or(by_text).unwrap_or(TlsFault::Handshake))
            }
            Self::Sqlx(sqlx::Error::Io(error)) => of_io(error),
            // An account of `caching_sha2_password` whose password the driver would send in plain text.
            Self::Sqlx(sqlx::Error::Configuration(_)) => Some(TlsFault::NotAskedFor),
            Self::Sqlx(_) => None,
            Self::Wire(WireError::NoTls) => Some(TlsFault::NotOffered),
            Self::Wire(WireError::PasswordWithoutTls) => Some(TlsFault::NotAskedFor),
            Self::Wire(WireError::ServerName(_)) => Some(TlsFault::OtherName),
            Self::Wire(WireError::Io(error)) => of_io(error),
            Self::Wire(_) => None,
        }
    }
}

fn of_io(error: &io::Error) -> Option<TlsFault> {
    rustls_error(error).map(TlsFault::of)
}

/// What rustls said, wherever the connection put it.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(error);
        }
        // An error of I/O names what its content is due to as its cause, and not the content.
        let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = content.map(|content| content as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}
