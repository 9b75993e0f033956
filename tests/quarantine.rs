//! Rejected rows as `extract-rds quarantine` tells of them: by one name for each rule, of a run that is named or of the latest,
//! for people and for programs.

use crate::support::Pipeline;
use serde_json::Value;

const DAY: &str = "2025-12-31";

fn rows(pipeline: &Pipeline, arguments: &[&str]) -> Vec<Value> {
    let json = [&["quarantine"][..], arguments, &["--format", "json"]].concat();
    serde_json::from_str(&pipeline.extract(&json).expect(0, &[]).stdout).expect("a list of rows")
}

fn sum(listed: &[Value], field: &str) -> u64 {
    listed.iter().map(|row| row[field].as_u64().expect("a count")).sum()
}

#[tokio::test]
async fn a_rule_has_one_name_wherever_it_is_shown_or_asked_for() {
    let pipeline = Pipeline::sampled("quarantine_names").await;
    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    let listed = rows(&pipeline, &["list"]);
    assert!(listed.iter().any(|row| row["rule"] == "BKG-PRICE:decimals"), "{listed:?}");
    for row in &listed {
        let (table, rule) = (row["table"].as_str().expect("a table"), row["rule"].as_str().expect("a rule"));
        let arguments = ["show", "--tables", table, "--rule", rule, "--limit", "1000"];
        let shown = rows(&pipeline, &arguments);
        assert_eq!(shown.len() as u64, row["rejected"], "{row}");
        assert!(shown.iter().all(|shown| shown["rule"] == rule && shown["source_row"].is_object()), "{shown:?}");
        let csv = [&["quarantine"][..], &arguments, &["--format", "csv"]].concat();
        let csv = pipeline.extract(&csv).expect(0, &[]).stdout;
        let records = csv::Reader::from_reader(csv.as_bytes()).into_records().map(Result::unwrap).count();
        assert_eq!(records, shown.len(), "{csv}");
    }
    // A rule stands for all its cases.
    assert_eq!(
        rows(&pipeline, &["show", "--rule", "BKG-PRICE"]),
        rows(&pipeline, &["show", "--rule", "BKG-PRICE:decimals"])
    );
    let table = pipeline.extract(&["quarantine", "show"]).expect(0, &["run first for", "the latest", "rejected rows"]);
    // Of the lines of text some have characters that take no column.
    let border = table.stdout.lines().find(|line| line.starts_with('┌')).expect("a table").chars().count();
    assert!(border <= 100, "{border} columns:\n{}", table.stdout);
}

#[tokio::test]
async fn rows_that_stand_rejected_are_told_of_after_an_unchanged_run() {
    let pipeline = Pipeline::sampled("quarantine_standing").await;
    pipeline.extract(&["--run-id", "z-first", "--as-of", DAY]).expect(0, &[]);
    pipeline.extract(&["--run-id", "a-second", "--as-of", DAY]).expect(0, &["rejected rows that stand"]);
    let [first, second] = [rows(&pipeline, &["list", "--run-id", "z-first"]), rows(&pipeline, &["list"])];
    assert!(sum(&first, "rejected") > 0, "{first:?}");
    assert_eq!(sum(&first, "rejected"), sum(&first, "standing"));
    assert_eq!((sum(&second, "rejected"), sum(&second, "standing")), (0, sum(&first, "standing")));
    // By when it sealed, not by its name.
    pipeline.extract(&["quarantine", "list"]).expect(0, &["run a-second for", "the latest", "by earlier runs"]);
}

#[tokio::test]
async fn a_run_that_is_not_there_is_told_from_those_that_are() {
    let pipeline = Pipeline::sampled("quarantine_unknown").await;
    pipeline.extract(&["quarantine", "list"]).expect(2, &["has no sealed run", "extract-rds"]);
    pipeline.extract(&["--run-id", "known", "--as-of", DAY]).expect(0, &[]);
    for command in ["list", "show"] {
        let arguments = ["quarantine", command, "--run-id", "unknown"];
        pipeline.extract(&arguments).expect(2, &["no run `unknown`", "known", "runs/"]);
    }
}
