//! Eight runs over a source that changes, and after each of them every row of every metric and view as brute force has it.

use crate::support::{Pipeline, cloud, project_path};
use aws_sdk_redshiftdata::{
    operation::get_statement_result::GetStatementResultOutput,
    types::{Field, StatusString},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const SEED: &str = "1";
const METRICS: [&str; 7] = [
    "average_listing_price",
    "booking_duration",
    "bookings_per_user",
    "occupancy_rate",
    "popular_locations",
    "repeat_customer_rate",
    "top_listings",
];
const VIEWS: [&str; 5] = [
    "average_listing_price_all_types",
    "booking_users",
    "monthly_rental_performance",
    "weekly_rental_performance",
    "weekly_user_engagement",
];
/// Differing rows that are shown of one relation after one run.
const SHOWN_ROWS: usize = 10;

/// One run of the history.
struct Run {
    folder: String,
    id: String,
    date: String,
}

/// Runs a script of the worked example with the Python that the project works with.
fn python(script: &str, arguments: &[&str]) {
    let found = Command::new(project_path("scripts/find-python")).output().expect("run scripts/find-python");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let output = Command::new(String::from_utf8_lossy(&found.stdout).trim())
        .arg(project_path("tests/worked_example").join(script))
        .args(arguments)
        .output()
        .expect("start Python");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn runs(history: &Path) -> Vec<Run> {
    let mut reader = csv::Reader::from_path(history.join("runs.csv")).expect("open runs.csv");
    let records = reader.records().map(|record| record.expect("read runs.csv"));
    records
        .map(|record| Run {
            folder: format!("run-{}", &record[0]),
            id: record[1].to_owned(),
            date: record[2].to_owned(),
        })
        .collect()
}

/// The view as CSV, read as BI reads it: behind the Data API there are no views WITH NO SCHEMA BINDING.
async fn view_as_csv(pipeline: &Pipeline, view: &str) -> String {
    let client = aws_sdk_redshiftdata::Client::new(&cloud().connection().sdk_config());
    let sql = format!("select * from presentation.{view}");
    let started = client.execute_statement().workgroup_name("any").database(&pipeline.warehouse).sql(sql).send().await;
    let id = started.expect("start a query").id().expect("an id").to_owned();
    loop {
        match client.describe_statement().id(&id).send().await.expect("describe a query") {
            described if described.status() == Some(&StatusString::Finished) => break,
            described => assert_eq!(described.error(), None, "read {view}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pages: Vec<_> =
        client.get_statement_result().id(id).into_paginator().send().collect::<Result<_, _>>().await.expect("read");
    let names = pages[0].column_metadata().iter().map(|column| column.name().expect("a name"));
    let header = names.collect::<Vec<_>>().join(",");
    let rows = pages.iter().flat_map(GetStatementResultOutput::records);
    let lines = rows.map(|row| row.iter().map(written).collect::<Vec<_>>().join(","));
    format!("{header}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

fn written(field: &Field) -> String {
    match field {
        Field::BooleanValue(value) => value.to_string(),
        Field::IsNull(_) => String::new(),
        Field::LongValue(value) => value.to_string(),
        Field::StringValue(value) => value.clone(),
        other => panic!("{other:?} in a view"),
    }
}

/// The columns by name and how often each row occurs.
fn parse(text: &str) -> (Vec<String>, BTreeMap<Vec<String>, i64>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("read a header").iter().map(str::to_owned).collect();
    let mut counts = BTreeMap::new();
    for record in reader.records() {
        let row = record.expect("read a row").iter().map(str::to_owned).collect();
        *counts.entry(row).or_default() += 1;
    }
    (header, counts)
}

/// The first rows that only one side has, or nothing.
fn difference(place: &str, expected: &str, published: &str) -> Option<String> {
    let (columns, mut counts) = parse(expected);
    let (published_columns, published_counts) = parse(published);
    if columns != published_columns {
        return Some(format!("{place}: columns {columns:?} expected, {published_columns:?} published"));
    }
    for (row, count) in published_counts {
        *counts.entry(row).or_default() -= count;
    }
    counts.retain(|_, count| *count != 0);
    if counts.is_empty() {
        return None;
    }
    let mut message = format!("{place}: {} rows differ; {}", counts.len(), columns.join(","));
    for (row, count) in counts.iter().take(SHOWN_ROWS) {
        let side = if *count > 0 { "expected " } else { "published" };
        message += &format!("\n  {side} {}", row.join(","));
    }
    Some(message)
}

/// Follows the history of a source of this shape, run by run.
async fn follow_history(shape: &str) {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("worked-example-{shape}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("empty the folder");
    }
    let [history, expected, published] = ["history", "expected", "published"].map(|name| folder.join(name));
    let [history_text, expected_text] = [&history, &expected].map(|path| path.to_str().expect("a path in UTF-8"));
    python("history.py", &["--seed", SEED, "--shape", shape, "--out", history_text]);
    python("oracle.py", &["--in", history_text, "--out", expected_text]);

    let pipeline = Pipeline::new(&format!("worked_example_{shape}"))
        .await
        .set("SOURCE_TIMEZONE", "Europe/Berlin")
        .set("REPORTING_TIMEZONE", "America/New_York");
    let mut differences = Vec::new();
    for run in runs(&history) {
        let source = history.join(&run.folder);
        cloud().seed(&pipeline.source_database, &source).await;
        cloud().put_file(&pipeline.bucket, "reference/fx_rates.csv", &source.join("fx_rates.csv")).await;
        pipeline.run_all(&run.id, &run.date);

        fs::create_dir_all(published.join(&run.folder)).expect("make a folder");
        for relation in METRICS.into_iter().chain(VIEWS) {
            let file = Path::new(&run.folder).join(format!("{relation}.csv"));
            let expected_rows = fs::read_to_string(expected.join(&file)).expect("read what is expected");
            let published_rows = if METRICS.contains(&relation) {
                pipeline.load(&["metric", "show", relation, "--format", "csv"]).expect(0, &[]).stdout
            } else {
                view_as_csv(&pipeline, relation).await
            };
            // Kept beside what was expected, for a look at all rows.
            fs::write(published.join(&file), &published_rows).expect("write what was published");
            differences.extend(difference(&file.display().to_string(), &expected_rows, &published_rows));
        }
    }
    assert!(
        differences.is_empty(),
        "{} relations differ, see {}\n{}",
        differences.len(),
        folder.display(),
        differences.join("\n")
    );
}

#[tokio::test]
async fn every_run_publishes_what_brute_force_computes() {
    follow_history("full").await;
}

#[tokio::test]
async fn so_it_does_from_a_source_without_optional_columns_and_times() {
    follow_history("minimal").await;
}
