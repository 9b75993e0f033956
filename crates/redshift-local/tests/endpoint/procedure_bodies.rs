//! What stands in the body of a procedure: variables and their values, loops and branches.

use crate::support::Warehouse;

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
async fn the_operand_of_case_is_computed_once() {
    let warehouse = Warehouse::start("case_operand").await;
    let flip = "create procedure flip() as $$ begin for i in 1..50 loop \
        case floor(random() * 2)::int when 0 then null; when 1 then null; end case; \
        end loop; end; $$ language plpgsql";
    warehouse.apply(&[flip, "call flip()"]).await;
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
