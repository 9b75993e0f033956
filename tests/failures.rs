//! Bad input gets a clear error that names the thing and the way out, and the exit code that tells the state machine what to do.

use crate::support::{Pipeline, cloud};

#[tokio::test]
async fn a_wrong_password_is_a_configuration_fault() {
    let pipeline = Pipeline::new("wrong_password").await.set("RDS_PASSWORD", "not-the-password");
    let finished = pipeline.extract(&[]).expect(2, &["RDS_PASSWORD"]);
    assert!(!finished.stderr.contains("not-the-password"), "the password must not be printed");
}

#[tokio::test]
async fn a_missing_bucket_is_a_configuration_fault_of_either_binary() {
    let pipeline = Pipeline::sampled("missing_bucket").await;
    let pipeline = Pipeline { bucket: "no-such-bucket-anywhere".into(), ..pipeline };
    pipeline.extract(&[]).expect(2, &["no-such-bucket-anywhere", "S3_BUCKET"]);
    pipeline.load(&["load", "--migrate"]).expect(2, &["no-such-bucket-anywhere", "S3_BUCKET"]);
}

#[tokio::test]
async fn an_unknown_table_is_a_usage_fault_that_lists_the_known_ones() {
    let pipeline = Pipeline::new("unknown_table").await;
    pipeline.extract(&["--tables", "bookingz"]).expect(2, &["`bookingz`", "bookings", "apartment_attributes"]);
}

#[tokio::test]
async fn a_missing_variable_is_named() {
    let pipeline = Pipeline::new("missing_variable").await;
    pipeline.clone().set("RDS_HOST", "").extract(&[]).expect(2, &["RDS_HOST"]);
    pipeline.clone().set("SOURCE_TIMEZONE", "").extract(&[]).expect(2, &["SOURCE_TIMEZONE"]);
    pipeline.clone().set("S3_BUCKET", "").load(&["load"]).expect(2, &["S3_BUCKET"]);
    pipeline.set("REDSHIFT_WORKGROUP", "").load(&["load"]).expect(2, &["REDSHIFT_WORKGROUP"]);
}

#[tokio::test]
async fn an_unreachable_redshift_endpoint_is_worth_a_retry() {
    let pipeline = Pipeline::new("unreachable_redshift").await;
    // Port 9 (discard) has no listener on a test machine.
    let pipeline = pipeline.set("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://127.0.0.1:9");
    pipeline.load(&["migrate"]).expect(1, &["Redshift"]);
}

#[tokio::test]
async fn an_unreachable_bucket_is_worth_a_retry_and_named_with_where_it_was_asked_for() {
    let pipeline = Pipeline::new("unreachable_bucket").await.set("AWS_ENDPOINT_URL_S3", "");
    let by_all = pipeline.clone().set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let by_s3 = pipeline.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    by_all.extract(&["check"]).expect(1, &["http://127.0.0.1:9, as `AWS_ENDPOINT_URL` says"]);
    by_s3.extract(&["check"]).expect(1, &["http://127.0.0.1:9, as `AWS_ENDPOINT_URL_S3` says"]);
}

#[tokio::test]
async fn missing_credentials_are_a_configuration_fault_without_a_word_of_the_sdks() {
    let pipeline = Pipeline::new("no_credentials").await.set("AWS_EC2_METADATA_DISABLED", "true");
    let pipeline = pipeline.set("AWS_ACCESS_KEY_ID", "").set("AWS_SECRET_ACCESS_KEY", "").set("LOG_FORMAT", "text");
    let without_region = pipeline.clone().set("AWS_REGION", "").set("AWS_DEFAULT_REGION", "");
    for (pipeline, expected) in [
        (pipeline, ["extract-rds: no AWS credentials are set", "hint: set `AWS_ACCESS_KEY_ID`"]),
        (without_region, ["extract-rds: no AWS region is set", "hint: set `AWS_REGION`"]),
    ] {
        let finished = pipeline.extract(&["check"]).expect(2, &expected);
        assert_eq!(finished.stderr.lines().count(), 2, "{}", finished.stderr);
    }
}

#[tokio::test]
async fn an_unreachable_source_is_worth_a_retry() {
    let pipeline = Pipeline::new("unreachable_source").await.set("RDS_PORT", "9");
    pipeline.extract(&[]).expect(1, &["127.0.0.1"]);
}

#[tokio::test]
async fn a_source_that_lost_a_column_is_refused_before_a_row_is_read() {
    let pipeline = Pipeline::sampled("drift_lost").await;
    pipeline.at_source(&["alter table bookings drop column total_price"]).await;
    pipeline.extract(&[]).expect(3, &["bookings", "total_price"]);
    assert_eq!(cloud().list_objects(&pipeline.bucket, "raw/").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_source_column_of_another_type_is_refused() {
    let pipeline = Pipeline::sampled("drift_type").await;
    pipeline.at_source(&["alter table apartments modify column price varchar(20)"]).await;
    pipeline.extract(&[]).expect(3, &["apartments", "price", "varchar", "decimal(10,2)"]);
}

#[tokio::test]
async fn a_new_source_column_is_reported_and_ignored() {
    let pipeline = Pipeline::sampled("drift_new").await;
    pipeline.at_source(&["alter table bookings add column channel varchar(20)"]).await;
    pipeline.extract(&[]).expect(0, &["channel"]);
}
