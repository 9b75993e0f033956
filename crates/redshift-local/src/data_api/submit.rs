//! ExecuteStatement and BatchExecuteStatement.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe::has_result;
use super::fields::{connection_fields, database, epoch_seconds, find, missing, target, wait_for_end, wait_seconds};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::execution;
use crate::statement::{Connection, ExecutionMode, Parameter, ResultFormat, Statement, Submission};
use crate::translate::parameter_names;

const STATEMENT_MAX_BYTES: usize = 100 * 1024;
const BATCH_MAX_STATEMENTS: usize = 40;
const STATEMENT_NAME_MAX_CHARACTERS: usize = 2048;
const CLIENT_TOKEN_MAX_CHARACTERS: usize = 64;
const KEEP_ALIVE_MAX_SECONDS: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubmitRequest {
    sql: Option<String>,
    sqls: Option<Vec<String>>,
    database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    parameters: Option<Vec<SqlParameter>>,
    statement_name: Option<String>,
    client_token: Option<String>,
    result_format: Option<String>,
    execution_mode: Option<String>,
    session_id: Option<String>,
    session_keep_alive_seconds: Option<i64>,
    wait_time_seconds: Option<i64>,
    with_event: Option<bool>,
}

#[derive(Deserialize)]
struct SqlParameter {
    name: Option<String>,
    value: Option<String>,
}

/// ExecuteStatement.
pub(super) async fn execute(endpoint: &Arc<Endpoint>, mut request: SubmitRequest) -> Result<Value, ApiError> {
    let sql = request.sql.take().ok_or_else(|| missing("Sql"))?;
    submit(endpoint, request, vec![sql], false).await
}

/// BatchExecuteStatement.
pub(super) async fn batch_execute(endpoint: &Arc<Endpoint>, mut request: SubmitRequest) -> Result<Value, ApiError> {
    let sqls = request.sqls.take().filter(|sqls| !sqls.is_empty()).ok_or_else(|| missing("Sqls"))?;
    submit(endpoint, request, sqls, true).await
}

async fn submit(
    endpoint: &Arc<Endpoint>,
    request: SubmitRequest,
    sqls: Vec<String>,
    is_batch: bool,
) -> Result<Value, ApiError> {
    let wait = request.wait_time_seconds;
    check(&request, &sqls)?;
    let session_places = match request.session_keep_alive_seconds {
        // A server that cannot be reached says so when the statement runs.
        Some(_) => endpoint.warehouse.places().await.map_or(usize::MAX, |places| places.kept_sessions),
        None => 0,
    };
    let client_token = request.client_token.clone();
    let make = || accept(endpoint, request, sqls, is_batch, session_places);
    let statement = match endpoint.statements.submit(client_token, make)? {
        Submission::New(statement) => {
            tokio::spawn(execution::supervise(Arc::clone(endpoint), statement.clone()));
            statement
        }
        Submission::Repeated(earlier) => earlier,
    };
    let mut answer = connection_fields(&statement.connection);
    if wait.is_some() {
        wait_for_end(endpoint, &statement.id, wait).await?;
        let ended = find(endpoint, &statement.id)?;
        answer.insert("Status".into(), json!(ended.status.name()));
        answer.insert("RedshiftPid".into(), json!(ended.pid));
        answer.insert("HasResultSet".into(), json!(has_result(&ended)));
    }
    answer.insert("Id".into(), json!(statement.id));
    answer.insert("CreatedAt".into(), epoch_seconds(statement.created_at));
    if let Some(session_id) = &statement.session_id {
        answer.insert("SessionId".into(), json!(session_id));
    }
    Ok(Value::Object(answer))
}

/// Checks what does not depend on what went before.
fn check(request: &SubmitRequest, sqls: &[String]) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::Validation(message));
    wait_seconds(request.wait_time_seconds)?;
    if sqls.len() > BATCH_MAX_STATEMENTS {
        return invalid(format!("Sqls holds {} statements; at most {BATCH_MAX_STATEMENTS} are allowed", sqls.len()));
    }
    if sqls.iter().map(String::len).sum::<usize>() > STATEMENT_MAX_BYTES {
        return invalid("Cannot process query string larger than 100kB".to_owned());
    }
    if sqls.iter().any(|sql| sql.trim().is_empty()) {
        return invalid("a statement is empty".to_owned());
    }
    if request.with_event == Some(true) {
        return invalid("WithEvent is not emulated: no event would be sent".to_owned());
    }
    let is_too_long =
        |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.chars().count() > most);
    if is_too_long(&request.statement_name, STATEMENT_NAME_MAX_CHARACTERS) {
        return invalid(format!("StatementName has at most {STATEMENT_NAME_MAX_CHARACTERS} characters"));
    }
    if request.client_token.as_ref().is_some_and(String::is_empty)
        || is_too_long(&request.client_token, CLIENT_TOKEN_MAX_CHARACTERS)
    {
        return invalid(format!("ClientToken has 1 to {CLIENT_TOKEN_MAX_CHARACTERS} characters"));
    }
    Ok(())
}

/// Makes the record of a request, in its session if it names one or asks for one.
fn accept(
    endpoint: &Endpoint,
    request: SubmitRequest,
    sqls: Vec<String>,
    is_batch: bool,
    session_places: usize,
) -> Result<Statement, ApiError> {
    let result_format = ResultFormat::read(request.result_format.as_deref())?;
    let execution_mode = match (is_batch, request.execution_mode.as_deref()) {
        (false, Some(_)) => return Err(ApiError::Validation("ExecutionMode belongs to a batch".to_owned())),
        (_, mode) => ExecutionMode::read(mode)?,
    };
    let keep_alive = match request.session_keep_alive_seconds.map(u64::try_from) {
        None => None,
        Some(Ok(seconds)) if seconds <= KEEP_ALIVE_MAX_SECONDS => Some(Duration::from_secs(seconds)),
        Some(_) => {
            return Err(ApiError::Validation(format!("SessionKeepAliveSeconds is 0 to {KEEP_ALIVE_MAX_SECONDS}")));
        }
    };
    let parameters = accept_parameters(request.parameters.unwrap_or_default(), &sqls)?;
    let id = uuid::Uuid::new_v4().to_string();
    let (connection, session_id) = match request.session_id {
        Some(session_id) => {
            let given = [&request.database, &request.workgroup_name, &request.cluster_identifier, &request.db_user];
            if given.into_iter().chain([&request.secret_arn]).any(Option::is_some) {
                let text = "a session is connected already: leave out Database, WorkgroupName, ClusterIdentifier, DbUser \
                            and SecretArn beside SessionId";
                return Err(ApiError::Validation(text.to_owned()));
            }
            (endpoint.kept_sessions.reserve(&session_id, keep_alive, &id)?, Some(session_id))
        }
        None => {
            let connection = Connection {
                database: database(request.database)?,
                target: target(request.workgroup_name, request.cluster_identifier)?,
                db_user: request.db_user,
                secret_arn: request.secret_arn,
            };
            let session_id = match keep_alive {
                Some(keep_alive) => {
                    Some(endpoint.kept_sessions.open(connection.clone(), keep_alive, &id, session_places)?)
                }
                None => None,
            };
            (connection, session_id)
        }
    };
    let mut statement = Statement::new(id, connection, sqls, is_batch);
    statement.name = request.statement_name;
    statement.parameters = parameters;
    statement.session_id = session_id;
    statement.result_format = result_format;
    statement.execution_mode = execution_mode;
    Ok(statement)
}

fn accept_parameters(given: Vec<SqlParameter>, sqls: &[String]) -> Result<Vec<Parameter>, ApiError> {
    let used: Vec<String> = sqls.iter().flat_map(|sql| parameter_names(sql)).collect();
    let mut parameters: Vec<Parameter> = Vec::with_capacity(given.len());
    for SqlParameter { name, value } in given {
        let name = name.ok_or_else(|| missing("a parameter's name"))?;
        let value = value.ok_or_else(|| missing("a parameter's value"))?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(ApiError::Validation(format!("parameter name `{name}` must match [0-9a-zA-Z_]+")));
        }
        if value.is_empty() {
            return Err(ApiError::Validation(format!(
                "the value of parameter `{name}` must have length greater than or equal to 1"
            )));
        }
        if parameters.iter().any(|earlier| earlier.name == name) {
            return Err(ApiError::Validation(format!("parameter `{name}` is given twice")));
        }
        if !used.contains(&name) {
            return Err(ApiError::Validation(format!(
                "Parameters list contains unused parameters. Unused parameters: [{name}]"
            )));
        }
        parameters.push(Parameter { name, value });
    }
    Ok(parameters)
}
