//! A transformation follows what changed, and the warehouse is then as if everything had been made anew: after each batch of
//! random changes at the source, and once more when the log is loaded into an empty warehouse.
//!
//! A failure names its seed; `CHANGES_SEED` and `CHANGES_SEQUENCES` repeat it or look further.

use crate::support::{Pipeline, assert_equal, cloud, create_tables, execute, insert, lenient_source, table_checksums};
use chrono::{Days, NaiveDate};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::MySqlPool;
use std::{env, fmt::Write as _};
use tokio::task::JoinSet;

const PIPELINES: u64 = 8;
const SEQUENCES: u64 = 200;
const LAYERS: [&str; 3] = ["curated", "audit", "presentation"];
/// Tables of a few rows lose them all.
const ACCEPTED: [&str; 2] = ["--accept", "TBL-EMPTY"];
const FIRST_DAY: &str = "2024-12-20";
const CURRENCIES: [&str; 5] = ["'USD'", "'EUR'", "' eur '", "'JPY'", "null"];

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
        change(&mut random, &source, day, if round == 0 { 60 } else { 6 }, &mut log).await;
        if round == 0 || random.random_range(0..4) == 0 {
            put_rates(&mut random, &pipeline, day, &mut log).await;
        }
        let (run_id, as_of) = (format!("run-{round}"), day.to_string());
        let context = || format!("{run_id} for {as_of} after\n{}", log.join(";\n"));
        extract_and_load(&pipeline, &run_id, &as_of, &context()).await;
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

async fn extract_and_load(pipeline: &Pipeline, run_id: &str, as_of: &str, context: &str) {
    let extracted = pipeline.extract_aside(&["--run-id", run_id, "--as-of", as_of, "--sweep"]).await;
    assert_eq!(extracted.exit_code, 0, "{context}: {}", extracted.stderr);
    let loaded = pipeline.load_aside(&[&["run", "--run-id", run_id][..], &ACCEPTED].concat()).await;
    assert_eq!(loaded.exit_code, 0, "{context}: {}", loaded.stderr);
}

/// Some days with rates, and gaps between them that are too long for a rate to hold.
async fn put_rates(random: &mut StdRng, pipeline: &Pipeline, day: NaiveDate, log: &mut Vec<String>) {
    let mut rates = String::from("currency,rate_date,rate_to_reporting\n");
    for currency in ["EUR", "JPY"] {
        let mut rate_day = day - Days::new(90);
        while rate_day < day + Days::new(60) {
            let _ = writeln!(rates, "{currency},{rate_day},1.{:02}", random.random_range(1..90));
            rate_day = rate_day + Days::new(random.random_range(1..25));
        }
    }
    log.push(format!("rates: {}", rates.replace('\n', " ")));
    cloud().put_text(&pipeline.bucket, "reference/fx_rates.csv", rates).await;
}

/// Random statements at the source. Keys are few, so that they meet: bookings of listings that come, go and come again.
async fn change(random: &mut StdRng, source: &MySqlPool, day: NaiveDate, count: u32, log: &mut Vec<String>) {
    for _ in 0..random.random_range(1..=count) {
        let listing = random.random_range(1..=12_i64);
        let booking = random.random_range(1..=60_i64);
        let near = |random: &mut StdRng, before: u64, after: u64| {
            day - Days::new(before) + Days::new(random.random_range(0..=before + after))
        };
        let statement = match random.random_range(0..14) {
            0 => {
                let created = near(random, 60, 5);
                execute(source, &format!("delete from apartments where id = {listing}")).await;
                insert(
                    source,
                    "apartments",
                    &[
                        ("id", &listing.to_string()),
                        ("price", &format!("{}.50", random.random_range(-2..300))),
                        ("currency", CURRENCIES[random.random_range(0..5)]),
                        ("listing_created_on", &format!("'{created}'")),
                        ("is_active", ["1", "1", "1", "0", "null"][random.random_range(0..5)]),
                        ("last_modified_timestamp", &format!("'{} 02:30:00'", near(random, 30, 0))),
                    ],
                )
                .await;
                format!("apartment {listing}")
            }
            1 => format!("update apartments set price = price + 1 where id = {listing}"),
            2 => format!("update apartments set is_active = not is_active where id = {listing}"),
            3 => format!("delete from apartments where id = {listing} and {} = 0", random.random_range(0..3)),
            4 => {
                execute(source, &format!("delete from apartment_attributes where id = {listing}")).await;
                insert(
                    source,
                    "apartment_attributes",
                    &[
                        ("id", &listing.to_string()),
                        ("cityname", ["'Austin'", "'austin '", "'Berlin'", "' '", "null"][random.random_range(0..5)]),
                        ("state", ["'TX'", "'tx'", "null"][random.random_range(0..3)]),
                        ("price_type", ["'night'", "' Night'", "'month'", "null"][random.random_range(0..4)]),
                    ],
                )
                .await;
                format!("attributes {listing}")
            }
            5 => format!("delete from apartment_attributes where id = {listing} and {} = 0", random.random_range(0..3)),
            6..9 => {
                let checkin = near(random, 70, 30);
                let checkout = checkin + Days::new([1, 2, 3, 7, 30][random.random_range(0..5)]);
                execute(source, &format!("delete from bookings where booking_id = {booking}")).await;
                insert(
                    source,
                    "bookings",
                    &[
                        ("booking_id", &booking.to_string()),
                        ("user_id", &random.random_range(1..8).to_string()),
                        ("apartment_id", &random.random_range(1..=14_i64).to_string()),
                        ("booking_date", &format!("'{} 03:00:00'", near(random, 80, 0))),
                        ("checkin_date", &format!("'{checkin}'")),
                        ("checkout_date", &format!("'{checkout}'")),
                        ("total_price", ["100", "99.99", "0", "-7", "null"][random.random_range(0..5)]),
                        ("currency", CURRENCIES[random.random_range(0..5)]),
                        ("booking_status", ["'confirmed'", "' Confirmed'", "'pending'"][random.random_range(0..3)]),
                    ],
                )
                .await;
                format!("booking {booking}")
            }
            9 => format!("update bookings set booking_status = 'canceled' where booking_id = {booking}"),
            10 => format!("update bookings set booking_date = null where booking_id = {booking}"),
            11 => format!("delete from bookings where booking_id = {booking}"),
            12 => {
                let viewed = format!("'{} 23:30:00'", near(random, 20, 0));
                insert(source, "user_viewing", &[("apartment_id", &listing.to_string()), ("viewed_at", &viewed)]).await;
                format!("viewing {viewed}")
            }
            _ => format!("delete from user_viewing where apartment_id = {listing} limit 1"),
        };
        if statement.contains(" from ") || statement.starts_with("update") {
            execute(source, &statement).await;
        }
        log.push(statement);
    }
}
