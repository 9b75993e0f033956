//! What several operations share: ids, waiting, pages, and how times and targets are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Endpoint;
use crate::api_error::ApiError;
use crate::statement::{Connection, Parameter, Statement, SubStatement, Target};

const WAIT_MAX_SECONDS: i64 = 30;

/// A request about one statement.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StatementRequest {
    id: Option<String>,
    pub(super) next_token: Option<String>,
    pub(super) wait_time_seconds: Option<i64>,
}

impl StatementRequest {
    pub(super) fn id(&self) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(|| missing("Id"))
    }
}

pub(super) fn missing(field: &str) -> ApiError {
    ApiError::Validation(format!("{field} is missing or empty"))
}

/// An id is that of a call, or `<id>:<position>` of one statement in a batch.
pub(super) fn split_id(id: &str) -> Result<(&str, Option<usize>), ApiError> {
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

pub(super) fn find(endpoint: &Endpoint, id: &str) -> Result<Statement, ApiError> {
    endpoint.statements.get(id).ok_or_else(|| ApiError::statement_not_found(id))
}

pub(super) fn sub_statement<'a>(
    statement: &'a Statement,
    position: usize,
    id: &str,
) -> Result<&'a SubStatement, ApiError> {
    let index = position.checked_sub(1).filter(|_| statement.is_batch);
    index.and_then(|index| statement.sub_statements.get(index)).ok_or_else(|| ApiError::statement_not_found(id))
}

/// Long polling: holds the answer back until the statement has ended, for so many seconds at most.
pub(super) async fn wait_for_end(endpoint: &Endpoint, id: &str, seconds: Option<i64>) -> Result<(), ApiError> {
    let Some(seconds) = wait_seconds(seconds)? else { return Ok(()) };
    let ended = endpoint.statements.wait_until(id, |statement| statement.status.is_final());
    // Whether it ended or not is what the answer then says.
    let _ = tokio::time::timeout(Duration::from_secs(seconds), ended).await;
    Ok(())
}

/// Checks a `WaitTimeSeconds`.
pub(super) fn wait_seconds(seconds: Option<i64>) -> Result<Option<u64>, ApiError> {
    match seconds {
        Some(seconds) if !(1..=WAIT_MAX_SECONDS).contains(&seconds) => {
            Err(ApiError::Validation(format!("WaitTimeSeconds is 1 to {WAIT_MAX_SECONDS}")))
        }
        seconds => Ok(seconds.map(i64::unsigned_abs)),
    }
}

/// Where a page starts.
pub(super) fn offset(next_token: Option<&String>) -> Result<usize, ApiError> {
    next_token.map_or(Ok(0), |token| token.parse().map_err(|_| invalid_token()))
}

fn invalid_token() -> ApiError {
    ApiError::Validation("NextToken is none that this operation gave".to_owned())
}

/// One page of `items`, and the token of the next. A page has `most` items unless fewer are asked for.
pub(super) fn page<'a, T>(
    items: &'a [T],
    next_token: Option<&String>,
    max_results: Option<i64>,
    most: usize,
) -> Result<(&'a [T], Option<String>), ApiError> {
    let start = offset(next_token)?.min(items.len());
    let end = start.saturating_add(page_length(max_results, most)?).min(items.len());
    Ok((&items[start..end], (end < items.len()).then(|| end.to_string())))
}

/// One page of `items`, which are sorted newest first and then by id, and the token of the next: when the last item was
/// made, and its id. New items do not shift the pages behind it.
pub(super) fn page_by_age<'a, T>(
    items: &'a [T],
    key: impl Fn(&T) -> (SystemTime, &str),
    next_token: Option<&String>,
    max_results: Option<i64>,
    most: usize,
) -> Result<(&'a [T], Option<String>), ApiError> {
    let nanos = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    let start = match next_token {
        None => 0,
        Some(token) => {
            let last = token.split_once('/').and_then(|(time, id)| Some((time.parse::<u128>().ok()?, id)));
            let (last_time, last_id) = last.ok_or_else(invalid_token)?;
            items.partition_point(|item| {
                let (time, id) = key(item);
                nanos(time) > last_time || nanos(time) == last_time && id <= last_id
            })
        }
    };
    let end = start.saturating_add(page_length(max_results, most)?).min(items.len());
    let next = (end < items.len()).then(|| items[..end].last()).flatten().map(|last| {
        let (time, id) = key(last);
        format!("{}/{id}", nanos(time))
    });
    Ok((&items[start..end], next))
}

/// `most`, unless fewer are asked for. The service's model admits zero, which asks for nothing in particular.
fn page_length(max_results: Option<i64>, most: usize) -> Result<usize, ApiError> {
    match max_results.map(usize::try_from) {
        None | Some(Ok(0)) => Ok(most),
        Some(Ok(count)) if count <= most => Ok(count),
        Some(_) => Err(ApiError::Validation(format!("MaxResults is 0 to {most}"))),
    }
}

/// The target that a request names.
pub(super) fn target(workgroup: Option<String>, cluster: Option<String>) -> Result<Target, ApiError> {
    match (workgroup, cluster) {
        (Some(workgroup), None) => Ok(Target::Workgroup(workgroup)),
        (None, Some(cluster)) => Ok(Target::Cluster(cluster)),
        (Some(_), Some(_)) => Err(ApiError::Validation("give WorkgroupName or ClusterIdentifier, not both".to_owned())),
        (None, None) => Err(ApiError::Validation("WorkgroupName or ClusterIdentifier is missing".to_owned())),
    }
}

/// The database that a request names.
pub(super) fn database(name: Option<String>) -> Result<String, ApiError> {
    let database = name.filter(|name| !name.is_empty()).ok_or_else(|| missing("Database"))?;
    let is_valid = database.len() <= 63
        && database.starts_with(|c: char| c.is_ascii_lowercase())
        && database.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if is_valid {
        return Ok(database);
    }
    Err(ApiError::Validation(format!(
        "`{database}` is no database name here: a lower-case letter, then up to 62 of a-z, 0-9, _ and -"
    )))
}

pub(super) fn connection_fields(connection: &Connection) -> Map<String, Value> {
    let mut fields = Map::new();
    match &connection.target {
        Target::Workgroup(name) => fields.insert("WorkgroupName".into(), json!(name)),
        Target::Cluster(name) => fields.insert("ClusterIdentifier".into(), json!(name)),
    };
    if let Some(user) = &connection.db_user {
        fields.insert("DbUser".into(), json!(user));
    }
    if let Some(arn) = &connection.secret_arn {
        fields.insert("SecretArn".into(), json!(arn));
    }
    fields.insert("Database".into(), json!(connection.database));
    fields
}

pub(super) fn epoch_seconds(time: SystemTime) -> Value {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis());
    json!(millis as f64 / 1000.0)
}

pub(super) fn nanoseconds(duration: Duration) -> Value {
    json!(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

pub(super) fn parameters_json(parameters: &[Parameter]) -> Value {
    parameters.iter().map(|parameter| json!({ "name": parameter.name, "value": parameter.value })).collect()
}
