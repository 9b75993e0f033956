//! Errors as the ECS API answers them.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// One refused request: the exception's name and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self { code: "ClientException", message: message.into() }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self { code: "InvalidParameterException", message: message.into() }
    }

    pub(crate) fn cluster_not_found() -> Self {
        Self { code: "ClusterNotFoundException", message: "Cluster not found.".into() }
    }

    pub(crate) fn not_emulated(operation: &str) -> Self {
        Self { code: "UnsupportedFeatureException", message: format!("{operation} is not emulated here.") }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message }).to_string();
        (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response()
    }
}
