//! ListStatements.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields::{epoch_seconds, page_by_age, parameters_json};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::statement::{Statement, Target};

const LIST_MAX_RESULTS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    statement_name: Option<String>,
    status: Option<String>,
    database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// ListStatements: those that finished, unless another status or ALL is asked for.
pub(super) fn list(endpoint: &Endpoint, request: &ListRequest) -> Result<Value, ApiError> {
    let status = request.status.as_deref().unwrap_or("FINISHED");
    if !["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED", "ALL"].contains(&status) {
        return Err(ApiError::Validation(format!("`{status}` is no status")));
    }
    if request.workgroup_name.is_some() && request.cluster_identifier.is_some() {
        return Err(ApiError::Validation("give WorkgroupName or ClusterIdentifier, not both".to_owned()));
    }
    let matches = |statement: &Statement| {
        let (workgroup, cluster) = match &statement.connection.target {
            Target::Workgroup(name) => (Some(name), None),
            Target::Cluster(name) => (None, Some(name)),
        };
        (status == "ALL" || statement.status.name() == status)
            && (request.workgroup_name.is_none() || request.workgroup_name.as_ref() == workgroup)
            && (request.cluster_identifier.is_none() || request.cluster_identifier.as_ref() == cluster)
            && request.database.as_ref().is_none_or(|database| *database == statement.connection.database)
            && request
                .statement_name
                .as_ref()
                .is_none_or(|prefix| statement.name.as_ref().is_some_and(|name| name.starts_with(prefix.as_str())))
    };
    let all: Vec<Statement> = endpoint.statements.list().into_iter().filter(matches).collect();
    let (page, next) = page_by_age(
        &all,
        |it| (it.created_at, &it.id),
        request.next_token.as_ref(),
        request.max_results,
        LIST_MAX_RESULTS,
    )?;
    let mut answer = json!({ "Statements": page.iter().map(list_entry).collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
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
        "ResultFormat": statement.result_format.name(),
    });
    if statement.is_batch {
        entry["QueryStrings"] = json!(sqls);
    } else {
        entry["QueryString"] = json!(sqls.first());
    }
    if let Some(name) = &statement.name {
        entry["StatementName"] = json!(name);
    }
    if let Some(arn) = &statement.connection.secret_arn {
        entry["SecretArn"] = json!(arn);
    }
    if let Some(session_id) = &statement.session_id {
        entry["SessionId"] = json!(session_id);
    }
    if !statement.parameters.is_empty() {
        entry["QueryParameters"] = parameters_json(&statement.parameters);
    }
    entry
}
