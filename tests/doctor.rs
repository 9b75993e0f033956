//! `load-redshift doctor` names what is wrong, and leaves bucket and warehouse as they are.

use crate::support::{Pipeline, assert_equal, cloud, table_checksums};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::collections::BTreeMap;

const DAY: &str = "2025-12-31";
const SCHEMAS: [&str; 5] = ["etl", "raw", "curated", "audit", "presentation"];

/// What was found, by what was looked at.
struct Findings(BTreeMap<String, [String; 3]>);

impl Findings {
    fn of(pipeline: &Pipeline, exit_code: i32) -> Self {
        let finished = pipeline.load(&["doctor", "--format", "json"]).expect(exit_code, &[]);
        let rows: Vec<Value> = serde_json::from_str(&finished.stdout).expect("JSON");
        let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
        let finding = |row| (text(row, "what"), ["state", "found", "way_out"].map(|name| text(row, name)));
        Self(rows.iter().map(finding).collect())
    }

    /// All that is not in order is this, in this state, and says this.
    fn expect_only(&self, expected: &[(&str, &str, &[&str])]) {
        let found: BTreeMap<_, _> = self.0.iter().filter(|(_, [state, ..])| state != "ok").collect();
        let names: Vec<_> = found.keys().map(|name| name.as_str()).collect();
        assert_eq!(names, expected.iter().map(|(what, ..)| *what).collect::<Vec<_>>(), "{found:?}");
        for (what, state, texts) in expected {
            let [found_state, found, way_out] = &self.0[*what];
            assert_eq!(found_state, state, "{what}: {found}");
            assert!(!way_out.is_empty(), "{what}: {found}");
            for text in *texts {
                assert!(found.contains(text), "expected {text:?} of {what}: {found}");
            }
        }
    }
}

async fn warehouse(pipeline: &Pipeline) -> PgConnection {
    PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse")
}

async fn execute(warehouse: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(warehouse).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Keys and tags of all objects.
async fn objects(pipeline: &Pipeline) -> Vec<(String, String)> {
    let listed = cloud().s3().list_objects_v2().bucket(&pipeline.bucket).send().await.expect("list objects");
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    listed.contents().iter().map(|object| (text(object.key()), text(object.e_tag()))).collect()
}

/// Names of all schemas, relations and procedures.
async fn catalog(pipeline: &Pipeline) -> Vec<String> {
    let names = "select nspname::text from pg_namespace where nspname !~ '^pg_'
                 union all select relnamespace::regnamespace || '.' || relname from pg_class where relnamespace::regnamespace::text !~ '^pg_'
                 union all select oid::regprocedure || md5(prosrc) from pg_proc where pronamespace::regnamespace::text !~ '^pg_'
                 order by 1";
    let rows = sqlx::query(names).fetch_all(&mut warehouse(pipeline).await).await.expect("read the catalog");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_healthy_pipeline_is_found_so_and_left_as_it_is() {
    let pipeline = Pipeline::sampled("doctor").await.set("AS_OF", DAY);
    pipeline.run_all("first", DAY);
    let before = (objects(&pipeline).await, catalog(&pipeline).await);
    let rows_before = table_checksums(&pipeline.warehouse_url(), &SCHEMAS, &[]).await;

    let healthy = Findings::of(&pipeline, 0);
    healthy.expect_only(&[]);
    assert_eq!(healthy.0.len(), 14, "{:?}", healthy.0.keys());
    assert!(healthy.0["Data API"][1].contains("Redshift"), "{:?}", healthy.0["Data API"]);
    assert!(healthy.0["last run"][1].contains("`first` for 2025-12-31"), "{:?}", healthy.0["last run"]);
    pipeline.load(&["doctor"]).expect(0, &["every sealed manifest is loaded"]);

    // What is there to be known and no hindrance.
    pipeline.extract(&["--run-id", "second", "--as-of", DAY]).expect(0, &[]);
    let late = pipeline.clone().set("AS_OF", "2026-06-30");
    let key = "raw/apartments/run=second/manifest.json";
    Findings::of(&late, 0)
        .expect_only(&[("exchange rates", "warn", &["before 2026-06-30"]), ("log", "warn", &["not loaded: 4", key])]);

    let mut holder = warehouse(&pipeline).await;
    execute(&mut holder, "begin; lock etl.guard").await;
    Findings::of(&pipeline, 0).expect_only(&[("guard", "warn", &["not free"]), ("log", "warn", &[])]);
    execute(&mut holder, "rollback").await;

    let is_old = |(key, _): &(String, String)| !key.contains("run=second") && !key.starts_with("runs/second");
    let objects: Vec<_> = objects(&pipeline).await.into_iter().filter(is_old).collect();
    let keys = |objects: &[(String, String)]| objects.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&objects), keys(&before.0));
    assert_eq!(catalog(&pipeline).await, before.1);
    assert_equal(
        &rows_before,
        &table_checksums(&pipeline.warehouse_url(), &SCHEMAS, &[]).await,
        "before and after the doctor",
    );
}

#[tokio::test]
async fn what_was_changed_by_hand_is_named() {
    let pipeline = Pipeline::sampled("doctor_by_hand").await.set("AS_OF", DAY);
    pipeline.run_all("first", DAY);
    let mut by_hand = warehouse(&pipeline).await;
    let definitions =
        "select pg_get_functiondef(oid) from pg_proc where proname in ('record_publish', 'refresh_occupancy_rate')";
    for definition in sqlx::query(definitions).fetch_all(&mut by_hand).await.expect("read procedures") {
        let definition: String = definition.get(0);
        execute(&mut by_hand, &definition.replacen("begin", "begin\n    -- By hand.", 1)).await;
    }
    execute(&mut by_hand, "drop procedure etl.begin_load").await;
    execute(&mut by_hand, "alter table raw.bookings drop column num_guests").await;
    execute(&mut by_hand, "alter table raw.bookings add column note varchar(10)").await;
    execute(&mut by_hand, "alter table raw.apartments alter column title type varchar(9000)").await;
    let procedures = [
        "audit.refresh_occupancy_rate has another body",
        "etl.begin_load is missing",
        "etl.record_publish has another",
    ];
    let tables = [
        "raw.apartments has title as varchar(9000), expected varchar(1020)",
        "raw.bookings lacks the column num_guests integer",
        "raw.bookings has a column note",
    ];
    Findings::of(&pipeline, 2).expect_only(&[("procedures", "fail", &procedures), ("tables", "fail", &tables)]);

    // The way out that it names.
    let forget = "delete from etl.deployed_objects where object_name in
                  ('procedures/record_publish.sql', 'procedures/begin_load.sql', 'metrics/occupancy_rate.sql')";
    execute(&mut by_hand, forget).await;
    Findings::of(&pipeline, 2).expect_only(&[("migrations", "fail", &["objects to migrate: 3"])]);
    pipeline.load(&["migrate"]).expect(0, &[]);
    Findings::of(&pipeline, 2).expect_only(&[("tables", "fail", &[])]);
}

#[tokio::test]
async fn what_is_missing_or_wrongly_named_is_told() {
    let pipeline = Pipeline::sampled("doctor_wrong").await.set("AS_OF", DAY);
    let unused: [(&str, &str, &[&str]); 2] = [
        ("bucket", "warn", &["nothing was extracted yet"]),
        ("migrations", "fail", &["`warehouse_doctor_wrong` was never migrated"]),
    ];
    Findings::of(&pipeline, 2).expect_only(&unused);
    assert!(!catalog(&pipeline).await.iter().any(|name| name.contains("doctor")), "the doctor left something");

    pipeline.run_all("first", DAY);
    let wrong_bucket = Pipeline { bucket: "no-such-bucket-anywhere".into(), ..pipeline.clone() };
    Findings::of(&wrong_bucket, 2).expect_only(&[("bucket", "fail", &["`no-such-bucket-anywhere` does not exist"])]);
    let wrong_database = pipeline.with_empty_warehouse("elsewhere");
    Findings::of(&wrong_database, 2).expect_only(&[(
        "migrations",
        "fail",
        &["`warehouse_doctor_wrong_elsewhere` was never migrated"],
    )]);
    let away = pipeline.clone().set("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://127.0.0.1:9");
    Findings::of(&away, 2).expect_only(&[("Data API", "fail", &["reach the Redshift Data API"])]);
    let unset = pipeline.set("GLUE_ROLE_ARN", "");
    Findings::of(&unset, 2).expect_only(&[("configuration", "fail", &["missing variable `GLUE_ROLE_ARN`"])]);
}
