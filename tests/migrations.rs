//! What `load-redshift migrate` makes; with `--check` it says what it would do and changes nothing.

use crate::support::{Pipeline, cloud, copy_of_sql};
use std::fs;

const UP_TO_DATE: &str = "the warehouse is up to date";

#[tokio::test]
async fn a_check_lists_what_is_missing_changed_or_left_over() {
    let sql = copy_of_sql();
    let sql_dir = sql.path().to_str().expect("a path in UTF-8");
    let pipeline = Pipeline::unprepared("migrations").set("S3_BUCKET", "").set("SQL_DIR", sql_dir);
    let check = ["migrate", "--check"];

    let never_migrated = pipeline.load(&check).expect(2, &["schema_setup.sql", "missing", "load-redshift migrate"]);
    assert!(!never_migrated.stdout.contains("another version"), "{}", never_migrated.stdout);
    let url = pipeline.warehouse_url();
    let made = "select count(*) from pg_namespace where nspname in ('etl', 'raw', 'curated')";
    assert_eq!(cloud().count(&url, made).await, 0, "the check made something");

    pipeline.load(&["migrate"]).expect(0, &[]);
    pipeline.load(&check).expect(0, &[UP_TO_DATE]);

    let metric = sql.path().join("metrics/occupancy_rate.sql");
    let text = fs::read_to_string(&metric).expect("read a metric");
    fs::write(&metric, text.replacen("with\n", "with\n-- Changed.\n", 1)).expect("change a metric");
    let changed = pipeline.load(&check).expect(2, &["metrics/occupancy_rate.sql", "another version"]);
    assert!(!changed.stdout.contains("schema_setup.sql"), "{}", changed.stdout);
    pipeline.load(&["migrate"]).expect(0, &[]);
    pipeline.load(&check).expect(0, &[UP_TO_DATE]);

    // What stands there and is not made any more is nothing to wait for.
    for file in ["occupancy_rate.sql", "occupancy_rate.rows.sql", "occupancy_rate.checks.sql"] {
        fs::remove_file(sql.path().join("metrics").join(file)).expect("take a metric out");
    }
    pipeline.load(&check).expect(0, &["metrics/occupancy_rate.sql", "not of this program, left alone"]);
}

/// What the local cloud holds is made anew by every start.
#[tokio::test]
async fn tables_of_the_local_cloud_keep_no_log() {
    let pipeline = Pipeline::unprepared("without_log").set("S3_BUCKET", "");
    pipeline.load(&["migrate"]).expect(0, &[]);
    let of_layers = |persistence: char| {
        format!(
            "select count(*) from pg_class where relkind = 'r' and relpersistence = '{persistence}' \
             and relnamespace::regnamespace::text in ('etl', 'raw', 'curated', 'audit', 'presentation')"
        )
    };
    let url = pipeline.warehouse_url();
    assert_eq!(cloud().count(&url, &of_layers('p')).await, 0);
    assert!(cloud().count(&url, &of_layers('u')).await > 20);
}
