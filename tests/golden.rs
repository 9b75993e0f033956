//! The worked example: twelve bookings of four listings in three currencies, with a stay over the end of a year, an overlap,
//! a price change, a deactivation and three faulty rows. `golden/expected` holds, per metric, what a person computes by hand.

use crate::support::{Pipeline, project_path};
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeMap;

const RUN_DATE: &str = "2025-02-16";

/// Which rows of a metric the expected file speaks about.
enum Expected {
    /// All of them.
    All,
    /// Those whose first column is this date or a later one.
    Since(&'static str),
    /// Those whose first column stands in the file.
    Listed,
}

const METRICS: [(&str, Expected); 7] = [
    ("average_listing_price", Expected::Since("2024-12-30")),
    ("occupancy_rate", Expected::Since("2024-12-01")),
    ("popular_locations", Expected::All),
    ("top_listings", Expected::All),
    ("bookings_per_user", Expected::All),
    ("booking_duration", Expected::All),
    ("repeat_customer_rate", Expected::Listed),
];

type Rows = Vec<BTreeMap<String, String>>;

fn parse(text: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("read CSV")
}

/// The rows that the file speaks about, with its columns only.
fn projected(metric: &str, shown: &Rows, expected_text: &str, which: &Expected) -> Rows {
    let expected = parse(expected_text);
    let header: Vec<&str> = expected_text.lines().next().expect("header").split(',').collect();
    let project = |row: &BTreeMap<String, String>| {
        let column = |name: &&str| {
            let value = row.get(*name).unwrap_or_else(|| panic!("{metric} has no column {name}"));
            ((*name).to_owned(), value.clone())
        };
        header.iter().map(column).collect::<BTreeMap<_, _>>()
    };
    let speaks_about = |row: &&BTreeMap<String, String>| match which {
        Expected::All => true,
        Expected::Since(date) => row[header[0]].as_str() >= *date,
        Expected::Listed => expected.iter().any(|listed| listed[header[0]] == row[header[0]]),
    };
    shown.iter().filter(speaks_about).map(project).collect()
}

#[tokio::test]
async fn the_worked_example_gives_the_numbers_computed_by_hand() {
    let pipeline = Pipeline::seeded("golden", &project_path("tests/golden")).await.set("FX_MAX_AGE_DAYS", "60");
    pipeline.run_all("golden", RUN_DATE);

    // What one run cannot have seen: listing 2 cost 200 until 22 January.
    let mut warehouse = PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse");
    for statement in [
        "insert into curated.apartments
         select apartment_id, '2025-01-22', valid_to, basis, title, source, price, currency, listing_created_on, is_active,
                last_modified_timestamp, content_fingerprint
         from curated.apartments where apartment_id = 2 and basis = 'reconstructed'",
        "update curated.apartments set valid_to = '2025-01-22', price = 200.00
         where apartment_id = 2 and valid_from = '2025-01-10'",
    ] {
        sqlx::query(statement).execute(&mut warehouse).await.expect("place an earlier version");
    }
    let again = ["transform", "--full", "--verify", "--publish", "--run-id", "golden", "--as-of", RUN_DATE];
    pipeline.load(&again).expect(0, &[]);

    for (metric, which) in &METRICS {
        let shown = parse(&pipeline.load(&["metric", "show", metric, "--format", "csv"]).expect(0, &[]).stdout);
        let file = project_path(&format!("tests/golden/expected/{metric}.csv"));
        let expected_text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut shown = projected(metric, &shown, &expected_text, which);
        let mut expected = parse(&expected_text);
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected, "{metric} differs from what was computed by hand");
    }
}
