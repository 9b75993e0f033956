//! Why an UNLOAD failed.

use parquet::errors::ParquetError;

use crate::engine_error::EngineError;
use crate::object_store::StorageError;

/// SQLSTATE of what Redshift has and the stand-in lacks.
const NOT_OFFERED: &str = "0A000";

/// The `Display` is the statement's error text, without `ERROR: ` in front unless S3 said it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnloadError {
    #[error(
        "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually \
         removing the target files in S3, or using the ALLOWOVERWRITE option."
    )]
    NotEmpty,
    #[error(
        "UNLOAD of column \"{column}\" of type {type_name} is not offered by the stand-in\n  Hint: Cast it to a type \
         that Parquet files hold."
    )]
    UnknownType { column: String, type_name: String },
    #[error(
        "UNLOAD of column \"{column}\" is not offered by the stand-in: the DECIMAL has neither precision nor scale\n  \
         Hint: Cast it, for example CAST({column} AS DECIMAL(18, 2))."
    )]
    UnknownPrecision { column: String },
    #[error("a value of column \"{column}\" cannot be written as {type_name}")]
    Value { column: String, type_name: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("write Parquet: {0}")]
    Parquet(#[from] ParquetError),
    #[error(transparent)]
    Engine(#[from] sqlx::Error),
}

impl From<UnloadError> for EngineError {
    fn from(error: UnloadError) -> Self {
        let sqlstate = match error {
            UnloadError::Engine(error) => return Self::from(error),
            UnloadError::UnknownType { .. } | UnloadError::UnknownPrecision { .. } => NOT_OFFERED,
            UnloadError::NotEmpty | UnloadError::Value { .. } | UnloadError::Storage(_) | UnloadError::Parquet(_) => {
                "XX000"
            }
        };
        let text = error.to_string();
        Self::new(sqlstate, text.strip_prefix("ERROR: ").unwrap_or(&text))
    }
}
