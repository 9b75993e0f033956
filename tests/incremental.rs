//! A transformation follows what changed, and the warehouse is then as if everything had been made anew: after each batch of
//! random changes at the source, and once more when the log is loaded into an empty warehouse.
//!
//! A failure names its seed; `CHANGES_SEED` and `CHANGES_SEQUENCES` repeat it or look further.

use crate::support::{
    ACCEPTED, Pipeline, assert_equal, change, cloud, create_tables, execute, lenient_source, put_rates, table_checksums,
};
use chrono::{Days, NaiveDate};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::env;
use tokio::task::JoinSet;

const PIPELINES: u64 = 8;
const SEQUENCES: u64 = 200;
const LAYERS: [&str; 3] = ["curated", "audit", "presentation"];
const FIRST_DAY: &str = "2024-12-20";

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_follows_changes_is_what_a_rebuild_makes() {
    let seed = variable("CHANGES_SEED").unwrap_or_else(rand::random);
    let sequences = variable("CHANGES_SEQUENCES").unwrap_or(SEQUENCES);
    println!("CHANGES_SEED={seed} CHANGES_SEQUENCES={sequences}");
    let mut pipelines = JoinSet::new();
    for number in 0..PIPELINES.min(sequences) {
        let rounds = sequences / PIPELINES + u64::from(number < sequences % PIPELINES);
        pipelines.spawn(changes_and_runs(number, seed.wrapping_add(number), rounds));
    }
    while let Some(ended) = pipelines.join_next().await {
        ended.unwrap_or_else(|error| panic!("CHANGES_SEED={seed} CHANGES_SEQUENCES={sequences}: {error}"));
    }
}

async fn changes_and_runs(number: u64, seed: u64, rounds: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let pipeline = Pipeline::new(&format!("incremental_{number}"))
        .await
        .set("REPORTING_TIMEZONE", ["UTC", "America/New_York", "Asia/Tokyo"][number as usize % 3]);
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    for statement in ["alter table apartments add key (id)", "alter table bookings add key (booking_id)"] {
        execute(&source, statement).await;
    }
    let mut day: NaiveDate = FIRST_DAY.parse().expect("a day");
    let mut log = Vec::new();
    for round in 0..rounds {
        change(&mut random, &source, day, if round == 0 { 60 } else { 6 }, 1, &mut log).await;
        if round == 0 || random.random_range(0..4) == 0 {
            put_rates(&mut random, &pipeline, day, &mut log).await;
        }
        let (run_id, as_of) = (format!("run-{round}"), day.to_string());
        let context = || format!("{run_id} for {as_of} after\n{}", log.join(";\n"));
        extract_and_load(&pipeline, &run_id, &as_of, &context()).await;
        assert_unlisted_nights_are_found(&pipeline, &context()).await;
        let followed = table_checksums(&pipeline.warehouse_url(), &LAYERS, &[]).await;
        let arguments = ["transform", "--full", "--verify", "--publish", "--run-id", &run_id, "--as-of", &as_of];
        let full = pipeline.load_aside(&[&arguments[..], &ACCEPTED].concat()).await;
        assert_eq!(full.exit_code, 0, "{}: {}", context(), full.stderr);
        let made_anew = table_checksums(&pipeline.warehouse_url(), &LAYERS, &[]).await;
        assert_equal(&followed, &made_anew, &context());
        day = day + Days::new([0, 1, 1, 1, 2, 9, 40][random.random_range(0..7)]);
    }

    let rebuilt = pipeline.with_empty_warehouse("rebuilt");
    let run = rebuilt.load_aside(&[&["run"][..], &ACCEPTED].concat()).await;
    assert_eq!(run.exit_code, 0, "{}", run.stderr);
    // Rates are no part of the log, so a run that is replayed knows later ones, and finds what they leave without a rate sooner.
    let first_found = ["first_run_id", "first_seen", "found_by_run"];
    let current = table_checksums(&pipeline.warehouse_url(), &LAYERS, &first_found).await;
    let replayed = table_checksums(&rebuilt.warehouse_url(), &LAYERS, &first_found).await;
    assert_equal(&current, &replayed, &format!("the log in an empty warehouse after\n{}", log.join(";\n")));
}

/// The rule looks at spans of listings first, also where everything is made anew; here every night meets every day.
async fn assert_unlisted_nights_are_found(pipeline: &Pipeline, context: &str) {
    let missed = "with unlisted as (
            select distinct stay_night.booking_id::varchar as row_key
            from curated.stay_night
            cross join curated.run_context
            left join curated.listing_day
                on stay_night.apartment_id = listing_day.apartment_id and stay_night.night = listing_day.calendar_date
            where stay_night.night <= run_context.run_date and listing_day.apartment_id is null
        ),
        found as (select row_key from curated.violations where rule_id = 'NIGHT-NOT-LISTED')
        select count(*) from unlisted full outer join found using (row_key)
        where unlisted.row_key is null or found.row_key is null";
    assert_eq!(cloud().count(&pipeline.warehouse_url(), missed).await, 0, "stays with an unlisted night, {context}");
}

async fn extract_and_load(pipeline: &Pipeline, run_id: &str, as_of: &str, context: &str) {
    let extracted = pipeline.extract_aside(&["--run-id", run_id, "--as-of", as_of, "--sweep"]).await;
    assert_eq!(extracted.exit_code, 0, "{context}: {}", extracted.stderr);
    let loaded = pipeline.load_aside(&[&["run", "--run-id", run_id][..], &ACCEPTED].concat()).await;
    assert_eq!(loaded.exit_code, 0, "{context}: {}", loaded.stderr);
}
