//! Uploads that a killed process left behind: invisible among the objects, but stored and paid for until they are ended.

use super::{Bucket, BucketError};
use aws_sdk_s3::error::ProvideErrorMetadata;
use chrono::{DateTime, Utc};

impl Bucket {
    /// Ends uploads below `prefix` that were begun before `before`, by S3's clock; returns how many. Who still writes to one
    /// of them fails, so `before` must lie further back than any upload takes.
    ///
    /// # Errors
    /// When the bucket is missing, closed to us or away.
    pub async fn abort_uploads(&self, prefix: &str, before: DateTime<Utc>) -> Result<usize, BucketError> {
        let mut abort_count = 0;
        let (mut key_marker, mut upload_id_marker) = (None, None);
        loop {
            let list = self.client.list_multipart_uploads().bucket(&self.name).prefix(prefix);
            let page = list.set_key_marker(key_marker).set_upload_id_marker(upload_id_marker).send().await;
            let page = page.map_err(|error| self.failed(format!("list uploads below `{prefix}`"), error))?;
            for upload in page.uploads() {
                let (Some(key), Some(upload_id), Some(initiated)) =
                    (upload.key(), upload.upload_id(), upload.initiated())
                else {
                    continue;
                };
                let initiated = DateTime::from_timestamp(initiated.secs(), initiated.subsec_nanos());
                if initiated.is_some_and(|initiated| initiated < before) && self.abort_upload(key, upload_id).await? {
                    abort_count += 1;
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(abort_count);
            }
            (key_marker, upload_id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    /// Ends one upload and frees its parts; says whether there was one.
    pub(super) async fn abort_upload(&self, key: &str, upload_id: &str) -> Result<bool, BucketError> {
        let abort = self.client.abort_multipart_upload().bucket(&self.name).key(key).upload_id(upload_id);
        match abort.send().await {
            Ok(_) => Ok(true),
            // Completed or ended by somebody else.
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(false),
            Err(error) => Err(self.failed(format!("end the upload of `{key}`"), error)),
        }
    }
}
