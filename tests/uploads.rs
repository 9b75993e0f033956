//! Objects written in parts, on a real S3.

use crate::support::{Disturbance, S3Proxy, cloud};
use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    types::{ChecksumMode, ServerSideEncryption},
};
use chrono::{DateTime, Utc};
use rental_task::{Bucket, BucketError, ListedObject, Upload, UploadedObject};
use std::{
    pin::pin,
    time::{Duration, Instant},
};

const MIB: usize = 1024 * 1024;
/// What S3 gets in one part.
const PART: usize = 5 * MIB;
const CONTENT_TYPE: &str = "application/vnd.apache.parquet";

#[tokio::test]
async fn an_object_in_parts_is_what_was_written() {
    let bucket = new_bucket("uploads-parts").await;
    let content = content(30 * MIB + 123, 1);
    let mut upload = bucket.upload("raw/large", CONTENT_TYPE);
    for piece in content.chunks(1_000_003) {
        upload.write(piece.to_vec()).await.expect("write");
    }
    assert_eq!(head(&bucket, "raw/large").await.map(drop), None, "nothing stands there before the end");
    let uploaded = upload.finish().await.expect("finish");

    assert!(read(&bucket, "raw/large").await == content, "the bytes are others");
    let head = assert_reported(&bucket, "raw/large", &uploaded).await;
    assert_eq!(uploaded.size_in_bytes, content.len() as u64);
    assert_eq!(head.content_type(), Some(CONTENT_TYPE));
    assert_eq!(part_count(&bucket, "raw/large").await, 7);
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_object_smaller_than_a_part_takes_one_request() {
    let bucket = new_bucket("uploads-small").await;
    for (size, expected_part_count) in [(0, 0), (1, 0), (PART - 1, 0), (PART, 1), (PART + 1, 2)] {
        let key = format!("raw/{size}");
        let content = content(size, 2);
        let uploaded = put(&bucket, &key, &content).await.expect("write");
        assert!(read(&bucket, &key).await == content, "{size} bytes are others");
        assert_reported(&bucket, &key, &uploaded).await;
        assert_eq!(uploaded.size_in_bytes, size as u64);
        assert_eq!(part_count(&bucket, &key).await, expected_part_count, "{size} bytes");
    }
}

#[tokio::test]
async fn of_two_uploads_to_one_key_one_wins() {
    let bucket = new_bucket("uploads-two").await;
    for size in [0, 100, PART + 100] {
        let key = format!("raw/{size}");
        let (winning, losing) = (content(size, 3), content(size, 4));
        let (mut winner, mut loser) = (bucket.upload(&key, CONTENT_TYPE), bucket.upload(&key, CONTENT_TYPE));
        loser.write(losing).await.expect("write");
        winner.write(winning.clone()).await.expect("write");
        let uploaded = winner.finish().await.expect("the first to finish wins");
        let refused = loser.finish().await.expect_err("the second must not overwrite");
        assert!(matches!(&refused, BucketError::Exists { key: named, .. } if *named == key), "{refused:?}");

        let late = put(&bucket, &key, &content(size, 5)).await.expect_err("nor must one that comes later");
        assert!(matches!(late, BucketError::Exists { .. }), "{late:?}");
        assert!(read(&bucket, &key).await == winning, "the content is not the winner's");
        assert_reported(&bucket, &key, &uploaded).await;
    }
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_aborted_or_dropped_leaves_nothing() {
    let bucket = new_bucket("uploads-given-up").await;
    let begun = async || {
        let mut upload = bucket.upload("raw/given-up", CONTENT_TYPE);
        upload.write(content(2 * PART + 1, 6)).await.expect("write");
        assert_eq!(unfinished(&bucket).await, ["raw/given-up"]);
        upload
    };
    begun().await.abort().await;
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());

    drop(begun().await);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !unfinished(&bucket).await.is_empty() {
        assert!(Instant::now() < deadline, "the dropped upload stays");
    }
    assert_eq!(bucket.keys("").await.expect("list"), Vec::<String>::new());
}

#[tokio::test]
async fn a_part_that_fails_ends_the_upload() {
    let bucket = new_bucket("uploads-failed-part").await;
    let proxy = S3Proxy::start(Disturbance { refused_part: Some(2), ..Disturbance::default() }).await;
    let disturbed = through(&proxy, &bucket);

    let mut upload = disturbed.upload("raw/one", CONTENT_TYPE);
    upload.write(content(2 * PART, 7)).await.expect("the second part is only under way");
    let refused = upload.finish().await.expect_err("it lacks a part");
    assert!(
        matches!(&refused, BucketError::Denied { action, .. } if action == "write part 2 of `raw/one`"),
        "{refused:?}"
    );
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());

    let mut upload = disturbed.upload("raw/two", CONTENT_TYPE);
    upload.write(content(6 * PART, 7)).await.expect_err("the second part fails before the sixth is taken");
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());
    // It must not become an object without its beginning.
    upload.write(content(PART, 7)).await.expect_err("bytes are lost");
    upload.finish().await.expect_err("bytes are lost");
    assert_eq!(bucket.keys("").await.expect("list"), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_no_other_writer() {
    let bucket = new_bucket("uploads-lost-answer").await;
    for size in [100, PART + 100] {
        let key = format!("raw/{size}");
        let proxy = S3Proxy::start(Disturbance { loses_answer: true, ..Disturbance::default() }).await;
        let content = content(size, 8);
        let uploaded = put(&through(&proxy, &bucket), &key, &content).await.expect("S3 did it");
        assert_eq!(proxy.lost_answer_count(), 1);
        assert!(read(&bucket, &key).await == content, "{size} bytes are others");
        assert_reported(&bucket, &key, &uploaded).await;

        // Only who wrote it may take it for his own, though the bytes are the same.
        let proxy = S3Proxy::start(Disturbance { loses_answer: true, ..Disturbance::default() }).await;
        let refused = put(&through(&proxy, &bucket), &key, &content).await.expect_err("another's object");
        assert!(matches!(refused, BucketError::Exists { .. }), "{refused:?}");
    }
    assert_eq!(unfinished(&bucket).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_slow_s3_does_not_fill_the_memory() {
    let bucket = new_bucket("uploads-slow").await;
    let proxy = S3Proxy::start(Disturbance { parts_wait: true, ..Disturbance::default() }).await;
    let piece = content(MIB, 9);
    let mut upload = through(&proxy, &bucket).upload("raw/slow", CONTENT_TYPE);
    let mut taken = 0;
    loop {
        taken += piece.len();
        let mut write = pin!(upload.write(piece.clone()));
        tokio::select! {
            biased;
            written = &mut write => written.expect("write"),
            () = proxy.parts_are_under_way(2) => {
                // With no part arriving, as much is taken as may be held, and not a byte more.
                assert_eq!(taken, Upload::MAX_HELD_BYTES);
                proxy.disturb(Disturbance::default());
                write.await.expect("it goes on once S3 does");
                break;
            }
        }
    }
    while taken < 100 * MIB {
        taken += piece.len();
        upload.write(piece.clone()).await.expect("write");
    }
    let uploaded = upload.finish().await.expect("finish");
    assert_eq!(uploaded.size_in_bytes, 100 * MIB as u64);
    assert_eq!(proxy.most_parts_under_way(), 2);
    assert_reported(&bucket, "raw/slow", &uploaded).await;
}

#[tokio::test]
async fn only_old_uploads_below_the_prefix_are_ended() {
    let bucket = new_bucket("uploads-old").await;
    begin(&bucket, "raw/old").await;
    begin(&bucket, "raw/old").await;
    begin(&bucket, "state/old").await;
    let last_old = initiated(&bucket).await.into_iter().max();
    // S3's clock may stand still between two requests.
    let deadline = Instant::now() + Duration::from_secs(30);
    let before = loop {
        assert!(Instant::now() < deadline, "the clock stands still");
        let upload_id = begin(&bucket, "raw/new").await;
        let newest = initiated(&bucket).await.into_iter().max();
        if newest > last_old {
            break newest.expect("there are uploads");
        }
        let abort = cloud().s3().abort_multipart_upload().bucket(bucket.name()).key("raw/new").upload_id(upload_id);
        abort.send().await.expect("abort");
    };
    assert_eq!(bucket.abort_uploads("raw/", before).await.expect("abort"), 2);
    assert_eq!(unfinished(&bucket).await, ["raw/new", "state/old"]);
    assert_eq!(bucket.abort_uploads("", before).await.expect("abort"), 1);
    assert_eq!(unfinished(&bucket).await, ["raw/new"]);
}

#[tokio::test]
async fn everything_written_is_encrypted_with_the_key() {
    let bucket = new_bucket("uploads-kms").await;
    let key_arn = cloud().create_kms_key();
    let encrypted = bucket.clone().with_kms_key(Some(key_arn.clone()));
    encrypted.write("written", b"{}".to_vec(), "application/json").await.expect("write");
    encrypted.replace("replaced", b"{}".to_vec(), None).await.expect("replace");
    let small = put(&encrypted, "small", &content(100, 10)).await.expect("write");
    let large = put(&encrypted, "large", &content(PART + 100, 10)).await.expect("write");
    for key in ["written", "replaced", "small", "large"] {
        let head = head(&bucket, key).await.expect(key);
        assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms), "{key}");
        assert_eq!(head.ssekms_key_id(), Some(key_arn.as_str()), "{key}");
        assert_eq!(head.bucket_key_enabled(), Some(true), "{key}");
    }
    assert_reported(&bucket, "small", &small).await;
    assert_reported(&bucket, "large", &large).await;
}

#[tokio::test]
async fn objects_are_listed_with_their_size_and_removed() {
    let bucket = new_bucket("uploads-deleted").await;
    for (key, size) in [("raw/a", 3), ("raw/b", 0), ("state/c", 1)] {
        put(&bucket, key, &content(size, 11)).await.expect("write");
    }
    let listed = |key: &str, size_in_bytes| ListedObject { key: key.to_owned(), size_in_bytes };
    assert_eq!(bucket.objects("raw/").await.expect("list"), [listed("raw/a", 3), listed("raw/b", 0)]);

    // More than S3 takes at once; most of them are not there.
    let keys: Vec<String> = (0..1000).map(|at| format!("raw/{at}")).chain(["raw/b".to_owned()]).collect();
    bucket.delete(&keys).await.expect("delete");
    bucket.delete(&[]).await.expect("delete nothing");
    assert_eq!(bucket.keys("").await.expect("list"), ["raw/a", "state/c"]);
    // What was removed may be written again.
    put(&bucket, "raw/b", b"again").await.expect("write");
}

async fn new_bucket(name: &str) -> Bucket {
    cloud().create_bucket(name).await;
    Bucket::new(&cloud().connection().sdk_config(), name)
}

fn through(proxy: &S3Proxy, bucket: &Bucket) -> Bucket {
    let config = cloud().connection().sdk_config().into_builder().endpoint_url(&proxy.endpoint).build();
    Bucket::new(&config, bucket.name())
}

async fn put(bucket: &Bucket, key: &str, content: &[u8]) -> Result<UploadedObject, BucketError> {
    let mut upload = bucket.upload(key, CONTENT_TYPE);
    upload.write(content.to_vec()).await?;
    upload.finish().await
}

async fn read(bucket: &Bucket, key: &str) -> Vec<u8> {
    bucket.read(key).await.expect("read").expect(key).content
}

async fn head(bucket: &Bucket, key: &str) -> Option<HeadObjectOutput> {
    let head = cloud().s3().head_object().bucket(bucket.name()).key(key).checksum_mode(ChecksumMode::Enabled);
    head.send().await.ok()
}

/// S3 says of the object what the upload said.
async fn assert_reported(bucket: &Bucket, key: &str, uploaded: &UploadedObject) -> HeadObjectOutput {
    let head = head(bucket, key).await.expect(key);
    assert_eq!(head.checksum_crc64_nvme(), Some(uploaded.checksum.as_str()), "{key}");
    assert_eq!(head.e_tag(), uploaded.etag.as_deref(), "{key}");
    assert_eq!(head.content_length(), Some(uploaded.size_in_bytes as i64), "{key}");
    head
}

/// How many parts an object was written in; none where it was one request.
async fn part_count(bucket: &Bucket, key: &str) -> i32 {
    let etag = head(bucket, key).await.expect(key).e_tag.expect("an object has a tag");
    // Without SSE-KMS S3 writes the count behind the tag.
    etag.trim_matches('"').split_once('-').map_or(0, |(_, count)| count.parse().expect("a count"))
}

async fn begin(bucket: &Bucket, key: &str) -> String {
    let begun = cloud().s3().create_multipart_upload().bucket(bucket.name()).key(key).send().await.expect("begin");
    begun.upload_id.expect("an upload has an id")
}

async fn unfinished(bucket: &Bucket) -> Vec<String> {
    let listed = cloud().s3().list_multipart_uploads().bucket(bucket.name()).send().await.expect("list uploads");
    listed.uploads().iter().filter_map(|upload| upload.key().map(str::to_owned)).collect()
}

async fn initiated(bucket: &Bucket) -> Vec<DateTime<Utc>> {
    let listed = cloud().s3().list_multipart_uploads().bucket(bucket.name()).send().await.expect("list uploads");
    let times = listed.uploads().iter().filter_map(|upload| upload.initiated());
    times.filter_map(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())).collect()
}

/// Bytes that look random and are the same every time (xorshift).
fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(size).collect()
}
