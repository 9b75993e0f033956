//! The built binary from a shell: what is wrong with its configuration is named, with the way out, before any connection,
//! and ends with exit code 2.

use std::process::{Command, Output};

const COMPLETE: [(&str, &str); 8] = [
    ("RDS_HOST", "localhost"),
    ("RDS_DATABASE", "marketplace"),
    ("RDS_USER", "etl"),
    ("RDS_PASSWORD", "not-for-the-log"),
    ("SOURCE_TIMEZONE", "Europe/Berlin"),
    ("S3_BUCKET", "log"),
    ("AWS_REGION", "eu-central-1"),
    ("LOG_FORMAT", "text"),
];

/// Runs the binary with the complete configuration, changed by `changes`.
fn run(arguments: &[&str], changes: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_extract-rds"));
    command.args(arguments).env_clear().envs(COMPLETE).envs(changes.iter().copied());
    // No `.env` file of the checkout is in reach.
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

#[test]
fn a_faulty_configuration_is_named_with_the_way_out() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: &[Case] = &[
        (&[], &[("RDS_HOST", "")], &["missing variable `RDS_HOST`", ".env.example"]),
        (&[], &[("RDS_PASSWORD", "")], &["missing variable `RDS_PASSWORD`"]),
        (&[], &[("S3_BUCKET", "")], &["missing variable `S3_BUCKET`"]),
        (&[], &[("SOURCE_TIMEZONE", "")], &["missing variable `SOURCE_TIMEZONE`"]),
        (&[], &[("SOURCE_TIMEZONE", "Mars/North")], &["SOURCE_TIMEZONE", "Mars/North", "Europe/Berlin"]),
        (&[], &[("RDS_PORT", "mysql")], &["RDS_PORT", "mysql", "3306"]),
        (&[], &[("RDS_SSL_MODE", "OFF")], &["RDS_SSL_MODE", "VERIFY_IDENTITY"]),
        (&[], &[("RDS_SSL_CA", "/no/such.pem")], &["RDS_SSL_CA", "/no/such.pem"]),
        (&[], &[("RDS_SSL_CA", env!("CARGO_MANIFEST_PATH"))], &["RDS_SSL_CA", "no certificate", "Cargo.toml"]),
        (&["--ssl-mode", "OFF"], &[], &["--ssl-mode", "VERIFY_IDENTITY"]),
        (&["check", "--ssl-mode", "PREFERRED"], &[], &["PREFERRED", "VERIFY_IDENTITY"]),
        (&[], &[("RDS_PASSWORD", "")], &["`RDS_SECRET_ARN` or `RDS_IAM_AUTH` in its place", "RDS_IAM_AUTH=true"]),
        (&[], &[("RDS_SECRET_ARN", "source")], &["`RDS_PASSWORD` and `RDS_SECRET_ARN` are both set", "keep one"]),
        (&[], &[("RDS_IAM_AUTH", "true")], &["`RDS_PASSWORD` and `RDS_IAM_AUTH` are both set", "keep one"]),
        (
            &[],
            &[("RDS_PASSWORD", ""), ("RDS_IAM_AUTH", "true"), ("RDS_SECRET_ARN", "source")],
            &["`RDS_SECRET_ARN` and `RDS_IAM_AUTH` are both set"],
        ),
        (&[], &[("RDS_PASSWORD", ""), ("RDS_IAM_AUTH", "yes")], &["RDS_IAM_AUTH", "yes", "true"]),
        (&[], &[("RDS_PASSWORD", ""), ("RDS_IAM_AUTH", "true"), ("RDS_USER", "")], &["missing variable `RDS_USER`"]),
        (
            &[],
            &[("RDS_PASSWORD", ""), ("RDS_IAM_AUTH", "true"), ("RDS_SSL_MODE", "VERIFY_CA")],
            &["RDS_IAM_AUTH", "VERIFY_CA", "VERIFY_IDENTITY"],
        ),
        (
            &["--ssl-mode", "DISABLED"],
            &[("RDS_PASSWORD", ""), ("RDS_IAM_AUTH", "true")],
            &["RDS_IAM_AUTH", "DISABLED", "VERIFY_IDENTITY"],
        ),
        (&[], &[("STATEMENT_TIMEOUT_S", "1h")], &["STATEMENT_TIMEOUT_S", "1h"]),
        (&["--statement-timeout-s", "4294968"], &[], &["--statement-timeout-s", "4294967"]),
        (&[], &[("STATEMENT_TIMEOUT_S", "4294968")], &["STATEMENT_TIMEOUT_S", "4294967"]),
        (&[], &[("MAX_NIGHTS", "0")], &["MAX_NIGHTS", "`0`", "1 or more"]),
        (
            &[],
            &[("AS_OF", "31/01/2025")],
            &["variable `AS_OF`", "31/01/2025", "YYYY-MM-DD", "2025-12-31", ".env.example"],
        ),
        (&[], &[("TABLES", "bookings,guests")], &["unknown table `guests`", "user_viewing"]),
        (&["check", "--tables", "guests"], &[], &["unknown table `guests`"]),
        (&["seal"], &[], &["missing variable `RUN_ID`"]),
        (&["chunk", "--table", "bookings", "--item", "0"], &[], &["missing variable `RUN_ID`"]),
        (&["chunk", "--table", "bookings", "--item", "first"], &[], &["--item", "first", "a whole number"]),
        (&["quarantine", "list", "--rule", "BKG-PRICES"], &[], &["`BKG-PRICES`", "BKG-PRICE:decimals", "KEY-NULL"]),
        (
            &["quarantine", "show", "--tables", "bookings", "--rule", "APT-PRICE"],
            &[],
            &["unknown rule `APT-PRICE`", "BKG-PRICE"],
        ),
        (&[], &[("AWS_REGION", "")], &["no AWS region", "AWS_REGION"]),
        (&[], &[("LOG_FORMAT", "xml")], &["LOG_FORMAT", "auto, json, text"]),
        (&["--run-id", "a b"], &[], &["--run-id", "a b", "run id"]),
        (&["--as-of", "31/12/2025"], &[], &["--as-of", "31/12/2025", "YYYY-MM-DD", "2025-12-31"]),
        (&["run", "--connections", "0"], &[], &["--connections", "1 or more"]),
        (&[], &[("CONNECTIONS", "0")], &["variable `CONNECTIONS`", "1 or more"]),
        (&["seal", "--sweep"], &[], &["--sweep"]),
    ];
    for (arguments, changes, expected) in cases {
        let output = run(arguments, changes);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {changes:?}: {message}");
        for part in *expected {
            assert!(message.contains(part), "{arguments:?} {changes:?} without `{part}`: {message}");
        }
        assert!(!message.contains("not-for-the-log"), "{message}");
    }
}
