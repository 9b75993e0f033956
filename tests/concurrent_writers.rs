//! Writers that never stop: what a run captures is of one moment. Each transaction gives a pair of an apartment and a booking
//! the same counter as price; no log may ever show half of one.

use crate::support::{Mirror, Pipeline, cloud, create_tables, execute};
use rental_core::table_spec;
use sqlx::mysql::MySqlPoolOptions;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

const PAIRS: u64 = 4_000;
/// Keys this far apart make several chunks.
const STRIDE: u64 = 100;
const WRITERS: u64 = 4;
const RUNS: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_connection_never_shows_half_of_a_transaction() {
    no_run_shows_half_of_a_transaction("halves_1", "1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_connections_never_show_half_of_a_transaction() {
    no_run_shows_half_of_a_transaction("halves_4", "4").await;
}

async fn no_run_shows_half_of_a_transaction(name: &str, connections: &str) {
    let pipeline = Pipeline::new(name).await.set("CONNECTIONS", connections).set("ROWS_PER_RANGE", "500");
    let pool = MySqlPoolOptions::new().max_connections(WRITERS as u32 + 1);
    let pool = pool.connect_with(cloud().source_options(&pipeline.source_database)).await.expect("connect");
    create_tables(&pool).await;
    execute(&pool, "alter table apartments modify id bigint not null primary key").await;
    execute(&pool, "alter table bookings modify booking_id bigint not null primary key").await;
    let pairs = format!("from seq_1_to_{PAIRS}");
    execute(&pool, &format!("insert into apartments (id, price, currency) select seq * {STRIDE}, 1, 'USD' {pairs}"))
        .await;
    execute(
        &pool,
        &format!(
            "insert into bookings (booking_id, user_id, checkin_date, checkout_date, total_price, currency)
             select seq * {STRIDE}, 1, '2025-01-01', '2025-01-02', 1, 'USD' {pairs}"
        ),
    )
    .await;

    let (counter, stop) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (pool, counter, stop) = (pool.clone(), counter.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let next = counter.fetch_add(1, Ordering::Relaxed);
                    // Each writer has pairs of its own: none waits for another.
                    let pair = (next * 2_654_435_761 % (PAIRS / WRITERS) * WRITERS + writer + 1) * STRIDE;
                    let mut transaction = pool.begin().await.expect("begin");
                    for (statement, is_first) in [
                        ("update apartments set price = ? where id = ?", true),
                        ("update bookings set total_price = ? where booking_id = ?", false),
                    ] {
                        let done = sqlx::query(statement).bind(next).bind(pair).execute(&mut *transaction).await;
                        assert_eq!(done.expect("update").rows_affected(), 1, "pair {pair}");
                        if is_first {
                            // Time for a snapshot to fall between the two.
                            tokio::task::yield_now().await;
                        }
                    }
                    transaction.commit().await.expect("commit");
                }
            })
        })
        .collect();

    let mut mirror = Mirror::of(&pipeline.bucket);
    let mut last_counter = 0;
    for run in 0..RUNS {
        let run_id = format!("run-{run}");
        let arguments = ["--run-id", &run_id, "--as-of", "2025-12-31", "--sweep", "--tables", "apartments,bookings"];
        pipeline.extract_aside(&arguments).await.expect(0, &[]);
        mirror.catch_up().await;
        let apartments = prices(&mirror, "apartments", "id", "price");
        let bookings = prices(&mirror, "bookings", "booking_id", "total_price");
        assert_eq!(apartments.len() as u64, PAIRS);
        let halves: Vec<_> = apartments.iter().filter(|(pair, price)| bookings.get(*pair) != Some(price)).collect();
        assert!(halves.is_empty(), "run {run} shows halves of {} transactions, such as {:?}", halves.len(), halves[0]);
        let newest = apartments.values().filter_map(|price| price.split('.').next()?.parse::<u64>().ok()).max();
        assert!(newest > Some(last_counter), "nothing was written between two runs");
        last_counter = newest.unwrap_or_default();
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer ends");
    }
}

fn prices(mirror: &Mirror, table: &str, key: &str, price: &str) -> BTreeMap<String, String> {
    let spec = table_spec(table).expect("a contract");
    let position = |name: &str| spec.columns.iter().position(|column| column.name == name).expect("a column");
    let (key, price) = (position(key), position(price));
    let rows = mirror.table(table).rows();
    rows.into_keys().map(|mut row| (row[key].take().expect("a key"), row[price].take().expect("a price"))).collect()
}
