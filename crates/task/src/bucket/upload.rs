//! Large objects, written in parts while they are made, so that memory is bounded whatever their size.

use super::{Bucket, BucketError, is_contended, payload_signing::ChecksumOverTls};
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::head_object::HeadObjectOutput,
    types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_types::base64;
use bytes::{Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, Digest};
use std::{error::Error, fmt, mem};
use tokio::{runtime::Handle, task::JoinSet};
use uuid::Uuid;

/// S3 asks for 5 MiB at least, except for the last part, and takes 10,000 parts: an object can have 48 GiB. It refuses the
/// part after that.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// One on the way while the next is made would be enough for a steady line; the second bridges the wait for an answer.
const MAX_PARTS_UNDER_WAY: usize = 2;
/// Metadata that tells who wrote an object: [`Upload::token`].
const WRITER: &str = "writer";

/// An object that is being written. Nothing stands under its key before [`Upload::finish`]. One that fails, is aborted or
/// dropped leaves nothing on S3, unless the process ends before it could say so: [`Bucket::abort_uploads`] is for those.
pub struct Upload {
    bucket: Bucket,
    key: String,
    content_type: &'static str,
    /// Known to this upload alone, and stored with the object: a request that is repeated because its answer was lost then
    /// finds its own object, not another writer's.
    token: String,
    part: BytesMut,
    part_checksum: Digest,
    /// Of the parts that were handed over, put together from theirs: no byte is read twice.
    checksum: Digest,
    stage: Stage,
}

/// Where the bytes go.
enum Stage {
    /// They may still fit into one request.
    Small,
    InParts(Parts),
    /// Completed or given up; in either case nothing can be added.
    Over,
}

struct Parts {
    upload_id: String,
    /// Parts handed over.
    count: i32,
    under_way: JoinSet<Result<CompletedPart, BucketError>>,
    done: Vec<CompletedPart>,
}

/// What an upload wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedObject {
    pub size_in_bytes: u64,
    /// CRC64NVME of the whole object in base64, as S3 reports it and as it was computed from the bytes that were written.
    pub checksum: String,
    /// Changes with the object and says nothing else: in parts or with SSE-KMS it is no MD5.
    pub etag: Option<String>,
}

impl Bucket {
    /// Starts writing an object that must not exist yet.
    #[must_use]
    pub fn upload(&self, key: &str, content_type: &'static str) -> Upload {
        Upload {
            bucket: self.clone(),
            key: key.to_owned(),
            content_type,
            token: Uuid::new_v4().to_string(),
            part: BytesMut::new(),
            part_checksum: new_checksum(),
            checksum: new_checksum(),
            stage: Stage::Small,
        }
    }
}

impl Upload {
    /// What an upload holds in memory at most: the parts under way and the one that is being made.
    pub const MAX_HELD_BYTES: usize = (MAX_PARTS_UNDER_WAY + 1) * PART_BYTES;

    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes the next bytes. Waits while too many parts are under way. Nothing may be written after a call that failed or
    /// was dropped before it was done.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away, at this part or an earlier one; the upload is then given up.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<(), BucketError> {
        let mut bytes = bytes.into();
        while !bytes.is_empty() {
            if self.part.is_empty() {
                // All of it at once: growing would allocate up to twice as much.
                self.part.reserve(PART_BYTES);
            }
            let piece = bytes.split_to(bytes.len().min(PART_BYTES - self.part.len()));
            self.part_checksum.update(&piece);
            // Copied, since a slice would keep all of the caller's bytes in memory.
            self.part.extend_from_slice(&piece);
            if self.part.len() == PART_BYTES {
                self.hand_over_part().await?;
            }
        }
        Ok(())
    }

    /// Completes the object.
    ///
    /// # Errors
    /// [`BucketError::Exists`] when somebody else wrote the object, before this upload or during it: theirs stays as it is.
    /// [`BucketError::Damaged`] when S3 has other bytes than those written. Otherwise as [`Upload::write`].
    pub async fn finish(mut self) -> Result<UploadedObject, BucketError> {
        let completed = match &self.stage {
            Stage::Small => self.put().await,
            Stage::InParts(_) => self.complete().await,
            Stage::Over => Err(self.lost()),
        };
        match &completed {
            Ok(_) => self.stage = Stage::Over,
            Err(_) => self.give_up().await,
        }
        completed
    }

    /// Gives up: nothing is left on S3.
    pub async fn abort(mut self) {
        self.give_up().await;
    }

    async fn hand_over_part(&mut self) -> Result<(), BucketError> {
        let handed_over = self.try_hand_over_part().await;
        if handed_over.is_err() {
            self.give_up().await;
        }
        handed_over
    }

    async fn try_hand_over_part(&mut self) -> Result<(), BucketError> {
        if let Stage::Small = self.stage {
            self.stage = Stage::InParts(self.begin().await?);
        }
        let Stage::InParts(parts) = &mut self.stage else { return Err(self.lost()) };
        while parts.under_way.len() >= MAX_PARTS_UNDER_WAY {
            parts.join_next(&self.bucket, &self.key).await?;
        }
        parts.count += 1;
        let checksum = mem::replace(&mut self.part_checksum, new_checksum());
        self.checksum.combine(&checksum);
        let content = mem::take(&mut self.part).freeze();
        let (bucket, key, upload_id) = (self.bucket.clone(), self.key.clone(), parts.upload_id.clone());
        parts.under_way.spawn(upload_part(bucket, key, upload_id, parts.count, content, encoded(&checksum)));
        Ok(())
    }

    async fn begin(&self) -> Result<Parts, BucketError> {
        let (encryption, kms_key, bucket_key) = self.bucket.encryption();
        let create = self.bucket.client.create_multipart_upload().bucket(&self.bucket.name).key(&self.key);
        let create = create.content_type(self.content_type).metadata(WRITER, &self.token);
        let create = create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject);
        let create = create.set_server_side_encryption(encryption).set_ssekms_key_id(kms_key);
        let created = create.set_bucket_key_enabled(bucket_key).send().await;
        let created = created.map_err(|error| self.bucket.failed(self.action(), error))?;
        let upload_id = created.upload_id.ok_or_else(|| self.unexpected("S3 gave the upload no id"))?;
        Ok(Parts { upload_id, count: 0, under_way: JoinSet::new(), done: Vec::new() })
    }

    /// Writes an object that fits into one part.
    async fn put(&mut self) -> Result<UploadedObject, BucketError> {
        self.checksum = mem::replace(&mut self.part_checksum, new_checksum());
        let content = mem::take(&mut self.part).freeze();
        let put = self.bucket.put(&self.key, content.into(), self.content_type).metadata(WRITER, &self.token);
        let put = put.if_none_match("*").checksum_crc64_nvme(encoded(&self.checksum));
        match put.customize().interceptor(ChecksumOverTls).send().await {
            Ok(written) => self.verified(written.checksum_crc64_nvme, written.e_tag).await,
            Err(error) => self.resolved(error).await,
        }
    }

    /// Sends the last part and lets S3 make one object of all.
    async fn complete(&mut self) -> Result<UploadedObject, BucketError> {
        if !self.part.is_empty() {
            self.try_hand_over_part().await?;
        }
        let Stage::InParts(parts) = &mut self.stage else { return Err(self.lost()) };
        while !parts.under_way.is_empty() {
            parts.join_next(&self.bucket, &self.key).await?;
        }
        parts.done.sort_by_key(|part| part.part_number);
        let done = CompletedMultipartUpload::builder().set_parts(Some(mem::take(&mut parts.done))).build();
        let complete = self.bucket.client.complete_multipart_upload().bucket(&self.bucket.name).key(&self.key);
        let complete = complete.upload_id(&parts.upload_id).multipart_upload(done).if_none_match("*");
        let complete = complete.checksum_crc64_nvme(encoded(&self.checksum)).checksum_type(ChecksumType::FullObject);
        match complete.mpu_object_size(self.checksum.get_amount().cast_signed()).send().await {
            Ok(written) => self.verified(written.checksum_crc64_nvme, written.e_tag).await,
            Err(error) => self.resolved(error).await,
        }
    }

    /// What became of an object whose last request failed. The SDK repeats a request whose answer was lost, and the
    /// repetition is refused because of what the first one wrote.
    async fn resolved<E, R>(&self, error: SdkError<E, R>) -> Result<UploadedObject, BucketError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let is_contended = is_contended(&error);
        if is_contended || error.code() == Some("NoSuchUpload") {
            let own = self.head().await?.filter(|head| {
                head.metadata().and_then(|metadata| metadata.get(WRITER)).is_some_and(|writer| *writer == self.token)
            });
            if let Some(own) = own {
                return self.verified(own.checksum_crc64_nvme, own.e_tag).await;
            }
        }
        if is_contended {
            return Err(BucketError::Exists { key: self.key.clone(), bucket: self.bucket.name.clone() });
        }
        Err(self.bucket.failed(self.action(), error))
    }

    /// Compares what S3 has with what was written.
    async fn verified(&self, reported: Option<String>, etag: Option<String>) -> Result<UploadedObject, BucketError> {
        let reported = match reported {
            Some(checksum) => Some(checksum),
            // Completing an upload does not always report it, with SSE-KMS for instance.
            None => self.head().await?.and_then(|head| head.checksum_crc64_nvme),
        };
        let checksum = encoded(&self.checksum);
        if reported.as_ref() != Some(&checksum) {
            let found = reported.unwrap_or_else(|| "none".to_owned());
            let (key, bucket) = (self.key.clone(), self.bucket.name.clone());
            return Err(BucketError::Damaged { key, bucket, expected: checksum, found });
        }
        Ok(UploadedObject { size_in_bytes: self.checksum.get_amount(), checksum, etag })
    }

    async fn head(&self) -> Result<Option<HeadObjectOutput>, BucketError> {
        let head = self.bucket.client.head_object().bucket(&self.bucket.name).key(&self.key);
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found()) => Ok(None),
            Err(error) => Err(self.bucket.failed(format!("look at `{}`", self.key), error)),
        }
    }

    /// Ends what is on S3. Failing at it is no second failure: what remains is seen by [`Bucket::abort_uploads`].
    async fn give_up(&mut self) {
        self.part = BytesMut::new();
        if let Stage::InParts(parts) = mem::replace(&mut self.stage, Stage::Over) {
            parts.abort(&self.bucket, &self.key).await;
        }
    }

    fn action(&self) -> String {
        format!("write `{}`", self.key)
    }

    fn lost(&self) -> BucketError {
        self.unexpected("an earlier part of it could not be written")
    }

    fn unexpected(&self, what: &str) -> BucketError {
        BucketError::Failed { action: self.action(), bucket: self.bucket.name.clone(), source: what.into() }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Stage::InParts(parts) = mem::replace(&mut self.stage, Stage::Over) else { return };
        if let Ok(runtime) = Handle::try_current() {
            let (bucket, key) = (self.bucket.clone(), mem::take(&mut self.key));
            runtime.spawn(async move { parts.abort(&bucket, &key).await });
        }
    }
}

impl Parts {
    /// Waits for one of the parts under way.
    async fn join_next(&mut self, bucket: &Bucket, key: &str) -> Result<(), BucketError> {
        let Some(joined) = self.under_way.join_next().await else { return Ok(()) };
        self.done.push(joined.unwrap_or_else(|error| {
            let (action, bucket) = (format!("write `{key}`"), bucket.name.clone());
            Err(BucketError::Failed { action, bucket, source: error.into() })
        })?);
        Ok(())
    }

    /// Ends the upload once no part of it is being sent: one that arrived later would stay.
    async fn abort(mut self, bucket: &Bucket, key: &str) {
        self.under_way.shutdown().await;
        if let Err(error) = bucket.abort_upload(key, &self.upload_id).await {
            tracing::warn!(key, error = &error as &dyn Error, "an unfinished upload stays behind");
        }
    }
}

async fn upload_part(
    bucket: Bucket,
    key: String,
    upload_id: String,
    part_number: i32,
    content: Bytes,
    checksum: String,
) -> Result<CompletedPart, BucketError> {
    let part = bucket.client.upload_part().bucket(&bucket.name).key(&key).upload_id(upload_id);
    let part = part.part_number(part_number).body(content.into()).checksum_crc64_nvme(&checksum);
    let uploaded = part.customize().interceptor(ChecksumOverTls).send().await;
    let uploaded = uploaded.map_err(|error| bucket.failed(format!("write part {part_number} of `{key}`"), error))?;
    let part = CompletedPart::builder().part_number(part_number).set_e_tag(uploaded.e_tag);
    Ok(part.checksum_crc64_nvme(checksum).build())
}

/// S3's own default. It puts the object's together from those of the parts, as is done here, and so checks the whole.
fn new_checksum() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}

fn encoded(checksum: &Digest) -> String {
    base64::encode(checksum.finalize().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_parts_make_that_of_the_whole() {
        let content = b"123456789";
        for at in 0..=content.len() {
            let (mut whole, mut rest) = (new_checksum(), new_checksum());
            let mut first = new_checksum();
            first.update(&content[..at]);
            rest.update(&content[at..]);
            whole.combine(&first);
            whole.combine(&rest);
            // The check value of the algorithm's definition.
            assert_eq!(whole.finalize(), 0xae8b_1486_0a79_9888, "cut at {at}");
            assert_eq!(whole.get_amount(), 9);
        }
    }
}
