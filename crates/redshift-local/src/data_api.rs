//! The wire: AWS JSON 1.1 over HTTP. Each operation is one function from its request to its response.

mod catalog;
mod describe;
mod fields;
mod list;
mod results;
mod sessions;
mod submit;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::signature;
use crate::{Endpoint, REQUEST_MAX_BYTES};

pub(crate) async fn handle(
    State(endpoint): State<Arc<Endpoint>>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(fault) if fault.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return ApiError::RequestTooLarge(REQUEST_MAX_BYTES).into_response();
        }
        Err(_) => return ApiError::BodyCutShort.into_response(),
    };
    if let Some(credentials) = &endpoint.credentials
        && let Err(fault) = signature::verify(credentials, &endpoint.region, &uri, &headers, &body)
    {
        tracing::info!(%fault, "call refused");
        return ApiError::from(fault).into_response();
    }
    if endpoint.faults.throttles_call() {
        return ApiError::Throttling.into_response();
    }
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("RedshiftData.").unwrap_or_default().to_owned();
    let is_lost = operation.ends_with("ExecuteStatement") && endpoint.faults.loses_answer();
    // In a task of its own, so that a fault of the stand-in has an answer too.
    let answered = tokio::spawn(async move { (dispatch(&endpoint, &operation, &body).await, operation) }).await;
    match answered {
        _ if is_lost => broken_off(),
        Ok((Ok(answer), _)) => ([("content-type", "application/x-amz-json-1.1")], answer.to_string()).into_response(),
        Ok((Err(error), operation)) => {
            tracing::info!(operation, %error, "call refused");
            error.into_response()
        }
        Err(fault) => {
            tracing::error!(%fault, "the stand-in failed");
            ApiError::Internal("redshift-local failed in this call".to_owned()).into_response()
        }
    }
}

/// Gives an answer the id that SDKs show and log.
pub(crate) async fn with_request_id(mut answer: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

/// An answer that ends before it began: the client sees its connection close.
fn broken_off() -> Response {
    let fault = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    Body::from_stream(futures::stream::once(std::future::ready(Err::<Bytes, _>(fault)))).into_response()
}

async fn dispatch(endpoint: &Arc<Endpoint>, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
    // The reader of requests would also take the fields in a list.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::Serialization(serde::de::Error::custom("it is a list, not an object")));
    }
    match operation {
        "ExecuteStatement" => submit::execute(endpoint, serde_json::from_slice(body)?).await,
        "BatchExecuteStatement" => submit::batch_execute(endpoint, serde_json::from_slice(body)?).await,
        "DescribeStatement" => describe::describe(endpoint, &serde_json::from_slice(body)?).await,
        "GetStatementResult" => results::get(endpoint, &serde_json::from_slice(body)?).await,
        "GetStatementResultV2" => results::get_csv(endpoint, &serde_json::from_slice(body)?).await,
        "CancelStatement" => describe::cancel(endpoint, &serde_json::from_slice(body)?),
        "ListStatements" => list::list(endpoint, &serde_json::from_slice(body)?),
        "ListSessions" => sessions::list(endpoint, &serde_json::from_slice(body)?),
        "ListDatabases" => catalog::list_databases(endpoint, &serde_json::from_slice(body)?).await,
        "ListSchemas" => catalog::list_schemas(endpoint, &serde_json::from_slice(body)?).await,
        "ListTables" => catalog::list_tables(endpoint, &serde_json::from_slice(body)?).await,
        "DescribeTable" => catalog::describe_table(endpoint, &serde_json::from_slice(body)?).await,
        other => Err(ApiError::UnknownOperation(other.to_owned())),
    }
}
