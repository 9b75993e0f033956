//! What `load-redshift` refuses to go on from: steps out of order, and a log that somebody changed. Each refusal has the exit
//! code of its kind, names what is wrong and the way out, and leaves what readers see as it was.

use crate::support::{Log, Pipeline, cloud};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

const DAY: &str = "2025-12-31";
const RATES: &str = "reference/fx_rates.csv";

#[tokio::test]
async fn steps_out_of_order_are_refused_with_the_way_out() {
    let pipeline = Pipeline::sampled("out_of_order").await;
    pipeline.load(&["status"]).expect(2, &["the warehouse has no ledger", "run `load-redshift migrate`"]);
    pipeline.load(&["migrate"]).expect(0, &[]);
    pipeline.load(&["transform"]).expect(2, &["no run is loaded", "run `load-redshift load` first"]);

    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    pipeline.load(&["load", "--run-id", "nowhere"]).expect(2, &["`nowhere` has no sealed manifest", &pipeline.bucket]);
    pipeline.load(&["load"]).expect(0, &[]);
    pipeline.load(&["transform", "--run-id", "nowhere"]).expect(2, &["run `nowhere` is not loaded"]);
    for step in ["verify", "publish"] {
        pipeline.load(&[step]).expect(2, &["run `first` is not transformed", "run `load-redshift transform`"]);
    }

    let rates = Log::of(&pipeline.bucket).object(RATES).await;
    let twice = "currency,rate_date,rate_to_reporting\nEUR,2025-01-01,1.1\nEUR,2025-01-01,1.2\n";
    cloud().put_text(&pipeline.bucket, RATES, twice.to_owned()).await;
    pipeline.load(&["transform"]).expect(3, &[RATES, "line 3: a second rate for EUR on 2025-01-01"]);
    cloud().put_text(&pipeline.bucket, RATES, String::from_utf8(rates).expect("CSV in UTF-8")).await;

    pipeline.load(&["transform"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(2, &["run `first` is not verified", "--verify --publish"]);
    pipeline.load(&["verify"]).expect(0, &[]);
    pipeline.load(&["publish"]).expect(0, &[]);

    pipeline.extract(&["--run-id", "earlier", "--as-of", "2025-12-30"]).expect(0, &[]);
    pipeline.load(&["run"]).expect(2, &["RUN_DATE_BEFORE_HISTORY", "2025-12-31", "`--as-of`"]);
}

#[tokio::test]
async fn a_log_that_was_changed_is_refused() {
    let pipeline = Pipeline::sampled("changed_log").await;
    for run_id in ["first", "second", "third"] {
        pipeline.extract(&["--run-id", run_id, "--as-of", DAY]).expect(0, &[]);
        pipeline.at_source(&["update bookings set total_price = total_price + 1"]).await;
    }
    let log = Log::of(&pipeline.bucket);
    let manifest = |run_id: &str| format!("raw/bookings/run={run_id}/manifest.json");

    // One in between is missing.
    let second = String::from_utf8(log.object(&manifest("second")).await).expect("JSON in UTF-8");
    cloud().s3().delete_object().bucket(&pipeline.bucket).key(manifest("second")).send().await.expect("delete");
    pipeline.load(&["run"]).expect(2, &[&manifest("third"), "sequence 3", "loaded one is 1", "restore it"]);
    cloud().put_text(&pipeline.bucket, &manifest("second"), second).await;

    // It says other numbers than its parts add up to.
    let sealed = cloud().get_json(&pipeline.bucket, &manifest("second")).await;
    let mut changed = sealed.clone();
    changed["rows"]["written"] = json!(sealed["rows"]["written"].as_u64().expect("a count") + 1);
    cloud().put_json(&pipeline.bucket, &manifest("second"), &changed).await;
    pipeline.load(&["run"]).expect(3, &[&manifest("second"), "does not balance"]);
    cloud().put_json(&pipeline.bucket, &manifest("second"), &sealed).await;

    // It lies where that of another run belongs.
    changed = sealed.clone();
    changed["run_id"] = json!("another");
    cloud().put_json(&pipeline.bucket, &manifest("second"), &changed).await;
    pipeline.load(&["run"]).expect(2, &[&manifest("second"), "`another`"]);
    cloud().put_json(&pipeline.bucket, &manifest("second"), &sealed).await;

    pipeline.load(&["run"]).expect(0, &[]);
    let third = "select count(*) from etl.ledger where run_id = 'third'";
    assert_eq!(cloud().count(&pipeline.warehouse_url(), third).await, 4);
}

/// The test holds the guard while the other run is transformed, as that run does.
#[tokio::test]
async fn a_run_is_not_published_after_another_one_was_transformed() {
    let pipeline = Pipeline::sampled("superseded").await;
    pipeline.run_all("first", DAY);
    pipeline.at_source(&["update bookings set total_price = total_price + 1"]).await;
    pipeline.extract(&["--run-id", "second", "--as-of", DAY, "--sweep"]).expect(0, &[]);
    pipeline.load(&["load"]).expect(0, &[]);
    pipeline.load(&["transform", "--verify"]).expect(0, &[]);
    let show = ["metric", "show", "occupancy_rate", "--format", "csv"];
    let published = pipeline.load(&show).expect(0, &[]).stdout;
    let url = pipeline.warehouse_url();
    let unverified = "select count(*) from etl.unverified_days";
    let unverified_count = cloud().count(&url, unverified).await;
    assert!(unverified_count > 0, "nothing waits for its publication");

    let mut other = PgConnection::connect(&url).await.expect("connect to the warehouse");
    let mut other = other.begin().await.expect("begin a transaction");
    let lock = "lock table etl.guard in access exclusive mode";
    sqlx::query(lock).execute(&mut *other).await.expect("lock the guard");
    let transform = async {
        let waiting = "select count(*) from pg_locks where not granted and database =
                       (select oid from pg_database where datname = current_database())";
        let deadline = Instant::now() + Duration::from_secs(60);
        while cloud().count(&url, waiting).await == 0 {
            assert!(Instant::now() < deadline, "nobody waited for the guard within a minute");
        }
        let stands = "update curated.run_context set run_id = 'third'";
        sqlx::query(stands).execute(&mut *other).await.expect("transform another run");
        other.commit().await.expect("let go of the guard");
    };
    let (refused, ()) = tokio::join!(pipeline.load_aside(&["publish"]), transform);
    refused.expect(1, &["SUPERSEDED run second: run third was transformed", "run it again"]);
    assert_eq!(pipeline.load(&show).expect(0, &[]).stdout, published, "what readers see");
    assert_eq!(cloud().count(&url, unverified).await, unverified_count, "days that wait for their publication");
    assert_eq!(cloud().count(&url, "select count(*) from etl.runs where published_at is not null").await, 1);
}
