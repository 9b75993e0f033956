//! Every check of the warehouse finds what it is there for: one table is damaged, `verify` refuses with the check's words, and
//! readers keep the numbers that were published.

use crate::support::{Pipeline, project_path};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{collections::BTreeSet, fs};

struct Damage {
    table: &'static str,
    statement: &'static str,
    /// File of the check below `sql/`, rule and the beginning of what it says.
    found: [&'static str; 3],
}

const DAMAGES: [Damage; 21] = [
    Damage {
        table: "etl.row_counts",
        statement: "update etl.row_counts set row_count = 0 where run_id = 'second' and table_name = 'bookings'",
        found: ["raw/row_counts.checks.sql", "TBL-EMPTY", "raw.bookings has no row; when last published it had "],
    },
    Damage {
        table: "etl.row_counts",
        statement: "update etl.row_counts set row_count = 1000 + row_count where run_id = 'first' and table_name = 'apartments'",
        found: ["raw/row_counts.checks.sql", "TBL-VOLUME", "raw.apartments has "],
    },
    Damage {
        table: "curated.bookings",
        statement: "delete from curated.bookings where booked_on between '2025-12-20' and '2025-12-31'",
        found: ["curated/freshness.checks.sql", "TBL-FRESH", "the newest booking is "],
    },
    Damage {
        table: "curated.user_viewing",
        statement: "delete from curated.user_viewing where viewed_at between '2025-12-20' and '2026-01-01'",
        found: ["curated/freshness.checks.sql", "TBL-FRESH", "the newest viewing is "],
    },
    Damage {
        table: "curated.rule_counts",
        statement: "update curated.rule_counts set standing = 1000000 where rule_id = 'BKG-REF-APARTMENT'",
        found: ["curated/violations.checks.sql", "BKG-REF-APARTMENT", "raw.bookings: 1000000 of "],
    },
    Damage {
        table: "curated.apartments",
        statement: "update curated.apartments set valid_to = valid_from
                    where apartment_id = (select min(apartment_id) from curated.apartments where valid_to is not null)
                        and valid_to is not null",
        found: ["curated/apartments.checks.sql", "VERSION-OVERLAP", "overlapping versions of listings: 1"],
    },
    Damage {
        table: "curated.apartments",
        statement: "update curated.apartments set valid_to = '9999-12-31'
                    where apartment_id = (select min(apartment_id) from curated.apartments where valid_to is null)
                        and valid_to is null",
        found: ["curated/apartments.checks.sql", "TBL-BALANCE", "raw.apartments has "],
    },
    Damage {
        table: "curated.bookings",
        statement: "insert into curated.bookings select * from curated.bookings
                    where booking_id = (select min(booking_id) from curated.bookings)",
        found: ["curated/bookings.checks.sql", "KEY-UNIQUE", "curated.bookings holds a booking twice: 1"],
    },
    Damage {
        table: "curated.bookings",
        statement: "update curated.bookings set nights = 0
                    where booking_id = (select min(booking_id) from curated.bookings)",
        found: ["curated/bookings.checks.sql", "BKG-NIGHTS", "bookings without a night: 1"],
    },
    Damage {
        table: "curated.bookings",
        statement: "delete from curated.bookings where booking_id = (select min(booking_id) from curated.bookings)",
        found: ["curated/bookings.checks.sql", "TBL-BALANCE", "raw.bookings has "],
    },
    Damage {
        table: "curated.user_viewing",
        statement: "delete from curated.user_viewing
                    where viewed_at = (select min(viewed_at) from curated.user_viewing)",
        found: ["curated/user_viewing.checks.sql", "TBL-BALANCE", "raw.user_viewing has "],
    },
    Damage {
        table: "curated.stay_night",
        statement: "update curated.stay_night set revenue = revenue + 0.01
                    where night_number = 1
                        and booking_id = (select min(booking_id) from curated.stay_night where revenue is not null)",
        found: ["curated/stay_night.checks.sql", "STAY-SPLIT", "stays whose nights do not add up: 1"],
    },
    Damage {
        table: "curated.stay_night",
        statement: "update curated.stay_night set revenue_rc = revenue_rc + 0.01
                    where night_number = 1
                        and booking_id = (select min(booking_id) from curated.stay_night where revenue_rc is not null)",
        found: ["curated/stay_night.checks.sql", "STAY-SPLIT", "stays whose nights do not add up: 1"],
    },
    Damage {
        table: "audit.occupancy_rate",
        statement: "update audit.occupancy_rate set occupancy_rate = 1.01
                    where month_start = (select max(month_start) from audit.occupancy_rate)",
        found: ["metrics/occupancy_rate.checks.sql", "MET-BOUNDS", "months whose occupancy is not between 0 and 1: 1"],
    },
    Damage {
        table: "audit.occupancy_rate",
        statement: "update audit.occupancy_rate set occupied_nights = occupied_nights + 1
                    where month_start = (select min(month_start) from audit.occupancy_rate)",
        found: ["metrics/occupancy_rate.checks.sql", "MET-BOUNDS", "booked listing-nights: "],
    },
    Damage {
        table: "audit.booking_duration",
        statement: "delete from audit.booking_duration where period_type = 'week'
                    and period_start = (select max(period_start) from audit.booking_duration where period_type = 'week')",
        found: ["metrics/booking_duration.checks.sql", "MET-BOUNDS", "nights of stays by week: "],
    },
    Damage {
        table: "audit.booking_duration",
        statement: "delete from audit.booking_duration where period_type = 'month'
                    and period_start = (select min(period_start) from audit.booking_duration where period_type = 'month')",
        found: ["metrics/booking_duration.checks.sql", "MET-BOUNDS", "nights of stays by month: "],
    },
    Damage {
        table: "audit.top_listings",
        statement: "update audit.top_listings set earned_revenue_rc = earned_revenue_rc + 1000000
                    where week_start = (select min(week_start) from audit.top_listings)",
        found: ["metrics/top_listings.checks.sql", "MET-BOUNDS", "revenue of nights: "],
    },
    Damage {
        table: "audit.bookings_per_user",
        statement: "update audit.bookings_per_user set bookings = bookings + 1
                    where user_id = (select min(user_id) from audit.bookings_per_user)",
        found: ["metrics/bookings_per_user.checks.sql", "MET-BOUNDS", "realised bookings: "],
    },
    Damage {
        table: "audit.popular_locations",
        statement: "delete from audit.popular_locations
                    where week_start = (select max(week_start) from audit.popular_locations where bookings > 0)",
        found: ["metrics/popular_locations.checks.sql", "MET-BOUNDS", "realised bookings: "],
    },
    Damage {
        table: "audit.repeat_customer_rate",
        statement: "update audit.repeat_customer_rate set repeat_users = users + 1
                    where day = (select max(day) from audit.repeat_customer_rate)",
        found: ["metrics/repeat_customer_rate.checks.sql", "MET-BOUNDS", "days with more repeat users than users: 1"],
    },
];

/// The files of checks in a folder of `sql/`.
fn check_files(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(project_path("sql").join(folder)).expect("read a folder of sql/");
    let names = entries.map(|entry| entry.expect("read a folder of sql/").file_name().into_string().expect("a name"));
    names.filter(|name| name.ends_with(".checks.sql")).map(|name| format!("{folder}/{name}")).collect()
}

async fn execute(warehouse: &mut PgConnection, statement: String) -> u64 {
    let done = sqlx::query(AssertSqlSafe(statement.clone())).execute(warehouse).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
}

#[tokio::test]
async fn every_check_refuses_what_it_is_there_for() {
    let damaged: BTreeSet<_> = DAMAGES.iter().map(|damage| damage.found[0].to_owned()).collect();
    let files: BTreeSet<_> = ["curated", "metrics", "raw", "presentation"].into_iter().flat_map(check_files).collect();
    assert_eq!(damaged, files, "files of checks that something is damaged for, and all there are");

    let pipeline = Pipeline::sampled("checks").await.set("FRESHNESS_MAX_DAYS", "5");
    pipeline.run_all("first", "2025-12-31");
    pipeline.run_all("second", "2025-12-31");
    let show = ["metric", "show", "occupancy_rate", "--format", "csv"];
    let published = pipeline.load(&show).expect(0, &[]).stdout;
    let mut warehouse = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    for Damage { table, statement, found: [file, rule, detail] } in DAMAGES {
        execute(&mut warehouse, format!("create table undamaged as table {table}")).await;
        assert!(execute(&mut warehouse, statement.to_owned()).await > 0, "nothing to damage: {statement}");
        let finding = format!("{rule} (sql/{file}): {detail}");
        pipeline.load(&["verify", "--full"]).expect(3, &[&finding]);
        pipeline.load(&["publish"]).expect(3, &[&finding]);
        execute(&mut warehouse, format!("delete from {table}")).await;
        execute(&mut warehouse, format!("insert into {table} table undamaged")).await;
        execute(&mut warehouse, "drop table undamaged".to_owned()).await;
    }
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
    pipeline.load(&["verify"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(0, &[]);
}

#[tokio::test]
async fn a_check_follows_the_days_that_changed_unless_it_is_to_look_at_everything() {
    let pipeline = Pipeline::sampled("checked_days").await;
    pipeline.run_all("first", "2025-12-31");
    let mut warehouse = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    // The nights of one stay of this day do not add up any more.
    let damage = async |warehouse: &mut PgConnection, day: &str, cents: &str| {
        let statement = format!(
            "update curated.stay_night set revenue = revenue + {cents} where night_number = 1 and booking_id =
                (select min(booking_id) from curated.stay where booked_on = '{day}' and total_price is not null)"
        );
        assert_eq!(execute(warehouse, statement).await, 1);
    };
    let day = async |warehouse: &mut PgConnection, which: &str| {
        let query = format!(
            "select {which}(booked_on)::text from curated.stay where booked_on <= '2025-12-31' and total_price is not null"
        );
        let day: String = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(warehouse).await.expect("a day");
        day
    };
    let oldest = day(&mut warehouse, "min").await;
    damage(&mut warehouse, &oldest, "1").await;
    pipeline.at_source(&["update bookings set total_price = total_price + 1 where booking_date >= '2025-12-01'"]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", "2025-12-31", "--sweep"]).expect(0, &[]);
    pipeline.load(&["load"]).expect(0, &[]);
    pipeline.load(&["transform", "--verify"]).expect(0, &[]);
    let finding = "STAY-SPLIT (sql/curated/stay_night.checks.sql): stays whose nights do not add up: 1";
    pipeline.load(&["verify", "--full"]).expect(3, &[finding, "--accept RULE"]);
    damage(&mut warehouse, &oldest, "-1").await;

    let newest = day(&mut warehouse, "max").await;
    damage(&mut warehouse, &newest, "1").await;
    pipeline.load(&["verify"]).expect(3, &[finding]);
    pipeline.load(&["publish"]).expect(3, &[finding]);
    pipeline.load(&["verify", "--accept", "MET-BOUNDS"]).expect(3, &[finding]);
    pipeline.load(&["verify", "--accept", "STAY-SPLIT"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(0, &[]);
}

#[tokio::test]
async fn a_stay_without_a_night_is_left_to_its_check() {
    let pipeline = Pipeline::sampled("without_nights").await;
    pipeline.run_all("first", "2025-12-31");
    let mut warehouse = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    let shorten = "update raw.bookings set checkout_date = checkin_date
                   where booking_id = (select min(booking_id) from curated.stay)";
    assert!(execute(&mut warehouse, shorten.to_owned()).await > 0);
    pipeline.load(&["transform", "--full"]).expect(0, &[]);
    pipeline
        .load(&["verify"])
        .expect(3, &["BKG-NIGHTS (sql/curated/bookings.checks.sql): bookings without a night: 1"]);
}
