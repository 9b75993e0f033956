//! What a call commits, and what an error in it leaves: handlers, NONATOMIC, COMMIT and ROLLBACK, snapshots and locks.

use crate::support::Warehouse;

/// A table, and a procedure that fails after it has written to it; its handler writes too.
const FAILING: &[&str] = &[
    "create table public.t (v varchar(100))",
    "create procedure fail() as $$
    begin
        insert into t values ('work');
        insert into t select (1 / (v <> '')::int::int)::varchar from (select '' as v) as empty;
    exception when others then
        insert into t values ('handled ' || sqlstate || ' ' || sqlerrm);
    end;
    $$ language plpgsql",
];

#[tokio::test]
async fn raise_fails_the_whole_batch_with_its_message() {
    let warehouse = Warehouse::start("raise").await;
    warehouse
        .apply(&[
            "create table public.ledger (run_id varchar(20))",
            "create procedure begin_load(run varchar(20)) as $$
            declare
                loaded bigint;
            begin
                select into loaded count(*) from ledger where run_id = run;
                if loaded > 0 then
                    raise exception 'ALREADY_LOADED %', run;
                end if;
                insert into ledger values (run);
            end;
            $$ language plpgsql",
        ])
        .await;
    let load = ["lock ledger", "insert into ledger values ('other')", "call begin_load('r1')"];
    assert!(warehouse.run_batch(&load).await.is_finished());
    let again = warehouse.run_batch(&load).await;
    assert!(again.error().starts_with("Query #3 failed with ERROR: ALREADY_LOADED r1"), "{}", again.error());
    assert_eq!(warehouse.value("select count(*) from ledger").await, "2");
}

#[tokio::test]
async fn a_handler_runs_in_a_new_transaction_and_the_error_is_thrown_again() {
    let warehouse = Warehouse::start("handler").await;
    warehouse.apply(FAILING).await;
    let error = warehouse.error("call fail()").await;
    assert!(error.starts_with("ERROR: division by zero"), "{error}");
    assert_eq!(warehouse.rows("select v from t").await, [["handled 22012 division by zero"]]);
}

#[tokio::test]
async fn a_handler_rolls_back_the_whole_batch_and_keeps_its_own_work() {
    let warehouse = Warehouse::start("handler_batch").await;
    warehouse.apply(FAILING).await;
    let batch =
        warehouse.run_batch(&["insert into t values ('before')", "call fail()", "insert into t values ('after')"]);
    assert!(batch.await.error().contains("division by zero"));
    assert_eq!(warehouse.rows("select v from t").await, [["handled 22012 division by zero"]]);
}

#[tokio::test]
async fn handlers_of_outer_blocks_and_callers_see_the_error_too() {
    let warehouse = Warehouse::start("handler_outer").await;
    warehouse
        .apply(&[
            "create table public.log (step int, note varchar(100))",
            "create procedure inner_one() as $$
            begin
                begin
                    raise exception 'first';
                exception when others then
                    insert into log values (1, sqlerrm);
                end;
                insert into log values (9, 'never');
            exception when others then
                insert into log values (2, sqlerrm);
            end;
            $$ language plpgsql",
        ])
        .await;
    let outer = "create procedure outer_one() as $$ begin call inner_one(); exception when others then \
        insert into log values (3, sqlerrm); end; $$ language plpgsql";
    warehouse.apply(&[outer]).await;
    assert!(warehouse.error("call outer_one()").await.starts_with("ERROR: first"));
    let log = warehouse.rows("select step, note from log order by step").await;
    assert_eq!(log, [["1", "first"], ["2", "first"], ["3", "first"]]);
}

#[tokio::test]
async fn nonatomic_procedures_commit_each_statement_and_swallow_handled_errors() {
    let warehouse = Warehouse::start("nonatomic").await;
    warehouse
        .apply(&[
            "create table public.t (v int)",
            "create procedure swallow(again bool) nonatomic as $$
            begin
                insert into t values (1);
                insert into t select 1 / 0;
            exception when others then
                insert into t values (2);
                if again then
                    raise;
                end if;
            end;
            $$ language plpgsql",
            "create procedure grouped() nonatomic as $$
            begin
                start transaction;
                insert into t values (10);
                rollback;
                insert into t values (11);
                start transaction;
                insert into t values (12);
                commit;
            end;
            $$ language plpgsql",
            "create procedure goes_on() nonatomic as $$
            begin
                insert into t select 1 / 0;
                insert into t values (21);
            exception continue_handler when others then
                insert into t values (20);
            end;
            $$ language plpgsql",
            "call swallow(false)",
        ])
        .await;
    assert_eq!(warehouse.rows("select v from t order by v").await, [["1"], ["2"]]);
    assert!(warehouse.error("call swallow(true)").await.contains("division by zero"));
    assert_eq!(warehouse.value("select count(*) from t").await, "4");
    warehouse.apply(&["delete from t", "call grouped()"]).await;
    assert_eq!(warehouse.rows("select v from t order by v").await, [["11"], ["12"]]);
    warehouse.apply(&["delete from t", "call goes_on()"]).await;
    assert_eq!(warehouse.rows("select v from t order by v").await, [["20"], ["21"]]);
}

#[tokio::test]
async fn commit_and_rollback_divide_a_call_into_transactions_but_not_a_batch() {
    let warehouse = Warehouse::start("commits").await;
    warehouse
        .apply(&[
            "create table public.t (v int)",
            "create procedure steps() as $$
            begin
                insert into t values (1);
                commit;
                insert into t values (2);
                rollback;
                insert into t values (3);
                raise exception 'stop';
            end;
            $$ language plpgsql",
            "create procedure bound() set search_path to public as $$ begin commit; end; $$ language plpgsql",
        ])
        .await;
    assert!(warehouse.error("call steps()").await.contains("stop"));
    assert_eq!(warehouse.rows("select v from t").await, [["1"]]);
    let refusal = "COMMIT cannot be invoked from a procedure that is executing in an atomic context.";
    assert!(warehouse.run_batch(&["call steps()"]).await.error().contains(refusal));
    assert!(warehouse.error("call bound()").await.contains(refusal));
}

#[tokio::test]
async fn truncate_in_a_procedure_is_refused_inside_a_batch() {
    let warehouse = Warehouse::start("truncate_in_procedure").await;
    warehouse
        .apply(&[
            "create table public.t (a int)",
            "insert into t values (1)",
            "create procedure clear() as $$ begin truncate t; end; $$ language plpgsql",
        ])
        .await;
    let batch = warehouse.run_batch(&["select 1", "call clear()"]).await;
    assert!(batch.error().contains("TRUNCATE cannot be invoked from a procedure"), "{}", batch.error());
    assert_eq!(warehouse.value("select count(*) from t").await, "1");
    warehouse.apply(&["call clear()"]).await;
    assert_eq!(warehouse.value("select count(*) from t").await, "0");
}

#[tokio::test]
async fn a_lock_in_a_procedure_lets_it_see_what_was_committed_meanwhile() {
    let warehouse = Warehouse::start("lock_in_procedure").await;
    let add = "select count(*) into k from u; if k = 0 then insert into u values (x); end if;";
    let procedure = |name: &str, body: String| {
        format!(
            "create procedure {name}() as $$ declare k bigint; x bigint := 0; begin {body} end; $$ language plpgsql"
        )
    };
    warehouse
        .apply(&[
            "create table public.gate (a int)",
            "create table public.g (a int)",
            "create table public.u (a int)",
            "create procedure public.locks(n inout bigint) set search_path to public as \
             $$ begin n := n + 1.5; lock g; n := n * 2; end; $$ language plpgsql",
            &procedure("sp_ledger", format!("lock g; {add}")),
            &procedure("sp_nested", format!("call locks(x); {add}")),
            &procedure("sp_computed", format!("x := 1 + length('a'); execute 'lock ' || quote_ident('g'); {add}")),
            &procedure("sp_quotient", format!("x := 1.00 / 3; if sysdate > '2024-01-01' then lock g; end if; {add}")),
            &procedure(
                "sp_committed",
                format!("insert into u values (0); delete from u where a = 0; commit; x := x + 1; lock g; {add}"),
            ),
        ])
        .await;
    for call in ["sp_ledger", "sp_nested", "sp_computed", "sp_quotient", "sp_committed"] {
        let call = format!("call {call}()");
        // Holds the gate, so that the first call keeps its lock while the others come to theirs.
        let holder = warehouse.submit_batch(&["lock gate", "select pg_sleep(600)"]).await;
        warehouse.wait_for_sub_statement(&holder, 0).await;
        let mut ids = vec![];
        for _ in 0..4 {
            ids.push(if call.contains("committed") {
                warehouse.submit(&call).await
            } else {
                warehouse.submit_batch(&[&call, "lock gate"]).await
            });
        }
        if !call.contains("committed") {
            ids.push(warehouse.submit(&call).await);
        }
        warehouse.client.cancel_statement().id(&holder).send().await.expect("cancel");
        for id in ids {
            let ended = warehouse.end(&id).await;
            assert!(ended.is_finished(), "{call}: {}", ended.error());
        }
        assert_eq!(warehouse.value("select count(*) from u").await, "1", "{call}");
        warehouse.apply(&["delete from u"]).await;
    }
}

#[tokio::test]
async fn what_is_computed_before_the_snapshot_knows_the_session_and_its_transaction() {
    let warehouse = Warehouse::start("before_the_snapshot").await;
    warehouse
        .apply(&[
            "create table public.t (at timestamp)",
            "create procedure public.p(n out int) as $$ begin n := 1; end; $$ language plpgsql",
            "create procedure public.started(same out boolean, zone out varchar(40), n out int) as $$
            declare
                at timestamp := sysdate;
            begin
                zone := to_char('2024-01-01 00:00:00+00'::timestamptz, 'HH24');
                insert into t values (sysdate);
                select t.at = at into same from t;
                n := 2;
            end;
            $$ language plpgsql",
        ])
        .await;
    let id = warehouse.submit_batch(&["set timezone to 'Asia/Tokyo'", "call started()"]).await;
    assert!(warehouse.end(&id).await.is_finished());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["true", "09", "2"]]);
    // The transaction's own procedure, in the transaction's own schema.
    let replace = "create or replace procedure public.p(n out int) as $$ begin n := 2; end; $$ language plpgsql";
    let own = "create procedure s.p(n out int) as $$ begin n := 3; end; $$ language plpgsql";
    for (first, second, expected) in
        [(replace, "select 1", "2"), ("create schema s", own, "3"), ("select 1", "select 1", "3")]
    {
        let id = warehouse.submit_batch(&["set search_path to s, public", first, second, "call p()"]).await;
        let ended = warehouse.end(&id).await;
        assert!(ended.is_finished(), "{}", ended.error());
        assert_eq!(warehouse.result(&format!("{id}:4")).await, [[expected]]);
    }
    let id = warehouse.submit_batch(&["set search_path to s", "call p()"]).await;
    assert!(warehouse.end(&id).await.is_finished());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["3"]]);
}
