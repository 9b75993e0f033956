//! Other people's files: days before months, words for flags, optional columns missing, and faults that must arrive as they
//! are for the extract to find.

use crate::support::{Pipeline, cloud, project_path};
use serde_json::Value;
use std::{fs, path::Path};

#[tokio::test]
async fn files_with_other_habits_are_loaded_as_they_are() {
    let pipeline = Pipeline::new("own_files").await;
    cloud().seed(&pipeline.source_database, &project_path("tests/own_files")).await;
    pipeline.run_all("own", "2024-06-30");

    let receipt = cloud().get_json(&pipeline.bucket, "runs/own/receipt.json").await;
    let bookings = &receipt["extract"]["tables"]["bookings"];
    assert_eq!(
        bookings["rows"],
        serde_json::json!({ "read": 3, "unchanged": 0, "written": 2, "quarantined": 1, "unread": 0 })
    );
    let rules: Vec<&Value> =
        bookings["violations"].as_array().expect("violations").iter().map(|violation| &violation["rule"]).collect();
    assert_eq!(rules, ["BKG-DATES-REVERSED"]);
    let first = "select count(*) from curated.stay where booked_on = '2024-03-01' and checkin_date = '2024-03-05' and nights = 3";
    assert_eq!(cloud().count(&pipeline.warehouse_url(), first).await, 1);
    let active = "select count(*) from raw.apartments where is_active";
    assert_eq!(cloud().count(&pipeline.warehouse_url(), active).await, 2);
}

#[tokio::test]
async fn a_value_that_cannot_be_stored_is_named_with_file_line_and_column() {
    let database = Pipeline::new("own_files_faulty").await.source_database;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-files-faulty");
    fs::create_dir_all(&folder).expect("make a folder");
    for table in ["apartments", "apartment_attributes", "user_viewing", "bookings"] {
        let file = project_path(&format!("tests/own_files/{table}.csv"));
        fs::copy(file, folder.join(format!("{table}.csv"))).expect("copy a file");
    }
    let file = folder.join("bookings.csv");
    let text =
        fs::read_to_string(&file).expect("read bookings") + "4,1,1,01/03/2024,05/03/2024,soon,361.50,USD,confirmed\n";
    fs::write(&file, text).expect("write bookings");
    let refused = local_cloud::seed(&cloud().source_options(&database), &folder).await.expect_err("a word for a date");
    let message = format!("{refused:#}");
    for part in ["bookings.csv", "line 5", "checkout_date", "soon"] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
}
