//! `load-redshift reconcile` names exactly the chunks whose rows in the warehouse are not those of the source.

use crate::support::{Pipeline, RandomSource, cloud};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, MySqlPool, PgConnection, Row as _};
use std::collections::BTreeSet;

const DAY: &str = "2025-12-31";
const ROUNDS: usize = 6;

async fn warehouse(pipeline: &Pipeline) -> PgConnection {
    PgConnection::connect(&pipeline.warehouse_url()).await.expect("connect to the warehouse")
}

async fn execute(warehouse: &mut PgConnection, statement: &str) {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(warehouse).await;
    assert!(done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected() > 0, "{statement}");
}

/// What was unloaded and is still there.
async fn left_behind(pipeline: &Pipeline) -> Vec<String> {
    cloud().list_objects(&pipeline.bucket, "reconcile/").await
}

fn lines(csv: &str) -> BTreeSet<String> {
    csv.lines().skip(1).map(str::to_owned).collect()
}

/// COPY of the stand-in takes no text with a NUL in it.
async fn take_nul_out(source: &MySqlPool) {
    let texts = "select table_name, column_name from information_schema.columns
                 where table_schema = database() and data_type in ('varchar', 'text', 'mediumtext')";
    for column in sqlx::query(texts).fetch_all(source).await.expect("list columns") {
        let (table, name): (String, String) = (column.get(0), column.get(1));
        let update = format!(
            "update ignore {table} set {name} = replace({name}, char(0), '') where {name} like concat('%', char(0), '%')"
        );
        sqlx::query(AssertSqlSafe(update.clone()))
            .execute(source)
            .await
            .unwrap_or_else(|error| panic!("{update}: {error}"));
    }
}

#[tokio::test]
async fn random_tables_agree_after_every_load() {
    let seed = rand::random();
    println!("seed {seed}");
    let pipeline = Pipeline::new("reconcile_random").await.set("SOURCE_TIMEZONE", "Europe/Berlin");
    let mut source = RandomSource::create(&pipeline, seed).await;
    // Whatever the seed: true duplicates.
    let viewing =
        "insert into user_viewing (viewed_at, user_id, call_to_action) values ('2025-03-01 12:00:00', 1, 'é🏠')";
    pipeline.at_source(&[viewing, viewing]).await;
    for round in 0..ROUNDS {
        take_nul_out(&source.pool).await;
        let run_id = format!("run-{round}");
        pipeline.extract(&["--run-id", &run_id, "--as-of", DAY, "--sweep"]).expect(0, &[]);
        pipeline.load(&["load", "--migrate"]).expect(0, &[]);
        let log = source.write_log(&pipeline.source_database);
        for arguments in [&["reconcile", "--format", "csv"][..], &["reconcile", "--format", "csv", "--counts"]] {
            let reconciled = pipeline.load(arguments);
            assert_eq!(reconciled.exit_code, 0, "seed {seed}, {log}, {arguments:?}: {}", reconciled.stdout);
        }
        source.change().await;
    }
    assert_eq!(left_behind(&pipeline).await, [""; 0]);
}

#[tokio::test]
async fn exactly_the_damaged_chunks_are_named_and_a_replay_heals_them() {
    let pipeline = Pipeline::sampled("reconcile").await;
    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    pipeline.load(&["migrate"]).expect(0, &[]);
    pipeline
        .load(&["reconcile"])
        .expect(2, &["raw/bookings/run=first/manifest.json", "run `load-redshift load` first"]);
    pipeline.load(&["load"]).expect(0, &[]);
    pipeline.load(&["reconcile"]).expect(0, &["user_viewing: ", "bookings: ", "all equal"]);

    let mut raw = warehouse(&pipeline).await;
    let days = "select viewed_at::date::text, count(*) from raw.user_viewing group by 1
                having count(distinct user_id) > 1 order by 1 limit 3";
    let days: Vec<(String, i64)> = sqlx::query_as(days).fetch_all(&mut raw).await.expect("look for days");
    let [(swapped, swapped_rows), (doubled, doubled_rows), (emptied, emptied_rows)] = &days[..] else {
        panic!("too few days: {days:?}")
    };
    let on = |day: &str| format!("viewed_at::date = '{day}'");
    let (changed, changed_rows) = first_chunk(&mut raw, "bookings", "booking_id").await;
    let (lessened, lessened_rows) = first_chunk(&mut raw, "apartments", "id").await;

    // One value; the number of rows stays as it is.
    execute(
        &mut raw,
        "update raw.bookings set total_price = coalesce(total_price, 0) + 0.01
         where booking_id = (select min(booking_id) from raw.bookings)",
    )
    .await;
    execute(&mut raw, "delete from raw.apartments where id = (select min(id) from raw.apartments)").await;
    let of = |day: &str| format!("select ctid from raw.user_viewing where {} order by user_id", on(day));
    execute(
        &mut raw,
        &format!("insert into raw.user_viewing select * from raw.user_viewing where ctid = ({} limit 1)", of(doubled)),
    )
    .await;
    // Two rows trade a value: every column has the same values as before.
    execute(
        &mut raw,
        &format!(
            "update raw.user_viewing as viewing set user_id = other.user_id
             from (select ctid, user_id from raw.user_viewing where ctid in (({low} limit 1), ({high} limit 1))) as other
             where viewing.ctid in (({low} limit 1), ({high} limit 1)) and other.ctid <> viewing.ctid",
            low = of(swapped),
            high = of(swapped).replace("order by user_id", "order by user_id desc"),
        ),
    )
    .await;
    execute(&mut raw, &format!("delete from raw.user_viewing where {}", on(emptied))).await;
    let strange = "insert into raw.user_viewing select user_id, apartment_id, '1999-05-05 12:00:00', is_wishlisted,
                   call_to_action, run_id from raw.user_viewing limit 1";
    execute(&mut raw, strange).await;

    let by_count = [
        format!("apartments,keys {lessened},{lessened_rows},{},row count", lessened_rows - 1),
        format!("user_viewing,day {doubled},{doubled_rows},{},row count", doubled_rows + 1),
        format!("user_viewing,day {emptied},{emptied_rows},0,not in the warehouse"),
        "user_viewing,day 1999-05-05,0,1,not in the source".to_owned(),
    ];
    let by_value = [
        format!("bookings,keys {changed},{changed_rows},{changed_rows},values"),
        format!("user_viewing,day {swapped},{swapped_rows},{swapped_rows},values"),
    ];
    let reconcile = |arguments: &[&str]| {
        let arguments = [&["reconcile", "--format", "csv"], arguments].concat();
        lines(&pipeline.load(&arguments).expect(3, &["chunks that differ", "replay a chunk"]).stdout)
    };
    assert_eq!(reconcile(&["--counts"]), by_count.clone().into());
    assert_eq!(reconcile(&[]), by_count.into_iter().chain(by_value.clone()).collect());
    assert_eq!(reconcile(&["--tables", "bookings"]), [by_value[0].clone()].into());
    pipeline.load(&["reconcile", "--tables", "apartment_attributes"]).expect(0, &["all equal"]);
    let json: Value =
        serde_json::from_str(&pipeline.load(&["reconcile", "--tables", "bookings", "--format", "json"]).stdout)
            .expect("JSON");
    assert_eq!(json[0]["difference"], "values");
    assert_eq!(left_behind(&pipeline).await, [""; 0]);

    // The way out that it names.
    for (table, damaged) in [("bookings", &changed), ("apartments", &lessened)] {
        forget(&pipeline, table, |chunk| format!("{}..={}", chunk["first"], chunk["last"]) == *damaged).await;
    }
    forget(&pipeline, "user_viewing", |chunk| [swapped, doubled, emptied].iter().any(|day| chunk["day"] == **day))
        .await;
    pipeline.extract(&["--run-id", "second", "--as-of", DAY, "--sweep"]).expect(0, &[]);
    pipeline.load(&["load"]).expect(0, &[]);
    let left = lines(&pipeline.load(&["reconcile", "--format", "csv"]).expect(3, &[]).stdout);
    assert_eq!(left, ["user_viewing,day 1999-05-05,0,1,not in the source".to_owned()].into());
    execute(&mut raw, "delete from raw.user_viewing where viewed_at::date = '1999-05-05'").await;
    pipeline.load(&["reconcile"]).expect(0, &["all equal"]);
}

/// The chunk with the lowest keys, and how many rows it has.
async fn first_chunk(raw: &mut PgConnection, table: &str, key: &str) -> (String, i64) {
    let query = format!(
        "select floor({key} / 65536.0)::bigint * 65536 as first, count(*) from raw.{table} group by 1 order by 1 limit 1"
    );
    let row = sqlx::query(AssertSqlSafe(query)).fetch_one(raw).await.expect("look for a chunk");
    let first: i64 = row.get(0);
    (format!("{first}..={}", first + 65535), row.get(1))
}

/// Takes chunks out of a table's state.
async fn forget(pipeline: &Pipeline, table: &str, is_forgotten: impl Fn(&Value) -> bool) {
    let key = format!("state/{table}.json");
    let mut state = cloud().get_json(&pipeline.bucket, &key).await;
    let chunks = state["chunks"].as_array_mut().expect("chunks");
    let before = chunks.len();
    chunks.retain(|entry| !is_forgotten(&entry["chunk"]));
    assert!(chunks.len() < before, "no chunk of {table} is forgotten");
    cloud().put_json(&pipeline.bucket, &key, &state).await;
}

#[tokio::test]
async fn a_failure_leaves_nothing_in_the_bucket_and_a_log_without_the_rows_is_told() {
    let pipeline = Pipeline::sampled("reconcile_failures").await;
    pipeline.extract(&["--run-id", "first", "--as-of", DAY]).expect(0, &[]);
    pipeline.load(&["load", "--migrate"]).expect(0, &[]);

    let state = cloud().get_json(&pipeline.bucket, "state/apartments.json").await;
    let mut changed = state.clone();
    changed["chunks"][0]["fingerprint"]["hash"] = "0".repeat(32).into();
    cloud().put_json(&pipeline.bucket, "state/apartments.json", &changed).await;
    pipeline.load(&["reconcile"]).expect(3, &["not in the log as last sealed", "apartments: ", "1 differ"]);
    cloud().put_json(&pipeline.bucket, "state/apartments.json", &state).await;

    // The tables before it are unloaded by then.
    let mut raw = warehouse(&pipeline).await;
    sqlx::query("alter table raw.user_viewing rename to elsewhere").execute(&mut raw).await.expect("rename");
    pipeline.load(&["reconcile"]).expect(2, &["user_viewing failed", "does not exist"]);
    assert_eq!(left_behind(&pipeline).await, [""; 0]);
}
