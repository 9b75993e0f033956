//! The source's catalog and locks: what is asked of it beside its rows. `connection.rs` enters it.

use crate::{
    connection::Connector,
    snapshot::Server,
    source_config::SourceConfig,
    source_error::{DriverError, SourceError},
    source_schema::{SourceColumn, SourceColumns},
    wire::WireConnection,
};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _, mysql::MySqlRow};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

/// How long a lock may be waited for, in seconds: while it is, others wait behind it.
const LOCK_WAIT_S: u32 = 5;

/// A connection to the source for everything but rows.
pub(crate) struct Source {
    connection: MySqlConnection,
    connector: Connector,
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
    /// The same of the bytes that the rows take there.
    pub(crate) byte_count: Option<u64>,
}

impl Source {
    /// Connects. `stop` ends what the readers of this source wait for.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or does not let the user in.
    pub(crate) async fn open(config: &SourceConfig, stop: Arc<AtomicBool>) -> Result<Self, SourceError> {
        let connector = Connector::new(config, stop).await?;
        let mut connection = connector.connect().await?;
        let version = sqlx::query("select cast(version() as char)").fetch_one(&mut connection).await;
        let version = version.and_then(|row| row.try_get_unchecked::<String, _>(0));
        let server_version = version.map_err(|error| connector.failed("read the version", error))?;
        Ok(Self { connection, connector, server_version })
    }

    /// The server that this connection leads to, and whose tables it can lock.
    ///
    /// # Errors
    /// When it does not say.
    pub(crate) async fn server(&mut self) -> Result<Server, SourceError> {
        let row = sqlx::query(Server::QUERY).fetch_one(&mut self.connection).await;
        let server = row.and_then(|row| {
            let is_read_only = row.try_get_unchecked::<String, _>(1)? != "0";
            Ok(Server { name: row.try_get_unchecked(0)?, is_read_only })
        });
        server.map_err(|error| self.connector.failed("read the server's name", error))
    }

    /// The source in messages.
    pub(crate) fn place(&self) -> &str {
        self.connector.place()
    }

    /// A connection for rows.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not let the user in any more.
    pub(crate) async fn connect_wire(&self) -> Result<WireConnection, SourceError> {
        self.connector.connect_wire().await
    }

    /// A table as the catalog knows it; without columns if there is none or the user may not see it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(crate) async fn table(&mut self, table: &str) -> Result<SourceTable, SourceError> {
        let columns = sqlx::query(
            "select cast(lower(c.column_name) as char), cast(lower(c.data_type) as char), cast(lower(c.column_type) as char), \
                    cast(c.numeric_precision as unsigned) \
             from information_schema.columns c where c.table_schema = database() and c.table_name = ?",
        );
        let failed = |error: sqlx::Error| self.connector.failed(&format!("read the columns of `{table}`"), error);
        let rows = columns.bind(table).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(failed)?;
        // By itself: within the other statement a server looks up the indexes again for every column.
        let leading = sqlx::query(
            "select distinct cast(lower(column_name) as char) from information_schema.statistics \
             where table_schema = database() and table_name = ? and seq_in_index = 1",
        );
        let leading = leading.bind(table).fetch_all(&mut self.connection).await.map_err(failed)?;
        let leading: Result<BTreeSet<String>, _> = leading.iter().map(|row| row.try_get_unchecked(0)).collect();
        let leading = leading.map_err(failed)?;
        let column = |row: &MySqlRow| {
            let name: String = row.try_get_unchecked(0)?;
            let column = SourceColumn {
                data_type: row.try_get_unchecked(1)?,
                full_type: row.try_get_unchecked(2)?,
                precision: row.try_get_unchecked(3)?,
                leads_index: leading.contains(&name),
            };
            Ok((name, column))
        };
        let columns = rows.iter().map(column).collect::<Result<_, _>>();
        let columns = columns.map_err(failed)?;
        let status = sqlx::query(
            "select cast(engine as char), cast(table_rows as unsigned), cast(data_length as unsigned) \
             from information_schema.tables where table_schema = database() and table_name = ?",
        );
        let status = status.bind(table).fetch_optional(&mut self.connection).await;
        let status = status.map_err(failed)?;
        let status = status.as_ref();
        let number = |index| status.and_then(|row| row.try_get_unchecked(index).unwrap_or_default());
        let engine = status.and_then(|row| row.try_get_unchecked(0).unwrap_or_default());
        Ok(SourceTable { columns, engine, row_count: number(1), byte_count: number(2) })
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
        let failed = |error| self.connector.failed(&format!("estimate rows of `{table}`"), error);
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
            done.map_err(|error| self.connector.failed("lock the tables", error))?;
        }
        Ok(())
    }

    /// # Errors
    /// When the server is gone, and the locks with it.
    pub(crate) async fn unlock(&mut self) -> Result<(), SourceError> {
        let done = sqlx::raw_sql("unlock tables").execute(&mut self.connection).await;
        done.map(drop).map_err(|error| self.connector.failed("unlock the tables", error))
    }

    /// An error of one of this source's connections.
    pub(crate) fn failed(&self, action: &str, error: impl Into<DriverError>) -> SourceError {
        self.connector.failed(action, error)
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.connector.stop()
    }

    pub(crate) async fn close(self) {
        // Nothing was changed and nothing is lost if the server is gone already.
        let _ = self.connection.close().await;
    }
}
