//! The log on S3: this file and those below it are the ones that know the S3 client.

mod payload_signing;
mod unfinished_uploads;
mod upload;

pub use upload::{Upload, UploadedObject};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_object::builders::PutObjectFluentBuilder,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier, ServerSideEncryption},
};
use bytes::Bytes;
use rental_core::env::var;
use std::{borrow::Cow, error::Error, ops::Range};

/// S3 takes no more keys in one request.
const MAX_KEYS_PER_DELETE: usize = 1000;

/// The bucket with data files, manifests, states, receipts and exchange rates.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// Where it is asked for, in messages.
    endpoint: String,
    /// Encrypts what is written through this value.
    kms_key: Option<String>,
}

/// An object with its tag, which changes with the object and says nothing else: with SSE-KMS or in parts it is no MD5.
#[derive(Debug, Clone)]
pub struct Object {
    pub content: Vec<u8>,
    pub etag: Option<String>,
}

/// The last bytes of an object.
#[derive(Debug, Clone)]
pub struct ObjectEnd {
    pub content: Bytes,
    /// Of the whole object.
    pub size_in_bytes: u64,
}

/// An object as the bucket lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    pub key: String,
    pub size_in_bytes: u64,
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
    #[error("`{key}` in bucket `{bucket}` already exists, or somebody else writes it")]
    Exists { key: String, bucket: String },
    #[error("bucket `{bucket}` takes no notice of conditions, which keep two runs apart")]
    Unconditional { bucket: String },
    #[error("`{key}` in bucket `{bucket}` has checksum `{found}`, expected `{expected}`")]
    Damaged { key: String, bucket: String, expected: String, found: String },
    #[error("{action} in bucket `{bucket}` at {endpoint}")]
    Unreachable { action: String, bucket: String, endpoint: String, source: Box<dyn Error + Send + Sync> },
    #[error("{action} in bucket `{bucket}`")]
    Failed { action: String, bucket: String, source: Box<dyn Error + Send + Sync> },
}

impl BucketError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Denied { .. } | Self::Unconditional { .. } => false,
            Self::Exists { .. } | Self::Damaged { .. } | Self::Unreachable { .. } | Self::Failed { .. } => true,
        }
    }

    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Missing { .. } => "set `S3_BUCKET` to the bucket of the log, or create it in this region",
            Self::Denied { .. } => {
                "give the credentials in use read and write rights on the bucket, and on the KMS key if it has one"
            }
            Self::Exists { .. } => "let no two processes write the same run at the same time",
            Self::Unreachable { endpoint, .. } => {
                return Some(format!("check that this machine reaches {endpoint}").into());
            }
            Self::Failed { .. } => "check that `AWS_REGION` is the bucket's and that the credentials in use are valid",
            Self::Unconditional { .. } => "use Amazon S3, or a store that has its conditional writes",
            Self::Damaged { .. } => return None,
        };
        Some(hint.into())
    }
}

impl Bucket {
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned(), endpoint: endpoint(config), kms_key: None }
    }

    /// Encrypts what is written with this key of AWS KMS, given by id, ARN or alias; `None` leaves it to the bucket's default.
    #[must_use]
    pub fn with_kms_key(self, kms_key: Option<String>) -> Self {
        Self { kms_key, ..self }
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
        let objects = self.objects(prefix).await?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    /// Objects below a prefix.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn objects(&self, prefix: &str) -> Result<Vec<ListedObject>, BucketError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(format!("list `{prefix}`"), error))?;
            objects.extend(page.contents.into_iter().flatten().filter_map(|object| {
                let size_in_bytes = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                Some(ListedObject { key: object.key?, size_in_bytes })
            }));
        }
        Ok(objects)
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

    /// Some bytes of an object, all of which it must have.
    ///
    /// # Errors
    /// When there is no such object, or the bucket is missing, closed to us or away.
    pub async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, BucketError> {
        let action = || format!("read `{key}`");
        let bytes = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let answer = self.client.get_object().bucket(&self.name).key(key).range(bytes).send().await;
        let content = answer.map_err(|error| self.failed(action(), error))?.body.collect().await;
        let content = content.map_err(|error| BucketError::Failed {
            action: action(),
            bucket: self.name.clone(),
            source: Box::new(error),
        })?;
        Ok(content.into_bytes())
    }

    /// The last `length` bytes of an object, all of them where it has fewer, or nothing where there is none.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn read_end(&self, key: &str, length: usize) -> Result<Option<ObjectEnd>, BucketError> {
        let action = || format!("read the end of `{key}`");
        let range = format!("bytes=-{length}");
        let answer = match self.client.get_object().bucket(&self.name).key(key).range(range).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            // An empty object has no range.
            Err(error) if error.code() == Some("InvalidRange") => {
                return Ok(Some(ObjectEnd { content: Bytes::new(), size_in_bytes: 0 }));
            }
            Err(error) => return Err(self.failed(action(), error)),
        };
        // `bytes 100-199/200`
        let whole = answer.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
        let content = answer.body.collect().await.map_err(|error| BucketError::Failed {
            action: action(),
            bucket: self.name.clone(),
            source: Box::new(error),
        })?;
        let content = content.into_bytes();
        let size_in_bytes = whole.unwrap_or(content.len() as u64);
        Ok(Some(ObjectEnd { content, size_in_bytes }))
    }

    /// Writes an object, whatever stood there.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn write(&self, key: &str, content: Vec<u8>, content_type: &str) -> Result<(), BucketError> {
        let written = self.put(key, content.into(), content_type).send().await;
        written.map(drop).map_err(|error| self.failed(format!("write `{key}`"), error))
    }

    /// Writes an object unless it changed since it was read; `etag` is `None` where there was none.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away; not when somebody else was faster.
    pub async fn replace(&self, key: &str, content: Vec<u8>, etag: Option<&str>) -> Result<Put, BucketError> {
        let put = self.put(key, content.into(), "application/json");
        let put = match etag {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        match put.send().await {
            Ok(written) => Ok(Put::Done { etag: written.e_tag().map(str::to_owned) }),
            Err(error) if is_contended(&error) => Ok(Put::Contended),
            Err(error) => Err(self.failed(format!("write `{key}`"), error)),
        }
    }

    /// Whether an object could be written at `key`. Nothing is: the write is for an object with a tag that none has.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn may_write(&self, key: &str) -> Result<(), BucketError> {
        const NO_TAG: &str = "00000000000000000000000000000000";
        let put = self.put(key, ByteStream::default(), "application/json").if_match(NO_TAG);
        match put.send().await {
            Err(error) if is_contended(&error) || error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(self.failed(format!("write `{key}`"), error)),
            Ok(_) => Err(BucketError::Unconditional { bucket: self.name.clone() }),
        }
    }

    /// Removes objects; one that is not there is none of its business. A bucket with versions keeps them as older ones.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away, or keeps one of them. Others may be removed all the same.
    pub async fn delete(&self, keys: &[String]) -> Result<(), BucketError> {
        for keys in keys.chunks(MAX_KEYS_PER_DELETE) {
            let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build().expect("the key is set"));
            // Quiet: it names only what it did not remove.
            let delete = Delete::builder().set_objects(Some(objects.collect())).quiet(true).build();
            let delete = delete.expect("the objects are set");
            let answer = self.client.delete_objects().bucket(&self.name).delete(delete).send().await;
            let answer = answer.map_err(|error| self.failed(format!("delete {} objects", keys.len()), error))?;
            if let Some(kept) = answer.errors().first() {
                let action = format!("delete `{}`", kept.key().unwrap_or_default());
                return Err(self.failure(action, kept.code(), kept.message(), |message| message.into()));
            }
        }
        Ok(())
    }

    fn put(&self, key: &str, content: ByteStream, content_type: &str) -> PutObjectFluentBuilder {
        let (encryption, kms_key, bucket_key) = self.encryption();
        let put = self.client.put_object().bucket(&self.name).key(key).body(content).content_type(content_type);
        put.set_server_side_encryption(encryption).set_ssekms_key_id(kms_key).set_bucket_key_enabled(bucket_key)
    }

    /// What a request that makes an object says about encryption. The bucket key spares a call of KMS per object.
    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>, Option<bool>) {
        match &self.kms_key {
            Some(key) => (Some(ServerSideEncryption::AwsKms), Some(key.clone()), Some(true)),
            None => (None, None, None),
        }
    }

    fn failed<E, R>(&self, action: String, error: SdkError<E, R>) -> BucketError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        if is_unreachable(&error) {
            let (bucket, endpoint) = (self.name.clone(), self.endpoint.clone());
            return BucketError::Unreachable { action, bucket, endpoint, source: Box::new(error) };
        }
        let (code, message) = (error.code().map(str::to_owned), error.message().map(str::to_owned));
        self.failure(action, code.as_deref(), message.as_deref(), |_| Box::new(error))
    }

    fn failure(
        &self,
        action: String,
        code: Option<&str>,
        message: Option<&str>,
        source: impl FnOnce(String) -> Box<dyn Error + Send + Sync>,
    ) -> BucketError {
        let bucket = self.name.clone();
        let message = message.unwrap_or("no reason given").to_owned();
        match code {
            Some("NoSuchBucket") => BucketError::Missing { bucket },
            Some(
                "AccessDenied"
                | "InvalidAccessKeyId"
                | "KMS.DisabledException"
                | "KMS.NotFoundException"
                | "SignatureDoesNotMatch",
            ) => BucketError::Denied { action, bucket, message },
            _ => BucketError::Failed { action, bucket, source: source(message) },
        }
    }
}

fn is_unreachable<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
        SdkError::TimeoutError(_) => true,
        _ => false,
    }
}

/// Where a client of this configuration asks, and what says so.
fn endpoint(config: &aws_config::SdkConfig) -> String {
    let named = |name: &'static str| var(name).ok().flatten().map(|url| (url, format!("`{name}`")));
    let of_all = || config.endpoint_url().map(|url| (url.to_owned(), "the profile's `endpoint_url`".to_owned()));
    match named("AWS_ENDPOINT_URL_S3").or_else(|| named("AWS_ENDPOINT_URL")).or_else(of_all) {
        Some((url, source)) => format!("{url}, as {source} says"),
        None => format!("S3 in region {}", config.region().map_or("?", |region| region.as_ref())),
    }
}

/// Whether a conditional write failed because somebody else wrote, or is just writing.
fn is_contended<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(error.code(), Some("PreconditionFailed" | "ConditionalRequestConflict"))
}
