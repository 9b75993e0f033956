//! Stored procedures: parameters, RAISE, and what a batch forbids.

use crate::support::Warehouse;

#[tokio::test]
async fn out_parameters_come_back_as_a_row() {
    let warehouse = Warehouse::start("out_parameters").await;
    warehouse
        .apply(&[
            "create table public.t (k int, v varchar(10))",
            "insert into t values (1, 'one'), (2, 'two')",
            "create or replace procedure find(wanted int, name out varchar(10), total out bigint) as $$
            begin
                select into name v from t where k = wanted;
                select into total count(*) from t;
            end;
            $$ language plpgsql",
            "create procedure twice(n inout int) as $$ begin n := n * 2; end; $$ language plpgsql",
            "create procedure four_times(n inout int) as $$ begin call twice(n); call twice(n); end; $$ language plpgsql",
        ])
        .await;
    assert_eq!(warehouse.rows("call find(2)").await, [["two", "2"]]);
    assert_eq!(warehouse.rows("call four_times(3)").await, [["12"]]);
}

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
async fn bodies_know_loops_diagnostics_and_dynamic_sql() {
    let warehouse = Warehouse::start("bodies").await;
    warehouse
        .apply(&[
            "create table public.t (k int, d date)",
            "insert into t values (1, '2024-01-30'), (2, '2024-01-31')",
            "create procedure work(total out bigint, changed out bigint, counted out bigint) as $$
            declare
                item record;
            begin
                total := 0;
                for item in select k from t order by k loop
                    total := total + nvl(item.k, 0);
                end loop;
                update t set d = dateadd(day, 1, d)::date where d > date '2024-01-30';
                get diagnostics changed := row_count;
                execute 'select count(*) from ' || quote_ident('t') into counted;
            end;
            $$ language plpgsql",
        ])
        .await;
    assert_eq!(warehouse.rows("call work()").await, [["3", "1", "2"]]);
    assert_eq!(warehouse.value("select max(d) from t").await, "2024-02-01");
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
async fn dynamic_sql_that_would_need_translation_is_refused() {
    let warehouse = Warehouse::start("dynamic_sql").await;
    let run = "create procedure run(statement varchar(1000)) as $$ begin execute statement; end; $$ language plpgsql";
    warehouse.apply(&["create table public.t (v varchar(40))", run]).await;
    for statement in
        ["create index i on t (v)", "insert into t select nvl(v, 0) from t", r"insert into t values (\'a\\nb\')"]
    {
        let error = warehouse.error(&format!("call run('{statement}')")).await;
        assert!(error.contains("dynamic SQL"), "{statement}: {error}");
    }
    // Words inside literals and quoted names are not looked at.
    let keep = "create procedure keep(run varchar(40)) as $$ begin \
        execute 'insert into t (\"v\") values (' || quote_literal(run) || ')'; end; $$ language plpgsql";
    warehouse.apply(&[keep, r"call keep('nightly-extract''s \\ text')"]).await;
    assert_eq!(warehouse.value("select v from t").await, r"nightly-extract's \ text");
}
