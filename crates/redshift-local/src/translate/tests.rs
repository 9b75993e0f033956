use super::{Action, Values, translate};

fn translated(sql: &str) -> String {
    match translate(sql, Values::NONE).unwrap_or_else(|refusal| panic!("{sql}: {refusal}")).action {
        Action::Sql(sql) | Action::Alone { sql, .. } | Action::Merge { sql, .. } | Action::SortedTable { sql, .. } => {
            sql
        }
        Action::Copy(_) | Action::Unload(_) | Action::Call(_) => panic!("{sql} is no SQL of PostgreSQL"),
    }
}

#[test]
fn statements_become_what_postgresql_runs() {
    for (redshift, postgres) in [
        (
            "select nvl(a, 0), nvl2(b, 1, nvl(c, 2)) from s.t",
            "select coalesce(a, 0), (case when (b) is not null then ( 1) else ( coalesce(c, 2)) end) from s.t",
        ),
        ("select getdate(), sysdate", "select getdate(), redshift_local.sysdate()"),
        (r"select 'a\'b'", r"select E'a\'b'"),
        ("select x::varchar, cast(y as decimal)", "select x::varchar(256), cast(y as numeric(18,0))"),
        ("select dateadd(mons, 1, d)", "select redshift_local.date_add('month', 1, d)"),
        ("select top 5 a from s.t", "select   a from s.t limit 5"),
        ("select a from s.t minus select a from s.u;", "select a from s.t except select a from s.u"),
        (
            "select a, b from s.t as x qualify row_number() over (partition by a order by b) = 1 order by a",
            "select qualified_10.\"a\", qualified_10.\"b\" from (select a, b , (row_number() over (partition by a order by b) = 1) as kept_10 from s.t as x ) as qualified_10 where qualified_10.kept_10 order by a",
        ),
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&translated(redshift)), words(postgres), "{redshift}");
    }
}
