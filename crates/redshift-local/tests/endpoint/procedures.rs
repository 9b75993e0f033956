//! Stored procedures: parameters, dynamic SQL, and what is refused when they are created.

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
