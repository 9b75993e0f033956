//! A metric is one file: dropped into a copy of `sql/`, it has its table, refresh, catalog row and place in the report.

use crate::support::{Pipeline, cloud, copy_of_sql};
use std::{fs, path::Path};

const CANCELLATIONS: &str = "\
-- cancellations: bookings that were taken back, by the month in which they were booked.
-- Grain: one row per month with a booking.  Unit: bookings.  Reads: curated.bookings, curated.run_context.
-- Period: month_start by month.  Moved by: bookings.booked_on.
select
    date_trunc('month', bookings.booked_on)::date as month_start,
    sum(case when bookings.booking_status = 'canceled' then 1 else 0 end)::bigint as canceled_bookings,
    count(*) as bookings,
    max(last_day(bookings.booked_on)) < max(run_context.run_date) as is_complete
from curated.bookings
cross join curated.run_context
where bookings.booked_on >= range_start and bookings.booked_on < range_end
group by date_trunc('month', bookings.booked_on)::date;
";

/// Where the new metric should say what a query over the curated bookings says.
async fn assert_counts_cancellations(pipeline: &Pipeline) -> i64 {
    let url = pipeline.warehouse_url();
    let counted = cloud().count(&url, "select sum(canceled_bookings)::bigint from presentation.cancellations").await;
    let sql = "select count(*) from curated.bookings where booked_on is not null and booking_status = 'canceled'";
    assert_eq!(counted, cloud().count(&url, sql).await);
    counted
}

#[tokio::test]
async fn one_file_is_a_metric() {
    let sql = copy_of_sql();
    fs::write(sql.path().join("metrics/cancellations.sql"), CANCELLATIONS).expect("write the metric");
    let pipeline = Pipeline::sampled("own_metric").await.set("SQL_DIR", path_text(sql.path()));
    pipeline.run_all("first", "2025-12-31");
    let before = assert_counts_cancellations(&pipeline).await;

    let url = pipeline.warehouse_url();
    let catalog = "select count(*) from presentation.metric_catalog where metric = 'cancellations' and unit = 'bookings' \
                   and title = 'Cancellations' and description like 'bookings that were taken back%'";
    assert_eq!(cloud().count(&url, catalog).await, 1);
    pipeline.load(&["metric", "list"]).expect(0, &["cancellations", "one row per month with a booking"]);
    let shown = pipeline.load(&["metric", "show", "cancellations", "--format", "csv"]).expect(0, &[]);
    assert!(shown.stdout.starts_with("month_start,canceled_bookings,bookings,is_complete\n"), "{}", shown.stdout);
    pipeline
        .load(&["metric", "explain", "cancellations"])
        .expect(0, &["No file `sql/metrics/cancellations.rows.sql` lists"]);
    // The report shows each metric that the receipt names.
    let receipt = cloud().get_json(&pipeline.bucket, "runs/first/receipt.json").await;
    let published = receipt["publish"]["metrics"].as_array().expect("metrics").clone();
    assert!(published.iter().any(|name| name == "cancellations") && published.len() == 8, "{published:?}");

    // Refreshed by what changed, and restated where its month was over.
    pipeline.at_source(&["update bookings set booking_status = 'canceled' where booking_id % 7 = 0"]).await;
    pipeline.run_all("second", "2026-01-05");
    assert!(assert_counts_cancellations(&pipeline).await > before);
    let restated = "select count(*) from etl.metric_restatements where metric = 'cancellations' and is_applied";
    assert!(cloud().count(&url, restated).await > 0);
}

#[tokio::test]
async fn a_folder_that_is_not_sql_of_the_warehouse_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = Pipeline::unprepared("no_sql").set("SQL_DIR", path_text(folder.path()));
    pipeline.load(&["metric", "list"]).expect(2, &["schema_setup.sql", path_text(folder.path()), "SQL_DIR"]);
    let missing = folder.path().join("missing");
    pipeline.load(&["metric", "list", "--sql-dir", path_text(&missing)]).expect(2, &[path_text(&missing), "--sql-dir"]);
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
