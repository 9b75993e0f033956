//! Exit codes and messages of the built binary, as far as they need no server.

use std::process::{Command, Output};

/// Everything that is required, with endpoints where nothing listens (port 9, discard).
const VARIABLES: [(&str, &str); 9] = [
    ("S3_BUCKET", "log"),
    ("REDSHIFT_WORKGROUP", "analytics"),
    ("REDSHIFT_DATABASE", "analytics"),
    ("GLUE_ROLE_ARN", "arn:aws:iam::123456789012:role/copy"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ("LOG_FORMAT", "text"),
];

fn run(arguments: &[&str], changes: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_load-redshift"));
    // A folder without a `.env` file.
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).args(arguments);
    command.env_clear().envs(VARIABLES).envs(changes.iter().copied());
    command.output().expect("start load-redshift")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn what_cannot_start_says_which_variable_and_the_way_out() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case; 11] = [
        (&["load"], &[("S3_BUCKET", "")], &["missing variable `S3_BUCKET`", "hint: "]),
        (&["load"], &[("GLUE_ROLE_ARN", "")], &["GLUE_ROLE_ARN"]),
        (&["load"], &[("GLUE_ROLE_ARN", "copy")], &["GLUE_ROLE_ARN", "ARN of an IAM role"]),
        (&["migrate"], &[("REDSHIFT_DATABASE", "")], &["REDSHIFT_DATABASE"]),
        (&["migrate"], &[("REDSHIFT_WORKGROUP", "")], &["REDSHIFT_WORKGROUP", "REDSHIFT_HOST"]),
        (&["migrate"], &[("AWS_REGION", "")], &["region", "AWS_REGION"]),
        (&["load", "--tables", "bookingz"], &[], &["`bookingz`", "bookings", "--tables"]),
        (&["run"], &[("AS_OF", "31/01/2025")], &["AS_OF", "31/01/2025"]),
        (&["run"], &[("REPORTING_CURRENCY", "EURO")], &["REPORTING_CURRENCY", "ISO 4217"]),
        (&["status"], &[("LOG_FORMAT", "xml")], &["LOG_FORMAT", "auto, json, text"]),
        (&["metric", "show", "occupancy"], &[], &["`occupancy`", "occupancy_rate"]),
    ];
    for (arguments, changes, expected) in cases {
        let output = run(arguments, changes);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {changes:?}: {said}");
        for text in expected {
            assert!(said.contains(text), "{arguments:?} {changes:?}: expected {text:?}, it said: {said}");
        }
    }
}

#[test]
fn a_warehouse_or_bucket_that_is_away_is_worth_a_retry() {
    for (arguments, expected) in [(["migrate"], "Redshift Data API"), (["load"], "bucket `log`")] {
        let output = run(&arguments, &[]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected) && said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_password_is_never_printed() {
    let output = run(&["migrate"], &[("REDSHIFT_PASSWORD", "swordfish")]);
    let said = said(&output);
    assert!(said.contains("REDSHIFT_PASSWORD is not used"), "{said}");
    assert!(!said.contains("swordfish"), "{said}");
}

#[test]
fn a_container_s_log_is_one_json_object_per_line() {
    let output = run(&["load"], &[("S3_BUCKET", ""), ("LOG_FORMAT", "auto")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last: serde_json::Value = serde_json::from_str(stderr.lines().last().unwrap_or_default()).expect("a JSON line");
    assert_eq!(last["exit_code"], 2);
    assert!(last["message"].as_str().is_some_and(|message| message.contains("S3_BUCKET")), "{last}");
}

#[test]
fn the_metrics_are_listed_without_a_warehouse() {
    let output = run(&["metric", "list"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let listed = said(&output);
    for metric in ["average_listing_price", "occupancy_rate", "repeat_customer_rate"] {
        assert!(listed.contains(metric), "{listed}");
    }
}
