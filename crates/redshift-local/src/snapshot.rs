//! When a transaction gets its snapshot. Redshift takes it at the first statement on tables, not at BEGIN, CALL or LOCK;
//! PostgreSQL at the first SELECT of whatever kind. So what a procedure computes and looks up before is asked in a second
//! session: the statement behind a LOCK then sees all that was committed while the LOCK waited.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::dialect::Refusal;
use crate::dialect::relations::relations;
use crate::translate::{Rewrite, quote_literal};

/// Statements that take no snapshot, in Redshift as in PostgreSQL.
const WITHOUT_SNAPSHOT: &[&str] = &["lock", "set", "reset", "show"];

/// Settings that values and names depend on.
const SETTINGS: &[&str] = &["search_path", "timezone", "datestyle", "extra_float_digits", "statement_timeout"];

/// Functions whose value only the session itself knows.
const BOUND_TO_SESSION: &[&str] = &[
    "pg_backend_pid",
    "pg_last_copy_count",
    "pg_last_copy_id",
    "pg_last_query_id",
    "last_user_query_id",
    "pg_last_unload_count",
    "pg_last_unload_id",
    "current_setting",
];

/// What is known of the snapshot of a session's transaction, and the session that stands in before there is one.
#[derive(Debug)]
pub(crate) struct Snapshot {
    is_taken: bool,
    /// Of the session whose snapshot it is.
    pid: i64,
    server: PgConnectOptions,
    second: Option<PgConnection>,
}

impl Snapshot {
    pub(crate) fn new(pid: i64, server: PgConnectOptions) -> Self {
        Self { is_taken: false, pid, server, second: None }
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// A transaction begins.
    pub(crate) fn forget(&mut self) {
        self.is_taken = false;
    }

    /// Before `sql` runs in the session.
    pub(crate) fn note(&mut self, sql: &str) -> Result<(), Refusal> {
        let rewrite = Rewrite::new(sql)?;
        self.is_taken |= !WITHOUT_SNAPSHOT.iter().any(|word| rewrite.is(0, word));
        Ok(())
    }

    /// Something runs in the session that takes the snapshot for certain.
    pub(crate) fn take(&mut self) {
        self.is_taken = true;
    }

    /// The query `sql` as the second session can answer it; `None` when it reads tables or asks for the session's own state.
    pub(crate) fn without_session(&self, sql: &str) -> Result<Option<String>, Refusal> {
        let mut rewrite = Rewrite::new(sql)?;
        let is_bound = |index: usize| BOUND_TO_SESSION.iter().any(|function| rewrite.is(index, function));
        if !relations(rewrite.view()).is_empty() || rewrite.all().any(is_bound) {
            return Ok(None);
        }
        for index in rewrite.all() {
            if rewrite.is(index, "redshift_local") && rewrite.is(index + 2, "sysdate") {
                // The start of the session's transaction, not of the second session's.
                let pid = self.pid;
                let start = format!(
                    "(select xact_start at time zone 'UTC' from pg_catalog.pg_stat_activity where pid = {pid})"
                );
                rewrite.replace_range(index..index + 5, start);
            }
        }
        Ok(Some(rewrite.render(rewrite.all())))
    }

    /// The second session, with the settings of `session`.
    pub(crate) async fn second_session(
        &mut self,
        session: &mut PgConnection,
    ) -> Result<&mut PgConnection, sqlx::Error> {
        let second = match self.second.take() {
            Some(second) => second,
            None => self.server.connect().await?,
        };
        let second = self.second.insert(second);
        let mut settings = String::new();
        for name in SETTINGS {
            settings.push_str(&set(name, &show(session, name).await?, "session"));
        }
        sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *second).await?;
        Ok(second)
    }

    /// Ends the second session, if there is one.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self.second {
            Some(second) => second.close().await,
            None => Ok(()),
        }
    }
}

/// What a setting stands at; unlike `current_setting` this takes no snapshot.
pub(crate) async fn show(session: &mut PgConnection, name: &str) -> Result<String, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(format!("show {name}"))).fetch_one(session).await?.try_get(0)
}

/// SQL that sets what [`show`] told, for the session or, with `local`, for the transaction.
pub(crate) fn set(name: &str, value: &str, extent: &str) -> String {
    // A search path is shown as the list of names that SET takes.
    let value = if name == "search_path" { value.to_owned() } else { quote_literal(value) };
    format!("set {extent} {name} to {value};")
}
