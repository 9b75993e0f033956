//! What Redshift spells as PostgreSQL does, or not at all, and means in its own way.

use crate::support::Warehouse;

#[tokio::test]
async fn keys_are_declared_and_not_enforced() {
    let warehouse = Warehouse::start("keys").await;
    warehouse
        .apply(&[
            "create table public.parent (id int, primary key (id)) diststyle all",
            "create table public.t (id int primary key, p int references parent (id), u int unique) distkey (id)",
            "insert into t values (1, 99, 1), (1, 99, 1)",
        ])
        .await;
    assert_eq!(warehouse.value("select count(*) from t").await, "2");
    assert!(
        warehouse
            .error("insert into t values (null, 1, 1)")
            .await
            .contains("Cannot insert a NULL value into column id")
    );
}

#[tokio::test]
async fn lengths_are_in_bytes() {
    let warehouse = Warehouse::start("lengths").await;
    warehouse.apply(&["create table public.t (v varchar(4))", "insert into t values ('abcd'), ('éé')"]).await;
    for table in ["t", "copied"] {
        let error = warehouse.error(&format!("insert into {table} values ('ééé')")).await;
        assert!(error.contains("value too long for type character varying(4)"), "{error}");
        if table == "t" {
            warehouse.apply(&["create table public.copied (like t)"]).await;
        }
    }
    warehouse.apply(&["alter table t alter column v type varchar(6)", "insert into t values ('ééé')"]).await;
}

#[tokio::test]
async fn bare_types_have_redshifts_sizes() {
    let warehouse = Warehouse::start("bare_types").await;
    warehouse.apply(&["create table public.t (n numeric, v varchar)", "insert into t values (1.6, 'x')"]).await;
    assert_eq!(warehouse.value("select n from t").await, "2");
    assert!(warehouse.error("insert into t values (1, repeat('x', 257))").await.contains("character varying(256)"));
}

#[tokio::test]
async fn expressions_give_what_redshift_gives() {
    let warehouse = Warehouse::start("expressions").await;
    warehouse
        .apply(&["create table public.t (a int, b bigint)", "insert into t values (1, 1), (2, 2), (2, null)"])
        .await;
    for (sql, expected) in [
        ("select avg(a) from t", "1"),
        ("select sum(b) from t", "3"),
        ("select median(a) from t", "2.0"),
        ("select listagg(a, '-') within group (order by a desc) from t", "2-2-1"),
        ("select approximate count(distinct a) from t", "2"),
        ("select datediff(year, date '2008-12-31', date '2009-01-01')", "1"),
        ("select datediff(week, date '2024-01-07', date '2024-01-08')", "1"),
        ("select datediff(day, timestamp '2024-01-01 23:59:59', timestamp '2024-01-02 00:00:00')", "1"),
        ("select dateadd(month, 1, '2008-04-30')", "2008-05-30 00:00:00.0"),
        ("select add_months('2008-04-30', 1)", "2008-05-31 00:00:00.0"),
        ("select date_trunc('week', date '2024-02-29')::date", "2024-02-26"),
        ("select last_day(date '2024-02-03')", "2024-02-29"),
        ("select convert_timezone('UTC', 'Asia/Kolkata', timestamp '2024-01-01 20:00:00')", "2024-01-02 01:30:00.0"),
        ("select extract(second from timestamp '2024-01-01 00:00:07.9')", "7"),
        ("select nvl(null::int, 5)", "5"),
        ("select nvl2(null::int, 1, 2)", "2"),
        ("select decode(a, 1, 'one', 'more') from t where a = 1", "one"),
        ("select concat('a', null::varchar(1))", "NULL"),
        (r"select 'a\'b'", "a'b"),
        ("select len('héé')", "3"),
        ("select md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("select top 1 a from t order by a desc", "2"),
        ("select count(*) from (select a from t minus select 1) as q", "1"),
        ("select x.b from t as x qualify row_number() over (order by x.b desc) = 2", "2"),
        (
            "select count(*) from (select * from t as x where a > 0 qualify row_number() over (partition by a order by b) = 1) as q",
            "2",
        ),
    ] {
        assert_eq!(warehouse.value(sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn names_are_folded_even_when_quoted() {
    let warehouse = Warehouse::start("names").await;
    warehouse.apply(&["create table public.\"Mixed\" (\"Column\" int)", "insert into mixed values (1)"]).await;
    assert_eq!(warehouse.value("select COLUMN_ from (select \"COLUMN\" as column_ from \"MIXED\") as q").await, "1");
}

#[tokio::test]
async fn merge_updates_and_inserts() {
    let warehouse = Warehouse::start("merge").await;
    warehouse
        .apply(&[
            "create table public.t (k int, v int)",
            "create table public.s (k int, v int)",
            "insert into t values (1, 1), (2, 2)",
            "insert into s values (2, 20), (3, 30)",
        ])
        .await;
    let merge = "merge into t using s on t.k = s.k when matched then update set v = s.v \
        when not matched then insert (k, v) values (s.k, s.v)";
    warehouse.apply(&[merge]).await;
    assert_eq!(warehouse.rows("select k, v from t order by k").await, [["1", "1"], ["2", "20"], ["3", "30"]]);
    warehouse.apply(&["insert into s values (2, 21)"]).await;
    assert!(warehouse.error(merge).await.contains("Found multiple matches to update the same tuple."));
}

#[tokio::test]
async fn merge_can_replace_what_matches() {
    let warehouse = Warehouse::start("merge_replace").await;
    warehouse
        .apply(&[
            "create table public.t (k int, v int)",
            "create table public.s (k int, v int)",
            "insert into t values (1, 1), (2, 2), (2, 3)",
            "insert into s values (2, 20), (2, 20), (3, 30)",
            "merge into t using public.s as news on t.k = news.k remove duplicates",
        ])
        .await;
    assert_eq!(warehouse.rows("select k, v from t order by k").await, [["1", "1"], ["2", "20"], ["3", "30"]]);
}

#[tokio::test]
async fn the_gate_stands_in_front_of_postgresql() {
    let warehouse = Warehouse::start("gate").await;
    warehouse.apply(&["create table public.t (a int)"]).await;
    let error = warehouse.error("insert into t values (1)\n  on conflict do nothing").await;
    assert!(error.starts_with("ERROR: 2:3: ON CONFLICT: "), "{error}");
}

#[tokio::test]
async fn functions_are_one_sql_expression() {
    let warehouse = Warehouse::start("functions").await;
    warehouse
        .apply(&[
            "create function f_nights(date, date) returns bigint stable as $$
                select nvl(datediff(day, $1, $2), 0)
            $$ language sql",
            "create table public.t (a date, b date)",
            "insert into t values ('2024-02-28', '2024-03-01'), ('2024-02-28', null)",
        ])
        .await;
    assert_eq!(warehouse.rows("select f_nights(a, b) from t order by 1").await, [["0"], ["2"]]);
    warehouse.apply(&["drop function f_nights(date, date)"]).await;
    for (head, body, language, expected) in [
        ("(date) returns int stable", "select count(*) from t", "sql", "FROM in a function"),
        ("(a date) returns int stable", "select 1", "sql", "no such type"),
        ("(date) returns int", "select 1", "sql", "VOLATILE, STABLE or IMMUTABLE is missing"),
        ("(date) returns table (a int) stable", "select 1", "sql", "it returns one value"),
        ("(date) returns int stable", "begin return 1; end", "plpgsql", "LANGUAGE plpgsql of a function"),
        ("(a date) returns int stable", "return 1", "plpythonu", "LANGUAGE plpythonu"),
    ] {
        let error = warehouse.error(&format!("create function f_x {head} as $$ {body} $$ language {language}")).await;
        assert!(error.contains(expected), "{head} {body}: {error}");
    }
}

#[tokio::test]
async fn a_list_has_the_longest_length_of_text() {
    let warehouse = Warehouse::start("long_list").await;
    warehouse
        .apply(&["create table public.t (v varchar(max))", "insert into t values (repeat('é', 32767)), ('x')"])
        .await;
    assert_eq!(warehouse.value("select octet_length(listagg(v)) from t").await, "65535");
    let error = warehouse.error("select listagg(v, ',') from t").await;
    assert!(error.contains("Result size exceeds LISTAGG limit"), "{error}");
}

#[tokio::test]
async fn merge_reads_tables_only() {
    let warehouse = Warehouse::start("merge_sources").await;
    warehouse
        .apply(&[
            "create table public.t (k int)",
            "create table public.fresh (k int)",
            "create view public.bound as select k from fresh",
            "create view public.late as select k from public.fresh with no schema binding",
        ])
        .await;
    for source in ["bound", "public.late", "\"late\" as l"] {
        for branches in ["when matched then delete when not matched then insert values (1)", "remove duplicates"] {
            let name = source.split(' ').next().unwrap_or(source).rsplit('.').next().unwrap_or(source);
            let alias = if source.contains(" as ") { "l" } else { name };
            let merge = format!("merge into t using {source} on t.k = {alias}.k {branches}");
            assert!(warehouse.error(&merge).await.contains("is a view"), "{merge}");
        }
    }
    warehouse.apply(&["merge into t using fresh on t.k = fresh.k remove duplicates"]).await;
    assert!(warehouse.error("merge into t using u on t.k = u.k remove duplicates").await.contains("does not exist"));
}

/// Who counts on the next number counts wrong on Redshift, whose slices number their own rows.
#[tokio::test]
async fn identity_values_are_unique_and_leave_gaps() {
    let warehouse = Warehouse::start("identity").await;
    warehouse
        .apply(&[
            "create table t (id bigint identity(10, 5), given int generated by default as identity(0, 1), v int)",
            "insert into t (v) values (1), (2), (3)",
            "insert into t (given, v) values (1000, 4)",
        ])
        .await;
    let rows = warehouse.rows("select id, given from t order by v").await;
    let values: Vec<i64> = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    assert_eq!(values[0], 10);
    assert!(values.windows(2).all(|pair| pair[1] > pair[0] + 5 && (pair[1] - pair[0]) % 5 == 0), "{values:?}");
    assert_eq!(rows[3][1], "1000");
    assert!(warehouse.error("insert into t (id) values (1)").await.contains("id"));
}
