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
async fn dynamic_sql_passes_gate_and_translation() {
    let warehouse = Warehouse::start("dynamic_sql").await;
    let run = "create procedure run(statement varchar(1000)) as $$ begin execute statement; end; $$ language plpgsql";
    warehouse.apply(&["create table public.t (v varchar(40))", run]).await;
    for (statement, expected) in [
        ("create index i on t (v)", "CREATE INDEX"),
        ("insert into t values (1) on conflict do nothing", "ON CONFLICT"),
        ("commit", "dynamic SQL cannot control transactions"),
        ("vacuum t", "VACUUM cannot be executed"),
    ] {
        let error = warehouse.error(&format!("call run('{statement}')")).await;
        assert!(error.contains(expected), "{statement}: {error}");
    }
    warehouse.apply(&[r"call run('insert into t select nvl(NULL, ''a\\nb'')')"]).await;
    assert_eq!(warehouse.value("select v from t").await, "a\nb");
    let keep = "create procedure keep(run varchar(40)) as $$ begin \
        execute 'insert into t (\"v\") values (' || quote_literal(run) || ')'; end; $$ language plpgsql";
    warehouse.apply(&["delete from t", keep, r"call keep('nightly-extract''s \\ text')"]).await;
    assert_eq!(warehouse.value("select v from t").await, r"nightly-extract's \ text");
}

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
async fn control_flow_runs_as_written() {
    let warehouse = Warehouse::start("control_flow").await;
    warehouse
        .apply(&["create procedure walk(path out varchar(200)) as $$
            declare
                n int := 0;
                word varchar(10);
                limit_of constant int not null := 3;
            begin
                path := '';
                <<outer_loop>>
                for i in 1..3 loop
                    for j in reverse 3..1 loop
                        continue outer_loop when j = 1;
                        exit when i = 3;
                        path := path || i || j || ' ';
                    end loop;
                    path := path || 'x ';
                end loop;
                while n < limit_of loop
                    n := n + 1;
                    if n = 1 then
                        word := 'one';
                    elsif n = 2 then
                        case n when 1, 3 then word := 'no'; when 2 then word := 'two'; end case;
                    else
                        case when n > 5 then word := 'big'; else word := 'three'; end case;
                    end if;
                    path := path || word || ' ';
                end loop;
                loop
                    n := n - 1;
                    exit when n = 0;
                end loop;
                declare
                    n int := 42;
                begin
                    path := path || n || ' ';
                end;
                path := path || n;
                return;
                path := 'never';
            end;
            $$ language plpgsql"])
        .await;
    assert_eq!(warehouse.value("call walk()").await, "13 12 23 22 x one two three 42 0");
}

#[tokio::test]
async fn variables_are_values_where_expressions_stand_and_names_stay_names() {
    let warehouse = Warehouse::start("variables").await;
    warehouse
        .apply(&[
            "create table public.t (k int, v varchar(20), day date)",
            "create procedure fill(k int, v varchar(20), day date) as $$
            declare
                found_one record;
                copied int;
            begin
                insert into t (k, v, day) values (k, v || '!', dateadd(day, 1, day)::date);
                update t set v = upper(t.v), k = t.k + 1 where t.k = k and extract(year from day) = 2024;
                select into found_one t.k, t.v as v from t where t.day > day order by 1 limit 1;
                create temp table copy_of_t as select t.k as k, v as v from t as v_table, t;
                select into copied count(*) from copy_of_t;
                insert into t (k, v) select found_one.k + copied, found_one.v;
            end;
            $$ language plpgsql",
            r"call fill(1, 'it''s \\', '2024-02-28')",
        ])
        .await;
    let rows = warehouse.rows("select k, v, day from t order by k").await;
    assert_eq!(rows, [["2", r"IT'S \!", "2024-02-29"], ["3", r"IT'S \!", "NULL"]]);
}

/// Arguments that stand between words, not commas.
#[tokio::test]
async fn variables_stand_behind_the_words_of_a_call() {
    let warehouse = Warehouse::start("variables_in_words").await;
    let body = "create procedure words(zone varchar(20), n int, c varchar(1), result out varchar(100)) as $$
        declare
            moment timestamp := '2024-01-01 12:00:00';
            word varchar(20) := 'xcaterx';
        begin
            result := to_char(moment at time zone zone, 'HH24') || substring(word from 2 for n)
                || trim(both c from word) || trim(leading c from word) || trim(trailing c from word);
        end; $$ language plpgsql";
    warehouse.apply(&[body]).await;
    assert_eq!(warehouse.value("call words('Europe/Zurich', 3, 'x')").await, "11catcatercaterxxcater");
}

#[tokio::test]
async fn values_are_checked_against_the_types_of_variables() {
    let warehouse = Warehouse::start("variable_types").await;
    let make = |declaration: &str, value: &str| {
        format!(
            "create or replace procedure assign(result out varchar(100)) as $$ declare v {declaration}; \
             begin v := {value}; result := v; end; $$ language plpgsql"
        )
    };
    for (declaration, value, expected) in [
        ("decimal(5, 2)", "1.005 * 2", "2.01"),
        ("decimal", "1.5", "2"),
        ("int", "'12'", "12"),
        ("varchar(3)", "'abc'", "abc"),
        ("timestamp", "'2024-02-29'", "2024-02-29 00:00:00"),
        ("int not null := 3", "4", "4"),
        ("boolean", "1 = 1", "true"),
    ] {
        warehouse.apply(&[&make(declaration, value)]).await;
        assert_eq!(warehouse.value("call assign()").await, expected, "{declaration} := {value}");
    }
    for (declaration, value, expected) in [
        ("varchar(3)", "'äö'", "value too long for type character varying(3)"),
        ("constant int := 3", "4", "is declared CONSTANT"),
        ("int not null := 3", "null", "declared NOT NULL"),
        ("int", "'twelve'", "invalid input syntax for type integer"),
    ] {
        warehouse.apply(&[&make(declaration, value)]).await;
        let error = warehouse.error("call assign()").await;
        assert!(error.contains(expected), "{declaration} := {value}: {error}");
    }
}

#[tokio::test]
async fn cursors_are_opened_read_and_handed_to_the_client() {
    let warehouse = Warehouse::start("cursors").await;
    warehouse
        .apply(&[
            "create table public.t (k int)",
            "insert into t values (1), (2), (3)",
            "create procedure total(result out int) as $$
            declare
                bound cursor (least_k int) for select k from t where k >= least_k order by k;
                fetched int;
            begin
                result := 0;
                open bound(2);
                loop
                    fetch bound into fetched;
                    exit when not found;
                    result := result + fetched;
                end loop;
                close bound;
            end;
            $$ language plpgsql",
            "create procedure hand_out(name inout refcursor) as $$
            begin
                open name for select k from t order by k desc;
            end;
            $$ language plpgsql",
            "create procedure two() as $$
            declare
                a refcursor;
                b refcursor;
            begin
                open a for select 1;
                open b for select 2;
            end;
            $$ language plpgsql",
            "create procedure closed() as $$
            declare
                row record;
            begin
                for row in select k from t loop
                    commit;
                end loop;
            end;
            $$ language plpgsql",
        ])
        .await;
    assert_eq!(warehouse.value("call total()").await, "5");
    let id = warehouse.submit_batch(&["call hand_out('mine')", "fetch forward 2 from mine", "close mine"]).await;
    let batch = warehouse.end(&id).await;
    assert!(batch.is_finished(), "{}", batch.error());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["3"], ["2"]]);
    assert!(warehouse.error("call two()").await.contains("a cursor is open already"));
    assert!(warehouse.error("call closed()").await.contains("does not exist"));
}

#[tokio::test]
async fn a_call_finds_its_procedure_by_name_and_types() {
    let warehouse = Warehouse::start("overloads").await;
    warehouse
        .apply(&[
            "create procedure which(a int, result out varchar(10)) as $$ begin result := 'int'; end; $$ language plpgsql",
            "create procedure which(a date, result out varchar(10)) as $$ begin result := 'date'; end; $$ language plpgsql",
            "create procedure deep(n inout int) as $$ begin n := n + 1; call deep(n); end; $$ language plpgsql",
            "create procedure gives(n out int) as $$ begin n := 1; end; $$ language plpgsql",
            "create procedure asks() as $$ begin call gives(); end; $$ language plpgsql",
            "create procedure numbered(int, int, total out int) as $$
            declare first_one alias for $1; begin total := first_one + $2; end; $$ language plpgsql",
        ])
        .await;
    assert_eq!(warehouse.value("call which(1)").await, "int");
    assert_eq!(warehouse.value("call which(current_date)").await, "date");
    assert_eq!(warehouse.value("call numbered(2, 3)").await, "5");
    for (sql, expected) in [
        ("call which(1, 2)", "procedure which(int4, int4) does not exist"),
        ("call which('1')", "is not unique"),
        ("call which((select 1))", "query in CALL"),
        ("call deep(1)", "16 nested procedure calls"),
        ("call asks()", "has OUT parameters"),
    ] {
        let error = warehouse.error(sql).await;
        assert!(error.contains(expected), "{sql}: {error}");
    }
}

#[tokio::test]
async fn what_no_procedure_may_do_is_refused_when_it_is_created() {
    let warehouse = Warehouse::start("procedure_refusals").await;
    for (body, expected) in [
        ("begin total := 1; end", "it is no variable of this procedure"),
        ("begin select into t count(*) from pg_class; end", "it is no variable"),
        ("begin raise; end", "RAISE without level"),
        ("begin start transaction; end", "START TRANSACTION"),
        ("begin if true then null; end", "END IF"),
        ("begin null; end; end", "text behind END"),
        ("begin insert into t values (1) returning a; end", "RETURNING"),
        ("begin vacuum; end", "VACUUM"),
        ("<<a>> begin null; end b", "label behind END"),
        ("begin null; exception when division_by_zero then null; end", "EXCEPTION WHEN DIVISION_BY_ZERO"),
        ("declare a cursor for select 1; begin open b; end", "it is no variable"),
    ] {
        let error = warehouse.error(&format!("create procedure p() as $$ {body}; $$ language plpgsql")).await;
        assert!(error.contains(expected), "{body}: {error}");
    }
    let error = warehouse.error("create procedure p() as $$\nbegin\n  x := 1;\nend;\n$$ language plpgsql").await;
    assert!(error.starts_with("ERROR: 3:3: x:"), "{error}");
}

#[tokio::test]
async fn a_loop_without_end_can_be_cancelled() {
    let warehouse = Warehouse::start("endless").await;
    warehouse.apply(&["create procedure forever() as $$ begin loop null; end loop; end; $$ language plpgsql"]).await;
    let id = warehouse.submit("call forever()").await;
    warehouse.wait(&id, |status| *status == aws_sdk_redshiftdata::types::StatusString::Started).await;
    warehouse.client.cancel_statement().id(&id).send().await.expect("cancel");
    assert_eq!(warehouse.end(&id).await.status(), "ABORTED");
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

#[tokio::test]
async fn a_row_fits_its_targets_or_fails() {
    let warehouse = Warehouse::start("targets").await;
    for (body, fits) in [
        ("select 1, 2 into a, b", true),
        ("select 1, 2 into r", true),
        ("select 1 into a, b", false),
        ("select 1, 2 into a", false),
        ("select 1, 2 into a where false", false),
        ("execute 'select 1' into a, b", false),
        ("open c for select 1, 2; fetch c into a", false),
        ("for a in select 1, 2 loop null; end loop", false),
    ] {
        let body = format!(
            "create or replace procedure p() as $$ declare a int; b int; r record; c refcursor; begin {body}; end; $$ \
             language plpgsql"
        );
        warehouse.apply(&[&body]).await;
        let called = warehouse.run("call p()").await;
        assert_eq!(called.is_finished(), fits, "{body}: {}", called.error());
        assert!(fits || called.error().contains("variables are to take them"), "{}", called.error());
    }
}

#[tokio::test]
async fn the_operand_of_case_is_computed_once() {
    let warehouse = Warehouse::start("case_operand").await;
    let flip = "create procedure flip() as $$ begin for i in 1..50 loop \
        case floor(random() * 2)::int when 0 then null; when 1 then null; end case; \
        end loop; end; $$ language plpgsql";
    warehouse.apply(&[flip, "call flip()"]).await;
}

#[tokio::test]
async fn a_session_has_one_open_cursor() {
    let warehouse = Warehouse::start("one_cursor").await;
    warehouse
        .apply(&[
            "create procedure opens(c inout refcursor) as $$ begin open c for select 1; end; $$ language plpgsql",
            "create procedure loops() as $$ declare r record; begin for r in select 1 loop null; end loop; end; $$ \
             language plpgsql",
        ])
        .await;
    let declare = "declare c cursor for select 1";
    for second in ["declare d cursor for select 1", "call opens('d')", "call loops()"] {
        for first in [declare, "call opens('c')"] {
            let error = warehouse.run_batch(&[first, second]).await.error().to_owned();
            assert!(error.starts_with("Query #2") && error.contains("a cursor is open already"), "{second}: {error}");
            let batch = warehouse.run_batch(&[first, "close c", second]).await;
            assert!(batch.is_finished(), "{second}: {}", batch.error());
        }
    }
}

#[tokio::test]
async fn bodies_that_do_not_parse_are_refused_when_they_are_created() {
    let warehouse = Warehouse::start("syntax").await;
    for (body, expected) in [
        (
            "begin\nselect * frm t; end",
            "syntax error at or near \"frm\"\n  Where: compilation of PL/pgSQL function near line 2",
        ),
        ("declare x int := 1 +; begin null; end", "syntax error"),
        ("begin if 1 = then null; end if; end", "syntax error"),
        ("declare x int; x int; begin null; end", "the block declares it twice"),
        ("begin for i in 1..10 by 2 loop null; end loop; end", "FOR … BY"),
    ] {
        let create = format!("create procedure p() as $$ {body}; $$ language plpgsql");
        let error = warehouse.error(&create).await;
        assert!(error.contains(expected), "{body}: {error}");
        assert!(warehouse.run_batch(&["select 1", &create]).await.error().contains(expected));
    }
    let unknown = "create procedure p(k int) as $$ declare r record; begin
        select a, k + $1 as b into r from missing where x = k;
        insert into missing values (r.a, nvl(r.b, 1));
        create temp table mine as select k as k;
        lock missing;
        truncate missing;
        set query_group to 'x';
        delete from missing using other where other.k = missing.k;
        end; $$ language plpgsql";
    warehouse.apply(&[unknown]).await;
    let batch = warehouse.run_batch(&["drop procedure p(int)", unknown]).await;
    assert!(batch.is_finished(), "{}", batch.error());
}
