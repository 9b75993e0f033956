//! Statistics of tables that a statement filled. PostgreSQL gathers them some time after a commit, so whatever followed in the
//! transaction of a first load would be planned for empty tables. Redshift does it at once where COPY or CREATE TABLE AS
//! fills a table: <https://docs.aws.amazon.com/redshift/latest/dg/t_Analyzing_tables.html>.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use crate::engine_error::EngineError;
use crate::translate::Rewrite;

/// With fewer new rows the plans stay as they are.
const FEWEST_ROWS: i64 = 100;
/// What PostgreSQL itself waits for.
const LEAST_SHARE: f64 = 0.1;

/// The table, in the words of `sql`, that an INSERT or CREATE TABLE AS fills.
///
/// # Errors
/// Where the text cannot be read.
pub(crate) fn filled_table(sql: &str) -> Result<Option<String>, EngineError> {
    let rewrite = Rewrite::new(sql)?;
    let is_temporary = rewrite.is(1, "temp") || rewrite.is(1, "temporary");
    let table = 1 + usize::from(is_temporary);
    let name = if rewrite.are(0, &["insert", "into"]) {
        2
    } else if rewrite.is(0, "create") && rewrite.is(table, "table") {
        table + if rewrite.are(table + 1, &["if", "not", "exists"]) { 4 } else { 1 }
    } else {
        return Ok(None);
    };
    let last = if rewrite.is_symbol(name + 1, ".") { name + 2 } else { name };
    let ends = rewrite.tokens.get(name).zip(rewrite.tokens.get(last));
    Ok(ends.map(|(first, last)| sql[first.start..last.end].to_owned()))
}

/// Gathers them where `row_count` new rows are the first ones or a good part of the table. Without any statistics a table is
/// planned for some thousand rows, also where it holds one.
///
/// # Errors
/// Faults of the session.
pub(crate) async fn gather(session: &mut PgConnection, table: &str, row_count: i64) -> Result<(), EngineError> {
    if row_count == 0 {
        return Ok(());
    }
    const KNOWN_ROWS: &str =
        "select reltuples::float8 from pg_catalog.pg_class where oid = to_regclass($1) and relkind = 'r'";
    let known: Option<f64> =
        sqlx::query_scalar(KNOWN_ROWS).bind(table).persistent(false).fetch_optional(&mut *session).await?;
    let is_due = |known: f64| known < 0.0 || (row_count >= FEWEST_ROWS && row_count as f64 >= known * LEAST_SHARE);
    if known.is_some_and(is_due) {
        sqlx::raw_sql(AssertSqlSafe(format!("analyze {table}"))).execute(session).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filled_table_is_named_as_the_statement_names_it() {
        let table = |sql| filled_table(sql).unwrap();
        assert_eq!(table("insert into curated.stay select 1").as_deref(), Some("curated.stay"));
        assert_eq!(table("INSERT INTO \"raw\".bookings (a) values (1)").as_deref(), Some("\"raw\".bookings"));
        assert_eq!(table("create temp table moved as select 1").as_deref(), Some("moved"));
        assert_eq!(table("create table if not exists a.b (c integer)").as_deref(), Some("a.b"));
        assert_eq!(table("select * from a"), None);
        assert_eq!(table("delete from a"), None);
        assert_eq!(table("create view a as select 1"), None);
    }
}
