//! The bucket of one pipeline, read by one client: making one costs more than what it is asked.

use super::cloud;

pub(crate) struct Log {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl Log {
    pub(crate) fn of(bucket: &str) -> Self {
        Self { s3: cloud().s3(), bucket: bucket.to_owned() }
    }

    /// All keys below a prefix.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("list objects");
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        keys
    }

    pub(crate) async fn object(&self, key: &str) -> Vec<u8> {
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.unwrap_or_else(|error| panic!("get {key}: {error:?}"));
        object.body.collect().await.expect("read an object").to_vec()
    }

    /// Keys of uploads that were begun and neither completed nor ended.
    pub(crate) async fn unfinished_uploads(&self) -> Vec<String> {
        let listed = self.s3.list_multipart_uploads().bucket(&self.bucket).send().await.expect("list uploads");
        listed.uploads().iter().filter_map(|upload| upload.key().map(str::to_owned)).collect()
    }
}
