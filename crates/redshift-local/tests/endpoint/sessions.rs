//! Sessions that outlive a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use aws_sdk_redshiftdata::types::SessionStatusString;
use sqlx::{Connection, PgConnection};

use crate::support::{Warehouse, postgres};

const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the first statement of a new session; returns the session's id.
async fn open(warehouse: &Warehouse, keep_alive: i32, sql: &str) -> String {
    let call = warehouse.client.execute_statement().workgroup_name("main").database(&warehouse.database);
    let submitted = call.sql(sql).session_keep_alive_seconds(keep_alive).send().await.expect(sql);
    let statement = warehouse.end(submitted.id().expect("id")).await;
    assert!(statement.is_finished(), "{}", statement.error());
    assert_eq!(statement.0.session_id, submitted.session_id);
    submitted.session_id.expect("a session id")
}

#[tokio::test]
async fn temporary_tables_and_settings_live_as_long_as_the_session() {
    let warehouse = Warehouse::start("sessions").await;
    let session = open(&warehouse, 600, "create temp table kept (a int)").await;
    for sql in ["insert into kept values (1)", "set query_group to 'mine'"] {
        let id = warehouse.client.execute_statement().session_id(&session).sql(sql).send().await.expect(sql).id;
        assert!(warehouse.end(&id.expect("id")).await.is_finished());
    }
    let batch = warehouse.client.batch_execute_statement().session_id(&session);
    let id = batch.sqls("select a from kept").sqls("show query_group").send().await.expect("batch").id.expect("id");
    assert!(warehouse.end(&id).await.is_finished());
    assert_eq!(warehouse.result(&format!("{id}:1")).await, [["1"]]);
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["mine"]]);
    assert!(warehouse.error("select a from kept").await.contains("does not exist"));
}

#[tokio::test]
async fn a_session_runs_one_statement_at_a_time() {
    let warehouse = Warehouse::start("busy_session").await;
    let session = open(&warehouse, 600, "select 1").await;
    warehouse.apply(&["create table public.t (a int)"]).await;
    let holder = warehouse.submit_batch(&["lock t", "select count(*) from pg_class a, pg_class b, pg_class c"]).await;
    warehouse.wait(&holder, |status| status.as_str() == "STARTED").await;
    let long = warehouse.client.execute_statement().session_id(&session);
    let long = long.sql("select count(*) from pg_class a, pg_class b, pg_class c, pg_class d").send().await;
    let long = long.expect("submit").id.expect("id");
    let second = warehouse.client.execute_statement().session_id(&session).sql("select 2").send().await;
    let error = second.expect_err("the session is busy");
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    let listed = warehouse.client.list_sessions().session_id(&session).send().await.expect("list").sessions;
    assert_eq!(listed[0].status, SessionStatusString::Busy);
    assert_eq!(listed[0].current_statement_id.as_deref(), Some(long.as_str()));
    for id in [&long, &holder] {
        warehouse.client.cancel_statement().id(id).send().await.expect("cancel");
        assert_eq!(warehouse.end(id).await.status(), "ABORTED");
    }
}

#[tokio::test]
async fn a_session_ends_when_its_time_has_passed() {
    let warehouse = Warehouse::start("session_end").await;
    let session = open(&warehouse, 1, "select 1").await;
    let open_ones = warehouse.client.list_sessions().send().await.expect("list").sessions;
    assert_eq!(open_ones.iter().map(|it| it.session_id.as_str()).collect::<Vec<_>>(), [session.as_str()]);
    let started = Instant::now();
    while !warehouse.client.list_sessions().send().await.expect("list").sessions.is_empty() {
        assert!(started.elapsed() < DEADLINE, "the session does not end");
    }
    let closed = warehouse.client.list_sessions().status(SessionStatusString::Closed).send().await.expect("list");
    assert_eq!(closed.sessions.len(), 1);
    let late = warehouse.client.execute_statement().session_id(&session).sql("select 1").send().await;
    assert_eq!(late.expect_err("closed").code(), Some("ValidationException"));
    let count = "select count(*) from pg_stat_activity where datname = current_database()";
    assert_eq!(warehouse.value(count).await, "1", "its connection is closed too");
}

#[tokio::test]
async fn what_no_session_takes_is_refused() {
    let warehouse = Warehouse::start("session_refusals").await;
    let session = open(&warehouse, 600, "select 1").await;
    let call = || warehouse.client.execute_statement().sql("select 1");
    let unknown = call().session_id("00000000-0000-4000-8000-000000000000").send().await.expect_err("unknown");
    assert_eq!(unknown.code(), Some("ResourceNotFoundException"));
    let connected = call().session_id(&session).database("session_refusals").send().await.expect_err("both");
    assert_eq!(connected.code(), Some("ValidationException"));
    let long = call().workgroup_name("main").database("session_refusals").session_keep_alive_seconds(86_401);
    assert_eq!(long.send().await.expect_err("too long").code(), Some("ValidationException"));
    // A refused call leaves the session as it was.
    let again = call().session_id(&session).send().await.expect("the session is free").id.expect("id");
    assert!(warehouse.end(&again).await.is_finished());
}

/// Ends a process of PostgreSQL.
async fn terminate(pid: i64) {
    let mut connection = PgConnection::connect(&format!("{}/postgres", postgres::url())).await.expect("connect");
    sqlx::query("select pg_terminate_backend($1::int, 10000)").bind(pid).execute(&mut connection).await.expect("end");
}

/// A statement that finds its session's connection gone, and one that loses it.
#[tokio::test]
async fn a_session_whose_connection_is_lost_is_closed() {
    let warehouse = Warehouse::start("lost_session").await;
    for is_idle in [true, false] {
        let session = open(&warehouse, 600, "create temp table kept (a int)").await;
        let submit = async |sql: &str| {
            let submitted = warehouse.client.execute_statement().session_id(&session).sql(sql).send().await;
            submitted.expect(sql).id.expect("id")
        };
        let id = if is_idle {
            let id = submit("select 1").await;
            terminate(warehouse.end(&id).await.0.redshift_pid).await;
            submit("select 2").await
        } else {
            let id = submit("select pg_sleep(600)").await;
            terminate(warehouse.wait(&id, |status| status.as_str() == "STARTED").await.0.redshift_pid).await;
            id
        };
        assert_eq!(warehouse.end(&id).await.status(), "FAILED");
        let started = Instant::now();
        loop {
            let listed = warehouse.client.list_sessions().session_id(&session).send().await.expect("list").sessions;
            if listed[0].status == SessionStatusString::Closed {
                break;
            }
            assert!(started.elapsed() < DEADLINE, "the session is {:?}", listed[0].status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_with_one_token_open_one_session() {
    let warehouse = Arc::new(Warehouse::start("token_sessions").await);
    let calls = (0..40).map(|_| {
        let warehouse = Arc::clone(&warehouse);
        tokio::spawn(async move {
            let call = warehouse.client.execute_statement().workgroup_name("main").database("token_sessions");
            let call = call.sql("select 1").session_keep_alive_seconds(600).client_token("one");
            call.send().await.expect("submit").session_id.expect("a session id")
        })
    });
    let mut sessions = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        sessions.push(call.await.expect("call"));
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    let closed = warehouse.client.list_sessions().status(SessionStatusString::Closed).send().await.expect("list");
    assert_eq!(closed.sessions.len(), 0);
}

/// Idle sessions hold connections for as long as a day; statements without one have connections of their own.
#[tokio::test]
async fn sessions_leave_connections_for_statements() {
    let warehouse = Warehouse::start("many_sessions").await;
    let call = || warehouse.client.execute_statement().workgroup_name("main").database("many_sessions").sql("select 1");
    let mut opened = 0;
    let refused = loop {
        match call().session_keep_alive_seconds(600).send().await {
            Ok(first) => assert!(warehouse.end(&first.id.expect("id")).await.is_finished()),
            Err(refused) => break refused,
        }
        opened += 1;
    };
    assert_eq!(refused.code(), Some("ActiveSessionsExceededException"));
    assert_eq!(opened, 50, "a quarter of what the server takes");
    assert_eq!(warehouse.value("select 1").await, "1");
}
