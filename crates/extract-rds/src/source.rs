//! The source's catalog and locks: what is asked of it beside its rows. This file and those of `wire` are the ones that know
//! the MySQL protocol.

use crate::{
    config::{SourceConfig, SslMode},
    source_schema::{SourceColumn, SourceColumns},
    wire::{TlsError, WireError, WireOptions, tls_config},
};
use rustls::RootCertStore;
use secrecy::ExposeSecret as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode},
};
use std::{error::Error, sync::Arc, sync::atomic::AtomicBool, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the server counts as gone: longer than a table may take to be searched for its first row.
const READ_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How long a lock may be waited for, in seconds: while it is, others wait behind it.
const LOCK_WAIT_S: u32 = 5;
/// Numbers of the server's errors: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
const ACCESS_DENIED: [u16; 4] = [1044, 1045, 1142, 1698];
const UNKNOWN_DATABASE: u16 = 1049;

/// A connection to the source for everything but rows.
pub(crate) struct Source {
    connection: MySqlConnection,
    config: SourceConfig,
    place: String,
    stop: Arc<AtomicBool>,
    pub(crate) server_version: String,
}

/// What the catalog says of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceTable {
    pub(crate) columns: SourceColumns,
    /// None of a view.
    pub(crate) engine: Option<String>,
    /// The server's estimate.
    pub(crate) row_count: Option<u64>,
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
    Tls { place: String, source: Box<dyn Error + Send + Sync> },
    #[error("stopped by a signal")]
    Stopped,
    #[error("{action} at {place}")]
    Failed { action: String, place: String, source: Box<dyn Error + Send + Sync> },
}

impl SourceError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Failed { .. } | Self::Stopped => true,
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
            Self::Stopped => None,
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

impl Source {
    /// Connects. `stop` ends what the readers of this source wait for.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or does not let the user in.
    pub(crate) async fn open(config: &SourceConfig, stop: Arc<AtomicBool>) -> Result<Self, SourceError> {
        let place = config.to_string();
        let options = options(config);
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
        let connected = connecting.await.map_err(|_| SourceError::Timeout { place: place.clone() })?;
        let mut connection = connected.map_err(|error| SourceError::new("connect".into(), &place, error))?;
        let version = sqlx::query("select cast(version() as char)").fetch_one(&mut connection).await;
        let version = version.and_then(|row| row.try_get_unchecked::<String, _>(0));
        let server_version = version.map_err(|error| SourceError::new("read the version".into(), &place, error))?;
        Ok(Self { connection, config: config.clone(), place, stop, server_version })
    }

    /// What a reader connects with.
    pub(crate) fn wire_options(&self) -> Result<WireOptions, SourceError> {
        let tls = |error: TlsError| SourceError::Tls { place: self.place.clone(), source: Box::new(error) };
        let authorities = authorities(&self.config).map_err(tls)?;
        Ok(WireOptions {
            host: self.config.host.clone(),
            port: self.config.port,
            database: self.config.database.clone(),
            user: self.config.user.clone(),
            password: self.config.password.clone(),
            allows_cleartext: false,
            tls: tls_config(self.config.ssl_mode, authorities).map_err(tls)?,
            session: vec![
                "set names utf8mb4".to_owned(),
                "set session time_zone = '+00:00'".to_owned(),
                // The server waits this long, in seconds, while full data files are on their way to S3.
                "set session net_write_timeout = 900".to_owned(),
            ],
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            stop: self.stop.clone(),
        })
    }

    /// A table as the catalog knows it; without columns if there is none or the user may not see it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(crate) async fn table(&mut self, table: &str) -> Result<SourceTable, SourceError> {
        let columns = sqlx::query(
            "select cast(lower(c.column_name) as char), cast(lower(c.data_type) as char), cast(lower(c.column_type) as char), \
                    cast(c.numeric_precision as unsigned), \
                    exists (select 1 from information_schema.statistics s \
                            where s.table_schema = c.table_schema and s.table_name = c.table_name \
                              and s.column_name = c.column_name and s.seq_in_index = 1) \
             from information_schema.columns c where c.table_schema = database() and c.table_name = ?",
        );
        let action = || format!("read the columns of `{table}`");
        let rows = columns.bind(table).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| SourceError::new(action(), &self.place, error))?;
        let column = |row: &MySqlRow| {
            let column = SourceColumn {
                data_type: row.try_get_unchecked(1)?,
                full_type: row.try_get_unchecked(2)?,
                precision: row.try_get_unchecked(3)?,
                leads_index: row.try_get_unchecked::<i64, _>(4)? != 0,
            };
            Ok((row.try_get_unchecked::<String, _>(0)?, column))
        };
        let columns = rows.iter().map(column).collect::<Result<_, _>>();
        let columns = columns.map_err(|error| SourceError::new(action(), &self.place, error))?;
        let status = sqlx::query(
            "select cast(engine as char), cast(table_rows as unsigned) from information_schema.tables \
             where table_schema = database() and table_name = ?",
        );
        let status = status.bind(table).fetch_optional(&mut self.connection).await;
        let status = status.map_err(|error| SourceError::new(action(), &self.place, error))?;
        let (engine, row_count) = status.map_or((None, None), |row| {
            (row.try_get_unchecked(0).unwrap_or_default(), row.try_get_unchecked(1).unwrap_or_default())
        });
        Ok(SourceTable { columns, engine, row_count })
    }

    /// The server's estimate of the rows for which a condition holds.
    ///
    /// # Errors
    /// When the statement fails.
    pub(crate) async fn estimate(&mut self, table: &str, condition: &str) -> Result<u64, SourceError> {
        let statement = format!("explain select 1 from {} where {condition}", crate::source_schema::quoted(table));
        // Not prepared: that would be another round trip each time.
        let row = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(&mut self.connection).await;
        let rows = row.and_then(|row| row.try_get_unchecked::<Option<u64>, _>("rows"));
        let failed = |error| SourceError::new(format!("estimate rows of `{table}`"), &self.place, error);
        Ok(rows.map_err(failed)?.unwrap_or_default())
    }

    /// Locks tables against writers; not for longer than it takes to unlock them.
    ///
    /// # Errors
    /// When the user may not, or others keep them for too long.
    pub(crate) async fn lock(&mut self, tables: &[&str]) -> Result<(), SourceError> {
        let list = tables.iter().map(|table| format!("{} read", crate::source_schema::quoted(table)));
        let list = list.collect::<Vec<_>>().join(", ");
        for statement in [format!("set session lock_wait_timeout = {LOCK_WAIT_S}"), format!("lock tables {list}")] {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection).await;
            done.map_err(|error| SourceError::new("lock the tables".into(), &self.place, error))?;
        }
        Ok(())
    }

    /// # Errors
    /// When the server is gone, and the locks with it.
    pub(crate) async fn unlock(&mut self) -> Result<(), SourceError> {
        let done = sqlx::raw_sql("unlock tables").execute(&mut self.connection).await;
        done.map(drop).map_err(|error| SourceError::new("unlock the tables".into(), &self.place, error))
    }

    /// An error of a reader of this source.
    pub(crate) fn failed(&self, action: &str, error: WireError) -> SourceError {
        let place = self.place.clone();
        match error {
            WireError::Server { code, message } if ACCESS_DENIED.contains(&code) => {
                SourceError::AccessDenied { place, message }
            }
            WireError::Server { code: UNKNOWN_DATABASE, .. } => SourceError::UnknownDatabase { place },
            WireError::NoTls | WireError::ServerName(_) => SourceError::Tls { place, source: Box::new(error) },
            WireError::Stopped => SourceError::Stopped,
            // A certificate that is not trusted arrives as data that makes no sense.
            WireError::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
                SourceError::Tls { place, source: Box::new(io) }
            }
            error => SourceError::Failed { action: action.to_owned(), place, source: Box::new(error) },
        }
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    pub(crate) async fn close(self) {
        // Nothing was changed and nothing is lost if the server is gone already.
        let _ = self.connection.close().await;
    }
}

/// The authorities to trust: those named, else the system's.
fn authorities(config: &SourceConfig) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match &config.ssl_ca {
        Some(path) => {
            use rustls::pki_types::{CertificateDer, pem::PemObject as _};
            for certificate in CertificateDer::pem_file_iter(path).into_iter().flatten().flatten() {
                store.add(certificate)?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
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
