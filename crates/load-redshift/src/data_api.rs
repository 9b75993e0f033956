//! The Redshift Data API: the one file that knows its client. Statements are submitted, waited for and read; a batch is one
//! transaction.

use crate::{
    config::{Target, WarehouseConfig},
    result_rows::{Cell, Column, ResultRows},
};
use aws_sdk_redshiftdata::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::describe_statement::DescribeStatementOutput,
    types::StatusString,
};
use futures::future::join_all;
use std::{
    collections::BTreeSet,
    error::Error,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The service's own limits.
pub(crate) const BATCH_MAX_STATEMENTS: usize = 40;
pub(crate) const BATCH_MAX_BYTES: usize = 100_000;

/// How long the service may hold an answer back until the statement has ended.
const WAIT_SECONDS: i32 = 20;
/// Pauses between questions where it does not hold them back.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Transactions that lost against another one are sent again, as a whole.
const MAX_CONFLICTS: u32 = 4;
const CONFLICT_PAUSE: Duration = Duration::from_millis(500);

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// One SQL text, and where it comes from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) origin: String,
    pub(crate) sql: String,
}

impl Statement {
    pub(crate) fn new(origin: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { origin: origin.into(), sql: sql.into() }
    }
}

/// A warehouse behind the Data API.
#[derive(Debug)]
pub(crate) struct DataApi {
    client: Client,
    warehouse: WarehouseConfig,
    /// The statements that are being waited for.
    running: Mutex<BTreeSet<String>>,
}

/// Why a statement did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DataApiError {
    #[error("reach the Redshift Data API to {action} on {warehouse}")]
    Unreachable { action: &'static str, warehouse: String, source: Box<dyn Error + Send + Sync> },
    #[error("the Redshift Data API refuses to {action} on {warehouse}: {code}: {message}")]
    Refused { action: &'static str, warehouse: String, code: String, message: String, may_pass: bool },
    #[error("{origin} failed (statement {id}): {message}")]
    Statement { origin: String, id: String, message: String },
    #[error("{origin} was aborted (statement {id}): {message}")]
    Aborted { origin: String, id: String, message: String },
    #[error("a transaction of {statements} statements and {bytes} bytes is more than the Data API takes: {origin}")]
    TooLarge { origin: String, statements: usize, bytes: usize },
    #[error("the Redshift Data API answered without {0}")]
    Incomplete(&'static str),
}

impl DataApiError {
    /// Whether the engine refused with a message that holds this text.
    pub(crate) fn says(&self, text: &str) -> bool {
        matches!(self, Self::Statement { message, .. } if message.contains(text))
    }

    /// Whether it was this statement that the engine refused.
    pub(crate) fn is_of(&self, statement: &str) -> bool {
        matches!(self, Self::Statement { origin, .. } if origin == statement)
    }

    /// Whether another transaction was in the way, so that the same one may pass when it is sent again.
    fn is_conflict(&self) -> bool {
        ["1023", "Serializable isolation violation", "conflict with concurrent transaction", "deadlock detected"]
            .into_iter()
            .any(|text| self.says(text))
    }

    /// Whether the same call may succeed later without anybody changing anything. An engine's error counts as lasting where
    /// its text says that something is missing, forbidden or malformed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        const LASTING: [&str; 8] = [
            "does not exist",
            "ermission denied",
            "syntax error",
            "must be owner",
            "MANIFEST_CHANGED",
            "METRIC_CHANGED",
            "RUN_DATE_BEFORE_HISTORY",
            "ALREADY_CLOSED",
        ];
        match self {
            Self::Unreachable { .. } | Self::Aborted { .. } | Self::Incomplete(_) => true,
            Self::Refused { may_pass, .. } => *may_pass,
            Self::Statement { .. } => self.is_conflict() || !LASTING.iter().any(|text| self.says(text)),
            Self::TooLarge { .. } => false,
        }
    }

    /// The way out, where there is one to name.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "check that the endpoint can be reached, `AWS_ENDPOINT_URL_REDSHIFT_DATA` and `AWS_REGION` included",
            ),
            Self::Refused { may_pass: false, .. } => Some(
                "check `REDSHIFT_WORKGROUP` (or cluster or host), `REDSHIFT_DATABASE`, and the rights of the credentials in use",
            ),
            Self::Statement { .. } if self.says("MANIFEST_CHANGED") => {
                Some("a sealed manifest must not change; restore the one that was loaded")
            }
            Self::Statement { .. } if self.says("SUPERSEDED") => {
                Some("run it again: it goes on with the later run, or has nothing to do")
            }
            Self::Statement { .. } if self.says("METRIC_CHANGED") => {
                Some("run `load-redshift transform` before publishing")
            }
            Self::Statement { .. } if self.says("RUN_DATE_BEFORE_HISTORY") => {
                Some("choose a later run date with `--as-of`, or rebuild from the log in an empty database")
            }
            Self::Statement { .. } if self.says("ALREADY_CLOSED") => {
                Some("leave `--close-before` out, or name a later day; `--restate` publishes changes of closed periods")
            }
            Self::Statement { .. } if self.says("ermission denied") => {
                Some("grant the database user of the pipeline what the message names")
            }
            Self::Refused { .. }
            | Self::Statement { .. }
            | Self::Aborted { .. }
            | Self::TooLarge { .. }
            | Self::Incomplete(_) => None,
        }
    }
}

impl DataApi {
    pub(crate) fn new(config: &aws_config::SdkConfig, warehouse: &WarehouseConfig) -> Self {
        Self { client: Client::new(config), warehouse: warehouse.clone(), running: Mutex::default() }
    }

    /// Runs statements as one transaction.
    pub(crate) async fn execute(&self, statements: &[Statement]) -> Result<(), DataApiError> {
        self.run(statements).await.map(|_| ())
    }

    /// Runs one query and reads its result to the end.
    pub(crate) async fn query(&self, origin: &str, sql: &str) -> Result<ResultRows, DataApiError> {
        let rows = self.query_all(&[Statement::new(origin, sql)]).await?;
        rows.into_iter().next().ok_or(DataApiError::Incomplete("a result"))
    }

    /// Runs queries on one snapshot; one result for each.
    pub(crate) async fn query_all(&self, statements: &[Statement]) -> Result<Vec<ResultRows>, DataApiError> {
        let ended = self.run(statements).await?;
        let mut results = Vec::new();
        for part in ended.sub_statements() {
            results.push(self.read_result(part.id()).await?);
        }
        Ok(results)
    }

    /// Asks the warehouse to end what this program waits for, if anything.
    pub(crate) async fn cancel_running(&self) {
        let ids = mem::take(&mut *self.running());
        let cancel = async |id: String| match self.client.cancel_statement().id(&id).send().await {
            Ok(_) => tracing::warn!(statement_id = id, "cancelled a running statement"),
            Err(error) => tracing::warn!(statement_id = id, %error, "could not cancel a running statement"),
        };
        join_all(ids.into_iter().map(cancel)).await;
    }

    fn running(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, statements: &[Statement]) -> Result<DescribeStatementOutput, DataApiError> {
        let bytes = statements.iter().map(|statement| statement.sql.len()).sum();
        if statements.len() > BATCH_MAX_STATEMENTS || bytes > BATCH_MAX_BYTES {
            let origin = statements.iter().max_by_key(|statement| statement.sql.len());
            let origin = origin.map(|statement| statement.origin.clone()).unwrap_or_default();
            return Err(DataApiError::TooLarge { origin, statements: statements.len(), bytes });
        }
        let mut conflicts = 0;
        loop {
            let id = self.submit(statements).await?;
            self.running().insert(id.clone());
            // Where the service does not say that it ended, it may still run.
            let ended = self.wait(&id).await?;
            self.running().remove(&id);
            for (statement, part) in statements.iter().zip(ended.sub_statements()) {
                let duration_ms = part.duration() / NANOSECONDS_PER_MILLISECOND;
                tracing::debug!(
                    statement_id = part.id(),
                    duration_ms,
                    row_count = part.result_rows(),
                    "{}",
                    statement.origin
                );
            }
            match check(ended, statements) {
                Err(error) if error.is_conflict() && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    tracing::warn!(conflicts, "another transaction was in the way, trying again: {error}");
                    // Part of the statement's id as jitter, so that two that met do not meet again.
                    let jitter = u64::from(id.bytes().map(u16::from).sum::<u16>() % 500);
                    tokio::time::sleep(CONFLICT_PAUSE * conflicts + Duration::from_millis(jitter)).await;
                }
                result => return result,
            }
        }
    }

    async fn submit(&self, statements: &[Statement]) -> Result<String, DataApiError> {
        let (workgroup, cluster, user) = match &self.warehouse.target {
            Target::Workgroup { name } => (Some(name.clone()), None, None),
            Target::Cluster { identifier, user } => (None, Some(identifier.clone()), user.clone()),
        };
        // A user and a secret exclude each other; the secret names the user.
        let user = user.filter(|_| self.warehouse.secret_arn.is_none());
        let answer = self
            .client
            .batch_execute_statement()
            .set_sqls(Some(statements.iter().map(|statement| statement.sql.clone()).collect()))
            .set_workgroup_name(workgroup)
            .set_cluster_identifier(cluster)
            .set_db_user(user)
            .set_secret_arn(self.warehouse.secret_arn.clone())
            .database(&self.warehouse.database)
            .statement_name(statements.first().map(|statement| statement.origin.as_str()).unwrap_or_default())
            // The client adds a token that its own retries of this call repeat, so they submit nothing twice.
            .send()
            .await
            .map_err(|error| self.failed("submit statements", error))?;
        answer.id.ok_or(DataApiError::Incomplete("a statement id"))
    }

    async fn wait(&self, id: &str) -> Result<DescribeStatementOutput, DataApiError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let asked_at = Instant::now();
            let describe = self.client.describe_statement().id(id).wait_time_seconds(WAIT_SECONDS);
            let answer = describe.send().await.map_err(|error| self.failed("ask for a statement", error))?;
            match answer.status {
                Some(StatusString::Finished | StatusString::Failed | StatusString::Aborted) => return Ok(answer),
                _ => {
                    tokio::time::sleep(pause.saturating_sub(asked_at.elapsed())).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    async fn read_result(&self, id: &str) -> Result<ResultRows, DataApiError> {
        let mut result = ResultRows::default();
        let mut pages = self.client.get_statement_result().id(id).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("read a result", error))?;
            if result.columns.is_empty() {
                let column = |metadata: &aws_sdk_redshiftdata::types::ColumnMetadata| Column {
                    name: metadata.label().or(metadata.name()).unwrap_or_default().to_owned(),
                    type_name: metadata.type_name().unwrap_or_default().to_owned(),
                };
                result.columns = page.column_metadata().iter().map(column).collect();
            }
            result.rows.extend(page.records().iter().map(|record| record.iter().map(Cell::from).collect()));
        }
        Ok(result)
    }

    fn failed<E, R>(&self, action: &'static str, error: SdkError<E, R>) -> DataApiError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        /// Refusals that pass by themselves.
        const PASSING: [&str; 7] = [
            "ThrottlingException",
            "ActiveStatementsExceededException",
            "ActiveSessionsExceededException",
            "InternalServerException",
            "DatabaseConnectionException",
            "ExpiredTokenException",
            "QueryTimeoutException",
        ];
        let Some(code) = error.code() else {
            return DataApiError::Unreachable {
                action,
                warehouse: self.warehouse.to_string(),
                source: Box::new(error),
            };
        };
        DataApiError::Refused {
            action,
            warehouse: self.warehouse.to_string(),
            code: code.to_owned(),
            message: error.message().unwrap_or("no reason given").to_owned(),
            may_pass: PASSING.contains(&code),
        }
    }
}

/// A batch that ended, as a result: the first statement that failed says why.
fn check(ended: DescribeStatementOutput, statements: &[Statement]) -> Result<DescribeStatementOutput, DataApiError> {
    let id = ended.id().to_owned();
    let failed = ended.sub_statements().iter().enumerate().find(|(_, part)| part.error().is_some());
    let part_error = failed.and_then(|(_, part)| part.error());
    let message = part_error.or(ended.error()).unwrap_or("no reason given").to_owned();
    let statement = failed.and_then(|(position, _)| statements.get(position)).or(statements.first());
    let origin = statement.map(|statement| statement.origin.clone()).unwrap_or_default();
    match ended.status {
        Some(StatusString::Finished) => Ok(ended),
        Some(StatusString::Failed) => Err(DataApiError::Statement { origin, id, message }),
        _ => Err(DataApiError::Aborted { origin, id, message }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_s_words_say_whether_a_repetition_may_help() {
        let cases = [
            ("ERROR: 1023 DETAIL: Serializable isolation violation on table in Redshift", true, true),
            ("ERROR: deadlock detected", true, true),
            ("ERROR: S3ServiceException: speed limit exceeded", false, true),
            ("ERROR: relation \"raw.bookings\" does not exist", false, false),
            ("ERROR: permission denied for schema etl", false, false),
            ("ERROR: Permission denied for relation ledger", false, false),
            ("ERROR: syntax error at or near \"selec\"", false, false),
            ("ERROR: RUN_DATE_BEFORE_HISTORY run r1: …", false, false),
            ("ERROR: SUPERSEDED run r1: …", false, true),
        ];
        for (message, is_conflict, is_retryable) in cases {
            let error = DataApiError::Statement { origin: "o".into(), id: "i".into(), message: message.into() };
            assert_eq!((error.is_conflict(), error.is_retryable()), (is_conflict, is_retryable), "{message}");
        }
    }
}
