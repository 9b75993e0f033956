//! What was submitted and what became of it: the records that DescribeStatement, GetStatementResult and ListStatements
//! read. Records live in memory for 24 hours unless the endpoint is told otherwise, client tokens for 8.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use crate::api_error::ApiError;
use crate::result_set::ResultSet;

/// Statements that run or wait on one warehouse.
const ACTIVE_MAX: usize = 500;
const CLIENT_TOKEN_RETENTION: Duration = Duration::from_secs(8 * 60 * 60);
const FORGET_INTERVAL: Duration = Duration::from_secs(1);

/// A named parameter; its value is text whose type the statement decides.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Life of a statement; the first three mean "running".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Accepted, not yet looked at.
    Submitted,
    /// Taken up; no database session yet.
    Picked,
    /// Its database session exists.
    Started,
    /// Done; of a batch: committed.
    Finished,
    Failed,
    /// Cancelled, or behind a failed statement of the same batch.
    Aborted,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Picked => "PICKED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Aborted)
    }
}

/// Where a statement runs, as the caller named it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Workgroup(String),
    Cluster(String),
}

/// What a statement is connected to, as the caller named it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) database: String,
    pub(crate) target: Target,
    pub(crate) db_user: Option<String>,
    pub(crate) secret_arn: Option<String>,
}

/// How a result is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultFormat {
    Json,
    Csv,
}

impl ResultFormat {
    pub(crate) fn read(name: Option<&str>) -> Result<Self, ApiError> {
        match name {
            None | Some("JSON") => Ok(Self::Json),
            Some("CSV") => Ok(Self::Csv),
            Some(other) => Err(ApiError::Validation(format!("ResultFormat is JSON or CSV, not `{other}`"))),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSV",
        }
    }
}

/// How the statements of a batch are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExecutionMode {
    /// All together or none.
    Transaction,
    /// Each alone; a failure of one does not affect the others.
    AutoCommit,
}

impl ExecutionMode {
    pub(crate) fn read(name: Option<&str>) -> Result<Self, ApiError> {
        match name {
            None | Some("TRANSACTION") => Ok(Self::Transaction),
            Some("AUTO_COMMIT") => Ok(Self::AutoCommit),
            Some(other) => {
                Err(ApiError::Validation(format!("ExecutionMode is TRANSACTION or AUTO_COMMIT, not `{other}`")))
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transaction => "TRANSACTION",
            Self::AutoCommit => "AUTO_COMMIT",
        }
    }
}

/// One SQL text of a call; a batch has several.
#[derive(Debug, Clone)]
pub(crate) struct SubStatement {
    pub(crate) sql: String,
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) duration: Duration,
    /// Rows returned or affected; -1 when the statement has neither.
    pub(crate) result_row_count: i64,
    pub(crate) result: Option<Arc<ResultSet>>,
    pub(crate) query_id: i64,
    pub(crate) updated_at: SystemTime,
}

/// One call of ExecuteStatement or BatchExecuteStatement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) id: String,
    pub(crate) is_batch: bool,
    pub(crate) name: Option<String>,
    pub(crate) connection: Connection,
    /// The kept session it runs in, if any.
    pub(crate) session_id: Option<String>,
    pub(crate) result_format: ResultFormat,
    pub(crate) execution_mode: ExecutionMode,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) duration: Duration,
    pub(crate) pid: i64,
    pub(crate) is_cancel_requested: bool,
    pub(crate) created_at: SystemTime,
    pub(crate) updated_at: SystemTime,
    pub(crate) sub_statements: Vec<SubStatement>,
}

impl Statement {
    pub(crate) fn new(id: String, connection: Connection, sqls: Vec<String>, is_batch: bool) -> Self {
        let now = SystemTime::now();
        let sub_statements = sqls
            .into_iter()
            .map(|sql| SubStatement {
                sql,
                status: Status::Submitted,
                error: None,
                duration: Duration::ZERO,
                result_row_count: -1,
                result: None,
                query_id: 0,
                updated_at: now,
            })
            .collect();
        Self {
            id,
            is_batch,
            name: None,
            connection,
            session_id: None,
            result_format: ResultFormat::Json,
            execution_mode: ExecutionMode::Transaction,
            parameters: Vec::new(),
            status: Status::Submitted,
            error: None,
            duration: Duration::ZERO,
            pid: 0,
            is_cancel_requested: false,
            created_at: now,
            updated_at: now,
            sub_statements,
        }
    }
}

impl Statement {
    /// Whether each SQL text is a transaction of its own.
    pub(crate) fn commits_each(&self) -> bool {
        !self.is_batch || self.execution_mode == ExecutionMode::AutoCommit
    }
}

/// All records of one endpoint.
#[derive(Debug)]
pub(crate) struct StatementStore {
    records: Mutex<Records>,
    changed: Notify,
    /// How long a statement that has ended is known.
    retention: Duration,
}

#[derive(Debug, Default)]
struct Records {
    statements: HashMap<String, Statement>,
    client_tokens: HashMap<String, (String, SystemTime)>,
    next_query_id: i64,
    forgotten_at: Option<SystemTime>,
}

impl StatementStore {
    pub(crate) fn new(retention: Duration) -> Self {
        Self { records: Mutex::default(), changed: Notify::default(), retention }
    }

    /// Makes and keeps a new statement, unless its client token was seen in the last 8 hours: then the earlier one is the
    /// answer, and none is made. Calls with one token wait for each other here.
    ///
    /// # Errors
    /// More statements running than a warehouse takes, and what `make` says.
    pub(crate) fn submit(
        &self,
        client_token: Option<String>,
        make: impl FnOnce() -> Result<Statement, ApiError>,
    ) -> Result<Submission, ApiError> {
        let mut records = self.lock();
        if let Some(token) = &client_token
            && let Some((id, _)) = records.client_tokens.get(token)
            && let Some(earlier) = records.statements.get(id)
        {
            return Ok(Submission::Repeated(earlier.clone()));
        }
        if records.statements.values().filter(|statement| !statement.status.is_final()).count() >= ACTIVE_MAX {
            return Err(ApiError::ActiveStatementsExceeded(format!("{ACTIVE_MAX} statements are running already")));
        }
        let statement = make()?;
        if let Some(token) = client_token {
            records.client_tokens.insert(token, (statement.id.clone(), SystemTime::now()));
        }
        records.statements.insert(statement.id.clone(), statement.clone());
        Ok(Submission::New(statement))
    }

    pub(crate) fn get(&self, id: &str) -> Option<Statement> {
        self.lock().statements.get(id).cloned()
    }

    /// All records, newest first.
    pub(crate) fn list(&self) -> Vec<Statement> {
        let mut statements: Vec<Statement> = self.lock().statements.values().cloned().collect();
        statements.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        statements
    }

    /// Changes a record and wakes those who wait for it. A record that is gone is left alone.
    pub(crate) fn update(&self, id: &str, change: impl FnOnce(&mut Statement)) {
        if let Some(statement) = self.lock().statements.get_mut(id) {
            change(statement);
            statement.updated_at = SystemTime::now();
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn next_query_id(&self) -> i64 {
        let mut records = self.lock();
        records.next_query_id += 1;
        records.next_query_id
    }

    /// Waits until the record satisfies `condition` or is gone.
    pub(crate) async fn wait_until(&self, id: &str, condition: impl Fn(&Statement) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().statements.get(id).is_none_or(&condition) {
                return;
            }
            changed.await;
        }
    }

    /// The records that are still kept.
    fn lock(&self) -> MutexGuard<'_, Records> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.forget_old(self.retention);
        records
    }
}

impl Records {
    /// Forgets what is older than its retention, but looks only so often, as there may be many records.
    fn forget_old(&mut self, retention: Duration) {
        let now = SystemTime::now();
        let is_older = |since: SystemTime, age: Duration| now.duration_since(since).is_ok_and(|passed| passed >= age);
        if self.forgotten_at.is_some_and(|at| !is_older(at, retention.min(FORGET_INTERVAL))) {
            return;
        }
        self.forgotten_at = Some(now);
        self.statements
            .retain(|_, statement| !statement.status.is_final() || !is_older(statement.created_at, retention));
        self.client_tokens.retain(|_, (_, since)| !is_older(*since, CLIENT_TOKEN_RETENTION));
    }
}

pub(crate) enum Submission {
    New(Statement),
    Repeated(Statement),
}
