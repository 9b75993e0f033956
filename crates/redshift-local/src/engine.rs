//! Runs one SQL text in a PostgreSQL session: through the gate and the translation, then by PostgreSQL or by this process.

use futures::TryStreamExt;
use sqlx::postgres::{PgColumn, PgConnection};
use sqlx::{AssertSqlSafe, Either, Executor, SqlSafeStr, Statement as _};

use crate::copy::{self, Load};
use crate::decimal;
use crate::dialect::statement_kind::StatementKind;
use crate::engine_error::EngineError;
use crate::late_binding;
use crate::lateral_alias;
use crate::object_store::ObjectStore;
use crate::procedure;
use crate::result_set::{ColumnMetadata, ResultSet};
use crate::snapshot::Snapshot;
use crate::statement::Parameter;
use crate::statistics;
use crate::translate::{Action, Rewrite, Values, translate};
use crate::unload::{self, UnloadCommand};

/// The largest result that the Data API keeps.
const RESULT_MAX_BYTES: usize = 500 * 1024 * 1024;

/// Whose transaction a statement runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// The statement's own, committed when it succeeds.
    Own,
    /// One that the caller began and ends.
    Callers,
}

/// What a statement left behind.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Rows returned or affected; -1 when the statement has neither.
    pub(crate) row_count: i64,
    pub(crate) result: Option<ResultSet>,
}

/// A session and what statements in it need beside PostgreSQL.
pub(crate) struct Engine<'a> {
    pub(crate) object_store: &'a ObjectStore,
    pub(crate) session: &'a mut PgConnection,
    pub(crate) transaction: Transaction,
    pub(crate) snapshot: &'a mut Snapshot,
    /// The COPYs so far, failed ones too.
    pub(crate) loads: Vec<Load>,
    /// The query that the statement is.
    pub(crate) query_id: i64,
}

impl Engine<'_> {
    /// Runs the one statement in `sql`.
    ///
    /// # Errors
    /// What the gate refuses, and what fails in running; the text is what clients see.
    pub(crate) async fn run(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<(StatementKind, Outcome), EngineError> {
        let values = Values::Parameters(parameters);
        let translation = translate(sql, values)?;
        tracing::debug!(action = ?translation.action, "run");
        if translation.kind == StatementKind::CreateProcedure {
            procedure::check_syntax(self, sql).await?;
        }
        let outcome = match translation.action {
            Action::Call(command) => procedure::call(self, &command, values).await?,
            action => self.perform(action).await?,
        };
        Ok((translation.kind, outcome))
    }

    /// Runs what a statement was translated to.
    pub(crate) async fn perform(&mut self, action: Action) -> Result<Outcome, EngineError> {
        match &action {
            Action::Sql(sql) | Action::SortedTable { sql, .. } => self.snapshot.note(sql)?,
            Action::Copy(_) | Action::Unload(_) | Action::Merge { .. } => self.snapshot.take(),
            Action::Alone { .. } | Action::Call(_) => {}
        }
        match action {
            Action::Sql(sql) => {
                if Rewrite::new(&sql)?.is(0, "declare") {
                    procedure::check_none_open(self.session).await?;
                }
                self.run_and_gather(sql).await
            }
            Action::SortedTable { sql, index } => self.make_sorted_table(sql, index).await,
            Action::Merge { sql, source } => {
                check_merge_source(self.session, &source).await?;
                let sql = self.complete(sql).await?;
                Ok(run_sql(self.session, sql).await?)
            }
            Action::Alone { construct, .. } if self.transaction == Transaction::Callers => {
                Err(EngineError::new("25001", format!("{construct} cannot run inside a transaction block")))
            }
            Action::Alone { sql, .. } => Ok(run_sql(self.session, sql).await?),
            Action::Copy(command) => self.in_transaction(&command).await,
            Action::Unload(mut command) => {
                command.query = self.complete(command.query).await?;
                self.unload(&command).await
            }
            Action::Call(command) => procedure::call(self, &command, Values::NONE).await,
        }
    }

    /// The value of a query that an expression was made to. It takes no snapshot, unless it reads tables.
    pub(crate) async fn compute(&mut self, sql: String) -> Result<Outcome, EngineError> {
        if !self.awaits_snapshot() {
            return self.perform(Action::Sql(sql)).await;
        }
        let Some(query) = self.snapshot.without_session(&sql)? else { return self.perform(Action::Sql(sql)).await };
        let second = self.snapshot.second_session(self.session).await?;
        let query = decimal::size(second, Transaction::Own, query).await?;
        Ok(run_sql(second, query).await?)
    }

    /// Where to look up what the transaction, as long as it has no snapshot, cannot have changed.
    pub(crate) async fn lookup_session(&mut self) -> Result<&mut PgConnection, EngineError> {
        if self.awaits_snapshot() {
            return Ok(self.snapshot.second_session(self.session).await?);
        }
        Ok(self.session)
    }

    /// One in which no transaction is open.
    pub(crate) async fn session_outside(&mut self) -> Result<&mut PgConnection, EngineError> {
        match self.transaction {
            Transaction::Own => Ok(self.session),
            Transaction::Callers => Ok(self.snapshot.second_session(self.session).await?),
        }
    }

    fn awaits_snapshot(&self) -> bool {
        self.transaction == Transaction::Callers && !self.snapshot.is_taken()
    }

    /// The table and its index belong together.
    async fn make_sorted_table(&mut self, sql: String, index: String) -> Result<Outcome, EngineError> {
        self.begin_own().await?;
        let made = async {
            let outcome = self.run_and_gather(sql).await?;
            run_sql(self.session, index).await?;
            Ok(outcome)
        }
        .await;
        self.end_own(made.is_ok()).await?;
        made
    }

    /// Begins a transaction for what takes several statements of PostgreSQL, unless the caller has one.
    async fn begin_own(&mut self) -> Result<(), EngineError> {
        match self.transaction {
            Transaction::Own => execute(self.session, "begin isolation level repeatable read").await,
            Transaction::Callers => Ok(()),
        }
    }

    async fn end_own(&mut self, is_good: bool) -> Result<(), EngineError> {
        match self.transaction {
            Transaction::Own => execute(self.session, if is_good { "commit" } else { "rollback" }).await,
            Transaction::Callers => Ok(()),
        }
    }

    async fn run_and_gather(&mut self, sql: String) -> Result<Outcome, EngineError> {
        let sql = self.complete(sql).await?;
        let filled = statistics::filled_table(&sql)?;
        let outcome = run_sql(self.session, sql).await?;
        if let Some(table) = filled {
            statistics::gather(self.session, &table, outcome.row_count).await?;
        }
        Ok(outcome)
    }

    /// What the translation cannot know without the catalog.
    async fn complete(&mut self, sql: String) -> Result<String, EngineError> {
        let sql = late_binding::expand(self.session, sql).await?;
        let sql = lateral_alias::resolve(self.session, self.transaction, sql).await?;
        decimal::size(self.session, self.transaction, sql).await
    }

    /// COPY takes several statements of PostgreSQL, which belong together.
    async fn in_transaction(&mut self, command: &copy::CopyCommand) -> Result<Outcome, EngineError> {
        self.begin_own().await?;
        let copied = self.copy(command).await;
        self.end_own(copied.is_ok()).await?;
        // A transaction of the caller's that failed takes no statement any more.
        if copied.is_ok() || self.transaction == Transaction::Own {
            self.remember_query("last_copy_id").await?;
        }
        copied
    }

    /// What `pg_last_copy_id()` and its like answer for the rest of the session, or until the transaction is rolled back.
    pub(crate) async fn remember_query(&mut self, name: &str) -> Result<(), EngineError> {
        // SET takes no snapshot, as a SELECT would do before a LOCK that follows.
        let remember = format!("set redshift_local.{name} = '{}'", self.query_id);
        sqlx::raw_sql(AssertSqlSafe(remember)).execute(&mut *self.session).await?;
        Ok(())
    }

    async fn copy(&mut self, command: &copy::CopyCommand) -> Result<Outcome, EngineError> {
        let row_count = copy::run(command, self.object_store, self.session, &mut self.loads).await?;
        statistics::gather(self.session, &command.quoted_table(), row_count).await?;
        Ok(Outcome { row_count, result: None })
    }

    async fn unload(&mut self, command: &UnloadCommand) -> Result<Outcome, EngineError> {
        let row_count = unload::run(command, self.object_store, self.session, self.transaction).await?;
        self.remember_query("last_unload_id").await?;
        Ok(Outcome { row_count, result: None })
    }
}

/// Runs SQL that has no values from outside.
pub(crate) async fn execute(session: &mut PgConnection, sql: &'static str) -> Result<(), EngineError> {
    Ok(sqlx::raw_sql(sql).execute(session).await.map(|_| ())?)
}

/// A source that does not exist is left for PostgreSQL to miss.
async fn check_merge_source(session: &mut PgConnection, source: &str) -> Result<(), EngineError> {
    const IS_VIEW: &str =
        "select exists (select from pg_catalog.pg_class where oid = to_regclass($1) and relkind in ('v', 'm'))";
    let is_view: bool = sqlx::query_scalar(IS_VIEW).bind(source).persistent(false).fetch_one(session).await?;
    if is_view {
        return Err(EngineError::new(
            "0A000",
            format!("MERGE reads a table, and {source} is a view: fill a temporary table first"),
        ));
    }
    Ok(())
}

/// Runs one statement over the simple protocol, which sends values as text; its columns are asked for first, so that an
/// empty result has them too.
async fn run_sql(session: &mut PgConnection, sql: String) -> Result<Outcome, sqlx::Error> {
    let prepared = (&mut *session).prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await?;
    let columns = prepared.columns().to_vec();
    let mut outcome = Outcome { row_count: -1, result: None };
    let mut result = ResultSet { columns: columns.iter().map(ColumnMetadata::of).collect(), ..ResultSet::default() };
    {
        let mut rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(&mut *session);
        while let Some(item) = rows.try_next().await? {
            match item {
                Either::Left(done) => outcome.row_count = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX),
                Either::Right(row) => result.push(&row)?,
            }
            if result.size_bytes > RESULT_MAX_BYTES {
                return Err(sqlx::Error::Protocol("the result is larger than 500 MB".to_owned()));
            }
        }
    }
    if !columns.is_empty() {
        describe_origins(session, &columns, &mut result.columns).await?;
        outcome.row_count = i64::try_from(result.rows.len()).unwrap_or(i64::MAX);
        outcome.result = Some(result);
    }
    Ok(outcome)
}

/// The columns that a query would have.
pub(crate) async fn describe(session: &mut PgConnection, query: String) -> Result<Vec<ColumnMetadata>, sqlx::Error> {
    let prepared = (&mut *session).prepare(AssertSqlSafe(query).into_sql_str()).await?;
    let mut described: Vec<ColumnMetadata> = prepared.columns().iter().map(ColumnMetadata::of).collect();
    describe_origins(session, prepared.columns(), &mut described).await?;
    Ok(described)
}

/// Adds table, width and nullability of those columns that come straight from a table.
async fn describe_origins(
    session: &mut PgConnection,
    columns: &[PgColumn],
    described: &mut [ColumnMetadata],
) -> Result<(), sqlx::Error> {
    const ORIGIN: &str = "select n.nspname::text, c.relname::text, a.atttypmod, not a.attnotnull \
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
        where a.attrelid = $1 and a.attnum = $2";
    for (column, metadata) in columns.iter().zip(described) {
        let (Some(relation), Some(number)) = (column.relation_id(), column.relation_attribute_no()) else { continue };
        let origin: Option<(String, String, i32, bool)> =
            sqlx::query_as(ORIGIN).bind(relation).bind(number).fetch_optional(&mut *session).await?;
        let Some((schema, table, modifier, is_nullable)) = origin else { continue };
        metadata.schema_name = schema;
        metadata.table_name = table;
        metadata.is_nullable = is_nullable;
        metadata.set_modifier(modifier);
    }
    Ok(())
}
