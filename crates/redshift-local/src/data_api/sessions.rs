//! ListSessions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields::{connection_fields, epoch_seconds, page_by_age};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::kept_session::{KeptSession, SessionState};
use crate::statement::Target;

const LIST_MAX_RESULTS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSessionsRequest {
    session_id: Option<String>,
    status: Option<String>,
    database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// ListSessions: the open ones, unless CLOSED or one session is asked for.
pub(super) fn list(endpoint: &Endpoint, request: &ListSessionsRequest) -> Result<Value, ApiError> {
    let others = [&request.status, &request.database, &request.workgroup_name, &request.cluster_identifier];
    if request.session_id.is_some() && others.into_iter().any(Option::is_some) {
        let text = "SessionId cannot be combined with Status, ClusterIdentifier, WorkgroupName or Database";
        return Err(ApiError::Validation(text.to_owned()));
    }
    if let Some(status) = request.status.as_deref()
        && !["AVAILABLE", "BUSY", "CLOSED"].contains(&status)
    {
        return Err(ApiError::Validation(format!("`{status}` is no status of a session")));
    }
    let matches = |session: &KeptSession| {
        if let Some(id) = &request.session_id {
            return *id == session.id;
        }
        let (workgroup, cluster) = match &session.target.target {
            Target::Workgroup(name) => (Some(name), None),
            Target::Cluster(name) => (None, Some(name)),
        };
        let is_asked_for = match request.status.as_deref() {
            Some(status) => session.state.name() == status,
            None => session.state != SessionState::Closed,
        };
        is_asked_for
            && (request.workgroup_name.is_none() || request.workgroup_name.as_ref() == workgroup)
            && (request.cluster_identifier.is_none() || request.cluster_identifier.as_ref() == cluster)
            && request.database.as_ref().is_none_or(|database| *database == session.target.database)
    };
    let all: Vec<KeptSession> = endpoint.kept_sessions.list().into_iter().filter(matches).collect();
    let (page, next) = page_by_age(
        &all,
        |it| (it.created_at, &it.id),
        request.next_token.as_ref(),
        request.max_results,
        LIST_MAX_RESULTS,
    )?;
    let mut answer = json!({ "Sessions": page.iter().map(entry).collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

fn entry(session: &KeptSession) -> Value {
    let mut entry = connection_fields(&session.target);
    entry.remove("SecretArn");
    entry.insert("SessionId".into(), json!(session.id));
    entry.insert("Status".into(), json!(session.state.name()));
    entry.insert("CreatedAt".into(), epoch_seconds(session.created_at));
    entry.insert("UpdatedAt".into(), epoch_seconds(session.updated_at));
    entry.insert("SessionAliveSeconds".into(), json!(session.keep_alive.as_secs()));
    entry.insert("SessionTtl".into(), epoch_seconds(session.expires_at));
    if let SessionState::Busy(statement_id) = &session.state {
        entry.insert("CurrentStatementId".into(), json!(statement_id));
    }
    Value::Object(entry)
}
