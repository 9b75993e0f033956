//! Errors of the API itself, as AWS JSON 1.1 has them: a name, a message and an HTTP status.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::signature::SignatureFault;

/// Why a call was not accepted. Faults of SQL are not here: they end in a FAILED statement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    Validation(String),
    #[error("{message}")]
    ResourceNotFound { message: String, resource_id: String },
    #[error("operation `{0}` is not offered by redshift-local")]
    UnknownOperation(String),
    #[error("the request is larger than {0} bytes")]
    RequestTooLarge(usize),
    #[error("the request's body did not arrive whole")]
    BodyCutShort,
    #[error("{0}")]
    ActiveStatementsExceeded(String),
    #[error("{0}")]
    ActiveSessionsExceeded(String),
    #[error("Rate exceeded")]
    Throttling,
    #[error("{0}")]
    DatabaseConnection(String),
    #[error("{0}")]
    Internal(String),
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    #[error("the request's body is not the JSON of its operation: {0}")]
    Serialization(#[from] serde_json::Error),
}

impl ApiError {
    pub(crate) fn statement_not_found(id: &str) -> Self {
        Self::ResourceNotFound { message: "Query does not exist.".to_owned(), resource_id: id.to_owned() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (name, status) = match &self {
            Self::Validation(_) => ("ValidationException", StatusCode::BAD_REQUEST),
            Self::ResourceNotFound { .. } => ("ResourceNotFoundException", StatusCode::BAD_REQUEST),
            Self::UnknownOperation(_) => ("UnknownOperationException", StatusCode::BAD_REQUEST),
            Self::RequestTooLarge(_) => ("RequestEntityTooLargeException", StatusCode::PAYLOAD_TOO_LARGE),
            Self::Serialization(_) | Self::BodyCutShort => ("SerializationException", StatusCode::BAD_REQUEST),
            Self::ActiveStatementsExceeded(_) => ("ActiveStatementsExceededException", StatusCode::BAD_REQUEST),
            Self::ActiveSessionsExceeded(_) => ("ActiveSessionsExceededException", StatusCode::BAD_REQUEST),
            Self::Throttling => ("ThrottlingException", StatusCode::BAD_REQUEST),
            Self::DatabaseConnection(_) => ("DatabaseConnectionException", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Signature(fault) => (fault.exception(), StatusCode::BAD_REQUEST),
            Self::Internal(_) => ("InternalServerException", StatusCode::INTERNAL_SERVER_ERROR),
        };
        let mut body = json!({ "__type": name, "message": self.to_string(), "Message": self.to_string() });
        if let Self::ResourceNotFound { resource_id, .. } = &self {
            body["ResourceId"] = json!(resource_id);
        }
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amzn-errortype", name)];
        (status, headers, body.to_string()).into_response()
    }
}
