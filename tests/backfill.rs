//! A past period made again from the raw layer: what was damaged in it is mended, and nothing else is touched.

use crate::support::{Pipeline, assert_equal, cloud, table_checksums};
use sqlx::{Connection as _, PgConnection};

const LAYERS: [&str; 5] = ["raw", "curated", "audit", "presentation", "etl"];
/// When something was done, by the clock of the warehouse.
const CLOCK_COLUMNS: [&str; 4] = ["deployed_at", "transformed_at", "published_at", "noted_at"];
const DAY: &str = "2025-12-31";
/// All rows of a table are counted, whatever changed.
const LACKING_VIEWINGS: [&str; 2] = ["--accept", "TBL-BALANCE"];
const FEBRUARY: [&str; 5] = ["backfill", "--from", "2025-02-01", "--to", "2025-02-28"];

/// Damages of every kind, in rows whose days all lie in February: rows that are gone, rows that are other ones, rows that never were.
const DAMAGES: [&str; 15] = [
    "create temp table inner_bookings as select booking_id from curated.stay
     where booked_on between '2025-02-01' and '2025-02-28' and checkin_date >= '2025-02-01' and checkout_date <= '2025-03-01'",
    "delete from curated.bookings where booking_id = (select min(booking_id) from inner_bookings)",
    "update curated.bookings set total_price_rc = 1, booking_status = 'pending', is_realised = false
     where booking_id = (select max(booking_id) from inner_bookings)",
    "insert into curated.bookings select -1, user_id, apartment_id, booking_date, booked_on, checkin_date, checkout_date, nights,
     total_price, currency, booking_status, payment_status, num_guests, is_realised, rate_to_reporting, total_price_rc
     from curated.bookings where booking_id = (select max(booking_id) from inner_bookings)",
    "update curated.stay set city = 'Nowhere', city_key = 'nowhere' where booking_id = (select max(booking_id) from inner_bookings)",
    "delete from curated.stay where booking_id = (select min(booking_id) from inner_bookings)",
    "update curated.stay_night set revenue_rc = revenue_rc + 1000 where night = '2025-02-10'",
    "delete from curated.stay_night where night = '2025-02-11'",
    "insert into curated.stay_night select -2, apartment_id, user_id, night, week_start, month_start, night_number, nights, revenue,
     revenue_rc, payment_status, city_key, state_key from curated.stay_night where night = '2025-02-12'",
    "update curated.listing_day set price_rc = 7 where calendar_date = '2025-02-13'",
    "delete from curated.listing_day where calendar_date between '2025-02-14' and '2025-02-16'",
    "insert into curated.listing_day select 999999999, calendar_date, week_start, month_start, price, currency, price_rc, price_type,
     cityname, state, basis from curated.listing_day where calendar_date = '2025-02-17' limit 1",
    "delete from curated.user_viewing where viewed_on = '2025-02-18'",
    "update presentation.occupancy_rate set occupied_nights = 0, occupancy_rate = 0 where month_start = '2025-02-01'",
    "delete from presentation.top_listings where week_start = '2025-02-10'",
];

/// Runs statements at the warehouse, past everything that guards it.
async fn at_warehouse(pipeline: &Pipeline, statements: &[&str]) {
    let mut connection = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    for statement in statements {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await;
        let done = done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(done.rows_affected() > 0, "{statement} met no row");
    }
}

#[tokio::test]
async fn a_backfill_mends_its_period_and_nothing_else() {
    let pipeline = Pipeline::sampled("backfill").await.set("REPORTING_TIMEZONE", "America/New_York");
    pipeline.run_all("first", DAY);
    let url = pipeline.warehouse_url();
    // What tells that values were restated is not what the period holds.
    let layers = async || {
        let mut tables = table_checksums(&url, &LAYERS, &CLOCK_COLUMNS).await;
        tables.remove("etl.metric_restatements");
        tables
    };
    let sound = layers().await;
    at_warehouse(&pipeline, &DAMAGES).await;
    let damaged = layers().await;
    for table in ["bookings", "stay", "stay_night", "listing_day", "user_viewing"] {
        let table = format!("curated.{table}");
        assert_ne!(sound[&table], damaged[&table], "{table} is damaged");
    }
    pipeline.load(&[&["run"][..], &LACKING_VIEWINGS].concat()).expect(0, &[]);
    let after_run = layers().await;
    for table in ["curated.bookings", "curated.stay_night", "curated.listing_day", "presentation.occupancy_rate"] {
        assert_eq!(damaged[table], after_run[table], "a run leaves {table}");
    }

    pipeline.load(&FEBRUARY).expect(0, &["values restated"]);
    assert_equal(&sound, &layers().await, "after the backfill of what was damaged");
    let restated = "select count(*) from etl.metric_restatements where metric = 'occupancy_rate' and is_applied
                    and period_start = '2025-02-01' and column_name = 'occupied_nights' and old_value = '0'";
    assert_eq!(cloud().count(&url, restated).await, 1);

    // Another month stays as it is.
    let elsewhere = [
        "update curated.listing_day set price_rc = 7 where calendar_date = '2025-05-13'",
        "update curated.listing_day set price_rc = 7 where calendar_date in ('2025-01-31', '2025-03-01')",
        "delete from curated.user_viewing where viewed_on in ('2025-01-31', '2025-03-01')",
        "update curated.bookings set total_price_rc = 1 where booked_on = '2025-06-10' and checkin_date > '2025-06-10'",
        "update curated.stay_night set revenue_rc = 1 where booking_id in (
             select booking_id from curated.stay where booked_on > '2025-06-01' and checkin_date > '2025-06-01')",
        "update presentation.occupancy_rate set occupied_nights = 0 where month_start = '2025-08-01'",
        "delete from presentation.average_listing_price where week_start = '2025-05-12'",
    ];
    at_warehouse(&pipeline, &elsewhere).await;
    let damaged = layers().await;
    pipeline.load(&[&FEBRUARY[..], &LACKING_VIEWINGS].concat()).expect(0, &[]);
    // Weeks that reach into the month, and those with a night of a booking of it, are computed again from what stands there.
    let mut expected = damaged;
    let mut found = layers().await;
    for tables in [&mut expected, &mut found] {
        tables.retain(|table, _| table.starts_with("curated.") || table == "presentation.occupancy_rate");
    }
    assert_equal(&expected, &found, "after the backfill of another month");

    pipeline.load(&["backfill", "--from", "2025-01-01", "--to", DAY]).expect(0, &[]);
    assert_equal(&sound, &layers().await, "after the backfill of the year");
}

#[tokio::test]
async fn a_backfill_of_a_closed_period_is_kept_back_until_it_is_asked_for() {
    let pipeline = Pipeline::sampled("backfill_closed").await;
    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    pipeline.load(&["run", "--close-before", "2025-04-01"]).expect(0, &[]);
    let damage = "update presentation.occupancy_rate set occupied_nights = 0 where month_start = '2025-02-01'";
    at_warehouse(&pipeline, &[damage]).await;
    let url = pipeline.warehouse_url();
    let mended = "select count(*) from presentation.occupancy_rate inner join audit.occupancy_rate as audited
                  using (month_start, occupied_nights) where month_start = '2025-02-01'";
    pipeline.load(&FEBRUARY).expect(0, &["of closed periods kept back"]);
    assert_eq!(cloud().count(&url, mended).await, 0);
    pipeline.load(&[&FEBRUARY[..], &["--restate"]].concat()).expect(0, &["values restated"]);
    assert_eq!(cloud().count(&url, mended).await, 1);
}

#[tokio::test]
async fn a_backfill_of_no_day_is_a_usage_fault() {
    let pipeline = Pipeline::unprepared("backfill_reversed");
    let reversed = pipeline.load(&["backfill", "--from", "2025-02-28", "--to", "2025-02-01"]);
    reversed.expect(2, &["from 2025-02-28 to 2025-02-01 is of no day", "name the earlier day by `--from`"]);
    pipeline.load(&["backfill", "--from", "2025-02-30", "--to", "2025-03-01"]).expect(2, &["--from", "YYYY-MM-DD"]);
}
