//! Runs between two sweeps: they see what the contracts' hints name, say what they did not look at, and the next sweep brings
//! the rest.

use crate::support::{Mirror, Pipeline, assert_mirrors, cloud, create_tables, execute, insert, lenient_source};
use chrono::{Duration, Utc};
use chrono_tz::Tz;
use rental_core::{RowRule, Scope, table_spec};
use sqlx::MySqlPool;

const AS_OF: &str = "2025-12-31";

/// Tables of three chunks each: what is old in the first, what is recent in the second, and the last.
async fn fill(source: &MySqlPool) {
    create_tables(source).await;
    for (key, date) in [("10", "2025-01-10"), ("70000", "2025-12-01"), ("140000", "2025-01-10")] {
        let quoted = |text: String| format!("'{text}'");
        let (time, checkin, checkout) = (
            quoted(format!("{date} 12:00:00")),
            quoted(date.to_owned()),
            quoted(date.replace("-01-10", "-01-12").replace("-12-01", "-12-03")),
        );
        insert(source, "apartments", &[("id", key), ("last_modified_timestamp", "'2025-01-10 12:00:00'")]).await;
        insert(source, "apartment_attributes", &[("id", key)]).await;
        let dates =
            [("booking_id", key), ("booking_date", &time), ("checkin_date", &checkin), ("checkout_date", &checkout)];
        insert(source, "bookings", &dates).await;
        insert(source, "user_viewing", &[("apartment_id", key), ("viewed_at", &time)]).await;
    }
    insert(source, "user_viewing", &[("viewed_at", "'2025-12-30 12:00:00'")]).await;
}

async fn row_count(mirror: &Mirror, table: &str, column: &str, value: &str) -> usize {
    let spec = table_spec(table).expect("a contract");
    let position = spec.columns.iter().position(|known| known.name == column).expect("a column");
    mirror.table(table).rows().keys().filter(|row| row[position].as_deref() == Some(value)).count()
}

#[tokio::test]
async fn a_hinted_run_sees_what_can_change_and_says_what_it_left_out() {
    let pipeline = Pipeline::new("hints").await.set("HINT_MIN_ROWS", "0");
    let source = lenient_source(&pipeline).await;
    fill(&source).await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    pipeline.extract(&["--run-id", "first", "--as-of", AS_OF]).expect(0, &[]);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "the first run reads everything").await;

    let now = format!("'{}'", (Utc::now() - Duration::minutes(1)).format("%Y-%m-%d %H:%M:%S"));
    for table in ["apartments", "apartment_attributes"] {
        insert(&source, table, &[("id", "900000")]).await;
    }
    insert(&source, "bookings", &[("booking_id", "900000")]).await;
    insert(&source, "user_viewing", &[("viewed_at", "'2025-12-30 23:59:59'")]).await;
    for statement in [
        // Seen: a recent booking, a modified apartment.
        "update bookings set booking_status = 'seen' where booking_id = 70000",
        &format!("update apartments set title = 'seen', last_modified_timestamp = {now} where id = 10"),
        // Not seen: what is old, or leaves no trace.
        "update bookings set booking_status = 'missed' where booking_id = 10",
        "update apartments set title = 'missed' where id = 70000",
        "update apartment_attributes set category = 'missed' where id = 10",
    ] {
        execute(&source, statement).await;
    }
    insert(&source, "user_viewing", &[("viewed_at", "'2025-01-10 13:00:00'"), ("call_to_action", "'missed'")]).await;

    pipeline.extract(&["--run-id", "hinted", "--as-of", AS_OF]).expect(0, &[]);
    mirror.catch_up().await;
    let seen = [
        ("apartments", "id", "900000"),
        ("apartment_attributes", "id", "900000"),
        ("bookings", "booking_id", "900000"),
        ("user_viewing", "viewed_at", "2025-12-30 23:59:59.000000"),
        ("bookings", "booking_status", "seen"),
        ("apartments", "title", "seen"),
    ];
    for (table, column, value) in seen {
        assert_eq!(row_count(&mirror, table, column, value).await, 1, "{table}.{column} = {value}");
    }
    let missed = [
        ("bookings", "booking_status"),
        ("apartments", "title"),
        ("apartment_attributes", "category"),
        ("user_viewing", "call_to_action"),
    ];
    for (table, column) in missed {
        assert_eq!(row_count(&mirror, table, column, "missed").await, 0, "{table}.{column}");
    }
    let receipt = cloud().get_json(&pipeline.bucket, "runs/hinted/receipt.json").await;
    // Of three chunks one was hinted and the last one is always read; old viewings are two days.
    for (table, chunks, rows) in
        [("apartments", 1, 1), ("apartment_attributes", 2, 2), ("bookings", 1, 1), ("user_viewing", 2, 3)]
    {
        let manifest = mirror.table(table).last();
        assert_eq!(manifest.scope, Scope::Hinted, "{table}");
        assert_eq!((manifest.unread_chunk_count, manifest.rows.unread), (chunks, rows), "not read of {table}");
        let told = &receipt["extract"]["tables"][table];
        assert_eq!(told["scope"], "hinted", "{table}");
        assert_eq!((told["unread_chunk_count"].as_u64(), told["rows"]["unread"].as_u64()), (Some(chunks), Some(rows)));
    }

    pipeline.extract(&["--run-id", "sweep", "--as-of", AS_OF, "--sweep"]).expect(0, &[]);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "after the sweep").await;
    for (table, column) in missed {
        assert_eq!(row_count(&mirror, table, column, "missed").await, 1, "{table}.{column}");
        assert_eq!(mirror.table(table).last().scope, Scope::Sweep, "{table}");
    }
}

#[tokio::test]
async fn a_small_table_is_read_whole_whatever_the_hints() {
    let pipeline = Pipeline::new("hints_small").await;
    let source = lenient_source(&pipeline).await;
    fill(&source).await;
    pipeline.extract(&["--run-id", "first", "--as-of", AS_OF]).expect(0, &[]);
    execute(&source, "update bookings set booking_status = 'old' where booking_id = 10").await;
    pipeline.extract(&["--run-id", "second", "--as-of", AS_OF]).expect(0, &[]);
    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    assert_mirrors(&mirror, &source, Tz::UTC, "without a flag").await;
}

/// What a sweep found out about rows that did not change was forgotten, and the next hinted run told the old counts.
#[tokio::test]
async fn what_time_mends_stays_mended() {
    let pipeline = Pipeline::new("hints_mended").await.set("HINT_MIN_ROWS", "0");
    let source = lenient_source(&pipeline).await;
    fill(&source).await;
    execute(&source, "update bookings set booking_date = '2025-01-10 12:00:00', checkin_date = '2025-01-11'").await;
    let mut mirror = Mirror::of(&pipeline.bucket);
    for (run_id, as_of, flags, standing) in [
        ("early", "2025-01-01", &["--sweep"][..], 3),
        ("swept", "2026-06-01", &["--sweep"], 0),
        ("hinted", "2026-06-01", &[], 0),
    ] {
        pipeline.extract(&[&["--run-id", run_id, "--as-of", as_of], flags].concat()).expect(0, &[]);
        mirror.catch_up().await;
        let manifest = mirror.table("bookings").last();
        let counts = manifest.violations.iter().filter(|count| count.rule == RowRule::BkgFuture);
        assert_eq!(counts.map(|count| count.standing).sum::<u64>(), standing, "{run_id}");
    }
    assert!(mirror.table("bookings").last().unread_chunk_count > 0);
}
