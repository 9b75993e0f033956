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

const DAMAGES: [Damage; 14] = [
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
        found: ["metrics/top_listings.checks.sql", "MET-BOUNDS", "revenue by night: "],
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
        found: ["metrics/booking_duration.checks.sql", "MET-BOUNDS", "nights by week: "],
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

    let pipeline = Pipeline::sampled("checks").await;
    pipeline.run_all("first", "2025-12-31");
    let show = ["metric", "show", "occupancy_rate", "--format", "csv"];
    let published = pipeline.load(&show).expect(0, &[]).stdout;
    let mut warehouse = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    for Damage { table, statement, found: [file, rule, detail] } in DAMAGES {
        execute(&mut warehouse, format!("create table undamaged as table {table}")).await;
        assert!(execute(&mut warehouse, statement.to_owned()).await > 0, "nothing to damage: {statement}");
        let finding = format!("{rule} (sql/{file}): {detail}");
        pipeline.load(&["verify"]).expect(3, &[&finding]);
        pipeline.load(&["publish"]).expect(3, &[&finding]);
        execute(&mut warehouse, format!("delete from {table}")).await;
        execute(&mut warehouse, format!("insert into {table} table undamaged")).await;
        execute(&mut warehouse, "drop table undamaged".to_owned()).await;
    }
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
    pipeline.load(&["verify"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(0, &[]);
}
