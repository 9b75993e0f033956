//! The two kinds of connections that `extract-rds` enters the source over, asked the same.

use extract_rds::{Authentication, Connector, SourceConfig, SourceError, SslMode};
use sqlx::Row as _;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Sqlx,
    Wire,
}

pub(crate) const BOTH_DRIVERS: [Driver; 2] = [Driver::Sqlx, Driver::Wire];

/// Runs until the server ends it.
pub(crate) const ENDLESS_QUERY: &str = "with names as (select column_name from information_schema.columns) \
    select count(sha2(concat(a.column_name, b.column_name, c.column_name), 256)) from names a, names b, names c";

impl Driver {
    /// Connects, and answers a query of one text.
    pub(crate) async fn ask(self, connector: &Connector, query: &str) -> Result<Option<String>, SourceError> {
        match self {
            Self::Sqlx => {
                let mut connection = connector.connect().await?;
                let query = sqlx::raw_sql(sqlx::AssertSqlSafe(query.to_owned()));
                let row = query.fetch_one(&mut connection).await.expect("ask over sqlx");
                Ok(row.try_get_unchecked(0).expect("a text"))
            }
            Self::Wire => {
                let mut connection = connector.connect_wire().await?;
                let query = query.to_owned();
                let asking = tokio::task::spawn_blocking(move || connection.text(&query, 0));
                Ok(asking.await.expect("a thread").expect("ask over the wire"))
            }
        }
    }
}

/// A source on this machine that is entered with a password and verified against `ssl_ca`.
pub(crate) fn source_config(port: u16, database: &str, user: &str, password: &str, ssl_ca: &Path) -> SourceConfig {
    SourceConfig {
        host: Some("127.0.0.1".into()),
        port: Some(port),
        database: Some(database.into()),
        user: Some(user.into()),
        authentication: Authentication::Password(password.into()),
        ssl_mode: SslMode::VerifyIdentity,
        ssl_ca: Some(ssl_ca.to_owned()),
        statement_timeout_s: 3600,
        timezone: chrono_tz::Tz::UTC,
    }
}
