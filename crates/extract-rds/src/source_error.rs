//! Why the source could not be entered or read, whichever connection says so, and the way out.

use crate::{
    authorities::AuthoritiesError,
    connection::CONNECT_TIMEOUT,
    credentials::{CredentialsError, LoginWay},
    source_config::SslMode,
    wire::{TlsError, WireError},
};
use rustls::CertificateError;
use sqlx::mysql::MySqlDatabaseError;
use std::{error::Error, fmt, io};

/// Numbers of the server's errors: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html and, for 1969 and
/// 4151, https://mariadb.com/kb/en/mariadb-error-code-reference/.
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
    AccessDenied { place: String, message: String, denial: Denial, entrance: Option<Entrance> },
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

/// What the server turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// User and password. MariaDB says no other words where the account asks for TLS.
    Login,
    /// The machine that we connect from.
    Host,
    /// The way in which the account logs in is not the one that we take.
    LoginPlugin,
    ExpiredPassword,
    LockedAccount,
    Database,
    /// A table, or some of its columns.
    Table,
}

/// How the server was entered, as far as it decides what to do about a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrance {
    pub(crate) login: LoginWay,
    pub(crate) ssl_mode: SslMode,
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
                _ if STATEMENT_TIMEOUT.contains(&number) => Self::StatementTimeout { action, place },
                _ => match Denial::of(number) {
                    Some(denial) => Self::AccessDenied { place, message: message.to_owned(), denial, entrance: None },
                    None => Self::Failed { action, place, source: Box::new(error) },
                },
            };
        }
        if let Some(fault) = error.tls_fault() {
            return Self::Tls { place, fault, source: Box::new(error) };
        }
        if error.is_of_login_plugin() {
            let message = error.to_string();
            return Self::AccessDenied { place, message, denial: Denial::LoginPlugin, entrance: None };
        }
        match error {
            DriverError::Wire(WireError::Stopped) => Self::Stopped,
            DriverError::Wire(WireError::UnknownHost(source)) => Self::UnknownHost { place, source },
            DriverError::Wire(WireError::ConnectTimeout) => Self::Timeout { place },
            DriverError::Sqlx(sqlx::Error::Io(io)) if io.kind() == io::ErrorKind::TimedOut => Self::Timeout { place },
            error => Self::Failed { action, place, source: Box::new(error) },
        }
    }

    /// The same, with what was tried to get in.
    pub(crate) fn entered_by(self, by: Entrance) -> Self {
        match self {
            Self::AccessDenied { place, message, denial, .. } => {
                Self::AccessDenied { place, message, denial, entrance: Some(by) }
            }
            other => other,
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
            Self::AccessDenied { denial, entrance, .. } => denial.hint(*entrance),
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

impl Denial {
    fn of(number: u16) -> Option<Self> {
        Some(match number {
            1045 => Self::Login,
            1130 => Self::Host,
            // An account that is let in by the socket, for one.
            1698 => Self::LoginPlugin,
            1820 | 1862 => Self::ExpiredPassword,
            // At MySQL and at MariaDB.
            3118 | 4151 => Self::LockedAccount,
            1044 => Self::Database,
            1142 | 1143 => Self::Table,
            _ => return None,
        })
    }

    fn hint(self, entrance: Option<Entrance>) -> &'static str {
        match (self, entrance) {
            (Self::Login, Some(Entrance { login: LoginWay::IamToken, .. })) => {
                "make the user with `identified with AWSAuthenticationPlugin as 'RDS'`, let the AWS credentials in use `rds-db:connect` as it, and set `RDS_HOST` to the server's own name and `AWS_REGION` to its region"
            }
            (Self::Login, Some(Entrance { ssl_mode: SslMode::Disabled, .. })) => {
                "check user and password; where they are right the account asks for TLS: set `RDS_SSL_MODE` to VERIFY_IDENTITY"
            }
            (Self::Login, Some(Entrance { login: LoginWay::Secret, .. })) => {
                "what secret `RDS_SECRET_ARN` holds is not what the server knows: rotate the secret, or correct it"
            }
            (Self::Login, Some(Entrance { login: LoginWay::Password, .. }) | None) => {
                "correct `RDS_USER` or `RDS_PASSWORD`; if both are right, the server knows the user from another host than the one in the message"
            }
            (Self::Host, _) => "make the account for the host in the message: create user …@'host', or …@'%' for any",
            (Self::LoginPlugin, _) => {
                "an account of AWSAuthenticationPlugin is entered with `RDS_IAM_AUTH=true` in place of `RDS_PASSWORD`; any other needs a password: alter user … identified by …"
            }
            (Self::ExpiredPassword, _) => {
                "give the account a new password, and the same to `RDS_PASSWORD` or the secret"
            }
            (Self::LockedAccount, _) => "unlock the account: alter user … account unlock",
            (Self::Database, _) => {
                "correct `RDS_DATABASE`, or let the user read it: grant select, lock tables on database.* to user"
            }
            (Self::Table, _) => "let the user read the table in the message: grant select on database.table to user",
        }
    }
}

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

    /// Whether the account is made for another login than ours.
    fn is_of_login_plugin(&self) -> bool {
        match self {
            // The driver has no other word for it.
            Self::Sqlx(sqlx::Error::Protocol(text)) => {
                text.contains("unknown authentication plugin") || text.contains("cleartext")
            }
            Self::Sqlx(_) => false,
            Self::Wire(error) => matches!(error, WireError::AuthPlugin(_) | WireError::Cleartext),
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
