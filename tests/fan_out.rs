//! A run that many tasks share ends like a run of one task.

use crate::support::{Pipeline, cloud};
use serde_json::Value;

const DAY: &str = "2025-12-31";
const TABLES: [&str; 4] = ["apartments", "apartment_attributes", "bookings", "user_viewing"];

/// What a run captured, without what only tells how.
async fn captured(pipeline: &Pipeline, run_id: &str, table: &str) -> Value {
    let mut manifest = cloud().get_json(&pipeline.bucket, &format!("raw/{table}/run={run_id}/manifest.json")).await;
    let fields = manifest.as_object_mut().expect("a manifest");
    for how in ["run_id", "files", "quarantine_files", "snapshot"] {
        fields.remove(how);
    }
    for violation in fields["violations"].as_array_mut().expect("violations") {
        violation.as_object_mut().expect("a violation").remove("sample_keys");
    }
    for chunk in fields["replaced_chunks"].as_array_mut().expect("chunks") {
        chunk.as_object_mut().expect("a chunk").remove("violations");
    }
    manifest
}

/// The work items that `extract-rds plan` prints: table and number.
fn items(printed: &str) -> Vec<(String, String)> {
    let cells = |line: &str| line.split(['│', '┆']).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = printed.lines().map(cells).filter(|cells| cells.len() > 2 && TABLES.contains(&cells[1].as_str()));
    rows.map(|cells| (cells[1].clone(), cells[2].clone())).collect()
}

#[tokio::test]
async fn many_tasks_capture_what_one_captures() {
    let alone = Pipeline::sampled("fan_out").await;
    let shared = alone.with_empty_log("shared").await.set("ROWS_PER_RANGE", "50");
    for (run_id, changes) in [
        ("first", &[][..]),
        (
            "second",
            &[
                "update bookings set total_price = total_price + 1 where booking_id % 97 = 0",
                "delete from user_viewing limit 5",
            ],
        ),
    ] {
        alone.at_source(changes).await;
        alone.extract(&["--run-id", run_id, "--as-of", DAY]).expect(0, &[]);

        let arguments = ["--run-id", run_id, "--as-of", DAY];
        let planned = shared.extract(&[&["plan"][..], &arguments].concat()).expect(0, &["plan.json"]);
        let items = items(&planned.stdout);
        assert!(items.iter().filter(|(table, _)| table == "bookings").count() > 1, "{items:?}");
        shared.extract(&["seal", "--run-id", run_id]).expect(1, &["not captured yet", "extract-rds chunk --table"]);
        for (table, item) in items.iter().rev() {
            shared.extract(&["chunk", "--run-id", run_id, "--table", table, "--item", item]).expect(0, &[]);
        }
        // Tried again, it does nothing.
        let (table, item) = &items[0];
        let again = ["chunk", "--run-id", run_id, "--table", table, "--item", item];
        shared.extract(&again).expect(0, &["captured before"]);
        shared.extract(&["seal", "--run-id", run_id]).expect(0, &[]);

        for table in TABLES {
            assert_eq!(
                captured(&alone, run_id, table).await,
                captured(&shared, run_id, table).await,
                "{run_id} {table}"
            );
        }
        shared.load(&["run", "--run-id", run_id]).expect(0, &[]);
    }
}

#[tokio::test]
async fn a_work_item_that_nobody_planned_is_refused() {
    let pipeline = Pipeline::new("fan_out_unplanned").await;
    let chunk = ["chunk", "--run-id", "r", "--table", "bookings", "--item", "0"];
    pipeline.extract(&chunk).expect(2, &["run `r` has no plan", "extract-rds plan"]);
    pipeline.extract(&["seal", "--run-id", "r"]).expect(2, &["run `r` has no plan"]);
}
