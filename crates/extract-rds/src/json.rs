//! JSON objects in the bucket.

use crate::error::ExtractError;
use rental_task::Bucket;
use serde::{Serialize, de::DeserializeOwned};

/// The object as it was parsed, or nothing where there is none.
///
/// # Errors
/// When it cannot be read or is something else.
pub(crate) async fn read_json<T: DeserializeOwned>(bucket: &Bucket, key: &str) -> Result<Option<T>, ExtractError> {
    let Some(object) = bucket.read(key).await? else { return Ok(None) };
    let parsed = serde_json::from_slice(&object.content);
    parsed.map(Some).map_err(|source| ExtractError::Json { key: key.to_owned(), source })
}

/// # Errors
/// None that values of this program can cause.
pub(crate) fn to_json(key: &str, value: &impl Serialize) -> Result<Vec<u8>, ExtractError> {
    serde_json::to_vec_pretty(value).map_err(|source| ExtractError::Json { key: key.to_owned(), source })
}
