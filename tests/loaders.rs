//! Several `load-redshift` on one log, side by side and killed at random moments: each ends with the tables of one that worked
//! alone, and with one row of the ledger per run and table.

use crate::support::{Pipeline, assert_equal, cloud, table_checksums};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{env, time::Instant};

const ALL_SCHEMAS: [&str; 5] = ["etl", "raw", "curated", "audit", "presentation"];
/// When something was done, by the clock of the warehouse.
const CLOCK_COLUMNS: [&str; 4] = ["deployed_at", "transformed_at", "published_at", "noted_at"];
const TABLE_COUNT: i64 = 4;
const RUN_DATES: [&str; 3] = ["2025-12-31", "2026-01-01", "2026-01-05"];

/// Changes the source and seals a run of it.
async fn seal(pipeline: &Pipeline, position: usize) {
    let part = position + 7;
    pipeline
        .at_source(&[
            &format!("update bookings set booking_status = 'canceled' where booking_id % 97 = {part}"),
            &format!("delete from bookings where booking_id % 89 = {part}"),
            &format!("update apartments set price = price + 1 where id % 11 = {part} % 11"),
        ])
        .await;
    let run_id = format!("run-{position}");
    pipeline.extract(&["--run-id", &run_id, "--as-of", RUN_DATES[position]]).expect(0, &[]);
}

/// Holds the warehouse against one that a single loader fills from the same log.
async fn assert_as_loaded_alone(pipeline: &Pipeline, alone: &Pipeline, run_count: usize, context: &str) {
    alone.load(&["run"]).expect(0, &[]);
    let (url, alone_url) = (pipeline.warehouse_url(), alone.warehouse_url());
    assert_equal(
        &table_checksums(&alone_url, &ALL_SCHEMAS, &CLOCK_COLUMNS).await,
        &table_checksums(&url, &ALL_SCHEMAS, &CLOCK_COLUMNS).await,
        context,
    );
    let entries = cloud().count(&url, "select count(*) from etl.ledger").await;
    assert_eq!(entries, TABLE_COUNT * i64::try_from(run_count).expect("a count"), "{context}: rows of the ledger");
    let distinct = "select count(*) from (select distinct run_id, table_name from etl.ledger) as entries";
    assert_eq!(cloud().count(&url, distinct).await, entries, "{context}: a table of a run is in the ledger twice");
}

#[tokio::test]
async fn two_loaders_at_once_end_with_the_tables_of_one() {
    let pipeline = Pipeline::sampled("two_loaders").await;
    let alone = pipeline.with_empty_warehouse("alone");
    // One run to load, then two of them.
    let mut sealed = 0;
    for run_count in [1, 2] {
        for _ in 0..run_count {
            seal(&pipeline, sealed).await;
            sealed += 1;
        }
        let (one, other) = tokio::join!(pipeline.load_aside(&["run"]), pipeline.load_aside(&["run"]));
        for loader in [&one, &other] {
            assert!([0, 1].contains(&loader.exit_code), "{run_count} runs to load: {}", loader.stderr);
        }
        // Who was told to try again does so.
        if one.exit_code + other.exit_code > 0 {
            pipeline.load(&["run"]).expect(0, &[]);
        }
        assert_as_loaded_alone(&pipeline, &alone, sealed, &format!("two loaders at once, {run_count} runs to load"))
            .await;
    }
}

#[tokio::test]
async fn killed_at_random_moments_it_ends_with_the_tables_of_an_undisturbed_one() {
    let seed = env::var("KILL_SEED").map_or_else(|_| rand::random(), |text| text.parse().expect("KILL_SEED"));
    let kill_count: usize = env::var("LOADER_KILLS").map_or(50, |text| text.parse().expect("LOADER_KILLS"));
    println!("KILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let pipeline = Pipeline::sampled("killed_loader").await;
    let alone = pipeline.with_empty_warehouse("alone");
    for position in 0..RUN_DATES.len() {
        seal(&pipeline, position).await;
        // The first run is killed from an empty warehouse on.
        let kills = kill_count * (position + 1) / RUN_DATES.len() - kill_count * position / RUN_DATES.len();
        // How long an undisturbed loader takes for the same.
        let started_at = Instant::now();
        alone.load(&["run"]).expect(0, &[]);
        let usual = started_at.elapsed();
        let mut lives = Vec::new();
        let mut hits = 0;
        for _ in 0..kills {
            let life = usual.mul_f64(random.random_range(0.02..0.5));
            lives.push(life);
            hits += usize::from(pipeline.run_for(life, "load-redshift", &["run"]).await.is_none());
        }
        println!("run {position}: {hits} of {kills} kills hit a loader that takes {usual:?}");
        let context = format!("KILL_SEED={seed}, run {position} after {lives:?}");
        let finished = pipeline.load(&["run"]);
        assert_eq!(finished.exit_code, 0, "{context}: {}", finished.stderr);
        assert_as_loaded_alone(&pipeline, &alone, position + 1, &context).await;
    }
}

/// The number of tables that the ledger names and whose rows are not those it counted.
const MISMATCHED: &str = "select count(*) from etl.ledger inner join (
    select 'apartments' as table_name, count(*) as row_count from raw.apartments
    union all select 'apartment_attributes', count(*) from raw.apartment_attributes
    union all select 'bookings', count(*) from raw.bookings
    union all select 'user_viewing', count(*) from raw.user_viewing
) as loaded on ledger.table_name = loaded.table_name where ledger.expected_rows <> loaded.row_count";

#[tokio::test]
async fn killed_as_soon_as_the_ledger_names_a_table_it_has_loaded_that_table() {
    let pipeline = Pipeline::sampled("killed_at_ledger").await;
    pipeline.load(&["migrate"]).expect(0, &[]);
    seal(&pipeline, 0).await;
    let url = pipeline.warehouse_url();
    for known in 0..TABLE_COUNT {
        let named = async { while cloud().count(&url, "select count(*) from etl.ledger").await <= known {} };
        tokio::select! {
            biased;
            () = named => {}
            finished = pipeline.load_aside(&["load"]) => { finished.expect(0, &[]); }
        }
        assert_eq!(cloud().count(&url, MISMATCHED).await, 0, "after {known} tables");
    }
    pipeline.load(&["load"]).expect(0, &[]);
    assert_eq!(cloud().count(&url, "select count(*) from etl.ledger").await, TABLE_COUNT);
    assert_eq!(cloud().count(&url, MISMATCHED).await, 0);
}
