//! Whatever happens to the source's tables: after a sweep, what the log says of them is what they are.
//!
//! Each pipeline has tables of its own random shape. A sequence is a batch of random changes and a run; afterwards a mirror
//! that reads nothing but sealed manifests has the rows of the source, each as often as it is there. A failure names its
//! seed and everything that was done to the source; `CAPTURE_SEED` and `CAPTURE_SEQUENCES` repeat it or look further.

use crate::support::{Mirror, Pipeline, RandomSource, assert_mirrors, create_tables, execute, insert, lenient_source};
use chrono_tz::Tz;
use rental_core::{Manifest, table_specs};
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
        .set("CONNECTIONS", ["1", "2", "4"][number as usize % 3]);
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

fn standing(manifest: &Manifest) -> Vec<(String, u64)> {
    let counts = manifest.violations.iter();
    counts.map(|count| (format!("{} {:?} {:?}", count.rule, count.case, count.action), count.standing)).collect()
}
