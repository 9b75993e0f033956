//! Either binary killed at any moment and started again under the same run id ends with the right tables.
//!
//! Each round lets the process live a third longer before SIGKILL, until one round finishes by itself: thus kills fall
//! before, between and after the writes without the test knowing where they are.

use crate::support::{Pipeline, assert_equal, cloud, table_checksums};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

const DAY: &str = "2025-12-31";
const LAYERS: [&str; 3] = ["raw", "curated", "presentation"];

/// Runs the command again and again, killing it later each time, and returns how often it was killed.
async fn killed_until_it_finishes(pipeline: &Pipeline, binary_name: &str, arguments: &[&str]) -> u32 {
    let mut kills = 0;
    let mut life = Duration::from_millis(100);
    loop {
        if let Some(finished) = pipeline.run_for(life, binary_name, arguments).await {
            assert_eq!(finished.exit_code, 0, "{binary_name} after {kills} kills: {}", finished.stderr);
            return kills;
        }
        kills += 1;
        life = life * 4 / 3;
        assert!(life < Duration::from_secs(300), "{binary_name} never finishes");
    }
}

#[tokio::test]
async fn a_killed_run_that_is_repeated_ends_with_the_right_tables() {
    let reference = Pipeline::sampled("kill_reference").await;
    reference.run_all("night", DAY);

    let killed = reference.with_empty_log("killed").await;
    let arguments = ["--run-id", "night", "--as-of", DAY];
    assert!(killed_until_it_finishes(&killed, "extract-rds", &arguments).await > 0, "no kill hit extract-rds");
    let arguments = ["run", "--run-id", "night"];
    assert!(killed_until_it_finishes(&killed, "load-redshift", &arguments).await > 0, "no kill hit load-redshift");

    assert_equal(
        &table_checksums(&reference.warehouse_url(), &LAYERS, &[]).await,
        &table_checksums(&killed.warehouse_url(), &LAYERS, &[]).await,
        "a run and the same run killed again and again",
    );
    assert_eq!(cloud().count(&killed.warehouse_url(), "select count(*) from etl.ledger").await, 4);
}

#[tokio::test]
async fn a_new_run_after_a_killed_one_ends_with_the_right_tables() {
    let pipeline = Pipeline::sampled("kill_overtaken").await;
    let mut child = pipeline
        .command("extract-rds", &["--run-id", "killed", "--as-of", DAY])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start extract-rds");
    let deadline = Instant::now() + Duration::from_secs(60);
    while cloud().list_objects(&pipeline.bucket, "raw/").await.is_empty() {
        assert!(Instant::now() < deadline, "extract-rds wrote nothing in a minute");
        assert!(
            child.try_wait().expect("look at extract-rds").is_none(),
            "extract-rds ended before it could be killed"
        );
    }
    child.kill().expect("kill extract-rds");
    child.wait().expect("wait for extract-rds");

    pipeline.run_all("next", DAY);
    let reference = pipeline.with_empty_log("reference").await;
    reference.run_all("next", DAY);
    assert_equal(
        &table_checksums(&reference.warehouse_url(), &LAYERS, &["run_id"]).await,
        &table_checksums(&pipeline.warehouse_url(), &LAYERS, &["run_id"]).await,
        "a run after a killed one and a run of its own",
    );
}
