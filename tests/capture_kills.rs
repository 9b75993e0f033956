//! `extract-rds` killed at random moments and finished under the same run id or under a new one: no row is lost, none comes
//! twice, and nothing is left of what the killed process had begun.

use crate::support::{
    Mirror, Pipeline, RandomSource, assert_mirrors, cloud, create_tables, execute, insert, lenient_source,
};
use chrono_tz::Tz;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::MySqlPool;
use std::{
    env,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const AS_OF: &str = "2025-12-31";
/// Each with one to three kills.
const ROUNDS: u32 = 25;
const ROUNDS_IN_UPLOADS: u32 = 6;
/// Rows of a table whose files go up in parts.
const LARGE_TABLE_ROWS: u32 = 24_000;

fn seeded() -> (u64, StdRng) {
    let seed = env::var("KILL_SEED").map_or_else(|_| rand::random(), |text| text.parse().expect("KILL_SEED"));
    println!("KILL_SEED={seed}");
    (seed, StdRng::seed_from_u64(seed))
}

fn start(pipeline: &Pipeline, arguments: &[&str]) -> Child {
    let mut command = pipeline.command("extract-rds", arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start extract-rds")
}

/// Kills the process after that long, if it still runs.
fn kill_after(mut child: Child, life: Duration) {
    let deadline = Instant::now() + life;
    while Instant::now() < deadline && child.try_wait().expect("look at extract-rds").is_none() {
        std::thread::yield_now();
    }
    child.kill().expect("kill extract-rds");
    child.wait().expect("wait for extract-rds");
}

/// Finishes the run and holds the log against the source.
async fn finish(pipeline: &Pipeline, run_id: &str, mirror: &mut Mirror, source: &MySqlPool, context: &str) {
    let arguments = ["--run-id", run_id, "--as-of", AS_OF, "--sweep"];
    let finished = pipeline.extract_aside(&arguments).await;
    assert_eq!(finished.exit_code, 0, "{context}: {}", finished.stderr);
    mirror.catch_up().await;
    for (table, mirrored) in &mirror.tables {
        let sealed = mirrored.manifests.iter().any(|manifest| manifest.run_id.to_string() == run_id);
        assert!(sealed, "{context}: {run_id} has no manifest of `{table}`");
    }
    assert_mirrors(mirror, source, Tz::UTC, context).await;
    mirror.assert_no_stray_files(run_id).await;
    let unfinished = mirror.log.unfinished_uploads().await;
    assert!(unfinished.is_empty(), "{context}: uploads that nobody will finish: {unfinished:?}");
}

#[tokio::test]
async fn killed_at_any_moment_it_can_be_finished_under_either_run_id() {
    let (seed, mut random) = seeded();
    let pipeline = Pipeline::new("killed_anywhere").await;
    let mut source = RandomSource::create(&pipeline, seed).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    // How long an undisturbed run takes.
    let started_at = Instant::now();
    finish(&pipeline, "first", &mut mirror, &source.pool, "before any kill").await;
    let mut usual = started_at.elapsed();
    for kill in 0..ROUNDS {
        source.change().await;
        let killed_id = format!("killed-{kill}");
        let run_id = if random.random_bool(0.5) { killed_id.clone() } else { format!("after-{kill}") };
        // The same run may be hit more than once.
        let lives: Vec<_> =
            (0..random.random_range(1..=3)).map(|_| usual.mul_f64(random.random_range(0.1..1.0))).collect();
        let log = source.write_log(&pipeline.source_database);
        let context = format!(
            "KILL_SEED={seed}, {killed_id} killed after {lives:?}, finished as {run_id}, after all that {log} says"
        );
        for life in lives {
            kill_after(start(&pipeline, &["--run-id", &killed_id, "--as-of", AS_OF, "--sweep"]), life);
        }
        let started_at = Instant::now();
        finish(&pipeline, &run_id, &mut mirror, &source.pool, &context).await;
        usual = usual.min(started_at.elapsed());
    }
}

#[tokio::test]
async fn killed_while_parts_are_on_their_way_it_leaves_no_upload_behind() {
    let (seed, mut random) = seeded();
    let pipeline = Pipeline::new("killed_uploading").await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    // Text that does not shrink, a different one each time.
    let fill = format!(
        "insert into apartment_attributes (id, state, body)
         select seq, 'TX', concat(to_base64(random_bytes(600)), to_base64(random_bytes(600))) from seq_1_to_{LARGE_TABLE_ROWS}"
    );
    for kill in 0..ROUNDS_IN_UPLOADS {
        execute(&source, "truncate table apartment_attributes").await;
        execute(&source, &fill).await;
        let killed_id = format!("killed-{kill}");
        let run_id = if kill % 2 == 0 { killed_id.clone() } else { format!("after-{kill}") };
        let context = format!("KILL_SEED={seed}, {killed_id} killed while it uploaded, finished as {run_id}");
        let mut child = start(&pipeline, &["--run-id", &killed_id, "--as-of", AS_OF, "--sweep"]);
        let deadline = Instant::now() + Duration::from_secs(120);
        while mirror.log.unfinished_uploads().await.is_empty() {
            assert!(child.try_wait().expect("look at extract-rds").is_none(), "{context}: ended before it uploaded");
            assert!(Instant::now() < deadline, "{context}: no upload in two minutes");
        }
        kill_after(child, Duration::from_millis(random.random_range(0..300)));
        finish(&pipeline, &run_id, &mut mirror, &source, &context).await;
    }
}

/// Whoever was killed between sealing and tidying up left what earlier attempts had written; the next attempt found the table
/// sealed and passed it by.
#[tokio::test]
async fn a_repeated_run_removes_what_attempts_before_its_seal_had_left() {
    let pipeline = Pipeline::new("killed_untidy").await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    insert(&source, "bookings", &[]).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    finish(&pipeline, "sealed", &mut mirror, &source, "the first attempt").await;
    for run_id in ["sealed", "other"] {
        let key = format!("raw/bookings/run={run_id}/part-00000000-00000.parquet");
        cloud().s3().put_object().bucket(&pipeline.bucket).key(key).send().await.expect("put an object");
        let key = format!("quarantine/bookings/run={run_id}/part-00000000-00000.parquet");
        cloud().s3().create_multipart_upload().bucket(&pipeline.bucket).key(key).send().await.expect("begin an upload");
    }
    pipeline.extract(&["--run-id", "sealed", "--as-of", AS_OF, "--sweep"]).expect(0, &[]);
    mirror.assert_no_stray_files("sealed").await;
    // What belongs to another run may still be on its way.
    let unfinished = mirror.log.unfinished_uploads().await;
    assert_eq!(unfinished, ["quarantine/bookings/run=other/part-00000000-00000.parquet"]);
    assert!(mirror.log.keys("raw/bookings/run=other/").await.len() == 1);
}
