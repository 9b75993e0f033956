//! What `load-redshift plan` says a run would do: it changes nothing, and nothing moves that it did not name.
//!
//! A failure names its seed; `PLAN_SEED` and `PLAN_ROUNDS` repeat it or look further.

use crate::support::{
    ACCEPTED, Pipeline, assert_equal, change, cloud, create_tables, execute, lenient_source, put_rates, table_checksums,
};
use chrono::{Days, NaiveDate};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

const ALL_SCHEMAS: [&str; 5] = ["etl", "raw", "curated", "audit", "presentation"];
/// Puts few keys into one chunk.
const KEY_STEP: i64 = 30_000;
const ROUNDS: u32 = 25;
/// So often the source is changed before its first run, for the tables to be full.
const FIRST_CHANGES: u32 = 8;
/// Fewer periods that move in a round, on average, prove little.
const MOVED_PER_ROUND: usize = 10;
/// The column with the first day of a period, by metric.
const METRICS: [(&str, &str); 7] = [
    ("average_listing_price", "week_start"),
    ("booking_duration", "period_start"),
    ("bookings_per_user", "week_start"),
    ("occupancy_rate", "month_start"),
    ("popular_locations", "week_start"),
    ("repeat_customer_rate", "day"),
    ("top_listings", "week_start"),
];

/// One line of the plan.
struct Planned(Value);

impl Planned {
    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    fn holds(&self, metric: &str, period: &str) -> bool {
        self.text("metric") == Some(metric)
            && self.text("first_day").is_none_or(|first| first <= period)
            && self.text("end_day").is_none_or(|end| period < end)
    }
}

/// What the plan says; it must leave warehouse and bucket as they were.
async fn planned(pipeline: &Pipeline, arguments: &[&str], context: &str) -> Vec<Planned> {
    let url = pipeline.warehouse_url();
    let before = (table_checksums(&url, &ALL_SCHEMAS, &[]).await, objects(pipeline).await);
    let said = pipeline.load_aside(&[&["plan", "--format", "json"], arguments].concat()).await;
    assert_eq!(said.exit_code, 0, "{context}: {}", said.stderr);
    let after = (table_checksums(&url, &ALL_SCHEMAS, &[]).await, objects(pipeline).await);
    assert_equal(&before.0, &after.0, context);
    assert_eq!(before.1, after.1, "{context}: the plan changed the bucket");
    let lines: Vec<Value> = serde_json::from_str(&said.stdout).expect("a list of objects");
    lines.into_iter().map(Planned).collect()
}

/// Keys and tags of all objects.
async fn objects(pipeline: &Pipeline) -> BTreeSet<(String, String)> {
    let mut pages = cloud().s3().list_objects_v2().bucket(&pipeline.bucket).into_paginator().send();
    let mut objects = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("list objects");
        let named = page
            .contents()
            .iter()
            .map(|object| (object.key().unwrap_or_default().to_owned(), object.e_tag().unwrap_or_default().to_owned()));
        objects.extend(named);
    }
    objects
}

/// Published rows, by metric and first day of the period.
type Published = BTreeMap<(&'static str, String), Vec<String>>;

async fn published(pipeline: &Pipeline) -> Published {
    let mut connection = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    let mut rows = Published::new();
    for (metric, column) in METRICS {
        let query = format!("select {column}::text, metric::text from presentation.{metric} as metric order by 2");
        let found = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.expect("read a metric");
        for row in found {
            rows.entry((metric, row.get(0))).or_default().push(row.get(1));
        }
    }
    rows
}

/// The periods that moved, all of which must be named, and how many are named.
fn moved_and_named(
    plan: &[Planned],
    before: &Published,
    after: &Published,
    context: &str,
) -> (Vec<(&'static str, String)>, usize) {
    let (mut moved, mut named_count) = (Vec::new(), 0);
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (metric, period) = key;
        let is_named = plan.iter().any(|line| line.holds(metric, period));
        named_count += usize::from(is_named);
        if before.get(key) != after.get(key) {
            assert!(is_named, "the period {period} of {metric} moved and was not named; {context}");
            moved.push(key.clone());
        }
    }
    (moved, named_count)
}

#[tokio::test]
async fn nothing_moves_that_was_not_named() {
    let seed = env::var("PLAN_SEED").map_or_else(|_| rand::random(), |text| text.parse().expect("PLAN_SEED"));
    let rounds: u32 = env::var("PLAN_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("PLAN_ROUNDS"));
    println!("PLAN_SEED={seed} PLAN_ROUNDS={rounds}");
    let mut random = StdRng::seed_from_u64(seed);
    let pipeline = Pipeline::new("plan_bound").await.set("REPORTING_TIMEZONE", "America/New_York");
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    for statement in ["alter table apartments add key (id)", "alter table bookings add key (booking_id)"] {
        execute(&source, statement).await;
    }
    let mut day: NaiveDate = "2024-12-20".parse().expect("a day");
    let mut log = Vec::new();
    let (mut moved_count, mut named_count) = (0, 0);
    for round in 0..rounds {
        // Sometimes several runs wait.
        for part in 0..random.random_range(1..=2) {
            for _ in 0..if round == 0 { FIRST_CHANGES } else { 1 } {
                // Far from the run date nothing moves but for a reason of its own.
                let about = day - Days::new([0, 30, 120, 300][random.random_range(0..4)]);
                change(&mut random, &source, about, if round == 0 { 60 } else { 4 }, KEY_STEP, &mut log).await;
            }
            if round == 0 || random.random_range(0..5) == 0 {
                put_rates(&mut random, &pipeline, day, &mut log).await;
            }
            let run_id = format!("run-{round}-{part}");
            let extracted =
                pipeline.extract_aside(&["--run-id", &run_id, "--as-of", &day.to_string(), "--sweep"]).await;
            assert_eq!(extracted.exit_code, 0, "PLAN_SEED={seed}: {}", extracted.stderr);
            log.push(format!("{run_id} for {day}"));
            day = day + Days::new([0, 0, 1, 1, 2, 9, 40][random.random_range(0..7)]);
        }
        let context = format!("PLAN_SEED={seed} PLAN_ROUNDS={}, after\n{}", round + 1, log.join(";\n"));
        if round == 0 {
            let ran = pipeline.load_aside(&[&["run"][..], &ACCEPTED].concat()).await;
            assert_eq!(ran.exit_code, 0, "{context}: {}", ran.stderr);
            continue;
        }
        let plan = planned(&pipeline, &[], &context).await;
        let before = published(&pipeline).await;
        let ran = pipeline.load_aside(&[&["run"][..], &ACCEPTED].concat()).await;
        assert_eq!(ran.exit_code, 0, "{context}: {}", ran.stderr);
        let after = published(&pipeline).await;
        let (moved, named) = moved_and_named(&plan, &before, &after, &context);
        moved_count += moved.len();
        named_count += named;
    }
    println!("{moved_count} periods moved, {named_count} were named");
    // The first run publishes what the others move.
    let least = MOVED_PER_ROUND * (rounds as usize - 1);
    assert!(moved_count >= least, "PLAN_SEED={seed}: {moved_count} periods moved, expected at least {least}");
}

/// They count from the beginning, so that all that the listing is in may move.
#[tokio::test]
async fn the_first_attributes_of_a_listing_move_what_was_before_them() {
    let pipeline = Pipeline::sampled("plan_attributes").await;
    pipeline
        .at_source(&[
            "create table undescribed as select * from apartment_attributes where id = (select apartment_id from bookings \
             where booking_status = 'confirmed' order by checkin_date limit 1)",
            "delete from apartment_attributes where id in (select id from undescribed)",
        ])
        .await;
    pipeline.run_all("first", "2025-12-31");
    pipeline.at_source(&["insert into apartment_attributes select * from undescribed"]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", "2025-12-31", "--sweep"]).expect(0, &[]);
    let context = "a plan for attributes";
    let plan = planned(&pipeline, &[], context).await;
    let before = published(&pipeline).await;
    pipeline.load(&["run"]).expect(0, &[]);
    let (moved, _) = moved_and_named(&plan, &before, &published(&pipeline).await, context);
    for metric in ["average_listing_price", "popular_locations"] {
        let is_old = |(of, period): &(&str, String)| *of == metric && period.as_str() < "2025-06-01";
        assert!(moved.iter().any(is_old), "{metric} moved in {moved:?}");
    }
}

#[tokio::test]
async fn a_plan_says_what_would_be_loaded_and_what_may_move() {
    let pipeline = Pipeline::sampled("plan").await;
    pipeline.extract(&["--run-id", "first", "--as-of", "2025-12-31"]).expect(0, &[]);
    pipeline.load(&["plan"]).expect(0, &["first", "user_viewing", "no metric is published yet"]);
    pipeline.load(&["run", "--close-before", "2025-02-01"]).expect(0, &[]);
    pipeline.load(&["plan"]).expect(0, &["nothing to load"]);

    // A day of viewings moves no metric: only what the days that passed do is named.
    pipeline
        .at_source(&["update user_viewing set call_to_action = 'late' where viewed_at >= '2025-03-03' limit 1"])
        .await;
    pipeline.extract(&["--run-id", "second", "--as-of", "2026-01-02", "--sweep"]).expect(0, &[]);
    let plan = planned(&pipeline, &[], "a plan for viewings").await;
    let loads: Vec<_> = plan.iter().filter(|line| line.text("step") == Some("load")).collect();
    let tables: Vec<_> = loads.iter().filter_map(|line| line.text("table")).collect();
    assert_eq!(tables, ["apartment_attributes", "apartments", "bookings", "user_viewing"]);
    assert_eq!((loads[3].0["chunks"].as_u64(), loads[3].0["files"].as_u64()), (Some(1), Some(1)));
    assert_eq!((loads[2].0["chunks"].as_u64(), loads[2].0["rows"].as_u64()), (Some(0), Some(0)));
    let moving: Vec<_> = plan.iter().filter(|line| line.text("step") == Some("may move")).collect();
    for line in &moving {
        assert!(line.text("first_day").is_some_and(|day| day >= "2025-12-01"), "{}", line.0);
        assert_eq!(line.0["closed"].as_u64(), Some(0), "{}", line.0);
    }
    assert_eq!(moving.len(), METRICS.len());

    // A booking of January 2025 at the earliest; its periods are closed.
    let oldest = "update bookings set total_price = total_price + 1 order by checkin_date limit 1";
    pipeline.at_source(&[oldest]).await;
    pipeline.extract(&["--run-id", "third", "--as-of", "2026-01-02", "--sweep"]).expect(0, &[]);
    let up_to_second = planned(&pipeline, &["--run-id", "second"], "a plan up to a run").await;
    assert!(up_to_second.iter().all(|line| line.text("run_id") != Some("third")));
    let plan = planned(&pipeline, &[], "a plan for bookings").await;
    let of = |metric| plan.iter().filter(move |line| line.text("metric") == Some(metric));
    let nights = of("occupancy_rate").next().expect("a range of months");
    assert!(nights.0["closed"].as_u64() > Some(0) && nights.0["complete"].as_u64() >= nights.0["closed"].as_u64());
    assert!(nights.text("reason").is_some_and(|reason| reason.contains("stay_night.night")), "{}", nights.0);
    let prices = of("average_listing_price").next().expect("a range of weeks");
    assert!(prices.text("first_day") >= Some("2025-12-01"), "no listing changed: {}", prices.0);
    pipeline.load(&["plan"]).expect(0, &["may move", "Most often fewer do", "stay_night.night"]);
    let csv = pipeline.load(&["plan", "--format", "csv"]).expect(0, &[]).stdout;
    assert!(csv.starts_with("step,run_id,run_date,table,chunks,files,rows,bytes,metric,first_day,end_day,"), "{csv}");
    pipeline.load(&["run"]).expect(0, &[]);
}

#[tokio::test]
async fn a_metric_of_another_version_moves_whole() {
    let sql = crate::support::copy_of_sql();
    let pipeline = Pipeline::sampled("plan_metric").await;
    pipeline.run_all("first", "2025-12-31");
    let path = sql.path().join("metrics/occupancy_rate.sql");
    let text = std::fs::read_to_string(&path).expect("read a metric").replace("::decimal(8,6)", "::decimal(9,6)");
    std::fs::write(&path, text).expect("write a metric");
    let changed = pipeline.clone().set("SQL_DIR", sql.path().to_str().expect("a path in UTF-8"));
    let plan = planned(&changed, &[], "a plan for another version").await;
    for line in plan.iter().filter(|line| line.text("step") == Some("may move")) {
        let is_whole = line.text("first_day").is_none() && line.text("end_day").is_none();
        assert_eq!(is_whole, line.text("metric") == Some("occupancy_rate"), "{}", line.0);
    }
    // Settings decide about everything.
    let elsewhere = pipeline.set("REPORTING_TIMEZONE", "Asia/Tokyo");
    let plan = planned(&elsewhere, &[], "a plan for another time zone").await;
    assert_eq!(plan.len(), METRICS.len());
    assert!(plan.iter().all(|line| line.text("reason") == Some("SQL or settings")));
}
