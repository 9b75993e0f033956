//! What a second run does: nothing without changes, exactly the changes otherwise, and the same again from the log.

use crate::support::{Pipeline, assert_equal, cloud, table_checksums};

const LAYERS: [&str; 3] = ["raw", "curated", "presentation"];
const FIRST_DAY: &str = "2025-12-31";
const SECOND_DAY: &str = "2026-01-05";

/// Rows of the ledger that say that data was loaded.
async fn loaded_entries(pipeline: &Pipeline) -> i64 {
    cloud().count(&pipeline.warehouse_url(), "select count(*) from etl.ledger where chunk_count > 0").await
}

#[tokio::test]
async fn a_run_without_changes_leaves_every_table_equal() {
    let pipeline = Pipeline::sampled("unchanged").await;
    pipeline.run_all("first", FIRST_DAY);
    // Which run the tables stand for is another one.
    let of_run = ["run_id", "found_by_run"];
    let before = table_checksums(&pipeline.warehouse_url(), &LAYERS, &of_run).await;
    let entries = loaded_entries(&pipeline).await;
    assert_eq!(entries, 4, "each table is loaded once");

    pipeline.run_all("second", FIRST_DAY);
    let after = table_checksums(&pipeline.warehouse_url(), &LAYERS, &of_run).await;
    assert_equal(&before, &after, "after a run without changes");
    assert_eq!(loaded_entries(&pipeline).await, entries, "no data was loaded");
}

#[tokio::test]
async fn repeating_a_finished_run_changes_nothing() {
    let pipeline = Pipeline::sampled("repeated").await;
    pipeline.run_all("first", FIRST_DAY);
    let all = ["etl", "raw", "curated", "audit", "presentation"];
    let before =
        table_checksums(&pipeline.warehouse_url(), &all, &["transformed_at", "published_at", "verified_at"]).await;
    pipeline.run_all("first", FIRST_DAY);
    let after =
        table_checksums(&pipeline.warehouse_url(), &all, &["transformed_at", "published_at", "verified_at"]).await;
    assert_equal(&before, &after, "after repeating a finished run");
}

#[tokio::test]
async fn changes_at_the_source_arrive_and_the_log_rebuilds_the_warehouse() {
    let pipeline = Pipeline::sampled("changed").await;
    pipeline.run_all("first", FIRST_DAY);
    pipeline
        .at_source(&[
            "update bookings set booking_status = 'canceled' where booking_id % 97 = 0",
            "update bookings set booking_status = 'confirmed' where booking_status = 'pending' and booking_id % 5 = 0",
            "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action)
             select user_id, apartment_id, '2025-03-03 12:00:00', 0, 'late' from user_viewing limit 40",
            "delete from bookings where booking_id % 101 = 0",
            "update apartments set price = price * 1.10, last_modified_timestamp = '2026-01-03 10:00:00' where id % 50 = 0",
        ])
        .await;
    pipeline.run_all("second", SECOND_DAY);
    let current = pipeline.warehouse_url();

    // A full load of the same source knows no earlier versions, and its raw rows carry its own run id.
    let full = pipeline.with_empty_log("full").await;
    full.run_all("full", SECOND_DAY);
    assert_equal(
        &table_checksums(&current, &["raw"], &["run_id"]).await,
        &table_checksums(&full.warehouse_url(), &["raw"], &["run_id"]).await,
        "raw tables and those of a full load",
    );
    let mut incremental = table_checksums(&current, &["curated"], &[]).await;
    let mut complete = table_checksums(&full.warehouse_url(), &["curated"], &[]).await;
    for checksums in [&mut incremental, &mut complete] {
        checksums.retain(|name, _| ["curated.bookings", "curated.user_viewing"].contains(&name.as_str()));
    }
    assert_equal(&incremental, &complete, "curated bookings and viewings and those of a full load");
    for table in ["apartments", "apartment_attributes"] {
        let left = cloud().current_versions(&current, table).await;
        let right = cloud().current_versions(&full.warehouse_url(), table).await;
        assert!(!left.is_empty() && left == right, "current versions of {table} differ from those of a full load");
    }

    // A rebuild from the log of both runs knows everything.
    let rebuilt = pipeline.with_empty_warehouse("rebuilt");
    rebuilt.load(&["run"]).expect(0, &[]);
    assert_equal(
        &table_checksums(&current, &LAYERS, &[]).await,
        &table_checksums(&rebuilt.warehouse_url(), &LAYERS, &[]).await,
        "the warehouse and its rebuild from the log",
    );
    let repriced = "select count(*) from curated.apartments as after
         join curated.apartments as before on before.apartment_id = after.apartment_id and before.valid_to = after.valid_from
         where after.valid_from = '2026-01-05' and after.basis = 'observed' and after.price = round(before.price * 1.10, 2)";
    assert!(cloud().count(&current, repriced).await > 0, "a new price begins a version on the day it was seen");
}

#[tokio::test]
async fn a_run_without_a_place_in_the_history_holds_up_no_later_one() {
    let pipeline = Pipeline::sampled("without_place").await;
    pipeline.run_all("first", SECOND_DAY);
    let seal = async |run_id: &str, as_of: &str| {
        pipeline
            .at_source(&[
                "update bookings set total_price = total_price + 1",
                "update apartments set price = price + 1",
            ])
            .await;
        pipeline.extract(&["--run-id", run_id, "--as-of", as_of, "--sweep"]).expect(0, &[]);
    };
    seal("for-an-earlier-day", FIRST_DAY).await;
    pipeline.load(&["run"]).expect(2, &["RUN_DATE_BEFORE_HISTORY", "`--as-of`"]);
    seal("second", "2026-01-06").await;
    pipeline.load(&["run"]).expect(0, &["for-an-earlier-day", "what it changed counts with second"]);

    let rebuilt = pipeline.with_empty_warehouse("rebuilt");
    rebuilt.load(&["run"]).expect(0, &[]);
    let current = table_checksums(&pipeline.warehouse_url(), &LAYERS, &[]).await;
    assert_equal(
        &current,
        &table_checksums(&rebuilt.warehouse_url(), &LAYERS, &[]).await,
        "the log in an empty warehouse",
    );

    // The clock of the source went back, and the run after it waits with it.
    seal("of-an-earlier-clock", "2026-01-07").await;
    for table in ["apartment_attributes", "apartments", "bookings", "user_viewing"] {
        let key = format!("raw/{table}/run=of-an-earlier-clock/manifest.json");
        let mut manifest = cloud().get_json(&pipeline.bucket, &key).await;
        manifest["snapshot"]["at"] = "2025-01-01T00:00:00Z".into();
        cloud().put_json(&pipeline.bucket, &key, &manifest).await;
    }
    seal("third", "2026-01-08").await;
    pipeline.load(&["run"]).expect(0, &["SUPERSEDED", "what it changed counts with third"]);

    let current = table_checksums(&pipeline.warehouse_url(), &LAYERS, &[]).await;
    pipeline.load(&["transform", "--full", "--verify", "--publish"]).expect(0, &[]);
    assert_equal(&current, &table_checksums(&pipeline.warehouse_url(), &LAYERS, &[]).await, "all made anew");
}

#[tokio::test]
async fn log_lines_have_every_number_for_programs_and_few_for_people() {
    let pipeline = Pipeline::sampled("log_lines").await;
    let sealed = |format: &str| {
        let finished =
            pipeline.clone().set("LOG_FORMAT", format).extract(&["--run-id", format, "--as-of", "2025-12-31"]);
        let lines = finished.expect(0, &[]).stderr;
        lines.lines().find(|line| line.contains("sealed")).expect("a line of the seal").to_owned()
    };
    let (json, text) = (sealed("json"), sealed("text"));
    for (field, is_for_people) in [
        ("table", true),
        ("run_id", true),
        ("read", true),
        ("unchanged", false),
        ("written", true),
        ("quarantined", true),
        ("unread", false),
        ("replaced_chunk_count", false),
        ("unchanged_chunk_count", false),
        ("file_count", false),
        ("byte_count", false),
        ("duration_ms", true),
    ] {
        assert!(json.contains(&format!("\"{field}\":")), "{field}: {json}");
        assert_eq!(text.contains(&format!(" {field}=")), is_for_people, "{field}: {text}");
    }
}
