//! The receipt of a run on S3, to which each step adds its part.

use crate::bucket::{Bucket, BucketError, Object, Put};
use rental_core::{Receipt, RunDate, RunId, object_key};
use std::borrow::Cow;

/// More than ever meet: a run's steps come one after the other.
const MAX_ATTEMPTS: u32 = 5;

/// Why a receipt could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("parse `{key}`")]
    Json { key: String, source: serde_json::Error },
    #[error("`{key}` kept changing while this task tried to add its part")]
    Contended { key: String },
}

impl ReceiptError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Bucket(error) => error.is_retryable(),
            Self::Json { .. } => false,
            Self::Contended { .. } => true,
        }
    }

    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Bucket(error) => error.hint(),
            Self::Json { .. } | Self::Contended { .. } => None,
        }
    }
}

/// Adds to the run's receipt what `add` says and returns it as it then stands. A run without one gets it here.
///
/// # Errors
/// When the bucket fails, what lies there is no receipt, or others keep writing it.
pub async fn update_receipt(
    bucket: &Bucket,
    run_id: &RunId,
    run_date: RunDate,
    add: impl Fn(&mut Receipt),
) -> Result<Receipt, ReceiptError> {
    let key = object_key::receipt(run_id);
    for _ in 0..MAX_ATTEMPTS {
        let object = bucket.read(&key).await?;
        let etag = object.as_ref().and_then(|object| object.etag.clone());
        let mut receipt = match &object {
            Some(object) => parse(&key, object)?,
            None => Receipt::new(run_id.clone(), run_date),
        };
        add(&mut receipt);
        let content =
            serde_json::to_vec_pretty(&receipt).map_err(|source| ReceiptError::Json { key: key.clone(), source })?;
        match bucket.replace(&key, content, etag.as_deref()).await? {
            Put::Done { .. } => return Ok(receipt),
            Put::Contended => {}
        }
    }
    Err(ReceiptError::Contended { key })
}

/// The run's receipt, if it has one.
///
/// # Errors
/// When the bucket fails or what lies there is no receipt.
pub async fn read_receipt(bucket: &Bucket, run_id: &RunId) -> Result<Option<Receipt>, ReceiptError> {
    let key = object_key::receipt(run_id);
    bucket.read(&key).await?.map(|object| parse(&key, &object)).transpose()
}

fn parse(key: &str, object: &Object) -> Result<Receipt, ReceiptError> {
    serde_json::from_slice(&object.content).map_err(|source| ReceiptError::Json { key: key.to_owned(), source })
}
