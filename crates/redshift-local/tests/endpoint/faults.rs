//! Faults made on purpose, as clients meet them.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::Config;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::types::StatusString;
use redshift_local::Faults;

use crate::support::Warehouse;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_so_many_calls_are_throttled() {
    let faults = Faults { throttle_every: NonZeroU64::new(3), ..Faults::default() };
    let warehouse = Warehouse::start_with_faults("throttled", faults).await;
    let mut refused = Vec::new();
    for _ in 0..9 {
        let (status, answer) = warehouse.post(b"RedshiftData.ListStatements", b"{}").await;
        assert_eq!(status == 400, answer.contains("ThrottlingException"), "{status} {answer}");
        refused.push(status == 400);
    }
    assert_eq!(refused, [false, false, true].repeat(3));
    // The SDK's own retries get past it.
    assert_eq!(warehouse.value("select 1").await, "1");
}

/// The SDK sends the same client token again, so the statement runs once.
#[tokio::test]
async fn a_lost_answer_leaves_a_statement_that_ran() {
    let faults = Faults { lose_answer_every: NonZeroU64::new(2), ..Faults::default() };
    let warehouse = Warehouse::start_with_faults("lost_answers", faults).await;
    warehouse.apply(&["create table public.t (n int)"]).await;
    let call = warehouse.client.execute_statement().workgroup_name("main").database("lost_answers");
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let lost = call.sql("insert into t values (1)").customize().config_override(once).send().await;
    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "the second submission has no answer: {lost:?}");
    warehouse.apply(&["insert into t values (2)", "insert into t values (3)"]).await;
    let started = Instant::now();
    while warehouse.rows("select n from t order by n").await != [["1"], ["2"], ["3"]] {
        assert!(started.elapsed() < DEADLINE, "the statement whose answer was lost did not run");
    }
}

#[tokio::test]
async fn a_statement_can_stay_picked() {
    let faults = Faults { picked_for: Duration::from_millis(300), ..Faults::default() };
    let warehouse = Warehouse::start_with_faults("picked", faults).await;
    let id = warehouse.submit("select 1").await;
    warehouse.wait(&id, |status| *status == StatusString::Picked).await;
    let ended = warehouse.end(&id).await;
    assert!(ended.is_finished() && ended.0.duration >= 300_000_000);
    // One that is cancelled by then does not run.
    let id = warehouse.submit("create table public.never (n int)").await;
    warehouse.wait(&id, |status| *status == StatusString::Picked).await;
    warehouse.client.cancel_statement().id(&id).send().await.expect("cancel");
    assert_eq!(warehouse.end(&id).await.status(), "ABORTED");
    assert!(warehouse.error("select * from never").await.contains("does not exist"));
}

#[tokio::test]
async fn a_picked_statement_is_cancelled_at_once_and_leaves_its_session_free() {
    let faults = Faults { picked_for: Duration::from_secs(10), ..Faults::default() };
    let warehouse = Warehouse::start_with_faults("picked_cancelled", faults).await;
    let call = warehouse.client.execute_statement().workgroup_name("main").database("picked_cancelled");
    let first = call.sql("select 1").session_keep_alive_seconds(600).send().await.expect("submit");
    assert!(warehouse.end(&first.id.expect("id")).await.is_finished());
    let session = first.session_id.expect("a session id");
    let call = warehouse.client.execute_statement().session_id(&session).sql("select 2");
    let id = call.send().await.expect("submit").id.expect("id");
    let started = Instant::now();
    warehouse.client.cancel_statement().id(&id).send().await.expect("cancel");
    assert_eq!(warehouse.end(&id).await.status(), "ABORTED");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let listed = warehouse.client.list_sessions().session_id(&session).send().await.expect("list").sessions;
    assert_eq!(listed[0].status.as_str(), "AVAILABLE");
}

#[tokio::test]
async fn what_is_older_than_the_retention_is_forgotten() {
    let faults = Faults { retention: Duration::from_millis(500), ..Faults::default() };
    let warehouse = Warehouse::start_with_faults("forgotten", faults).await;
    let id = warehouse.submit("select 1").await;
    let started = Instant::now();
    // Until it ends there is no result to ask for, and a slow machine may forget it before the first look.
    let gone = loop {
        match warehouse.client.describe_statement().id(&id).send().await {
            Err(error) => break error,
            Ok(_) => assert!(started.elapsed() < DEADLINE, "the statement is still there"),
        }
    };
    assert_eq!(gone.code(), Some("ResourceNotFoundException"));
    let result = warehouse.client.get_statement_result().id(&id).send().await.expect_err("a result of nothing");
    assert_eq!(result.code(), Some("ResourceNotFoundException"));
    let listed = warehouse.client.list_statements().status(StatusString::All).send().await.expect("list");
    assert!(listed.statements.is_empty());
}
