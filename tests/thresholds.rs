//! More rejected rows than a contract accepts: the run lands and is not published.

use crate::support::{Pipeline, cloud};
use serde_json::Value;

const DAY: &str = "2025-12-31";

/// Extracts with a sweep and loads; what the extract says of bookings whose text is too long.
async fn land(pipeline: &Pipeline, run_id: &str) -> Value {
    pipeline.extract(&["--run-id", run_id, "--as-of", DAY, "--sweep"]).expect(0, &[]);
    let receipt = cloud().get_json(&pipeline.bucket, &format!("runs/{run_id}/receipt.json")).await;
    let violations = receipt["extract"]["tables"]["bookings"]["violations"].as_array().expect("violations");
    violations.iter().find(|count| count["rule"] == "TXT-BYTES").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_run_above_a_share_of_its_contract_lands_and_is_not_published() {
    let pipeline = Pipeline::sampled("thresholds").await;
    pipeline.run_all("first", DAY);
    let url = pipeline.warehouse_url();
    let kept = "select count(*) from raw.bookings";
    let first_count = cloud().count(&url, kept).await;
    let rows = cloud().get_json(&pipeline.bucket, "runs/first/receipt.json").await;
    let row_count = rows["extract"]["tables"]["bookings"]["rows"]["read"].as_i64().expect("a count");
    // Half of the rows may be longer than the contract has it. Those that are rejected anyway count under rules of their own.
    let limit = row_count / 2;
    let lengthen = |count: i64| {
        format!(
            "update bookings set booking_status = repeat('x', 81)
             where booking_status not like 'xxx%' and booking_date > '2000-01-01' and user_id is not null and currency <> 'JPY'
                 and datediff(checkout_date, checkin_date) between 1 and 365
             order by booking_id limit {count}"
        )
    };
    pipeline.at_source(&["alter table bookings modify booking_status varchar(100)", &lengthen(limit)]).await;
    let at_limit = land(&pipeline, "at-limit").await;
    assert_eq!((at_limit["standing"].as_i64(), &at_limit["breach"]), (Some(limit), &Value::Null));
    pipeline.load(&["run", "--run-id", "at-limit"]).expect(0, &[]);
    assert_eq!(cloud().count(&url, kept).await, first_count - limit);

    let show = ["metric", "show", "occupancy_rate", "--format", "csv"];
    let published = pipeline.load(&show).expect(0, &[]).stdout;
    pipeline.at_source(&[&lengthen(1)]).await;
    land(&pipeline, "above").await;
    let breach = format!("TXT-BYTES (contract of bookings): table `bookings`: {} of {row_count} rows", limit + 1);
    let said = [&breach, "break the rule, at most 50 % may", "readers still see the numbers of the last published run"];
    pipeline.load(&["run", "--run-id", "above"]).expect(3, &said);
    pipeline.load(&["publish"]).expect(3, &said);
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
    assert_eq!(cloud().count(&url, "select count(*) from etl.ledger where run_id = 'above'").await, 4);
    assert_eq!(cloud().count(&url, kept).await, first_count - limit - 1);

    pipeline.load(&["verify", "--accept", "TXT-BYTES"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(0, &[]);
}

#[tokio::test]
async fn a_run_in_which_most_bookings_wait_for_their_listing_is_not_published() {
    let pipeline = Pipeline::sampled("most_wait").await;
    pipeline.run_all("first", DAY);
    let show = ["metric", "show", "occupancy_rate", "--format", "csv"];
    let published = pipeline.load(&show).expect(0, &[]).stdout;
    let lose = "update bookings set apartment_id = apartment_id + 1000000 where booking_id % 3 > 0";
    pipeline.at_source(&[lose]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", DAY, "--sweep"]).expect(0, &[]);
    let said = ["BKG-REF-APARTMENT (sql/curated/violations.checks.sql): raw.bookings: ", "at most 50 % may"];
    pipeline.load(&["run", "--run-id", "second"]).expect(3, &said);
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
    let mend = "update bookings set apartment_id = apartment_id - 1000000 where booking_id % 3 > 0";
    pipeline.at_source(&[mend]).await;
    pipeline.run_all("third", DAY);
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
}
