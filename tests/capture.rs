//! Whatever happens to the source's tables: after a sweep, what the log says of them is what they are.
//!
//! Each pipeline has tables of its own random shape. A sequence is a batch of random changes and a run; afterwards a mirror
//! that reads nothing but sealed manifests has the rows of the source, each as often as it is there. A failure names its
//! seed and everything that was done to the source; `CAPTURE_SEED` and `CAPTURE_SEQUENCES` repeat it or look further.

use crate::support::{
    Mirror, Pipeline, RandomSource, assert_mirrors, cloud, create_tables, execute, insert, lenient_source,
};
use chrono_tz::Tz;
use rental_core::{ChunkGrid, Manifest, table_specs};
use std::env;
use tokio::task::JoinSet;

const PIPELINES: u64 = 16;
const SEQUENCES: u64 = 512;
const ZONES: [Tz; 5] = [
    Tz::Europe__Berlin,
    Tz::UTC,
    Tz::America__New_York,
    // A clock change of half an hour, and a zone that crossed the date line.
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
];

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_every_sweep_the_log_has_the_rows_of_the_source() {
    let seed = variable("CAPTURE_SEED").unwrap_or_else(rand::random);
    let sequences = variable("CAPTURE_SEQUENCES").unwrap_or(SEQUENCES);
    println!("CAPTURE_SEED={seed} CAPTURE_SEQUENCES={sequences}");
    let mut pipelines = JoinSet::new();
    for number in 0..PIPELINES.min(sequences) {
        let rounds = sequences / PIPELINES + u64::from(number < sequences % PIPELINES);
        pipelines.spawn(changes_and_runs(number, seed.wrapping_add(number), rounds));
    }
    while let Some(ended) = pipelines.join_next().await {
        ended.unwrap_or_else(|error| panic!("CAPTURE_SEED={seed} CAPTURE_SEQUENCES={sequences}: {error}"));
    }
}

async fn changes_and_runs(number: u64, seed: u64, rounds: u64) {
    let zone = ZONES[number as usize % ZONES.len()];
    let pipeline = Pipeline::new(&format!("capture_{number}"))
        .await
        .set("SOURCE_TIMEZONE", zone.name())
        .set("CONNECTIONS", ["1", "2", "4"][number as usize % 3])
        // In every second pipeline tables are shared out between the connections.
        .set("ROWS_PER_RANGE", ["500000", "3"][number as usize % 2]);
    let mut source = RandomSource::create(&pipeline, seed).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    let mut as_of = "";
    for round in 0..rounds {
        let run_id = format!("run-{round}");
        // Time goes on, and sometimes back.
        as_of = ["2025-12-31", "2026-01-01", "2025-11-02", "2025-03-29"][round as usize * 7 / 3 % 4];
        let log = source.write_log(&pipeline.source_database);
        let context = format!("{run_id} for {as_of} in {zone} after all that {log} says");
        let finished = pipeline.extract_aside(&["--run-id", &run_id, "--as-of", as_of, "--sweep"]).await;
        assert_eq!(finished.exit_code, 0, "{context}: {}", finished.stderr);
        mirror.catch_up().await;
        assert_mirrors(&mirror, &source.pool, zone, &context).await;
        source.change().await;
    }

    // A log without a past has the same rows, and as many of them under each rule.
    let log = source.write_log(&pipeline.source_database);
    pipeline.extract_aside(&["--run-id", "last", "--as-of", as_of, "--sweep"]).await.expect(0, &[]);
    mirror.catch_up().await;
    mirror.assert_no_stray_files("last").await;
    let full = pipeline.with_empty_log("full").await;
    full.extract_aside(&["--run-id", "full", "--as-of", as_of]).await.expect(0, &[]);
    let mut full_mirror = Mirror::of(&full.bucket);
    full_mirror.catch_up().await;
    for spec in table_specs() {
        let (grown, full) = (mirror.table(&spec.name), full_mirror.table(&spec.name));
        assert_eq!(standing(grown.last()), standing(full.last()), "rules of `{}` after all that {log} says", spec.name);
        assert!(grown.rows() == full.rows(), "rows of `{}` after all that {log} says", spec.name);
    }
}

/// The statement for the last chunk had no upper bound, so that keys beyond the largest signed number came with it and again
/// with the rows without a place in the grid: the second pass found other rows than the first and the run failed for good.
#[tokio::test]
async fn keys_beyond_the_grid_are_read_once() {
    let pipeline = Pipeline::new("capture_beyond").await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    execute(&source, "alter table apartments modify id bigint unsigned null, add key (id)").await;
    for key in ["1", "9223372036854775806", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
        insert(&source, "apartments", &[("id", key)]).await;
    }
    let mut mirror = Mirror::of(&pipeline.bucket);
    for title in ["first", "second"] {
        execute(&source, &format!("update apartments set title = '{title}'")).await;
        pipeline.extract(&["--run-id", title, "--as-of", "2025-12-31", "--sweep"]).expect(0, &[]);
        mirror.catch_up().await;
        assert_mirrors(&mirror, &source, Tz::UTC, title).await;
        assert_eq!(mirror.table("apartments").last().rows.quarantined, 2);
    }
}

/// Beyond it there is no literal for the end of the day, and the second pass found no row.
#[tokio::test]
async fn the_last_day_of_the_calendar_can_change() {
    for zone in [Tz::UTC, Tz::America__New_York, Tz::Europe__Berlin] {
        let name = format!("capture_last_day_{}", zone.name().to_lowercase().replace('/', "_"));
        let pipeline = Pipeline::new(&name).await.set("SOURCE_TIMEZONE", zone.name());
        let source = lenient_source(&pipeline).await;
        create_tables(&source).await;
        let mut mirror = Mirror::of(&pipeline.bucket);
        for run_id in ["first", "second"] {
            for time in ["'9999-12-31 00:00:00'", "'9999-12-30 23:59:59'"] {
                insert(&source, "user_viewing", &[("viewed_at", time)]).await;
            }
            pipeline.extract(&["--run-id", run_id, "--as-of", "2025-12-31", "--sweep"]).expect(0, &[]);
            mirror.catch_up().await;
            assert_mirrors(&mirror, &source, zone, run_id).await;
        }
    }
}

/// Each key was a chunk for good, and the state as large as the table.
#[tokio::test]
async fn keys_that_come_to_lie_far_apart_get_a_coarser_grid() {
    let pipeline = Pipeline::new("capture_regrid").await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    let mut widths = Vec::new();
    for (run_id, change) in [
        ("close", "insert into apartments (id, price) values (-5, 1), (1, 1), (2, 1)"),
        ("apart", "insert into apartments (id, price) select seq * 1000000000, 1 from seq_1_to_80100"),
        ("coarser", "delete from apartments where id = 2 or id = 1000000000 or id > 80000000000000"),
        ("unchanged", "do 0"),
    ] {
        execute(&source, change).await;
        pipeline.extract(&["--run-id", run_id, "--as-of", "2025-12-31", "--tables", "apartments"]).expect(0, &[]);
        mirror.catch_up().await;
        assert_mirrors(&mirror, &source, Tz::UTC, run_id).await;
        let ChunkGrid::Key { width, .. } = mirror.table("apartments").last().chunk_grid else { panic!("another grid") };
        widths.push(width);
    }
    assert_eq!((widths[0], widths[2]), (widths[1], widths[3]), "{widths:?}");
    assert!(widths[2] > widths[1], "{widths:?}");
    assert_eq!(mirror.table("apartments").last().rows.written, 0);
}

#[tokio::test]
async fn a_log_that_is_cut_otherwise_than_the_contract_says_is_left_alone() {
    let pipeline = Pipeline::new("capture_other_grid").await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    insert(&source, "bookings", &[("booking_id", "1")]).await;
    let run = ["--as-of", "2025-12-31", "--tables", "bookings"];
    pipeline.extract(&[&run[..], &["--run-id", "first"]].concat()).expect(0, &[]);
    let key = "state/bookings.json";
    let mut state = cloud().get_json(&pipeline.bucket, key).await;
    state["chunk_grid"]["column"] = "user_id".into();
    cloud().put_json(&pipeline.bucket, key, &state).await;
    pipeline
        .extract(&[&run[..], &["--run-id", "second"]].concat())
        .expect(2, &["by ranges of `booking_id`", "by ranges of `user_id`", "begin a new log"]);
}

fn standing(manifest: &Manifest) -> Vec<(String, u64)> {
    let counts = manifest.violations.iter();
    counts.map(|count| (format!("{} {:?} {:?}", count.rule, count.case, count.action), count.standing)).collect()
}
