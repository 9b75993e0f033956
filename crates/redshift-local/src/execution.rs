//! Runs what was submitted: one statement committed by itself, or a batch as one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::TryStreamExt;
use sqlx::postgres::{PgColumn, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Either, Executor, SqlSafeStr, Statement as _};

use crate::Endpoint;
use crate::copy::{self, CopyError};
use crate::dialect::statement_kind::StatementKind;
use crate::engine_error::EngineError;
use crate::result_set::{ColumnMetadata, ResultSet};
use crate::session::SessionError;
use crate::statement::{Statement, Status};
use crate::translate::{Action, translate};

/// How often a cancellation is repeated until the statement has ended: the first may arrive between two statements.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);
/// The largest result that the Data API keeps.
const RESULT_MAX_BYTES: usize = 500 * 1024 * 1024;

/// Why a statement failed. The text is what `Error` of DescribeStatement shows.
#[derive(Debug)]
enum Failure {
    Engine(String),
    Cancelled,
}

/// What a statement left behind.
#[derive(Debug, Default)]
struct Outcome {
    row_count: i64,
    result: Option<ResultSet>,
}

/// Runs the statement in a task of its own, so that it ends even when the stand-in itself fails in it.
pub(crate) async fn supervise(endpoint: Arc<Endpoint>, statement: Statement) {
    let id = statement.id.clone();
    if let Err(fault) = tokio::spawn(run(Arc::clone(&endpoint), statement)).await {
        tracing::error!(statement_id = %id, %fault, "the stand-in failed");
        endpoint.statements.update(&id, |record| {
            record.status = Status::Failed;
            record.error = Some(format!("ERROR: redshift-local failed in this statement: {fault}"));
        });
    }
}

/// Runs the statement to its end and records each step.
async fn run(endpoint: Arc<Endpoint>, statement: Statement) {
    let started = Instant::now();
    let id = statement.id.clone();
    endpoint.statements.update(&id, |record| record.status = Status::Picked);
    let failure = run_in_session(&endpoint, &statement).await.err();
    endpoint.statements.update(&id, |record| {
        record.duration = started.elapsed();
        match failure {
            None => record.status = Status::Finished,
            Some(Failure::Engine(error)) => {
                record.status = Status::Failed;
                record.error = Some(error);
            }
            Some(Failure::Cancelled) => record.status = Status::Aborted,
        }
        let end = record.status;
        for sub in record.sub_statements.iter_mut().filter(|sub| !sub.status.is_final()) {
            sub.status = Status::Aborted;
            sub.updated_at = SystemTime::now();
        }
        tracing::info!(statement_id = %record.id, status = end.name(), duration_ms = record.duration.as_millis(), "statement ended");
    });
}

async fn run_in_session(endpoint: &Endpoint, statement: &Statement) -> Result<(), Failure> {
    let mut session = endpoint
        .warehouse
        .connect(&statement.database)
        .await
        .map_err(|error| Failure::Engine(session_failure(&error)))?;
    let pid: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut session).await.map_err(engine_failure)?;
    endpoint.statements.update(&statement.id, |record| {
        record.pid = i64::from(pid);
        record.status = Status::Started;
    });
    let result = {
        let work = async {
            if statement.is_batch {
                run_batch(endpoint, statement, &mut session).await
            } else {
                run_single(endpoint, statement, &mut session).await
            }
        };
        tokio::pin!(work);
        let cancelled = async {
            endpoint.statements.wait_until(&statement.id, |record| record.is_cancel_requested).await;
            loop {
                if let Err(error) = endpoint.warehouse.cancel(i64::from(pid)).await {
                    tracing::warn!(statement_id = %statement.id, %error, "cancel statement");
                }
                tokio::time::sleep(CANCEL_INTERVAL).await;
            }
        };
        tokio::select! {
            result = &mut work => result,
            () = cancelled => Err(Failure::Cancelled),
        }
    };
    // The session ends with the call: temporary tables, settings and open transactions with it.
    if let Err(error) = session.close().await {
        tracing::debug!(statement_id = %statement.id, %error, "close session");
    }
    result
}

async fn run_single(endpoint: &Endpoint, statement: &Statement, session: &mut PgConnection) -> Result<(), Failure> {
    run_sub_statement(endpoint, statement, 0, session).await.map(|_| ())
}

/// All statements in one transaction. TRUNCATE commits what ran before it, as in Redshift.
async fn run_batch(endpoint: &Endpoint, statement: &Statement, session: &mut PgConnection) -> Result<(), Failure> {
    execute(session, "begin isolation level repeatable read").await?;
    for index in 0..statement.sub_statements.len() {
        match run_sub_statement(endpoint, statement, index, session).await {
            Ok(StatementKind::Truncate) => {
                execute(session, "commit").await?;
                execute(session, "begin isolation level repeatable read").await?;
            }
            Ok(_) => {}
            Err(failure) => {
                execute(session, "rollback").await?;
                return Err(match failure {
                    Failure::Engine(error) => Failure::Engine(format!("Query #{} failed with {error}", index + 1)),
                    Failure::Cancelled => Failure::Cancelled,
                });
            }
        }
    }
    if is_cancelled(endpoint, statement) {
        execute(session, "rollback").await?;
        return Err(Failure::Cancelled);
    }
    execute(session, "commit").await
}

async fn run_sub_statement(
    endpoint: &Endpoint,
    statement: &Statement,
    index: usize,
    session: &mut PgConnection,
) -> Result<StatementKind, Failure> {
    if is_cancelled(endpoint, statement) {
        return Err(Failure::Cancelled);
    }
    let query_id = endpoint.statements.next_query_id();
    endpoint.statements.update(&statement.id, |record| {
        record.sub_statements[index].status = Status::Started;
        record.sub_statements[index].query_id = query_id;
    });
    let started = Instant::now();
    let ran = run_one(endpoint, statement, index, session).await.map_err(|failure| match failure {
        Failure::Engine(_) if is_cancelled(endpoint, statement) => Failure::Cancelled,
        other => other,
    });
    endpoint.statements.update(&statement.id, |record| {
        let sub = &mut record.sub_statements[index];
        sub.duration = started.elapsed();
        sub.updated_at = SystemTime::now();
        match &ran {
            Ok(_) => sub.status = Status::Finished,
            Err(Failure::Engine(error)) => {
                sub.status = Status::Failed;
                sub.error = Some(error.clone());
            }
            Err(Failure::Cancelled) => sub.status = Status::Aborted,
        }
    });
    let (kind, outcome) = ran?;
    endpoint.statements.update(&statement.id, |record| {
        let sub = &mut record.sub_statements[index];
        sub.result_row_count = outcome.row_count;
        sub.result = outcome.result.map(Arc::new);
    });
    Ok(kind)
}

async fn run_one(
    endpoint: &Endpoint,
    statement: &Statement,
    index: usize,
    session: &mut PgConnection,
) -> Result<(StatementKind, Outcome), Failure> {
    let sql = &statement.sub_statements[index].sql;
    let translation =
        translate(sql, &statement.parameters).map_err(|refusal| Failure::Engine(format!("ERROR: {refusal}")))?;
    tracing::debug!(statement_id = %statement.id, index, action = ?translation.action, "run");
    let outcome = match translation.action {
        Action::Sql(sql) => run_sql(session, sql).await.map_err(engine_failure)?,
        Action::Copy(command) if statement.is_batch => copy_rows(endpoint, &command, session).await?,
        Action::Copy(command) => {
            execute(session, "begin isolation level repeatable read").await?;
            let copied = copy_rows(endpoint, &command, session).await;
            execute(session, if copied.is_ok() { "commit" } else { "rollback" }).await?;
            copied?
        }
    };
    Ok((translation.kind, outcome))
}

async fn copy_rows(
    endpoint: &Endpoint,
    command: &copy::CopyCommand,
    session: &mut PgConnection,
) -> Result<Outcome, Failure> {
    let row_count = copy::run(command, &endpoint.object_store, session).await.map_err(copy_failure)?;
    Ok(Outcome { row_count, result: None })
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
        if modifier > 4 {
            let modifier = modifier - 4;
            (metadata.precision, metadata.scale) =
                if metadata.type_name == "numeric" { (modifier >> 16, modifier & 0xffff) } else { (modifier, 0) };
        }
    }
    Ok(())
}

async fn execute(session: &mut PgConnection, sql: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(sql).execute(session).await.map(|_| ()).map_err(engine_failure)
}

fn is_cancelled(endpoint: &Endpoint, statement: &Statement) -> bool {
    endpoint.statements.get(&statement.id).is_some_and(|record| record.is_cancel_requested)
}

fn engine_failure(error: sqlx::Error) -> Failure {
    Failure::Engine(EngineError::from(&error).to_string())
}

fn copy_failure(error: CopyError) -> Failure {
    Failure::Engine(error.to_string())
}

fn session_failure(error: &SessionError) -> String {
    let mut text = format!("ERROR: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
