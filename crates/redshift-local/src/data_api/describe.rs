//! DescribeStatement and CancelStatement.

use serde_json::{Map, Value, json};

use super::fields::{
    StatementRequest, connection_fields, epoch_seconds, find, nanoseconds, parameters_json, split_id, sub_statement,
    wait_for_end,
};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::statement::{Statement, SubStatement};

/// DescribeStatement.
pub(super) async fn describe(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let (id, position) = split_id(request.id()?)?;
    wait_for_end(endpoint, id, request.wait_time_seconds).await?;
    let statement = find(endpoint, id)?;
    if let Some(position) = position {
        let sub = sub_statement(&statement, position, request.id()?)?;
        let mut answer = describe_sub_statement(&statement, sub, request.id()?);
        answer.extend(connection_fields(&statement.connection));
        return Ok(Value::Object(answer));
    }
    let mut answer = connection_fields(&statement.connection);
    answer.insert("Id".into(), json!(statement.id));
    answer.insert("Status".into(), json!(statement.status.name()));
    answer.insert("CreatedAt".into(), epoch_seconds(statement.created_at));
    answer.insert("UpdatedAt".into(), epoch_seconds(statement.updated_at));
    answer.insert("Duration".into(), nanoseconds(statement.duration));
    answer.insert("RedshiftPid".into(), json!(statement.pid));
    answer.insert("HasResultSet".into(), json!(has_result(&statement)));
    answer.insert("ResultFormat".into(), json!(statement.result_format.name()));
    if let Some(session_id) = &statement.session_id {
        answer.insert("SessionId".into(), json!(session_id));
    }
    if let Some(error) = &statement.error {
        answer.insert("Error".into(), json!(error));
    }
    if !statement.parameters.is_empty() {
        answer.insert("QueryParameters".into(), parameters_json(&statement.parameters));
    }
    if statement.is_batch {
        let subs = statement.sub_statements.iter().enumerate();
        let subs = subs.map(|(index, sub)| {
            Value::Object(describe_sub_statement(&statement, sub, &format!("{}:{}", statement.id, index + 1)))
        });
        answer.insert("SubStatements".into(), subs.collect());
        answer.insert("ExecutionMode".into(), json!(statement.execution_mode.name()));
        let total = |value: fn(&SubStatement) -> i64| {
            statement
                .sub_statements
                .iter()
                .map(value)
                .filter(|value| *value >= 0)
                .reduce(i64::saturating_add)
                .unwrap_or(-1)
        };
        answer.insert("ResultRows".into(), json!(total(|sub| sub.result_row_count)));
        answer.insert("ResultSize".into(), json!(total(result_size)));
        answer.insert("RedshiftQueryId".into(), json!(0));
    } else if let [sub] = statement.sub_statements.as_slice() {
        answer.insert("QueryString".into(), json!(sub.sql));
        answer.insert("ResultRows".into(), json!(sub.result_row_count));
        answer.insert("ResultSize".into(), json!(result_size(sub)));
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
    answer.insert("ResultSize".into(), json!(result_size(sub)));
    answer.insert("RedshiftQueryId".into(), json!(sub.query_id));
    if let Some(error) = &sub.error {
        answer.insert("Error".into(), json!(error));
    }
    answer
}

pub(super) fn has_result(statement: &Statement) -> bool {
    statement.sub_statements.iter().any(|sub| sub.result.is_some())
}

fn result_size(sub: &SubStatement) -> i64 {
    sub.result.as_ref().map_or(-1, |result| i64::try_from(result.size_bytes).unwrap_or(i64::MAX))
}

/// CancelStatement.
pub(super) fn cancel(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let (id, _) = split_id(request.id()?)?;
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
