//! One batch is one transaction; snapshots and locks are Redshift's.

use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::types::{ExecutionMode, SqlParameter};

use crate::support::Warehouse;

const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_failed_batch_leaves_nothing_behind() {
    let warehouse = Warehouse::start("all_or_nothing").await;
    warehouse.apply(&["create table public.t (a int)"]).await;
    let batch =
        warehouse.run_batch(&["insert into t values (1)", "create table public.u (a int)", "select 1 / 0"]).await;
    assert_eq!(batch.status(), "FAILED");
    assert_eq!(warehouse.value("select count(*) from t").await, "0");
    assert!(warehouse.error("select * from u").await.contains("\"u\" does not exist"));
}

#[tokio::test]
async fn nothing_is_seen_before_the_batch_has_finished() {
    let warehouse = Warehouse::start("unseen_batch").await;
    warehouse.apply(&["create table public.t (a int)", "create table public.gate (a int)"]).await;
    // Holds the gate, so that the batch stops between its statements.
    let holder = warehouse.submit_batch(&["lock gate", "select pg_sleep(600)"]).await;
    warehouse.wait_for_sub_statement(&holder, 0).await;
    let batch = warehouse.submit_batch(&["insert into t values (1)", "lock gate"]).await;
    warehouse.wait_for_sub_statement(&batch, 0).await;
    assert_eq!(warehouse.value("select count(*) from t").await, "0");
    assert!(warehouse.client.get_statement_result().id(format!("{batch}:1")).send().await.is_err());
    warehouse.client.cancel_statement().id(&holder).send().await.expect("cancel");
    assert!(warehouse.end(&batch).await.is_finished());
    assert_eq!(warehouse.value("select count(*) from t").await, "1");
}

#[tokio::test]
async fn truncate_commits_what_ran_before_it() {
    let warehouse = Warehouse::start("truncate_commits").await;
    warehouse
        .apply(&["create table public.t (a int)", "create table public.u (a int)", "insert into u values (1)"])
        .await;
    let batch = warehouse.run_batch(&["insert into t values (1)", "truncate u", "select 1 / 0"]).await;
    assert_eq!(batch.status(), "FAILED");
    assert_eq!(warehouse.value("select count(*) from t").await, "1");
    assert_eq!(warehouse.value("select count(*) from u").await, "0");
}

#[tokio::test]
async fn a_lock_lets_the_next_batch_see_what_the_first_wrote() {
    let warehouse = Warehouse::start("lock_then_read").await;
    warehouse.apply(&["create table public.guard (a int)", "create table public.t (a int)"]).await;
    let add = ["lock guard", "insert into t select nvl(max(a), 0) + 1 from t"];
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(warehouse.submit_batch(&add).await);
    }
    for id in ids {
        let batch = warehouse.end(&id).await;
        assert!(batch.is_finished(), "{}", batch.error());
    }
    assert_eq!(warehouse.rows("select count(*), count(distinct a), max(a) from t").await, [["8", "8", "8"]]);
}

#[tokio::test]
async fn writers_of_the_same_row_conflict() {
    let warehouse = Warehouse::start("write_conflict").await;
    warehouse
        .apply(&[
            "create table public.t (a int, n int)",
            "insert into t values (1, 0)",
            "create table public.gate (a int)",
        ])
        .await;
    // The second batch has its snapshot, then waits for the first to write the row it wants.
    let holder = warehouse.submit_batch(&["lock gate", "select pg_sleep(600)"]).await;
    warehouse.wait_for_sub_statement(&holder, 0).await;
    let second = warehouse.submit_batch(&["select * from t", "lock gate", "update t set n = n + 1 where a = 1"]).await;
    warehouse.wait_for_sub_statement(&second, 0).await;
    warehouse.apply(&["update t set n = n + 1 where a = 1"]).await;
    warehouse.client.cancel_statement().id(&holder).send().await.expect("cancel");
    let second = warehouse.end(&second).await;
    assert!(second.error().contains("1023") && second.error().contains("Serializable isolation violation"));
    assert_eq!(warehouse.value("select n from t").await, "1");
}

#[tokio::test]
async fn makers_of_the_same_object_conflict() {
    let warehouse = Warehouse::start("maker_conflict").await;
    warehouse.apply(&["create table public.gate (a int)"]).await;
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    for make in ["create schema if not exists s", "create table if not exists public.t (a int)"] {
        let holder = warehouse.submit_batch(&["lock gate", "select pg_sleep(600)"]).await;
        warehouse.wait_for_sub_statement(&holder, 0).await;
        let first = warehouse.submit_batch(&[make, "lock gate"]).await;
        warehouse.wait_for_sub_statement(&first, 0).await;
        let second = warehouse.submit_batch(&[make]).await;
        let started = Instant::now();
        while warehouse.value(waiting).await != "2" {
            assert!(started.elapsed() < DEADLINE, "nobody waits for the one that makes it");
        }
        warehouse.client.cancel_statement().id(&holder).send().await.expect("cancel");
        assert!(warehouse.end(&first).await.is_finished());
        let second = warehouse.end(&second).await;
        assert!(second.error().contains("conflict with concurrent transaction"), "{make}: {}", second.error());
    }
}

#[tokio::test]
async fn temporary_tables_live_for_one_call() {
    let warehouse = Warehouse::start("temporary_tables").await;
    let batch =
        warehouse.run_batch(&["create temp table x (a int)", "insert into x values (1)", "select * from x"]).await;
    assert!(batch.is_finished(), "{}", batch.error());
    assert!(warehouse.error("select * from x").await.contains("does not exist"));
}

#[tokio::test]
async fn statements_of_an_auto_commit_batch_stand_for_themselves() {
    let warehouse = Warehouse::start("auto_commit").await;
    warehouse.apply(&["create table public.t (a int)"]).await;
    let batch = warehouse.client.batch_execute_statement().workgroup_name("main").database("auto_commit");
    let batch = batch.execution_mode(ExecutionMode::AutoCommit).sqls("insert into t values (1)").sqls("select 1 / 0");
    let id = batch
        .sqls("insert into t values (:a::int)")
        .parameters(SqlParameter::builder().name("a").value("3").build().expect("parameter"));
    let id = id.send().await.expect("submit").id.expect("id");
    let ended = warehouse.end(&id).await;
    assert_eq!(ended.sub_statuses(), ["FINISHED", "FAILED", "FINISHED"]);
    assert_eq!(ended.status(), "FAILED");
    assert_eq!(warehouse.rows("select a from t order by a").await, [["1"], ["3"]]);
}

#[tokio::test]
async fn some_changes_of_tables_stand_in_no_transaction() {
    let warehouse = Warehouse::start("alone").await;
    warehouse
        .apply(&[
            "create table public.fresh (k int, name varchar(5), extra int)",
            "create table public.kept (k int, name varchar(5))",
            "insert into fresh values (1, 'a', 1), (2, 'b', 2)",
            "insert into kept values (3, 'c')",
            "alter table kept alter column name type varchar(10)",
        ])
        .await;
    for change in
        ["alter table kept alter column name type varchar(20)", "alter table kept append from fresh ignoreextra"]
    {
        let batch = warehouse.run_batch(&["select 1", change]).await;
        assert!(batch.error().contains("cannot run inside a transaction block"), "{}", batch.error());
    }
    let procedure = |change: &str| format!("create procedure change() as $$ begin {change}; end; $$ language plpgsql");
    let error = warehouse.error(&procedure("alter table kept append from fresh ignoreextra")).await;
    assert!(error.contains("it cannot stand in a procedure"), "{error}");
    warehouse.apply(&[&procedure("alter table kept alter column name type varchar(20)")]).await;
    assert!(warehouse.error("call change()").await.contains("cannot be executed from a function or procedure"));
    assert!(warehouse.error("alter table kept append from fresh").await.contains("extra"));
    warehouse.apply(&["alter table fresh alter name type varchar(10)"]).await;
    assert!(warehouse.error("alter table kept append from fresh").await.contains("write IGNOREEXTRA"));
    warehouse.apply(&["alter table kept append from fresh ignoreextra"]).await;
    assert_eq!(warehouse.rows("select * from kept order by k").await, [["1", "a"], ["2", "b"], ["3", "c"]]);
    assert_eq!(warehouse.value("select count(*) from fresh").await, "0");
    assert!(warehouse.error("alter table fresh append from kept").await.contains("write FILLTARGET"));
    warehouse.apply(&["alter table fresh append from kept filltarget"]).await;
    assert_eq!(warehouse.value("select count(*) from fresh where extra is null").await, "3");
}

/// Without statistics PostgreSQL plans a table for some thousand rows, however many a statement before put there.
#[tokio::test]
async fn a_batch_is_planned_for_the_rows_that_it_filled_in() {
    let warehouse = Warehouse::start("statistics").await;
    let id = warehouse
        .submit_batch(&[
            "create temp table digits (digit int)",
            "insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
            "create temp table numbers (number int)",
            "insert into numbers select a.digit + 10 * b.digit from digits as a cross join digits as b",
            "insert into numbers select a.number + 100 * b.digit from numbers as a cross join digits as b where b.digit > 0",
            "create temp table pairs as select a.digit from digits as a cross join digits as b",
            "select relname, reltuples::int from pg_catalog.pg_class where relname in ('digits', 'numbers', 'pairs') order by 1",
        ])
        .await;
    assert!(warehouse.end(&id).await.is_finished(), "{}", warehouse.end(&id).await.error());
    let known = warehouse.result(&format!("{id}:7")).await;
    assert_eq!(known, [["digits", "10"], ["numbers", "1000"], ["pairs", "100"]]);
}

/// Ranges of a sort key are found without reading all of a table, however the table was made.
#[tokio::test]
async fn a_sort_key_leads_to_rows() {
    let warehouse = Warehouse::start("sort_keys").await;
    warehouse
        .apply(&[
            "create table public.listed (night date, city varchar(20)) sortkey (night)",
            "create table public.asked sortkey (night, place) as select current_date as night, 1 as place, 'x' as city",
            "create table public.named (place, city) compound sortkey (city) as select 1, 'a'::varchar(20)",
            "create table public.numbered sortkey (2, 1) as select 1 as a, 2 as b",
            "create table public.lowered sortkey (a) as select lower('X') as a",
            "create table public.like_listed (like public.listed)",
            "create table public.like_asked (like public.asked including defaults, extra int)",
            "create table public.unsorted as select 1 as place",
            "create or replace procedure public.make() as $$ begin create table public.made sortkey (a) as select 1 as a; end $$ \
             language plpgsql",
            "call public.make()",
        ])
        .await;
    let keys = warehouse
        .rows(
            "select t.relname, k.relname from pg_catalog.pg_index as i join pg_catalog.pg_class as t on i.indrelid = t.oid \
             join pg_catalog.pg_class as k on i.indexrelid = k.oid \
             where t.relname in ('listed', 'asked', 'named', 'numbered', 'lowered', 'like_listed', 'like_asked', 'unsorted', 'made') order by 1",
        )
        .await;
    // Long texts fit into no index.
    assert_eq!(
        keys,
        [
            ["asked", "asked_night_place_idx"],
            ["like_asked", "like_asked_night_place_idx"],
            ["like_listed", "like_listed_night_idx"],
            ["listed", "listed_night_idx"],
            ["made", "made_a_idx"],
            ["numbered", "numbered_b_a_idx"]
        ]
    );
    let unknown = warehouse.error("create table public.no_column sortkey (b) as select 1 as a").await;
    assert!(unknown.contains("\"b\" does not exist"), "{unknown}");
    assert_eq!(warehouse.value("select count(*) from pg_catalog.pg_class where relname = 'no_column'").await, "0");
}
