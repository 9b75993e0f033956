//! Constructs of PostgreSQL that Redshift's grammar lacks, each known by a few neighbouring words.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

struct Construct {
    /// One of these stands in front; none means that anything may.
    behind: &'static [&'static str],
    /// Words and symbols that stand side by side; [`NAME`] is any name.
    phrase: &'static [&'static str],
    /// What the author would call it.
    name: &'static str,
    /// What to write instead.
    instead: &'static str,
}

const fn construct(phrase: &'static [&'static str], name: &'static str, instead: &'static str) -> Construct {
    Construct { behind: &[], phrase, name, instead }
}

/// For words that are a column's name elsewhere: the construct stands behind one of `behind` only.
const fn behind(behind: &'static [&'static str], construct: Construct) -> Construct {
    Construct { behind, ..construct }
}

/// Stands for any name in a phrase.
const NAME: &str = "name";

const NO_UPSERT: &str = "write MERGE, or DELETE and INSERT";
const NO_ROW_LOCKS: &str = "Redshift locks tables, not rows; write LOCK table";
/// What ends a constraint.
const WHAT_DEFERRABLE_FOLLOWS: &[&str] = &[")", "unique", "key", "not", NAME];
const NO_CHECKS: &str = "Redshift's keys are never checked; leave it out";
const NO_JSON_OPERATORS: &str = "Redshift reads SUPER by path or JSON_EXTRACT_PATH_TEXT";
/// What stands in front of WITH TIES, and not in front of a common table expression.
const WHAT_WITH_FOLLOWS: &[&str] = &["row", "rows", NUMBER];
/// Stands for any literal in a phrase.
const TEXT: &str = "text";
/// Stands for any number in a phrase.
const NUMBER: &str = "number";
const NO_CONSTRAINT: &str = "Redshift does not have it; check rows with a query";
const NO_LATERAL: &str = "write a join and a window function";
const NO_SET_ALL: &str = "Redshift has only the distinct form; count rows with GROUP BY";

/// One line each; every line has a case in the refuse corpus.
const CONSTRUCTS: &[Construct] = &[
    construct(&["on", "conflict", "do"], "ON CONFLICT", NO_UPSERT),
    construct(&["on", "conflict", "("], "ON CONFLICT", NO_UPSERT),
    construct(&["on", "conflict", "on"], "ON CONFLICT", NO_UPSERT),
    construct(&[")", "filter", "("], "FILTER", "write SUM(CASE WHEN … THEN … END)"),
    construct(&["distinct", "on", "("], "DISTINCT ON", "write QUALIFY ROW_NUMBER() OVER (…) = 1"),
    behind(&[",", "join", "from"], construct(&["lateral", "("], "LATERAL", NO_LATERAL)),
    behind(&[",", "join", "from"], construct(&["lateral", NAME, "("], "LATERAL", NO_LATERAL)),
    behind(&[",", "join", "from"], construct(&["lateral", NAME, "."], "LATERAL", NO_LATERAL)),
    behind(&["join"], construct(&["lateral", NAME], "LATERAL", NO_LATERAL)),
    construct(&["array", "["], "ARRAY", "Redshift has no arrays; write an IN list or rows"),
    construct(&["array", "(", "select"], "ARRAY", "Redshift has no arrays; write an IN list or rows"),
    construct(&["[", "]"], "array type", "Redshift has no arrays; use rows, or text with SPLIT_PART"),
    construct(&["is", "distinct", "from"], "IS DISTINCT FROM", "compare, and ask for NULL on both sides"),
    construct(&["is", "not", "distinct", "from"], "IS NOT DISTINCT FROM", "compare, and ask for NULL on both sides"),
    construct(&["for", "update"], "FOR UPDATE", NO_ROW_LOCKS),
    construct(&["for", "share"], "FOR SHARE", NO_ROW_LOCKS),
    construct(&["for", "no", "key", "update"], "FOR NO KEY UPDATE", NO_ROW_LOCKS),
    construct(&["for", "key", "share"], "FOR KEY SHARE", NO_ROW_LOCKS),
    construct(&["tablesample", NAME, "("], "TABLESAMPLE", "write WHERE RANDOM() < …"),
    construct(&["rows", "fetch", "next"], "FETCH NEXT", "write LIMIT"),
    construct(&["row", "fetch", "next"], "FETCH NEXT", "write LIMIT"),
    construct(&["fetch", "first"], "FETCH FIRST", "write LIMIT"),
    construct(&["fetch", NUMBER, "row"], "FETCH FIRST", "write LIMIT"),
    construct(&["fetch", NUMBER, "rows"], "FETCH FIRST", "write LIMIT"),
    construct(&["fetch", "next", "row"], "FETCH NEXT", "write LIMIT"),
    behind(WHAT_WITH_FOLLOWS, construct(&["with", "ties"], "WITH TIES", "write QUALIFY RANK() OVER (…) <= n")),
    behind(&[")"], construct(&["with", "ordinality"], "WITH ORDINALITY", "number the rows with ROW_NUMBER()")),
    construct(&["union", "distinct"], "UNION DISTINCT", "leave DISTINCT out; UNION is distinct by itself"),
    construct(&["except", "distinct"], "EXCEPT DISTINCT", "leave DISTINCT out; EXCEPT is distinct by itself"),
    construct(&["intersect", "distinct"], "INTERSECT DISTINCT", "leave DISTINCT out; INTERSECT is distinct by itself"),
    construct(&["group", "by", "distinct"], "GROUP BY DISTINCT", "leave DISTINCT out"),
    construct(&["order", "by", NAME, "using"], "ORDER BY … USING", "write ASC or DESC"),
    construct(&["between", "symmetric"], "BETWEEN SYMMETRIC", "write BETWEEN LEAST(a, b) AND GREATEST(a, b)"),
    construct(&[")", "overlaps", "("], "OVERLAPS", "compare the ends: a.start < b.end AND b.start < a.end"),
    construct(&["is", "normalized"], "IS NORMALIZED", "normalize the text before it is loaded"),
    construct(&["is", "json"], "IS JSON", "write IS_VALID_JSON(text)"),
    construct(&["is", "not", "json"], "IS JSON", "write NOT IS_VALID_JSON(text)"),
    construct(&["is", "document"], "IS DOCUMENT", "Redshift has no XML"),
    construct(&["except", "all"], "EXCEPT ALL", NO_SET_ALL),
    construct(&["intersect", "all"], "INTERSECT ALL", NO_SET_ALL),
    construct(&["minus", "all"], "MINUS ALL", NO_SET_ALL),
    construct(&["as", "materialized", "("], "AS MATERIALIZED", "leave it out; Redshift decides"),
    construct(&["as", "not", "materialized"], "AS NOT MATERIALIZED", "leave it out; Redshift decides"),
    construct(&["as", "(", "insert", "into"], "data-modifying WITH", "write two statements"),
    construct(&["as", "(", "update", NAME], "data-modifying WITH", "write two statements"),
    construct(&["as", "(", "delete", "from"], "data-modifying WITH", "write two statements"),
    construct(&["as", "(", "merge", "into"], "data-modifying WITH", "write two statements"),
    construct(&["<->"], "<->", "Redshift has no such operator; write ABS(a - b)"),
    construct(&["->"], "->", NO_JSON_OPERATORS),
    construct(&["->>"], "->>", NO_JSON_OPERATORS),
    construct(&["#>"], "#>", NO_JSON_OPERATORS),
    construct(&["#>>"], "#>>", NO_JSON_OPERATORS),
    construct(&["@>"], "@>", NO_JSON_OPERATORS),
    construct(&["<@"], "<@", NO_JSON_OPERATORS),
    construct(&["@", "?"], "@?", NO_JSON_OPERATORS),
    construct(&["?"], "?", NO_JSON_OPERATORS),
    construct(&["~~"], "~~", "write LIKE"),
    construct(&["!~~"], "!~~", "write NOT LIKE"),
    construct(&["~~*"], "~~*", "write ILIKE"),
    construct(&["!~~*"], "!~~*", "write NOT ILIKE"),
    construct(&["&&"], "&&", "Redshift has neither arrays nor ranges; compare the ends"),
    construct(&["@@"], "@@", "Redshift has no text search; write LIKE or REGEXP_INSTR"),
    construct(&["=>"], "=>", "Redshift passes arguments by position"),
    construct(&["overriding", "system"], "OVERRIDING", "leave it out, with GENERATED BY DEFAULT AS IDENTITY"),
    construct(&["overriding", "user"], "OVERRIDING", "leave it out, with GENERATED BY DEFAULT AS IDENTITY"),
    construct(&["on", "commit"], "ON COMMIT", "a temporary table lives until its session ends; drop it"),
    construct(&["inherits", "("], "INHERITS", "Redshift's tables do not inherit; write LIKE"),
    construct(&["partition", "by", "range", "("], "PARTITION BY", "write SORTKEY"),
    construct(&["partition", "by", "list", "("], "PARTITION BY", "write SORTKEY"),
    construct(&["partition", "by", "hash", "("], "PARTITION BY", "write DISTKEY"),
    construct(&["check", "("], "CHECK", NO_CONSTRAINT),
    construct(&["exclude", "using"], "EXCLUDE", NO_CONSTRAINT),
    construct(&["generated", "always"], "GENERATED ALWAYS", "write IDENTITY(1, 1), or compute the column when writing"),
    behind(&["create"], construct(&["unlogged"], "UNLOGGED", "write CREATE TEMP TABLE")),
    behind(&["view", "index"], construct(&["concurrently"], "CONCURRENTLY", "leave it out")),
    construct(&["on", "delete"], "ON DELETE", "Redshift's foreign keys do nothing; delete dependent rows yourself"),
    construct(&["on", "update"], "ON UPDATE", "Redshift's foreign keys do nothing"),
    behind(WHAT_DEFERRABLE_FOLLOWS, construct(&["deferrable"], "DEFERRABLE", NO_CHECKS)),
    construct(&["initially", "deferred"], "DEFERRABLE", NO_CHECKS),
    construct(&["row", "("], "ROW()", "Redshift has no composite values; name the columns"),
    construct(&["only", "("], "ONLY", "Redshift's tables do not inherit; leave it out"),
    construct(&["from", "only"], "FROM ONLY", "Redshift's tables do not inherit; leave it out"),
    construct(&["update", "only"], "UPDATE ONLY", "Redshift's tables do not inherit; leave it out"),
    construct(&["where", "current", "of"], "WHERE CURRENT OF", "write the row's key"),
    construct(&["with", "no", "data"], "WITH NO DATA", "leave it out; the view is filled when it is created"),
    construct(&["with", "check", "option"], "WITH CHECK OPTION", "Redshift's views cannot be written to; leave it out"),
    construct(
        &["local", "check", "option"],
        "WITH CHECK OPTION",
        "Redshift's views cannot be written to; leave it out",
    ),
    construct(
        &["cascaded", "check", "option"],
        "WITH CHECK OPTION",
        "Redshift's views cannot be written to; leave it out",
    ),
    behind(&[")", NAME], construct(&["match", "full"], "MATCH FULL", NO_CHECKS)),
    behind(&[")", NAME], construct(&["match", "simple"], "MATCH SIMPLE", NO_CHECKS)),
    construct(&["as", "table", NAME], "TABLE", "write SELECT * FROM table"),
    construct(&["as", "execute", NAME], "CREATE TABLE AS EXECUTE", "write the query itself"),
    construct(&["cycle", NAME, "set", NAME], "CYCLE", "stop the recursion by a condition on a level that it counts"),
    construct(&["^", "@"], "^@", "write LEFT(text, n) = prefix, or LIKE"),
    behind(&["(", ","], construct(&["variadic", NAME], "VARIADIC", "name every argument")),
    behind(&["(", ","], construct(&["variadic", TEXT], "VARIADIC", "name every argument")),
    construct(&["search", "depth"], "SEARCH", "order by a path that the recursion builds"),
    construct(&["search", "breadth"], "SEARCH", "order by a level that the recursion counts"),
    behind(&[")"], construct(&["include", "("], "INCLUDE", "Redshift has no indexes; leave it out")),
    construct(&["into", "unlogged", NAME], "UNLOGGED", "write INTO TEMP table"),
    behind(&[")", "index", "create", "alter", "drop"], construct(&["tablespace"], "TABLESPACE", "leave it out")),
    construct(&["at", "local"], "AT LOCAL", "write AT TIME ZONE '…'"),
    construct(
        &["current_timestamp"],
        "CURRENT_TIMESTAMP",
        "it runs on the leader node only; write GETDATE() or SYSDATE",
    ),
    construct(&["localtimestamp"], "LOCALTIMESTAMP", "it runs on the leader node only; write GETDATE() or SYSDATE"),
    construct(&["current_time"], "CURRENT_TIME", "it runs on the leader node only; write GETDATE()"),
    construct(&["localtime"], "LOCALTIME", "it runs on the leader node only; write GETDATE()"),
    construct(&["current_catalog"], "CURRENT_CATALOG", "write CURRENT_DATABASE()"),
    construct(&["current_role"], "CURRENT_ROLE", "write CURRENT_USER"),
    construct(&["current_schema"], "CURRENT_SCHEMA()", "it runs on the leader node only; name the schema"),
];

const NO_LISTS: &str = "Redshift has no arrays; write IN (…), or a subquery";

/// Words behind which a column's name stands, and those that follow one.
const WHAT_NAMES_FOLLOW: &[&str] =
    &["select", "distinct", "set", "where", "and", "or", "not", "on", "by", "having", "then", "else", "when", "as"];
const WHAT_FOLLOWS_NAMES: &[&str] = &["from", "is", "in", "not", "like", "ilike", "between", "and", "or", "as", "then"];

const VALUES_ELSEWHERE: &str = "Redshift has VALUES only in INSERT and MERGE; write SELECT … UNION ALL SELECT …";

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        // A column may be called like a word of these.
        if index > 0 && view.is_symbol(index - 1, ".") {
            continue;
        }
        if let Some(found) = CONSTRUCTS.iter().find(|construct| construct.stands_at(view, index)) {
            return Err(view.refuse(index, found.name, format!("Redshift does not have it; {}", found.instead)));
        }
        check_list_comparison(view, index)?;
        let copies_table = view.is_any(index, &["including", "excluding"]) && view.is(0, "create");
        if copies_table && view.is_name(index + 1) && !view.is(index + 1, "defaults") {
            let construct = format!("{} {}", view.text(index), view.text(index + 1)).to_uppercase();
            return Err(view.refuse(index, construct, "Redshift's LIKE has INCLUDING DEFAULTS only"));
        }
        let is_values_table = view.is(index, "values")
            && index > 0
            && (view.is_symbol(index - 1, "(")
                || view.is_any(index - 1, &["union", "all", "except", "intersect", "minus", "as"]))
            && view.is_symbol(index + 1, "(");
        if is_values_table {
            return Err(view.refuse(index, "VALUES", VALUES_ELSEWHERE));
        }
        if view.are(index, &["set", "("]) && !view.is(0, "alter") {
            return Err(view.refuse(index, "UPDATE … SET (a, b)", "write SET a = …, b = …"));
        }
    }
    check_returning(view)
}

impl Construct {
    fn stands_at(&self, view: TokenView<'_>, index: usize) -> bool {
        let fits = |at: usize, expected: &str| match expected {
            NAME => view.is_name(at),
            TEXT => view.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Text),
            NUMBER => view.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Number),
            expected => view.text(at) == expected,
        };
        self.phrase.iter().enumerate().all(|(offset, expected)| fits(index + offset, expected))
            && (self.behind.is_empty()
                || index.checked_sub(1).is_some_and(|before| self.behind.iter().any(|expected| fits(before, expected))))
    }
}

/// `= ANY (array)`: the bracket holds no query.
fn check_list_comparison(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let is_comparison = |before: usize| {
        view.is_any(before, &["like", "ilike"])
            || view.tokens.get(before).is_some_and(|token| token.text.starts_with(['=', '<', '>', '!', '~']))
    };
    if !view.is_any(index, &["any", "all", "some"]) || !view.is_symbol(index + 1, "(") {
        return Ok(());
    }
    let mut inside = index + 2;
    while view.is_symbol(inside, "(") {
        inside += 1;
    }
    if view.is_any(inside, &["select", "with"]) || !index.checked_sub(1).is_some_and(is_comparison) {
        return Ok(());
    }
    Err(view.refuse(index, format!("{} (array)", view.text(index).to_uppercase()), NO_LISTS))
}

/// RETURNING ends a change; elsewhere it is a name like any other.
fn check_returning(view: TokenView<'_>) -> Result<(), Refusal> {
    if !view.is_any(0, &["insert", "update", "delete", "merge", "with"]) {
        return Ok(());
    }
    let mut index = 0;
    while let Some(at) = view.find_beside(index..view.len(), &["returning"]) {
        index = at + 1;
        let follows_value = match at.checked_sub(1).map(|before| &view.tokens[before]) {
            Some(before) if before.kind == TokenKind::Symbol => before.text == ")" || before.text == "]",
            Some(before) if before.kind == TokenKind::Word => !WHAT_NAMES_FOLLOW.contains(&before.text.as_str()),
            before => before.is_some(),
        };
        let precedes_value = match view.tokens.get(at + 1) {
            Some(next) if next.kind == TokenKind::Symbol => next.text == "*" || next.text == "(",
            Some(next) if next.kind == TokenKind::Word => !WHAT_FOLLOWS_NAMES.contains(&next.text.as_str()),
            next => next.is_some(),
        };
        if follows_value && precedes_value {
            let reason = "Redshift does not have it; read the rows again, or GET DIAGNOSTICS n := ROW_COUNT";
            return Err(view.refuse(at, "RETURNING", reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CONSTRUCTS;
    use crate::dialect::lexer::tokenize;
    use crate::dialect::token_view::TokenView;

    #[test]
    fn every_construct_has_a_case_in_the_corpus() {
        let corpus = include_str!("../../tests/dialect/refuse.sql");
        let texts: Vec<_> =
            corpus.split("\n;;").filter_map(|sql| tokenize(sql).ok().map(|tokens| (sql, tokens))).collect();
        for construct in CONSTRUCTS {
            let is_held = texts.iter().any(|(sql, tokens)| {
                let view = TokenView { sql, tokens };
                (0..view.len()).any(|index| construct.stands_at(view, index))
            });
            assert!(is_held, "{:?} has no case", construct.phrase);
        }
    }
}
