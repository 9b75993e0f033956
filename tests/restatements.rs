//! Numbers that readers have seen complete: a change is noted value by value, and in a closed period not published until it is
//! asked for.

use crate::support::{Pipeline, cloud, create_tables, execute, insert, lenient_source};
use serde_json::Value;
use sqlx::MySqlPool;

const CANCEL: &str = "update bookings set booking_status = 'canceled' where booking_id = ";
const CONFIRM: &str = "update bookings set booking_status = 'confirmed' where booking_id = ";

/// One listing with two stays in January: three nights and two.
async fn two_stays(name: &str) -> (Pipeline, MySqlPool) {
    let pipeline = Pipeline::new(name).await;
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    insert(&source, "apartments", &[("id", "1"), ("listing_created_on", "'2024-12-01'")]).await;
    insert(&source, "apartment_attributes", &[("id", "1")]).await;
    for (booking, checkin, checkout) in [("1", "'2025-01-07'", "'2025-01-10'"), ("2", "'2025-01-20'", "'2025-01-22'")] {
        let values = [
            ("booking_id", booking),
            ("apartment_id", "1"),
            ("booking_date", "'2025-01-06 12:00:00'"),
            ("checkin_date", checkin),
            ("checkout_date", checkout),
            ("booking_status", "'confirmed'"),
        ];
        insert(&source, "bookings", &values).await;
    }
    (pipeline, source)
}

/// What `load-redshift run` did.
fn run(pipeline: &Pipeline, run_id: &str, as_of: &str, arguments: &[&str]) -> String {
    pipeline.extract(&["--run-id", run_id, "--as-of", as_of, "--sweep"]).expect(0, &[]);
    pipeline.load(&[&["run", "--run-id", run_id], arguments].concat()).expect(0, &[]).stdout
}

/// The log for one metric: what happened to the value, its period, row and column, and the old and new value.
fn noted(pipeline: &Pipeline, metric: &str) -> Vec<[String; 6]> {
    let shown = pipeline.load(&["metric", "restatements", "--format", "json"]).expect(0, &[]);
    let rows: Vec<Value> = serde_json::from_str(&shown.stdout).expect("a list of objects");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("NULL").to_owned();
    let columns = ["state", "period_start", "row_key", "column_name", "old_value", "new_value"];
    let of_metric = rows.iter().filter(|row| row["metric"] == metric);
    let mut found: Vec<_> = of_metric.map(|row| columns.map(|name| text(row, name))).collect();
    found.sort_unstable();
    found
}

async fn january(pipeline: &Pipeline, layer: &str) -> i64 {
    let sql = format!("select occupied_nights from {layer}.occupancy_rate where month_start = '2025-01-01'");
    cloud().count(&pipeline.warehouse_url(), &sql).await
}

fn row(values: [&str; 6]) -> [String; 6] {
    values.map(str::to_owned)
}

#[tokio::test]
async fn what_changes_in_a_complete_period_is_noted() {
    let (pipeline, source) = two_stays("restated").await;
    run(&pipeline, "first", "2025-03-01", &[]);
    assert!(noted(&pipeline, "occupancy_rate").is_empty(), "nobody had seen numbers before the first run");

    execute(&source, &format!("{CANCEL}1")).await;
    let said = run(&pipeline, "second", "2025-03-02", &[]);
    assert!(said.contains("values restated"), "{said}");
    let of_month = |column, old, new| row(["published", "2025-01-01", "", column, old, new]);
    assert_eq!(
        noted(&pipeline, "occupancy_rate"),
        [
            of_month("occupancy_calendar", "0.161290", "0.064516"),
            of_month("occupancy_engaged", "0.161290", "0.064516"),
            of_month("occupancy_rate", "0.161290", "0.064516"),
            of_month("occupied_nights", "5", "2"),
        ]
    );
    // The week of the canceled stay has no check-in any more.
    let durations = noted(&pipeline, "booking_duration");
    assert!(durations.contains(&row(["published", "2025-01-06", "week", "nights", "3", "NULL"])), "{durations:?}");
    assert!(durations.contains(&row(["published", "2025-01-01", "month", "nights", "5", "2"])), "{durations:?}");
    let reasons =
        "select count(*) from etl.metric_restatements where reason not like '%stay%' and reason not like '%bookings%'";
    assert_eq!(cloud().count(&pipeline.warehouse_url(), reasons).await, 0);

    // A period that readers have not seen complete changes without a note.
    let values = [
        ("booking_id", "3"),
        ("apartment_id", "1"),
        ("booking_date", "'2025-03-01 12:00:00'"),
        ("checkin_date", "'2025-03-01'"),
        ("checkout_date", "'2025-03-03'"),
        ("booking_status", "'confirmed'"),
    ];
    insert(&source, "bookings", &values).await;
    run(&pipeline, "third", "2025-03-03", &[]);
    assert_eq!(noted(&pipeline, "occupancy_rate").len(), 4);
}

#[tokio::test]
async fn a_closed_period_stays_as_published_until_it_is_restated() {
    let (pipeline, source) = two_stays("closed").await;
    run(&pipeline, "first", "2025-03-01", &["--close-before", "2025-02-01"]);
    execute(&source, &format!("{CANCEL}1")).await;
    let said = run(&pipeline, "second", "2025-03-02", &[]);
    assert!(said.contains("of closed periods kept back"), "{said}");
    assert_eq!((january(&pipeline, "presentation").await, january(&pipeline, "audit").await), (5, 2));
    let kept_back = noted(&pipeline, "occupancy_rate");
    assert!(kept_back.contains(&row(["kept back", "2025-01-01", "", "occupied_nights", "5", "2"])), "{kept_back:?}");

    // Neither forgotten nor noted twice.
    run(&pipeline, "third", "2025-03-03", &[]);
    assert_eq!(noted(&pipeline, "occupancy_rate"), kept_back);

    // A change that is taken back leaves nothing to apply.
    execute(&source, &format!("{CONFIRM}1")).await;
    run(&pipeline, "fourth", "2025-03-04", &[]);
    assert!(noted(&pipeline, "occupancy_rate").is_empty());

    execute(&source, &format!("{CANCEL}2")).await;
    run(&pipeline, "fifth", "2025-03-05", &[]);
    assert_eq!((january(&pipeline, "presentation").await, january(&pipeline, "audit").await), (5, 3));
    run(&pipeline, "sixth", "2025-03-06", &["--restate"]);
    assert_eq!((january(&pipeline, "presentation").await, january(&pipeline, "audit").await), (3, 3));
    let applied = noted(&pipeline, "occupancy_rate");
    assert!(applied.contains(&row(["published", "2025-01-01", "", "occupied_nights", "5", "3"])), "{applied:?}");
    assert!(applied.iter().all(|[state, ..]| state == "published"), "{applied:?}");

    let refused = pipeline.load(&["publish", "--close-before", "2025-01-01"]);
    refused.expect(2, &["ALREADY_CLOSED", "2025-02-01", "--restate"]);
}
