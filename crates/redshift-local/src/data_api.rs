//! The wire: AWS JSON 1.1 over HTTP. Each operation is one function from its request to its response.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Endpoint;
use crate::api_error::ApiError;
use crate::execution;
use crate::statement::{Parameter, Statement, Status, SubStatement, Submission, Target};
use crate::translate::parameter_names;

const STATEMENT_MAX_BYTES: usize = 100 * 1024;
const BATCH_MAX_STATEMENTS: usize = 40;
const LIST_MAX_RESULTS: usize = 100;
const WAIT_MAX_SECONDS: u64 = 30;

pub(crate) async fn handle(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("RedshiftData.").unwrap_or_default().to_owned();
    match dispatch(&endpoint, &operation, &body).await {
        Ok(answer) => ([("content-type", "application/x-amz-json-1.1")], answer.to_string()).into_response(),
        Err(error) => {
            tracing::info!(operation, %error, "call refused");
            error.into_response()
        }
    }
}

async fn dispatch(endpoint: &Arc<Endpoint>, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
    match operation {
        "ExecuteStatement" => {
            let request: SubmitRequest = serde_json::from_slice(body)?;
            let sql = request.sql.clone().ok_or_else(|| missing("Sql"))?;
            submit(endpoint, request, vec![sql], false).await
        }
        "BatchExecuteStatement" => {
            let request: SubmitRequest = serde_json::from_slice(body)?;
            let sqls = request.sqls.clone().filter(|sqls| !sqls.is_empty()).ok_or_else(|| missing("Sqls"))?;
            submit(endpoint, request, sqls, true).await
        }
        "DescribeStatement" => describe(endpoint, &serde_json::from_slice(body)?).await,
        "GetStatementResult" => get_result(endpoint, &serde_json::from_slice(body)?).await,
        "CancelStatement" => cancel(endpoint, &serde_json::from_slice(body)?),
        "ListStatements" => list(endpoint, &serde_json::from_slice(body)?),
        other => Err(ApiError::UnknownOperation(other.to_owned())),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubmitRequest {
    sql: Option<String>,
    sqls: Option<Vec<String>>,
    database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    #[serde(default)]
    parameters: Vec<SqlParameter>,
    statement_name: Option<String>,
    client_token: Option<String>,
    result_format: Option<String>,
    execution_mode: Option<String>,
    session_id: Option<String>,
    session_keep_alive_seconds: Option<i64>,
    wait_time_seconds: Option<u64>,
    with_event: Option<bool>,
}

#[derive(Deserialize)]
struct SqlParameter {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatementRequest {
    id: String,
    next_token: Option<String>,
    wait_time_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    statement_name: Option<String>,
    status: Option<String>,
    database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn missing(field: &str) -> ApiError {
    ApiError::Validation(format!("{field} is missing or empty"))
}

async fn submit(
    endpoint: &Arc<Endpoint>,
    request: SubmitRequest,
    sqls: Vec<String>,
    is_batch: bool,
) -> Result<Value, ApiError> {
    let wait = request.wait_time_seconds;
    let client_token = request.client_token.clone();
    let statement = accept(request, sqls, is_batch)?;
    let statement = match endpoint.statements.submit(statement, client_token) {
        Submission::New(statement) => {
            tokio::spawn(execution::supervise(Arc::clone(endpoint), statement.clone()));
            statement
        }
        Submission::Repeated(earlier) => earlier,
    };
    wait_for_end(endpoint, &statement.id, wait).await?;
    let mut answer = target_fields(&statement);
    answer.insert("Id".into(), json!(statement.id));
    answer.insert("CreatedAt".into(), epoch_seconds(statement.created_at));
    answer.insert("Database".into(), json!(statement.database));
    Ok(Value::Object(answer))
}

/// Checks a request and makes the record of it.
fn accept(request: SubmitRequest, sqls: Vec<String>, is_batch: bool) -> Result<Statement, ApiError> {
    let invalid = |message: String| Err(ApiError::Validation(message));
    if sqls.len() > BATCH_MAX_STATEMENTS {
        return invalid(format!("Sqls holds {} statements; at most {BATCH_MAX_STATEMENTS} are allowed", sqls.len()));
    }
    if sqls.iter().map(String::len).sum::<usize>() > STATEMENT_MAX_BYTES {
        return invalid("Cannot process query string larger than 100kB".to_owned());
    }
    if sqls.iter().any(|sql| sql.trim().is_empty()) {
        return invalid("a statement is empty".to_owned());
    }
    let target = match (request.workgroup_name, request.cluster_identifier) {
        (Some(workgroup), None) => Target::Workgroup(workgroup),
        (None, Some(cluster)) => Target::Cluster(cluster),
        (Some(_), Some(_)) => return invalid("give WorkgroupName or ClusterIdentifier, not both".to_owned()),
        (None, None) => return invalid("WorkgroupName or ClusterIdentifier is missing".to_owned()),
    };
    let database = request.database.filter(|name| !name.is_empty()).ok_or_else(|| missing("Database"))?;
    if !is_database_name(&database) {
        return invalid(format!(
            "`{database}` is no database name here: a lower-case letter, then up to 62 of a-z, 0-9, _ and -"
        ));
    }
    if request.session_id.is_some() || request.session_keep_alive_seconds.is_some() {
        return invalid("sessions (SessionId, SessionKeepAliveSeconds) are not emulated; send a batch".to_owned());
    }
    if request.result_format.is_some_and(|format| format != "JSON") {
        return invalid("only ResultFormat JSON is emulated".to_owned());
    }
    if request.execution_mode.is_some_and(|mode| mode != "TRANSACTION") {
        return invalid("only ExecutionMode TRANSACTION is emulated".to_owned());
    }
    if request.with_event == Some(true) {
        return invalid("WithEvent is not emulated: no event would be sent".to_owned());
    }
    if request.client_token.is_some_and(|token| token.is_empty() || token.len() > 64) {
        return invalid("ClientToken has 1 to 64 characters".to_owned());
    }
    let parameters = accept_parameters(request.parameters, &sqls)?;
    let mut statement = Statement::new(uuid::Uuid::new_v4().to_string(), database, target, sqls, is_batch);
    statement.name = request.statement_name;
    statement.db_user = request.db_user;
    statement.secret_arn = request.secret_arn;
    statement.parameters = parameters;
    Ok(statement)
}

fn is_database_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

fn accept_parameters(given: Vec<SqlParameter>, sqls: &[String]) -> Result<Vec<Parameter>, ApiError> {
    let used: Vec<String> = sqls.iter().flat_map(|sql| parameter_names(sql)).collect();
    let mut parameters: Vec<Parameter> = Vec::with_capacity(given.len());
    for SqlParameter { name, value } in given {
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

async fn describe(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let (id, position) = split_id(&request.id)?;
    wait_for_end(endpoint, id, request.wait_time_seconds).await?;
    let statement = find(endpoint, id)?;
    if let Some(position) = position {
        let sub = sub_statement(&statement, position, &request.id)?;
        let mut answer = describe_sub_statement(&statement, sub, &request.id);
        answer.extend(target_fields(&statement));
        answer.insert("Database".into(), json!(statement.database));
        return Ok(Value::Object(answer));
    }
    let mut answer = target_fields(&statement);
    answer.insert("Id".into(), json!(statement.id));
    answer.insert("Database".into(), json!(statement.database));
    answer.insert("Status".into(), json!(statement.status.name()));
    answer.insert("CreatedAt".into(), epoch_seconds(statement.created_at));
    answer.insert("UpdatedAt".into(), epoch_seconds(statement.updated_at));
    answer.insert("Duration".into(), nanoseconds(statement.duration));
    answer.insert("RedshiftPid".into(), json!(statement.pid));
    answer.insert("HasResultSet".into(), json!(has_result(&statement)));
    answer.insert("ResultFormat".into(), json!("JSON"));
    if let Some(error) = &statement.error {
        answer.insert("Error".into(), json!(error));
    }
    if !statement.parameters.is_empty() {
        let parameters: Vec<Value> = statement
            .parameters
            .iter()
            .map(|parameter| json!({ "name": parameter.name, "value": parameter.value }))
            .collect();
        answer.insert("QueryParameters".into(), Value::Array(parameters));
    }
    if statement.is_batch {
        let subs = statement.sub_statements.iter().enumerate();
        let subs = subs.map(|(index, sub)| {
            Value::Object(describe_sub_statement(&statement, sub, &format!("{}:{}", statement.id, index + 1)))
        });
        answer.insert("SubStatements".into(), subs.collect());
        answer.insert("ResultRows".into(), json!(-1));
        answer.insert("ResultSize".into(), json!(-1));
        answer.insert("RedshiftQueryId".into(), json!(0));
    } else if let [sub] = statement.sub_statements.as_slice() {
        answer.insert("QueryString".into(), json!(sub.sql));
        answer.insert("ResultRows".into(), json!(sub.result_row_count));
        answer.insert("ResultSize".into(), result_size(sub));
        answer.insert("RedshiftQueryId".into(), json!(sub.query_id));
    }
    Ok(Value::Object(answer))
}

fn describe_sub_statement(statement: &Statement, sub: &SubStatement, id: &str) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("Id".into(), json!(id));
    answer.insert("Status".into(), json!(sub.status.name()));
    answer.insert("QueryString".into(), json!(sub.sql));
    answer.insert("CreatedAt".into(), epoch_seconds(statement.created_at));
    answer.insert("UpdatedAt".into(), epoch_seconds(sub.updated_at));
    answer.insert("Duration".into(), nanoseconds(sub.duration));
    answer.insert("HasResultSet".into(), json!(sub.result.is_some()));
    answer.insert("ResultRows".into(), json!(sub.result_row_count));
    answer.insert("ResultSize".into(), result_size(sub));
    answer.insert("RedshiftQueryId".into(), json!(sub.query_id));
    if let Some(error) = &sub.error {
        answer.insert("Error".into(), json!(error));
    }
    answer
}

async fn get_result(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let (id, position) = split_id(&request.id)?;
    wait_for_end(endpoint, id, request.wait_time_seconds).await?;
    let statement = find(endpoint, id)?;
    let without_result = || ApiError::ResourceNotFound {
        message: "Query does not have result. Please check query status with DescribeStatement.".to_owned(),
        resource_id: request.id.clone(),
    };
    let sub = match position {
        Some(position) => sub_statement(&statement, position, &request.id)?,
        None if statement.is_batch => return Err(without_result()),
        None => statement.sub_statements.first().ok_or_else(without_result)?,
    };
    // Rows of an unfinished batch are not committed, so nobody sees them.
    let result = sub.result.as_ref().filter(|_| statement.status == Status::Finished).ok_or_else(without_result)?;
    let offset = match &request.next_token {
        Some(token) => {
            token.parse().map_err(|_| ApiError::Validation("NextToken is none of this statement's".to_owned()))?
        }
        None => 0,
    };
    let (rows, next) = result.page(offset);
    let records: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(|field| field.to_json()).collect()).collect();
    let columns: Vec<Value> = result.columns.iter().map(|column| column.to_json()).collect();
    let mut answer = json!({ "Records": records, "ColumnMetadata": columns, "TotalNumRows": result.rows.len() });
    if let Some(next) = next {
        answer["NextToken"] = json!(next.to_string());
    }
    Ok(answer)
}

fn cancel(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let (id, _) = split_id(&request.id)?;
    let statement = find(endpoint, id)?;
    if statement.status.is_final() {
        let status = statement.status.name();
        return Err(ApiError::Validation(format!(
            "Could not cancel a query that is already in {status} state with ID: {id}"
        )));
    }
    endpoint.statements.update(id, |record| record.is_cancel_requested = true);
    Ok(json!({ "Status": true }))
}

fn list(endpoint: &Endpoint, request: &ListRequest) -> Result<Value, ApiError> {
    let status = request.status.as_deref().unwrap_or("FINISHED");
    if !["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED", "ALL"].contains(&status) {
        return Err(ApiError::Validation(format!("`{status}` is no status")));
    }
    let offset: usize = match &request.next_token {
        Some(token) => {
            token.parse().map_err(|_| ApiError::Validation("NextToken is not one of this list".to_owned()))?
        }
        None => 0,
    };
    let max_results = request.max_results.filter(|count| *count > 0).unwrap_or(LIST_MAX_RESULTS).min(LIST_MAX_RESULTS);
    let matches = |statement: &Statement| {
        let is_target = match &statement.target {
            Target::Workgroup(name) => {
                request.workgroup_name.as_ref().is_none_or(|wanted| wanted == name)
                    && request.cluster_identifier.is_none()
            }
            Target::Cluster(name) => {
                request.cluster_identifier.as_ref().is_none_or(|wanted| wanted == name)
                    && request.workgroup_name.is_none()
            }
        };
        is_target
            && (status == "ALL" || statement.status.name() == status)
            && request.database.as_ref().is_none_or(|database| *database == statement.database)
            && request
                .statement_name
                .as_ref()
                .is_none_or(|prefix| statement.name.as_ref().is_some_and(|name| name.starts_with(prefix.as_str())))
    };
    let all: Vec<Statement> = endpoint.statements.list().into_iter().filter(matches).collect();
    let statements: Vec<Value> = all.iter().skip(offset).take(max_results).map(list_entry).collect();
    let next = offset + statements.len();
    let mut answer = json!({ "Statements": statements });
    if next < all.len() {
        answer["NextToken"] = json!(next.to_string());
    }
    Ok(answer)
}

fn list_entry(statement: &Statement) -> Value {
    let sqls: Vec<&str> = statement.sub_statements.iter().map(|sub| sub.sql.as_str()).collect();
    let mut entry = json!({
        "Id": statement.id,
        "Status": statement.status.name(),
        "IsBatchStatement": statement.is_batch,
        "CreatedAt": epoch_seconds(statement.created_at),
        "UpdatedAt": epoch_seconds(statement.updated_at),
        "ResultFormat": "JSON",
    });
    if statement.is_batch {
        entry["QueryStrings"] = json!(sqls);
    } else {
        entry["QueryString"] = json!(sqls.first());
    }
    if let Some(name) = &statement.name {
        entry["StatementName"] = json!(name);
    }
    if let Some(arn) = &statement.secret_arn {
        entry["SecretArn"] = json!(arn);
    }
    entry
}

/// An id is that of a call, or `<id>:<position>` of one statement in a batch.
fn split_id(id: &str) -> Result<(&str, Option<usize>), ApiError> {
    let (call, position) = match id.split_once(':') {
        Some((call, position)) => (call, Some(position.parse().ok())),
        None => (id, None),
    };
    let lengths: Vec<usize> = call.split('-').map(str::len).collect();
    let is_valid = lengths == [8, 4, 4, 4, 12]
        && call.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && position != Some(None);
    if is_valid {
        Ok((call, position.flatten()))
    } else {
        Err(ApiError::Validation(format!("`{id}` is no statement id")))
    }
}

fn find(endpoint: &Endpoint, id: &str) -> Result<Statement, ApiError> {
    endpoint.statements.get(id).ok_or_else(|| ApiError::statement_not_found(id))
}

fn sub_statement<'a>(statement: &'a Statement, position: usize, id: &str) -> Result<&'a SubStatement, ApiError> {
    let index = position.checked_sub(1).filter(|_| statement.is_batch);
    index.and_then(|index| statement.sub_statements.get(index)).ok_or_else(|| ApiError::statement_not_found(id))
}

/// Long polling: holds the answer back until the statement has ended, for so many seconds at most.
async fn wait_for_end(endpoint: &Endpoint, id: &str, seconds: Option<u64>) -> Result<(), ApiError> {
    let Some(seconds) = seconds else { return Ok(()) };
    if !(1..=WAIT_MAX_SECONDS).contains(&seconds) {
        return Err(ApiError::Validation(format!("WaitTimeSeconds is 1 to {WAIT_MAX_SECONDS}")));
    }
    let ended = endpoint.statements.wait_until(id, |statement| statement.status.is_final());
    // Whether it ended or not is what the answer then says.
    let _ = tokio::time::timeout(Duration::from_secs(seconds), ended).await;
    Ok(())
}

fn has_result(statement: &Statement) -> bool {
    statement.sub_statements.iter().any(|sub| sub.result.is_some())
}

fn result_size(sub: &SubStatement) -> Value {
    json!(sub.result.as_ref().map_or(-1, |result| i64::try_from(result.size_bytes).unwrap_or(i64::MAX)))
}

fn target_fields(statement: &Statement) -> Map<String, Value> {
    let mut fields = Map::new();
    match &statement.target {
        Target::Workgroup(name) => fields.insert("WorkgroupName".into(), json!(name)),
        Target::Cluster(name) => fields.insert("ClusterIdentifier".into(), json!(name)),
    };
    if let Some(user) = &statement.db_user {
        fields.insert("DbUser".into(), json!(user));
    }
    if let Some(arn) = &statement.secret_arn {
        fields.insert("SecretArn".into(), json!(arn));
    }
    fields
}

fn epoch_seconds(time: SystemTime) -> Value {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis());
    json!(millis as f64 / 1000.0)
}

fn nanoseconds(duration: Duration) -> Value {
    json!(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
