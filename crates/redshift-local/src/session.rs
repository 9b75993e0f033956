//! Sessions on PostgreSQL. A database of PostgreSQL is a warehouse's database; it is made when first named, with the
//! shims that give PostgreSQL Redshift's functions. Every call gets a session of its own, as in Redshift.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::{Mutex, OnceCell, Semaphore};

use crate::translate::quote_identifier;

/// Functions, aggregates, views and event triggers of one database. Running them again changes nothing.
const SHIMS: &str = concat!(
    include_str!("shims/dates.sql"),
    ";",
    include_str!("shims/date_parts.sql"),
    ";",
    include_str!("shims/formats.sql"),
    ";",
    include_str!("shims/integers.sql"),
    ";",
    include_str!("shims/text.sql"),
    ";",
    include_str!("shims/regular_expressions.sql"),
    ";",
    include_str!("shims/json.sql"),
    ";",
    include_str!("shims/conversions.sql"),
    ";",
    include_str!("shims/hashes.sql"),
    ";",
    include_str!("shims/farm_fingerprint.sql"),
    ";",
    include_str!("shims/percentiles.sql"),
    ";",
    include_str!("shims/windows.sql"),
    ";",
    include_str!("shims/tables.sql"),
    ";",
    include_str!("shims/late_binding.sql"),
    ";",
    include_str!("shims/system.sql"),
    ";",
    include_str!("shims/catalog.sql"),
    ";",
    include_str!("shims/parallel.sql"),
    ";",
);
/// What comes first: the schema, and the functions of numbers.
const CORE_SHIMS: &str = include_str!("shims/core.sql");

/// Two servers may install the shims of one database at once; this lock makes the second wait.
const SHIM_LOCK: i64 = 0x7265_6473_6869_6674;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("connect to PostgreSQL database `{database}`")]
    Connect { database: String, source: sqlx::Error },
    #[error("create PostgreSQL database `{database}`")]
    Create { database: String, source: sqlx::Error },
    #[error("install the Redshift functions in PostgreSQL database `{database}` (this needs a superuser)")]
    Shims { database: String, source: sqlx::Error },
}

/// Of the connections that PostgreSQL takes, one in so many runs a statement of its own session …
const STATEMENT_SHARE: usize = 2;
/// … and one in so many belongs to a kept session. The rest is for cancellations, the catalog and others on the server.
const KEPT_SESSION_SHARE: usize = 4;

/// How many sessions there may be at once. Statements wait for a place; kept sessions, which may be idle for a day, do not,
/// and have places apart, so that no statement waits for one of them to end.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) statements: Arc<Semaphore>,
    pub(crate) kept_sessions: usize,
}

/// Opens sessions on one PostgreSQL server.
#[derive(Debug)]
pub(crate) struct Warehouse {
    server: PgConnectOptions,
    ready: Mutex<HashSet<String>>,
    places: OnceCell<Places>,
}

impl Warehouse {
    pub(crate) fn new(server: PgConnectOptions) -> Self {
        Self { server: server.disable_statement_logging(), ready: Mutex::default(), places: OnceCell::new() }
    }

    /// A new session on `database`, which is created when it does not exist.
    pub(crate) async fn connect(&self, database: &str) -> Result<PgConnection, SessionError> {
        {
            let mut ready = self.ready.lock().await;
            if !ready.contains(database) {
                self.prepare(database).await?;
                ready.insert(database.to_owned());
            }
        }
        self.open(database).await.map_err(|source| SessionError::Connect { database: database.to_owned(), source })
    }

    /// The places for sessions, read from PostgreSQL's settings once.
    pub(crate) async fn places(&self) -> Result<&Places, SessionError> {
        let read = async || {
            let mut maintenance = self.open("postgres").await?;
            let max: i32 = sqlx::query_scalar("select current_setting('max_connections')::int")
                .fetch_one(&mut maintenance)
                .await?;
            maintenance.close().await?;
            let max = usize::try_from(max).unwrap_or(1);
            Ok(Places {
                statements: Arc::new(Semaphore::new((max / STATEMENT_SHARE).max(1))),
                kept_sessions: (max / KEPT_SESSION_SHARE).max(1),
            })
        };
        let places = self.places.get_or_try_init(read).await;
        places.map_err(|source| SessionError::Connect { database: "postgres".to_owned(), source })
    }

    /// Asks PostgreSQL to end the statement that the session `pid` runs.
    pub(crate) async fn cancel(&self, pid: i64) -> Result<(), sqlx::Error> {
        let mut maintenance = self.open("postgres").await?;
        sqlx::query("select pg_cancel_backend($1::int)").bind(pid).execute(&mut maintenance).await?;
        maintenance.close().await
    }

    async fn open(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        self.options(database).connect().await
    }

    /// How a session on `database` is opened.
    pub(crate) fn options(&self, database: &str) -> PgConnectOptions {
        self.server.clone().database(database).application_name("redshift-local")
    }

    async fn prepare(&self, database: &str) -> Result<(), SessionError> {
        let create_error = |source| SessionError::Create { database: database.to_owned(), source };
        let mut maintenance = self
            .open("postgres")
            .await
            .map_err(|source| SessionError::Connect { database: "postgres".to_owned(), source })?;
        let exists: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
            .bind(database)
            .fetch_one(&mut maintenance)
            .await
            .map_err(create_error)?;
        if !exists {
            // Redshift compares text by its bytes.
            let create = format!(
                "create database {} template template0 encoding 'UTF8' lc_collate 'C'",
                quote_identifier(database)
            );
            match sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut maintenance).await {
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {}
                Err(source) => return Err(create_error(source)),
                Ok(_) => {}
            }
        }
        let shim_error = |source| SessionError::Shims { database: database.to_owned(), source };
        let mut session = self.open(database).await.map_err(shim_error)?;
        let install = format!(
            "begin isolation level read committed; select pg_advisory_xact_lock({SHIM_LOCK}); {CORE_SHIMS}; {SHIMS} commit"
        );
        sqlx::raw_sql(AssertSqlSafe(install)).execute(&mut session).await.map_err(shim_error)?;
        session.close().await.map_err(shim_error)
    }
}
