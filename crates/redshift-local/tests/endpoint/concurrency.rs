//! Many clients at once: every statement has its own answer, and no session stays behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::Warehouse;

const CLIENTS: usize = 16;
const STATEMENTS: usize = 10_000;
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_statements_through_sixteen_clients_keep_apart() {
    let warehouse = Arc::new(Warehouse::start("many_clients").await);
    warehouse.apply(&["create table public.seen (n int)"]).await;
    let clients = (0..CLIENTS).map(|client| {
        let warehouse = Arc::clone(&warehouse);
        tokio::spawn(async move {
            for n in (client..STATEMENTS).step_by(CLIENTS) {
                // Reads, writes and failures in turn; the number says whose answer it is.
                match n % 4 {
                    0 => warehouse.apply(&[&format!("insert into seen values ({n})")]).await,
                    1 => assert_eq!(warehouse.value(&format!("select {n}")).await, n.to_string()),
                    2 => assert!(warehouse.error(&format!("select x{n}")).await.contains(&format!("\"x{n}\""))),
                    _ => {
                        let sqls = [format!("insert into seen values ({n})"), format!("select {n} / 0")];
                        let batch = warehouse.run_batch(&[&sqls[0], &sqls[1]]).await;
                        assert!(batch.error().starts_with("Query #2 failed"), "{}", batch.error());
                    }
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client's checks hold");
    }
    let kept = warehouse.rows("select count(*), count(distinct n), sum(n % 4) from seen").await;
    assert_eq!(kept, [[(STATEMENTS / 4).to_string(), (STATEMENTS / 4).to_string(), "0".to_owned()]]);
    let started = Instant::now();
    // The statement that asks is one session itself.
    while warehouse.value("select count(*) from pg_stat_activity where datname = current_database()").await != "1" {
        assert!(started.elapsed() < DEADLINE, "sessions stay behind");
    }
}

/// PostgreSQL takes 200 connections here, and half of them run statements.
#[tokio::test(flavor = "multi_thread")]
async fn statements_wait_for_a_connection() {
    let warehouse = Warehouse::start("queue").await;
    warehouse.apply(&["create table public.gate (n int)"]).await;
    let holder = warehouse.submit_batch(&["lock gate", "select pg_sleep(600)"]).await;
    warehouse.wait(&holder, |status| status.as_str() == "STARTED").await;
    let mut waiting = Vec::new();
    for n in 0..300 {
        waiting.push(warehouse.submit(&format!("insert into gate values ({n})")).await);
    }
    let last = waiting.pop().expect("some wait");
    warehouse.wait(&last, |status| status.as_str() == "PICKED").await;
    warehouse.client.cancel_statement().id(&last).send().await.expect("cancel");
    assert_eq!(warehouse.end(&last).await.status(), "ABORTED", "it is not in its turn yet");
    warehouse.client.cancel_statement().id(&holder).send().await.expect("cancel");
    for id in &waiting {
        let statement = warehouse.end(id).await;
        assert!(statement.is_finished(), "{}", statement.error());
    }
    assert_eq!(warehouse.value("select count(*) from gate").await, "299");
}
