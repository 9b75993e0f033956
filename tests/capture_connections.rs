//! What can happen between `extract-rds` and the source, and between two of them: rivals, connections that break, rights that
//! are missing; and how a large table is spread over files.

use crate::support::{Mirror, Pipeline, assert_mirrors, cloud, create_tables, execute, insert, lenient_source};
use chrono_tz::Tz;
use sqlx::MySqlPool;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const AS_OF: &str = "2025-12-31";
const RUN: [&str; 3] = ["--as-of", AS_OF, "--sweep"];

/// Tables of several chunks, large enough for a throttled run to take a while.
async fn fill(source: &MySqlPool, rows: u32) {
    create_tables(source).await;
    execute(source, "alter table apartments add key (id)").await;
    let sequence = format!("from seq_1_to_{rows}");
    for statement in [
        format!(
            "insert into apartments (id, title, price, currency) select seq * 50, concat('t', seq), 1, 'USD' {sequence}"
        ),
        format!("insert into apartment_attributes (id, state) select seq * 50, 'TX' {sequence}"),
        format!(
            "insert into bookings (booking_id, user_id, checkin_date, checkout_date, total_price, currency)
             select seq * 50, 1, '2025-01-01', '2025-01-02', 1, 'USD' {sequence}"
        ),
        format!(
            "insert into user_viewing (user_id, viewed_at) select seq, '2025-01-01' + interval seq minute {sequence}"
        ),
    ] {
        execute(source, &statement).await;
    }
}

#[tokio::test]
async fn of_two_runs_at_once_one_seals_and_the_other_counts_nowhere() {
    let pipeline = Pipeline::new("rivals").await;
    let source = lenient_source(&pipeline).await;
    fill(&source, 5_000).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    for round in 0..3 {
        execute(&source, "update apartments set price = price + 1").await;
        let run_ids = [format!("left-{round}"), format!("right-{round}")];
        // Slow enough for both to have read the state before either seals.
        let run = async |run_id: &str| {
            pipeline.extract_aside(&[&RUN[..], &["--run-id", run_id, "--max-rows-per-second", "2500"]].concat()).await
        };
        let (left, right) = tokio::join!(run(&run_ids[0]), run(&run_ids[1]));
        let (winner, loser) = if left.exit_code == 0 { (0, 1) } else { (1, 0) };
        for (position, finished) in [left, right].into_iter().enumerate() {
            let (exit_code, said) =
                if position == winner { (0, "user_viewing") } else { (1, "another run sealed table") };
            finished.expect(exit_code, &[said]);
        }
        mirror.catch_up().await;
        for (table, mirrored) in &mirror.tables {
            let sealed_by =
                |run_id: &str| mirrored.manifests.iter().filter(|of| of.run_id.to_string() == run_id).count();
            assert_eq!(sealed_by(&run_ids[winner]), 1, "manifests of the winner for `{table}`");
            assert_eq!(sealed_by(&run_ids[loser]), 0, "manifests of the loser for `{table}`");
        }
        assert_mirrors(&mirror, &source, Tz::UTC, "after two runs at once").await;
    }
}

#[tokio::test]
async fn a_connection_that_is_killed_makes_the_table_begin_anew() {
    let pipeline = Pipeline::new("killed_connection").await.set("LOG_FORMAT", "text");
    let source = lenient_source(&pipeline).await;
    fill(&source, 4_000).await;
    // More than fits between the two: the server is still sending when its connection is killed.
    execute(&source, "update apartment_attributes set body = repeat('x', 8000)").await;
    let arguments = [&RUN[..], &["--run-id", "cut", "--max-rows-per-second", "2000", "--connections", "1"]].concat();
    let running = pipeline.extract_aside(&arguments);
    let killing = async {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let query = "select id from information_schema.processlist where db = ? and id <> connection_id() and info like 'select%from `apartment_attributes`%'";
            let found = sqlx::query_scalar::<_, i64>(query).bind(&pipeline.source_database).fetch_all(&source).await;
            if let Some(id) = found.expect("list connections").first() {
                execute(&source, &format!("kill {id}")).await;
                return;
            }
            assert!(Instant::now() < deadline, "nobody read `apartment_attributes` within a minute");
        }
    };
    let (finished, ()) = tokio::join!(running, killing);
    finished.expect(0, &["reading the table again from its beginning"]);
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "after a connection was killed").await;
    mirror.assert_no_stray_files("cut").await;
    assert_eq!(mirror.log.unfinished_uploads().await, Vec::<String>::new());
}

/// The limit held it asleep for as long as its rows were worth.
#[tokio::test]
async fn a_run_that_waits_for_its_limit_still_hears_a_signal() {
    let pipeline = Pipeline::new("signalled").await.set("LOG_FORMAT", "text");
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    execute(&source, "insert into user_viewing (user_id) select seq from seq_1_to_3000").await;
    for signal in ["TERM", "INT"] {
        let arguments = [&RUN[..], &["--run-id", signal, "--max-rows-per-second", "10"]].concat();
        let mut command = tokio::process::Command::from(pipeline.command("extract-rds", &arguments));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        // The table before the one with rows; of those, a thousand take 100 seconds.
        sealed(&pipeline, &format!("raw/bookings/run={signal}/manifest.json")).await;
        let signalled_at = Instant::now();
        let process = child.id().expect("a running process").to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap().success());
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("stopped by a signal"), "{:?} {said}", output.status);
        assert!(signalled_at.elapsed() < Duration::from_secs(20), "SIG{signal} took {:?}", signalled_at.elapsed());
    }
}

/// The run reads a table only after another one sealed a later moment of it: what changed in between would have gone back.
#[tokio::test]
async fn a_run_that_is_overtaken_at_a_later_table_does_not_seal_it() {
    let pipeline = Pipeline::new("overtaken").await;
    let source = lenient_source(&pipeline).await;
    fill(&source, 3_000).await;
    pipeline.extract(&[&RUN[..], &["--run-id", "first"]].concat()).expect(0, &[]);
    let slow = [&RUN[..], &["--run-id", "slow", "--max-rows-per-second", "1500"]].concat();
    let overtaking = async {
        sealed(&pipeline, "raw/apartments/run=slow/manifest.json").await;
        execute(&source, "delete from user_viewing where user_id < 100").await;
        insert(&source, "user_viewing", &[("viewed_at", "'2024-01-01 00:00:00'")]).await;
        let fast = [&RUN[..], &["--run-id", "fast", "--tables", "user_viewing"]].concat();
        pipeline.extract_aside(&fast).await.expect(0, &[]);
    };
    let (finished, ()) = tokio::join!(pipeline.extract_aside(&slow), overtaking);
    finished.expect(1, &["another run sealed table `user_viewing`"]);
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "after it was overtaken").await;
}

/// The new connection reads what the table has become, not what it was when the run began.
#[tokio::test]
async fn a_table_that_is_altered_during_a_run_is_looked_at_again() {
    let pipeline = Pipeline::new("altered").await;
    let source = lenient_source(&pipeline).await;
    fill(&source, 3_000).await;
    for (run_id, alteration, exit_code, said) in [
        ("wider", "alter table user_viewing modify call_to_action varchar(40)", 0, "reading the table again"),
        ("drifted", "alter table user_viewing modify viewed_at varchar(40)", 3, "column `viewed_at`"),
    ] {
        let pipeline = pipeline.clone().set("LOG_FORMAT", "text");
        let slow = [&RUN[..], &["--run-id", run_id, "--max-rows-per-second", "1500"]].concat();
        let altering = async {
            sealed(&pipeline, &format!("raw/apartments/run={run_id}/manifest.json")).await;
            execute(&source, alteration).await;
        };
        let (finished, ()) = tokio::join!(pipeline.extract_aside(&slow), altering);
        finished.expect(exit_code, &[said]);
    }
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    let mode = &mirror.table("user_viewing").last().snapshot.mode;
    assert!(mode.contains("anew after a lost connection"), "{mode}");
}

/// Waits until a manifest is there.
async fn sealed(pipeline: &Pipeline, key: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while cloud().list_objects(&pipeline.bucket, key).await.is_empty() {
        assert!(Instant::now() < deadline, "no `{key}` within a minute");
    }
}

#[tokio::test]
async fn without_the_right_to_lock_one_connection_has_to_do() {
    let pipeline = Pipeline::new("no_locks").await;
    let source = lenient_source(&pipeline).await;
    fill(&source, 2_000).await;
    for statement in [
        "create or replace user reader@'%' identified by 'reads-only' require ssl".to_owned(),
        format!("grant select on {}.* to reader@'%'", pipeline.source_database),
    ] {
        execute(&source, &statement).await;
    }
    let refused = pipeline.clone().set("RDS_USER", "reader").set("RDS_PASSWORD", "reads-only").set("CONNECTIONS", "4");
    refused.extract(&[&RUN[..], &["--run-id", "refused"]].concat()).expect(0, &[]);
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "without locks").await;
    let mode = |mirror: &Mirror| mirror.table("bookings").last().snapshot.mode.clone();
    assert!(mode(&mirror).contains("one connection, since"), "{}", mode(&mirror));

    pipeline.set("CONNECTIONS", "4").extract(&[&RUN[..], &["--run-id", "locked"]].concat()).expect(0, &[]);
    mirror.catch_up().await;
    assert!(mode(&mirror).contains("4 connections"), "{}", mode(&mirror));
}

#[tokio::test]
async fn a_large_table_is_spread_over_the_slices_of_the_warehouse() {
    let pipeline = Pipeline::new("slices").await.set("FILES_PER_TABLE", "4").set("CONNECTIONS", "2");
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    // Beyond the size from which a table is shared out over connections, and five row groups.
    execute(&source, "alter table bookings modify booking_id bigint not null primary key").await;
    execute(
        &source,
        "insert into bookings (booking_id, user_id, checkin_date, checkout_date, total_price, currency)
         select seq, seq % 1000, '2025-01-01', '2025-01-02', seq % 500 + 1, 'USD' from seq_1_to_600000",
    )
    .await;
    execute(&source, "analyze table bookings").await;
    pipeline.extract(&[&RUN[..], &["--run-id", "large", "--tables", "bookings"]].concat()).expect(0, &[]);
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    let files = &mirror.table("bookings").last().files;
    assert!(!files.is_empty() && files.len().is_multiple_of(4), "{} files", files.len());
    let smallest = files.iter().map(|file| file.record_count).min().expect("files");
    assert!(smallest >= 600_000 / 8, "the smallest file has {smallest} rows");
    assert_mirrors(&mirror, &source, Tz::UTC, "a large table").await;
}
