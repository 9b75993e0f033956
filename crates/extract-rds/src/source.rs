//! The one file that knows the MySQL driver: connection, snapshot, columns, rows.

use crate::{
    config::{SourceConfig, SslMode},
    source_schema::{SourceColumn, SourceColumns},
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};
use secrecy::ExposeSecret as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode},
};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Numbers of the server's errors: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
const ACCESS_DENIED: [u16; 4] = [1044, 1045, 1142, 1698];
const UNKNOWN_DATABASE: u16 = 1049;

/// How the rows of one run come to be of one moment.
pub(crate) const SNAPSHOT_MODE: &str = "consistent snapshot, one connection";

/// A connection that sees the source as it was at one moment and cannot change it.
pub(crate) struct SourceSnapshot {
    connection: MySqlConnection,
    place: String,
    /// The server's clock when the snapshot was opened.
    pub(crate) at: DateTime<Utc>,
    pub(crate) server_version: String,
}

/// Why the source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("no connection to {place} within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout { place: String },
    #[error("access to {place} is denied: {message}")]
    AccessDenied { place: String, message: String },
    #[error("database of {place} does not exist")]
    UnknownDatabase { place: String },
    #[error("no trusted TLS connection to {place}")]
    Tls { place: String, source: Box<sqlx::Error> },
    #[error("{action} at {place}")]
    Failed { action: String, place: String, source: Box<sqlx::Error> },
}

impl SourceError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Failed { .. } => true,
            Self::AccessDenied { .. } | Self::UnknownDatabase { .. } | Self::Tls { .. } => false,
        }
    }

    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Timeout { .. } => Some("check `RDS_HOST`, `RDS_PORT` and that the network lets this machine in"),
            Self::AccessDenied { .. } => Some(
                "check `RDS_USER`, `RDS_PASSWORD` and `RDS_DATABASE`, that the user may SELECT from the four tables, and that `RDS_SSL_MODE` is not DISABLED where the server asks for TLS",
            ),
            Self::UnknownDatabase { .. } => Some("set `RDS_DATABASE` to the marketplace's database"),
            Self::Tls { .. } => Some(
                "name the authority of the server's certificate in `RDS_SSL_CA`, and the host as the certificate has it in `RDS_HOST`",
            ),
            Self::Failed { .. } => Some("check that `RDS_HOST` and `RDS_PORT` lead to the server and that it is up"),
        }
    }

    fn new(action: String, place: &str, error: sqlx::Error) -> Self {
        let place = place.to_owned();
        let database_error = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
        match (database_error, &error) {
            (Some(database_error), _) if ACCESS_DENIED.contains(&database_error.number()) => {
                Self::AccessDenied { place, message: database_error.message().to_owned() }
            }
            (Some(database_error), _) if database_error.number() == UNKNOWN_DATABASE => Self::UnknownDatabase { place },
            (_, sqlx::Error::Tls(_)) => Self::Tls { place, source: Box::new(error) },
            // A certificate that is not trusted arrives as data that makes no sense.
            (_, sqlx::Error::Io(io)) if io.kind() == std::io::ErrorKind::InvalidData => {
                Self::Tls { place, source: Box::new(error) }
            }
            _ => Self::Failed { action, place, source: Box::new(error) },
        }
    }
}

impl SourceSnapshot {
    /// Connects and opens a read-only snapshot of the whole database.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or does not let the user in.
    pub(crate) async fn open(config: &SourceConfig) -> Result<Self, SourceError> {
        let place = config.to_string();
        let failed = |action: &str| {
            let (action, place) = (action.to_owned(), place.clone());
            move |error| SourceError::new(action, &place, error)
        };
        let options = options(config);
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
        let connected = connecting.await.map_err(|_| SourceError::Timeout { place: place.clone() })?;
        let mut connection = connected.map_err(failed("connect"))?;
        for statement in [
            // The server waits this long, in seconds, while a full data file is on its way to S3.
            "set session net_write_timeout = 900",
            "set session transaction isolation level repeatable read",
            "start transaction with consistent snapshot, read only",
        ] {
            sqlx::raw_sql(statement).execute(&mut connection).await.map_err(failed("open a snapshot"))?;
        }
        let row = sqlx::query("select cast(utc_timestamp(6) as char), cast(version() as char)")
            .fetch_one(&mut connection)
            .await
            .map_err(failed("read the server's clock"))?;
        let text = |index: usize| row.try_get_unchecked::<String, _>(index).map_err(failed("read the server's clock"));
        let clock = text(0)?;
        let at = chrono::NaiveDateTime::parse_from_str(&clock, "%Y-%m-%d %H:%M:%S%.f")
            .map_or_else(|_| Utc::now(), |at| at.and_utc());
        Ok(Self { at, server_version: text(1)?, connection, place })
    }

    /// The columns of a table by their names in lower case, none if there is no such table or the user may not see it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(crate) async fn columns(&mut self, table: &str) -> Result<SourceColumns, SourceError> {
        let query = sqlx::query(
            "select cast(lower(column_name) as char), cast(lower(data_type) as char), cast(lower(column_type) as char) \
             from information_schema.columns where table_schema = database() and table_name = ?",
        );
        let action = || format!("read the columns of `{table}`");
        let rows = query.bind(table).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| SourceError::new(action(), &self.place, error))?;
        let column = |row: &MySqlRow| {
            let column = SourceColumn { data_type: row.try_get_unchecked(1)?, full_type: row.try_get_unchecked(2)? };
            Ok((row.try_get_unchecked::<String, _>(0)?, column))
        };
        rows.iter()
            .map(column)
            .collect::<Result<_, _>>()
            .map_err(|error| SourceError::new(action(), &self.place, error))
    }

    /// The rows of a statement, each as the texts of its values.
    pub(crate) fn rows(
        &mut self,
        statement: String,
        table: &str,
    ) -> impl Stream<Item = Result<Vec<Option<String>>, SourceError>> + Unpin {
        let (place, action) = (self.place.clone(), format!("read table `{table}`"));
        let rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut self.connection);
        rows.map(move |row| {
            let values = row.and_then(|row| (0..row.len()).map(|index| row.try_get_unchecked(index)).collect());
            values.map_err(|error| SourceError::new(action.clone(), &place, error))
        })
    }

    /// Ends the snapshot.
    pub(crate) async fn close(self) {
        // Nothing was changed and nothing is lost if the server is gone already.
        let _ = self.connection.close().await;
    }
}

fn options(config: &SourceConfig) -> MySqlConnectOptions {
    let mode = match config.ssl_mode {
        SslMode::Disabled => MySqlSslMode::Disabled,
        SslMode::Required => MySqlSslMode::Required,
        SslMode::VerifyCa => MySqlSslMode::VerifyCa,
        SslMode::VerifyIdentity => MySqlSslMode::VerifyIdentity,
    };
    let options = MySqlConnectOptions::new()
        .host(&config.host)
        .port(config.port)
        .database(&config.database)
        .username(&config.user)
        .password(config.password.expose_secret())
        .ssl_mode(mode)
        .charset("utf8mb4")
        // TIMESTAMP columns then arrive in UTC.
        .timezone(Some("+00:00".to_owned()))
        .statement_cache_capacity(0)
        .disable_statement_logging();
    match &config.ssl_ca {
        Some(path) => options.ssl_ca(path),
        None => options,
    }
}
