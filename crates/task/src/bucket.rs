//! The log on S3: the one file that knows the S3 client.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use std::error::Error;

/// The bucket with data files, manifests, states, receipts and exchange rates.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// An object with the tag of its content.
#[derive(Debug, Clone)]
pub struct Object {
    pub content: Vec<u8>,
    pub etag: Option<String>,
}

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// Written; the tag of what now stands there.
    Done { etag: Option<String> },
    /// Somebody else wrote the object in the meantime.
    Contended,
}

/// Why the bucket did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error("bucket `{bucket}` does not exist")]
    Missing { bucket: String },
    #[error("{action} in bucket `{bucket}` is denied: {message}")]
    Denied { action: String, bucket: String, message: String },
    #[error("{action} in bucket `{bucket}`")]
    Failed { action: String, bucket: String, source: Box<dyn Error + Send + Sync> },
}

impl BucketError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Denied { .. } => false,
            Self::Failed { .. } => true,
        }
    }

    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("set `S3_BUCKET` to the bucket of the log, or create it in this region"),
            Self::Denied { .. } => Some("give the credentials in use read and write rights on the bucket"),
            Self::Failed { .. } => {
                Some("check that S3 can be reached, `AWS_ENDPOINT_URL_S3`, `AWS_REGION` and the credentials included")
            }
        }
    }
}

impl Bucket {
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keys below a prefix.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(format!("list `{prefix}`"), error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        }
        Ok(keys)
    }

    /// The folders right below a prefix that ends with a slash, with that prefix.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.name).prefix(prefix).delimiter("/").into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(format!("list `{prefix}`"), error))?;
            folders.extend(page.common_prefixes().iter().filter_map(|folder| folder.prefix()).map(str::to_owned));
        }
        Ok(folders)
    }

    /// An object, or nothing where there is none.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn read(&self, key: &str) -> Result<Option<Object>, BucketError> {
        let action = || format!("read `{key}`");
        let answer = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.failed(action(), error)),
        };
        let etag = answer.e_tag().map(str::to_owned);
        let content = answer.body.collect().await.map_err(|error| BucketError::Failed {
            action: action(),
            bucket: self.name.clone(),
            source: Box::new(error),
        })?;
        Ok(Some(Object { content: content.to_vec(), etag }))
    }

    /// Writes an object, whatever stood there.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn write(&self, key: &str, content: Vec<u8>, content_type: &str) -> Result<(), BucketError> {
        let put = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(content));
        let written = put.content_type(content_type).send().await;
        written.map(drop).map_err(|error| self.failed(format!("write `{key}`"), error))
    }

    /// Writes an object unless it changed since it was read; `etag` is `None` where there was none.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away; not when somebody else was faster.
    pub async fn replace(&self, key: &str, content: Vec<u8>, etag: Option<&str>) -> Result<Put, BucketError> {
        let put = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(content));
        let put = put.content_type("application/json");
        let put = match etag {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        match put.send().await {
            Ok(written) => Ok(Put::Done { etag: written.e_tag().map(str::to_owned) }),
            Err(error) if matches!(error.code(), Some("PreconditionFailed" | "ConditionalRequestConflict")) => {
                Ok(Put::Contended)
            }
            Err(error) => Err(self.failed(format!("write `{key}`"), error)),
        }
    }

    fn failed<E, R>(&self, action: String, error: SdkError<E, R>) -> BucketError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let bucket = self.name.clone();
        match error.code() {
            Some("NoSuchBucket") => BucketError::Missing { bucket },
            Some("AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
                BucketError::Denied { action, bucket, message: error.message().unwrap_or("no reason given").to_owned() }
            }
            _ => BucketError::Failed { action, bucket, source: Box::new(error) },
        }
    }
}
