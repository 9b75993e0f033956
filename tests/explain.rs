//! Why a metric says what it says: the rows behind a published number are those that make it, and the others say why not.

use crate::support::Pipeline;
use serde_json::Value;
use std::collections::BTreeSet;

const DAY: &str = "2025-12-31";

fn explained(pipeline: &Pipeline, arguments: &[&str]) -> Value {
    let options = ["--format", "json"];
    let finished = pipeline.load(&[&["metric", "explain"], arguments, &options].concat()).expect(0, &[]);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list of rows")
}

/// The sum of a column of whole numbers over the published rows.
fn published(explained: &Value, column: &str) -> u64 {
    rows(&explained["published"]).iter().map(|row| row[column].as_u64().expect("a count")).sum()
}

fn counted(explained: &Value) -> u64 {
    let behind = &explained["behind"];
    let counted = behind["counted"].as_u64().expect("a count");
    let listed = rows(&behind["rows"]).iter().filter(|row| row["left_out"].is_null()).count();
    assert_eq!(counted, listed as u64, "rows that count, and those that are listed");
    let left_out: u64 = rows(&behind["left_out"]).iter().map(|row| row["row_count"].as_u64().expect("a count")).sum();
    assert_eq!(left_out + counted, rows(&behind["rows"]).len() as u64, "all rows");
    counted
}

/// Whether rows are left out for a reason that begins like this.
fn leaves_out(explained: &Value, reason: &str) -> bool {
    let reasons = rows(&explained["behind"]["left_out"]).iter();
    reasons.map(|row| row["left_out"].as_str().expect("a reason")).any(|left_out| left_out.starts_with(reason))
}

#[tokio::test]
async fn the_rows_behind_a_number_make_it() {
    let pipeline = Pipeline::sampled("explained").await;
    pipeline.at_source(&["update apartments set price = 0 where id % 9 = 0"]).await;
    pipeline.run_all("first", DAY);
    let day = "2025-06-04";

    // What counts the rows behind, and why some of them do not count.
    let cases: [(&str, &[&str], &str, &str); 6] = [
        ("average_listing_price", &[], "priced_days", "no positive price"),
        ("booking_duration", &["--key", "period_type=month"], "bookings", "booking_status canceled"),
        ("booking_duration", &["--key", "period_type=week"], "bookings", "booking_status canceled"),
        ("bookings_per_user", &[], "bookings", "booking_status canceled"),
        ("occupancy_rate", &[], "sellable_nights", ""),
        ("popular_locations", &[], "bookings", "booking_status canceled"),
    ];
    for (metric, keys, column, reason) in cases {
        let whole = explained(&pipeline, &[&[metric, "--period", day], keys].concat());
        assert!(counted(&whole) > 0, "{metric}: nothing counts");
        assert_eq!(counted(&whole), published(&whole, column), "{metric}");
        assert!(reason.is_empty() || leaves_out(&whole, reason), "{metric}: {}", whole["behind"]["left_out"]);
    }
    let occupancy = explained(&pipeline, &["occupancy_rate", "--period", day]);
    let booked = rows(&occupancy["behind"]["rows"]).iter().filter(|row| row["is_booked"] == true).count();
    assert_eq!(booked as u64, published(&occupancy, "occupied_nights"));
    let names = ["value", "numerator", "denominator"].map(|part| occupancy[part].as_str().expect("a column"));
    assert_eq!(names, ["occupancy_rate", "occupied_nights", "sellable_nights"]);

    let ending = explained(&pipeline, &["occupancy_rate", "--period", DAY]);
    assert_eq!(counted(&ending), published(&ending, "sellable_nights"));
    let coming = explained(&pipeline, &["top_listings", "--period", DAY]);
    assert!(leaves_out(&coming, "on the books"), "{}", coming["behind"]["left_out"]);
    assert_eq!(counted(&coming), published(&coming, "converted_nights"));

    let repeat = explained(&pipeline, &["repeat_customer_rate", "--period", day]);
    let counting = rows(&repeat["behind"]["rows"]).iter().filter(|row| row["left_out"].is_null());
    let users: BTreeSet<_> = counting.map(|row| row["user_id"].as_i64()).collect();
    assert_eq!(users.len() as u64, published(&repeat, "users"));

    let top = explained(&pipeline, &["top_listings", "--period", day]);
    assert_eq!(counted(&top), published(&top, "converted_nights"));
    // The newest complete period, of one listing.
    let listing = &rows(&top["published"])[0]["apartment_id"];
    let newest = explained(&pipeline, &["top_listings", "--key", &format!("apartment_id={listing}")]);
    assert_eq!(rows(&newest["published"]).len(), 1, "{}", newest["published"]);
    assert_eq!(newest["published"][0]["is_complete"], true);
    assert_eq!(counted(&newest), published(&newest, "converted_nights"));
    assert!(rows(&newest["behind"]["rows"]).iter().all(|row| &row["apartment_id"] == listing));
}

#[tokio::test]
async fn an_explanation_reads_well_and_says_what_is_not_there() {
    let pipeline = Pipeline::sampled("explained_in_words").await;
    pipeline.run_all("first", DAY);
    let explain = |arguments: &[&str]| pipeline.load(&[&["metric", "explain"], arguments].concat());
    let said = [
        "occupancy_rate = occupied_nights / sellable_nights, as published",
        "Rows that count: ",
        "A night booked twice counts once.",
    ];
    explain(&["occupancy_rate"]).expect(0, &said);
    let listed = explain(&["occupancy_rate", "--format", "csv", "--limit", "5"]).expect(0, &[]).stdout;
    assert!(listed.starts_with("month_start,apartment_id,night,is_booked,"), "{listed}");
    assert_eq!(listed.lines().count(), 6, "{listed}");

    explain(&["occupation"]).expect(2, &["unknown metric `occupation`"]);
    explain(&["occupancy_rate", "--period", "1999-01-01"])
        .expect(2, &["whose period holds 1999-01-01; they begin from "]);
    explain(&["top_listings", "--key", "listing=7"]).expect(2, &["no key column `listing`, only apartment_id"]);
    explain(&["top_listings", "--key", "week_start=2025-06-02"]).expect(2, &["chosen by `--period`"]);
    explain(&["top_listings", "--key", "apartment_id=-7"]).expect(2, &["has no row with apartment_id=-7"]);
    explain(&["top_listings", "--key", "7"]).expect(2, &["apartment_id=4711"]);

    // Readers still see the first run, and later a closed month as it was.
    pipeline.at_source(&["update bookings set booking_status = 'canceled' where booking_id % 7 = 0"]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", DAY, "--sweep"]).expect(0, &[]);
    pipeline.load(&["load"]).expect(0, &[]);
    pipeline.load(&["transform"]).expect(0, &[]);
    let said = ["those of run second, which is not published as it stands"];
    explain(&["occupancy_rate"]).expect(0, &said);
    pipeline.load(&["transform", "--verify"]).expect(0, &[]);
    pipeline.load(&["publish", "--close-before", DAY]).expect(0, &[]);
    let published = explain(&["occupancy_rate"]).expect(0, &["those of run second. Rows that count: "]);
    assert!(!published.stdout.contains("kept back"), "{}", published.stdout);
    pipeline.at_source(&["update bookings set booking_status = 'canceled' where booking_id % 5 = 0"]).await;
    pipeline.run_all("third", DAY);
    explain(&["occupancy_rate"]).expect(0, &["those of run third. ", "closed periods that are kept back: "]);
}
