//! An alias of a SELECT list inside a later item of the same list: `select price * 2 as doubled, doubled + 1 as more`. In
//! Redshift the alias stands for its expression, unless a table in FROM has a column of that name; PostgreSQL knows columns
//! only. So PostgreSQL reads the statement first, and where it finds no column of that name, the alias's expression takes
//! the name's place. Elsewhere (in WHERE, say) the name stays unknown, as in Redshift.

use std::ops::Range;

use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::dialect::lexer::{self, Token};
use crate::dialect::token_view::TokenView;
use crate::engine::{Transaction, execute};
use crate::engine_error::EngineError;

/// Aliases of aliases grow with each step; what is longer than the Data API's own limit many times over is left as it is.
const TEXT_MAX_BYTES: usize = 4 * 1024 * 1024;
const UNDEFINED_COLUMN: &str = "42703";

/// Words at which a SELECT list ends.
const LIST_ENDS: &[&str] =
    &["from", "into", "where", "group", "having", "order", "limit", "offset", "union", "except", "intersect"];

/// `sql`, as it is sent to PostgreSQL, with the expressions of aliases in the place of their names. What cannot be resolved
/// stays, for PostgreSQL to refuse.
///
/// # Errors
/// A failing connection.
pub(crate) async fn resolve(
    session: &mut PgConnection,
    transaction: Transaction,
    sql: String,
) -> Result<String, EngineError> {
    let Some(start) = probe_start(&sql) else { return Ok(sql) };
    let (head, mut probe) = (sql[..start].to_owned(), sql[start..].to_owned());
    while probe.len() < TEXT_MAX_BYTES {
        let Some(position) = unknown_column(session, transaction, &probe).await? else { break };
        let Some(resolved) = substitute(&probe, position) else { break };
        probe = resolved;
    }
    Ok(head + &probe)
}

/// Where in `sql` the text starts that PostgreSQL can be asked about, if an alias may be used in it at all. A view is not
/// looked into before it is created, so its query is asked about alone.
fn probe_start(sql: &str) -> Option<usize> {
    let tokens = lexer::tokenize(sql).ok()?;
    let view = TokenView { sql, tokens: &tokens };
    (0..view.len()).find(|&index| is_reference(view, index))?;
    let is_view = view.is(0, "create") && view.find_beside(0..view.len().min(6), &["view"]).is_some();
    let query = view.find_beside(0..view.len(), &["select", "with"]).filter(|_| is_view);
    Some(query.map_or(0, |query| tokens[query].start))
}

/// The place, in characters from 0, of the first column that PostgreSQL does not find. A failed question ends the caller's
/// transaction, but for the savepoint.
async fn unknown_column(
    session: &mut PgConnection,
    transaction: Transaction,
    sql: &str,
) -> Result<Option<usize>, EngineError> {
    let is_inside = transaction == Transaction::Callers;
    if is_inside {
        execute(session, "savepoint aliases").await?;
    }
    let prepared = (&mut *session).prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await.map(|_| ());
    if is_inside {
        let end = if prepared.is_ok() { "release aliases" } else { "rollback to aliases; release aliases" };
        execute(session, end).await?;
    }
    let Err(sqlx::Error::Database(error)) = prepared else { return Ok(None) };
    let error = error.try_downcast_ref::<PgDatabaseError>().filter(|error| error.code() == UNDEFINED_COLUMN);
    Ok(match error.and_then(PgDatabaseError::position) {
        Some(PgErrorPosition::Original(position)) => position.checked_sub(1),
        _ => None,
    })
}

/// `sql` with the expression of an alias in place of the name that stands `position` characters from the start.
fn substitute(sql: &str, position: usize) -> Option<String> {
    let offset = sql.char_indices().nth(position)?.0;
    let tokens = lexer::tokenize(sql).ok()?;
    let view = TokenView { sql, tokens: &tokens };
    let name = tokens.iter().position(|token| token.start == offset)?;
    let expression = aliased(view, name)?;
    let expression = &sql[tokens[expression.start].start..tokens[expression.end - 1].end];
    Some(format!("{}({expression}){}", &sql[..offset], &sql[tokens[name].end..]))
}

fn is_reference(view: TokenView<'_>, index: usize) -> bool {
    view.is_name(index) && aliased(view, index).is_some()
}

/// The expression that the bare name at `name` is an alias of: an earlier item of the SELECT list around it.
fn aliased(view: TokenView<'_>, name: usize) -> Option<Range<usize>> {
    let is_part = view.is_symbol(name + 1, ".") || view.is_symbol(name + 1, "(");
    if is_part || name > 0 && view.is_symbol(name - 1, ".") {
        return None;
    }
    let list = list_around(view, name)?;
    let items = split_at_commas(view, list);
    let own = items.iter().position(|item| item.contains(&name))?;
    if alias_of(view, &items[own]) == Some(name) {
        return None;
    }
    let earlier = items[..own].iter().rev();
    let item = earlier
        .into_iter()
        .find(|item| alias_of(view, item).is_some_and(|alias| view.tokens[alias].text == view.tokens[name].text))?;
    let alias = item.end - 1;
    Some(item.start..if view.is(alias - 1, "as") { alias - 1 } else { alias })
}

/// The SELECT list that holds `index`, whatever brackets are between, but those of a subquery.
fn list_around(view: TokenView<'_>, index: usize) -> Option<Range<usize>> {
    let mut at = index;
    while at > 0 {
        at -= 1;
        if view.is(at, "select") {
            let start = at + 1 + usize::from(view.is(at + 1, "distinct") || view.is(at + 1, "all"));
            return Some(start..list_end(view, start)).filter(|list| list.contains(&index));
        }
        at = view.partner(at).min(at);
    }
    None
}

fn list_end(view: TokenView<'_>, start: usize) -> usize {
    let mut at = start;
    while at < view.len() && !view.is_any(at, LIST_ENDS) && !view.is_symbol(at, ")") && !view.is_symbol(at, ";") {
        at = view.next_beside(at);
    }
    at
}

fn split_at_commas(view: TokenView<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let (mut start, mut at) = (range.start, range.start);
    while at < range.end {
        if view.is_symbol(at, ",") {
            items.push(start..at);
            start = at + 1;
        }
        at = view.next_beside(at);
    }
    items.push(start..range.end);
    items
}

/// The index of the name that an item of a SELECT list has been given, with or without AS.
fn alias_of(view: TokenView<'_>, item: &Range<usize>) -> Option<usize> {
    let alias = item.end.checked_sub(1).filter(|&last| last > item.start && view.is_name(last))?;
    let is_operator = |token: &Token| !token.is_name() && !matches!(token.text.as_str(), ")" | "]");
    let is_value = |token: &Token| {
        use lexer::TokenKind::{Number, Parameter, Positional, Text};
        matches!(token.kind, Number | Parameter | Positional | Text)
    };
    let before = &view.tokens[alias - 1];
    (!is_operator(before) || is_value(before)).then_some(alias)
}

#[cfg(test)]
mod tests {
    use super::{probe_start, substitute};

    #[test]
    fn a_name_is_replaced_by_the_expression_of_an_earlier_alias() {
        for (sql, name, expected) in [
            ("select a * 2 as b, b + 1 as c from t", "b +", Some("select a * 2 as b, (a * 2) + 1 as c from t")),
            ("select a * 2 b, coalesce(b, 0) from t", "b, 0", Some("select a * 2 b, coalesce((a * 2), 0) from t")),
            ("select 'é' as b, b || 'x'", "b ||", Some("select 'é' as b, ('é') || 'x'")),
            ("select b + 1 as c, a as b from t", "b +", None),
            ("select a as b from t where b = 1", "b =", None),
            ("select a as b, (select b from u) from t", "b from u", None),
            ("select a as b, t.b from t", "b from", None),
        ] {
            let offset = sql.find(name).expect(name);
            let found = substitute(sql, sql[..offset].chars().count());
            assert_eq!(found.as_deref(), expected, "{sql}");
        }
    }

    #[test]
    fn only_statements_that_may_use_an_alias_are_asked_about() {
        for (sql, expected) in [
            ("select a as b, b + 1 from t", Some(0)),
            ("create view v as select a as b, b + 1 from t", Some(17)),
            ("select a as b, c + 1 from t order by b", None),
            ("insert into t select a, b from u", None),
        ] {
            assert_eq!(probe_start(sql), expected, "{sql}");
        }
    }
}
