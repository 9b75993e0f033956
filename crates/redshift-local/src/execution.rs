//! Runs what was submitted: one statement committed by itself, or a batch as one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::OwnedSemaphorePermit;

use crate::Endpoint;
use crate::copy::{self, Load};
use crate::dialect::statement_kind::StatementKind;
use crate::engine::{self, Engine, Outcome, Transaction};
use crate::engine_error::EngineError;
use crate::history;
use crate::result_set::row_size_bytes;
use crate::session::SessionError;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, Status};

/// How often a cancellation is repeated until the statement has ended: the first may arrive between two statements.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);
/// After so many requests to PostgreSQL the statement is given up: a procedure may loop without asking PostgreSQL at all.
const CANCEL_TRIES: usize = 20;

/// What `RedshiftQueryId` is for a statement that makes no query.
const NO_QUERY_ID: i64 = -1;

/// The largest row of a result: "64 KB per row in the result set returned by the database"
/// (Redshift Management Guide, data-api-troubleshooting).
const ROW_MAX_BYTES: usize = 64 * 1024;

/// Why a statement failed. The text is what `Error` of DescribeStatement shows.
#[derive(Debug)]
enum Failure {
    Engine(String),
    Cancelled,
}

/// Runs the statement in a task of its own, so that it ends even when the stand-in itself fails in it.
pub(crate) async fn supervise(endpoint: Arc<Endpoint>, statement: Statement) {
    let (id, session_id) = (statement.id.clone(), statement.session_id.clone());
    if let Err(fault) = tokio::spawn(run(Arc::clone(&endpoint), statement)).await {
        tracing::error!(statement_id = %id, %fault, "the stand-in failed");
        endpoint.statements.update(&id, |record| {
            record.status = Status::Failed;
            record.error = Some(format!("ERROR: redshift-local failed in this statement: {fault}"));
        });
        if let Some(session_id) = session_id {
            endpoint.kept_sessions.close(&session_id);
        }
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
    let turn = tokio::select! {
        turn = wait_for_turn(endpoint, statement) => turn,
        () = cancel_requested(endpoint, statement) => Err(Failure::Cancelled),
    };
    let _turn = match turn {
        Ok(turn) => turn,
        Err(failure) => {
            if let Some(id) = &statement.session_id {
                endpoint.kept_sessions.unreserve(id);
            }
            return Err(failure);
        }
    };
    let (mut session, pid) = match open_session(endpoint, statement).await {
        Ok(opened) => opened,
        Err(failure) => {
            if let Some(id) = &statement.session_id {
                endpoint.kept_sessions.close(id);
            }
            return Err(failure);
        }
    };
    endpoint.statements.update(&statement.id, |record| {
        record.pid = pid;
        record.status = Status::Started;
    });
    let snapshot = Snapshot::new(pid, endpoint.warehouse.options(&statement.connection.database));
    let mut execution = Execution { endpoint, statement, session: &mut session, snapshot, loads: Vec::new() };
    let result = {
        let work =
            async { if statement.commits_each() { execution.run_each().await } else { execution.run_batch().await } };
        tokio::pin!(work);
        let cancelled = async {
            cancel_requested(endpoint, statement).await;
            for _ in 0..CANCEL_TRIES {
                if let Err(error) = endpoint.warehouse.cancel(pid).await {
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
    let is_usable = match &result {
        Ok(()) => true,
        // It may have failed for want of a connection.
        Err(Failure::Engine(_)) => execution.session.ping().await.is_ok(),
        // Its session may be in the middle of an answer.
        Err(Failure::Cancelled) => false,
    };
    if is_usable {
        execution.write_history().await;
    }
    if let Err(error) = execution.snapshot.close().await {
        tracing::debug!(statement_id = %statement.id, %error, "close second session");
    }
    match &statement.session_id {
        Some(id) if is_usable => endpoint.kept_sessions.release(id, session),
        Some(id) => endpoint.kept_sessions.close(id),
        // Without one the session ends with the call: temporary tables, settings and open transactions with it.
        None => {
            if let Err(error) = session.close().await {
                tracing::debug!(statement_id = %statement.id, %error, "close session");
            }
        }
    }
    result
}

/// Holds a statement PICKED until PostgreSQL has a connection for it, which is free again when the turn is dropped. A kept
/// session has a place of its own, so that statements in it wait for no others.
async fn wait_for_turn(endpoint: &Endpoint, statement: &Statement) -> Result<Option<OwnedSemaphorePermit>, Failure> {
    tokio::time::sleep(endpoint.faults.faults.picked_for).await;
    if statement.session_id.is_some() {
        return Ok(None);
    }
    let places = endpoint.warehouse.places().await.map_err(|error| Failure::Engine(session_failure(&error)))?;
    Ok(Arc::clone(&places.statements).acquire_owned().await.ok())
}

async fn cancel_requested(endpoint: &Endpoint, statement: &Statement) {
    endpoint.statements.wait_until(&statement.id, |record| record.is_cancel_requested).await;
}

/// The session of a statement, kept or its own, and the id of its process.
async fn open_session(endpoint: &Endpoint, statement: &Statement) -> Result<(PgConnection, i64), Failure> {
    let kept = statement.session_id.as_ref().and_then(|id| endpoint.kept_sessions.take_connection(id));
    let mut session = match kept {
        Some(session) => session,
        None => {
            let connected = endpoint.warehouse.connect(&statement.connection.database).await;
            connected.map_err(|error| Failure::Engine(session_failure(&error)))?
        }
    };
    let pid: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut session).await.map_err(engine_failure)?;
    Ok((session, i64::from(pid)))
}

/// A statement in its session.
struct Execution<'a> {
    endpoint: &'a Endpoint,
    statement: &'a Statement,
    session: &'a mut PgConnection,
    snapshot: Snapshot,
    /// The COPYs so far, each with the id of its query.
    loads: Vec<(i64, Load)>,
}

impl Execution<'_> {
    /// Each statement in a transaction of its own; a failure does not keep the next from running.
    async fn run_each(&mut self) -> Result<(), Failure> {
        let mut first_failure = None;
        for index in 0..self.statement.sub_statements.len() {
            let ran = self.run_sub_statement(index).await;
            self.forget_failed_copy().await;
            match ran {
                Ok(_) => {}
                Err(Failure::Engine(error)) => {
                    let is_batch = self.statement.is_batch;
                    let numbered = if is_batch { format!("Query #{} failed with {error}", index + 1) } else { error };
                    first_failure.get_or_insert(numbered);
                }
                Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            }
        }
        first_failure.map_or(Ok(()), |error| Err(Failure::Engine(error)))
    }

    /// All statements in one transaction. TRUNCATE commits what ran before it, as in Redshift.
    async fn run_batch(&mut self) -> Result<(), Failure> {
        self.begin().await?;
        for index in 0..self.statement.sub_statements.len() {
            match self.run_sub_statement(index).await {
                Ok(StatementKind::Truncate) => {
                    self.execute("commit").await?;
                    self.begin().await?;
                }
                Ok(_) => {}
                Err(failure) => {
                    self.execute("rollback").await?;
                    self.forget_failed_copy().await;
                    return Err(match failure {
                        Failure::Engine(error) => Failure::Engine(format!("Query #{} failed with {error}", index + 1)),
                        Failure::Cancelled => Failure::Cancelled,
                    });
                }
            }
        }
        if self.is_cancelled() {
            self.execute("rollback").await?;
            return Err(Failure::Cancelled);
        }
        self.execute("commit").await
    }

    async fn run_sub_statement(&mut self, index: usize) -> Result<StatementKind, Failure> {
        if self.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let (endpoint, id) = (self.endpoint, self.statement.id.as_str());
        let makes_query = history::makes_query(&self.statement.sub_statements[index].sql, &self.statement.parameters);
        let query_id = if makes_query { endpoint.statements.next_query_id() } else { NO_QUERY_ID };
        endpoint.statements.update(id, |record| {
            record.sub_statements[index].status = Status::Started;
            record.sub_statements[index].query_id = query_id;
        });
        let started = Instant::now();
        let ran = self.run_one(index, query_id).await.map_err(|failure| match failure {
            Failure::Engine(_) if self.is_cancelled() => Failure::Cancelled,
            other => other,
        });
        endpoint.statements.update(id, |record| {
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
        endpoint.statements.update(id, |record| {
            let sub = &mut record.sub_statements[index];
            sub.result_row_count = outcome.row_count;
            sub.result = outcome.result.map(Arc::new);
        });
        Ok(kind)
    }

    async fn run_one(&mut self, index: usize, query_id: i64) -> Result<(StatementKind, Outcome), Failure> {
        let sql = &self.statement.sub_statements[index].sql;
        let transaction = if self.statement.commits_each() { Transaction::Own } else { Transaction::Callers };
        let object_store = &self.endpoint.object_store;
        let (session, snapshot) = (&mut *self.session, &mut self.snapshot);
        let mut engine = Engine { object_store, session, transaction, snapshot, loads: Vec::new(), query_id };
        let mut ran = engine.run(sql, &self.statement.parameters).await;
        // Nobody can ask for it when the session ends here.
        let ends_session = self.statement.session_id.is_none() && index + 1 == self.statement.sub_statements.len();
        if ran.is_ok()
            && !ends_session
            && let Err(error) = engine.remember_query("last_query_id").await
        {
            ran = Err(error);
        }
        self.loads.extend(engine.loads.into_iter().map(|load| (query_id, load)));
        let (kind, outcome) = ran.map_err(|error| Failure::Engine(error.to_string()))?;
        let rows = outcome.result.iter().flat_map(|result| &result.rows);
        match rows.map(|row| row_size_bytes(row)).find(|bytes| *bytes > ROW_MAX_BYTES) {
            // The guide gives the meaning of the message only.
            Some(bytes) => {
                Err(Failure::Engine(format!("ERROR: Packet for query is too large ({bytes} > {ROW_MAX_BYTES})")))
            }
            None => Ok((kind, outcome)),
        }
    }

    /// The count of a COPY before the failed one came back with the rollback.
    async fn forget_failed_copy(&mut self) {
        let has_failed = self.loads.last().is_some_and(|(_, load)| load.error.is_some());
        if has_failed && let Err(error) = copy::forget_count(self.session).await {
            tracing::warn!(statement_id = %self.statement.id, %error, "forget the count of the last COPY");
        }
    }

    /// Without it the statement has ended all the same.
    async fn write_history(&mut self) {
        let Some(record) = self.endpoint.statements.get(&self.statement.id) else { return };
        if let Err(error) = history::write(&record, &self.loads, self.session).await {
            tracing::warn!(statement_id = %record.id, %error, "write history");
        }
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        self.snapshot.forget();
        self.execute("begin isolation level repeatable read").await
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), Failure> {
        engine::execute(self.session, sql).await.map_err(|error| Failure::Engine(error.to_string()))
    }

    fn is_cancelled(&self) -> bool {
        self.endpoint.statements.get(&self.statement.id).is_some_and(|record| record.is_cancel_requested)
    }
}

fn engine_failure(error: sqlx::Error) -> Failure {
    Failure::Engine(EngineError::from(&error).to_string())
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
