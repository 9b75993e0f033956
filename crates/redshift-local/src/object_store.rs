//! The S3 that COPY reads and UNLOAD writes.

use std::ops::Range;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use tokio::sync::OnceCell;

/// Why S3 did not do what it was asked. The `Display` of a refusal by the service is Redshift's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("ERROR: S3ServiceException:{message},Status {status},Error {code}\n  Detail: {url}")]
    Service { url: String, status: u16, code: String, message: String },
    #[error("read {url}: {cause}")]
    Interrupted { url: String, cause: String },
    #[error("`{0}` is no URL of an object; expected s3://bucket/key")]
    NoObjectUrl(String),
}

impl StorageError {
    fn interrupted(url: &str, cause: &impl std::error::Error) -> Self {
        Self::Interrupted { url: url.to_owned(), cause: cause.to_string() }
    }
}

/// A client that is made when first needed.
#[derive(Debug, Clone)]
pub(crate) struct ObjectStore {
    endpoint: Option<String>,
    region: String,
    client: Arc<OnceCell<Client>>,
}

impl ObjectStore {
    pub(crate) fn new(endpoint: Option<String>, region: String) -> Self {
        Self { endpoint, region, client: Arc::default() }
    }

    /// A whole, small object.
    pub(crate) async fn whole(&self, url: &str) -> Result<Bytes, StorageError> {
        let (bucket, key) = split_url(url)?;
        let object = self.client().await.get_object().bucket(bucket).key(key).send().await;
        let body = object.map_err(|error| storage_error(url, &error))?.body.collect().await;
        Ok(body.map_err(|error| StorageError::interrupted(url, &error))?.into_bytes())
    }

    /// How many bytes the object has; `None` when there is none.
    pub(crate) async fn length(&self, url: &str) -> Result<Option<u64>, StorageError> {
        let (bucket, key) = split_url(url)?;
        match self.client().await.head_object().bucket(bucket).key(key).send().await {
            Ok(head) => Ok(Some(head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0))),
            Err(error) if status(&error) == 404 => Ok(None),
            Err(error) => Err(storage_error(url, &error)),
        }
    }

    /// The bytes of `range`, which is not empty.
    pub(crate) async fn range(&self, url: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let (bucket, key) = split_url(url)?;
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let object = self.client().await.get_object().bucket(bucket).key(key).range(bytes).send().await;
        let body = object.map_err(|error| storage_error(url, &error))?.body.collect().await;
        Ok(body.map_err(|error| StorageError::interrupted(url, &error))?.into_bytes())
    }

    /// Writes an object, over the one that is there.
    pub(crate) async fn put(&self, url: &str, body: Bytes) -> Result<(), StorageError> {
        let (bucket, key) = split_url(url)?;
        let written =
            self.client().await.put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await;
        written.map(|_| ()).map_err(|error| storage_error(url, &error))
    }

    /// The URLs that begin with `prefix`, in order, and how many bytes each object has. An empty object that stands for a
    /// folder is left out.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>, StorageError> {
        let (bucket, key_prefix) = split_prefix(prefix)?;
        let mut pages = self.client().await.list_objects_v2().bucket(bucket).prefix(key_prefix).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page.map_err(|error| storage_error(prefix, &error))?.contents() {
                let (key, length) = (object.key().unwrap_or_default(), object.size().unwrap_or(0));
                if length > 0 || !key.ends_with('/') {
                    objects.push((format!("s3://{bucket}/{key}"), u64::try_from(length).unwrap_or(0)));
                }
            }
        }
        Ok(objects)
    }

    /// Whether no URL of an object begins with `prefix`.
    pub(crate) async fn is_empty(&self, prefix: &str) -> Result<bool, StorageError> {
        let (bucket, key_prefix) = split_prefix(prefix)?;
        let page = self.client().await.list_objects_v2().bucket(bucket).prefix(key_prefix).max_keys(1).send().await;
        Ok(page.map_err(|error| storage_error(prefix, &error))?.contents().is_empty())
    }

    /// Deletes all objects whose URLs begin with `prefix`.
    pub(crate) async fn delete_all(&self, prefix: &str) -> Result<(), StorageError> {
        let (bucket, key_prefix) = split_prefix(prefix)?;
        let client = self.client().await;
        loop {
            let page = client.list_objects_v2().bucket(bucket).prefix(key_prefix).send().await;
            let page = page.map_err(|error| storage_error(prefix, &error))?;
            let keys = page.contents().iter().filter_map(|object| object.key());
            let objects: Vec<ObjectIdentifier> =
                keys.filter_map(|key| ObjectIdentifier::builder().key(key).build().ok()).collect();
            if objects.is_empty() {
                return Ok(());
            }
            let Ok(delete) = Delete::builder().set_objects(Some(objects)).quiet(true).build() else { return Ok(()) };
            let deleted = client.delete_objects().bucket(bucket).delete(delete).send().await;
            let deleted = deleted.map_err(|error| storage_error(prefix, &error))?;
            // One object that stays would be listed again and again.
            if let Some(error) = deleted.errors().first() {
                return Err(StorageError::Service {
                    url: format!("s3://{bucket}/{}", error.key().unwrap_or_default()),
                    status: 200,
                    code: error.code().unwrap_or("Unknown").to_owned(),
                    message: error.message().unwrap_or_default().to_owned(),
                });
            }
        }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).region(Region::new(self.region.clone())).http_client(http);
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
            // A local S3 accepts anyone; looking for real credentials would take seconds and find none.
            if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
                loader = loader.credentials_provider(Credentials::new("local", "local", None, None, "redshift-local"));
            }
        }
        let config = loader.load().await;
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(self.endpoint.is_some()).build();
        Client::from_conf(config)
    }
}

/// Bucket and key of `s3://bucket/key`.
fn split_url(url: &str) -> Result<(&str, &str), StorageError> {
    url.strip_prefix("s3://")
        .and_then(|path| path.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| StorageError::NoObjectUrl(url.to_owned()))
}

/// Bucket and beginning of the keys of `s3://bucket/prefix`; without a prefix it is the whole bucket.
fn split_prefix(url: &str) -> Result<(&str, &str), StorageError> {
    url.strip_prefix("s3://")
        .and_then(|path| path.split_once('/'))
        .filter(|(bucket, _)| !bucket.is_empty())
        .ok_or_else(|| StorageError::NoObjectUrl(url.to_owned()))
}

fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

fn storage_error<E: ProvideErrorMetadata + std::error::Error + 'static>(
    url: &str,
    error: &SdkError<E>,
) -> StorageError {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), |source| source.to_string());
    StorageError::Service {
        url: url.to_owned(),
        status: status(error),
        code: error.code().unwrap_or("Unknown").to_owned(),
        message: error.message().map_or(cause, str::to_owned),
    }
}
