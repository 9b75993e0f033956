//! A run that many tasks share ends like a run of one task.

use crate::support::{Pipeline, cloud, create_tables, execute, lenient_source};
use serde_json::Value;

const DAY: &str = "2025-12-31";
const TABLES: [&str; 4] = ["apartments", "apartment_attributes", "bookings", "user_viewing"];

/// What a run captured, without what only tells how.
async fn captured(pipeline: &Pipeline, run_id: &str, table: &str) -> Value {
    let mut manifest = cloud().get_json(&pipeline.bucket, &format!("raw/{table}/run={run_id}/manifest.json")).await;
    let fields = manifest.as_object_mut().expect("a manifest");
    for how in ["run_id", "files", "copy_manifest", "quarantine_files", "snapshot"] {
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
        let planned = shared.extract(&[&["plan"][..], &arguments].concat()).expect(0, &["plan.json", "rows, about"]);
        let next = format!("next: extract-rds chunk --run-id {run_id} --table");
        assert!(planned.stdout.contains(&next) && planned.stdout.contains("keys up to"), "{}", planned.stdout);
        let items = items(&planned.stdout);
        assert!(items.iter().filter(|(table, _)| table == "bookings").count() > 1, "{items:?}");
        let capture = |(table, item): &(String, String)| {
            shared.extract(&["chunk", "--run-id", run_id, "--table", table, "--item", item]).expect(0, &[]);
        };
        // One is missing: its table has to wait, the others need not.
        let (last, others) = items.split_last().expect("work items");
        others.iter().rev().for_each(capture);
        let missing = format!("not captured yet: table `{}`: {}", last.0, last.1);
        let command = format!("extract-rds chunk --run-id {run_id} --table {} --item {}", last.0, last.1);
        shared.extract(&["seal", "--run-id", run_id]).expect(1, &[&missing, &command]);
        for table in TABLES {
            let manifest =
                cloud().list_objects(&shared.bucket, &format!("raw/{table}/run={run_id}/manifest.json")).await;
            assert_eq!(manifest.is_empty(), table == last.0, "{run_id} {table}");
        }
        capture(last);
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

/// No task knew of the keys of the others, so that each key was a chunk for good.
#[tokio::test]
async fn many_tasks_cut_sparse_keys_as_one_does() {
    let alone = Pipeline::new("fan_out_sparse").await;
    let source = lenient_source(&alone).await;
    create_tables(&source).await;
    execute(&source, "alter table apartments add key (id)").await;
    let change = "insert into apartments (id, price) select seq * 1000000000, 1 from seq_1_to_20100";
    execute(&source, change).await;
    execute(&source, "analyze table apartments").await;
    let shared = alone.with_empty_log("shared").await.set("ROWS_PER_RANGE", "9000");
    let arguments = ["--run-id", "first", "--as-of", DAY, "--tables", "apartments"];
    alone.extract(&arguments).expect(0, &[]);
    let planned = shared.extract(&[&["plan"][..], &arguments].concat()).expect(0, &["plan.json"]);
    let items = items(&planned.stdout);
    assert!(items.len() > 2, "{items:?}");
    for (table, item) in &items {
        shared.extract(&["chunk", "--run-id", "first", "--table", table, "--item", item]).expect(0, &[]);
    }
    shared.extract(&["seal", "--run-id", "first", "--tables", "apartments"]).expect(0, &[]);
    let expected = captured(&alone, "first", "apartments").await;
    assert!(expected["replaced_chunks"].as_array().expect("chunks").len() <= 20_000);
    assert_eq!(captured(&shared, "first", "apartments").await, expected);
}

#[tokio::test]
async fn a_plan_that_another_run_overtook_is_given_up() {
    let pipeline = Pipeline::sampled("fan_out_stale").await;
    let plan = ["plan", "--run-id", "planned", "--as-of", DAY, "--tables", "bookings"];
    pipeline.extract(&plan).expect(0, &["plan.json"]);
    pipeline.extract(&["--run-id", "between", "--as-of", DAY, "--tables", "bookings"]).expect(0, &[]);
    let chunk = ["chunk", "--run-id", "planned", "--table", "bookings", "--item", "0"];
    pipeline.extract(&chunk).expect(2, &["after run `planned` was planned", "another run id"]);
}

#[tokio::test]
async fn a_work_item_that_nobody_planned_is_refused() {
    let pipeline = Pipeline::new("fan_out_unplanned").await;
    let chunk = ["chunk", "--run-id", "r", "--table", "bookings", "--item", "0"];
    pipeline.extract(&chunk).expect(2, &["run `r` has no plan", "extract-rds plan"]);
    pipeline.extract(&["seal", "--run-id", "r"]).expect(2, &["run `r` has no plan"]);
}
