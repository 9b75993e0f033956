//! Rules about UNLOAD: its form, the options that exclude each other, and its query, which is a statement of its own.

use std::ops::Range;

use super::Refusal;
use super::lexer::{TokenKind, tokenize};
use super::quoted_query::QuotedQuery;
use super::rules;
use super::statement_kind::StatementKind;
use super::token_view::TokenView;

const FORM: &str = "its form is UNLOAD ('select …') TO 's3://…' IAM_ROLE '…' FORMAT AS PARQUET";

/// Options that Redshift refuses beside FORMAT AS PARQUET.
const NOT_WITH_PARQUET: &[&str] =
    &["addquotes", "bzip2", "csv", "delimiter", "escape", "fixedwidth", "gzip", "header", "json", "null", "zstd"];

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    let query = view.tokens.get(2).and_then(|token| QuotedQuery::read(view.sql, token));
    let Some(query) = query.filter(|_| view.is_symbol(1, "(") && view.is_symbol(3, ")")) else {
        let reason = format!("the query stands between brackets as one literal; {FORM}");
        return Err(view.refuse(1, "UNLOAD", reason));
    };
    check_query(&query.text).map_err(|refusal| query.place(view.sql, refusal))?;
    if !view.is(4, "to") || view.tokens.get(5).is_none_or(|token| token.kind != TokenKind::Text) {
        return Err(view.refuse(4, "UNLOAD", FORM));
    }
    check_options(view, 6..view.len())
}

fn check_query(text: &str) -> Result<(), Refusal> {
    let tokens = tokenize(text)?;
    let view = TokenView { sql: text, tokens: &tokens };
    if tokens.is_empty() {
        return Err(view.refuse(0, "UNLOAD of nothing", "a SELECT is expected between the quotes"));
    }
    rules::check_statement(text)?;
    if StatementKind::of(text, &tokens)? != StatementKind::Select {
        let construct = format!("UNLOAD of {}", view.text(0).to_uppercase());
        return Err(view.refuse(0, construct, "Redshift unloads what a SELECT gives"));
    }
    check_limit(view)
}

/// The outer SELECT has no LIMIT, and no TOP, which is one.
fn check_limit(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut range = 0..view.len();
    while range.end > 0 && view.is_symbol(range.start, "(") && view.partner(range.start) == range.end - 1 {
        range = range.start + 1..range.end - 1;
    }
    let reason = "Limit clause is not supported in the outer SELECT of UNLOAD; put it into a subquery";
    if let Some(limit) = view.find_beside(range.clone(), &["limit"]) {
        return Err(view.refuse(limit, "LIMIT", reason));
    }
    match view.find_beside(range, &["select"]) {
        Some(select) if view.is(select + 1, "top") => Err(view.refuse(select + 1, "TOP", reason)),
        _ => Ok(()),
    }
}

fn check_options(view: TokenView<'_>, options: Range<usize>) -> Result<(), Refusal> {
    let find = |words: &[&str]| view.find_beside(options.clone(), words);
    if find(&["iam_role", "credentials", "access_key_id"]).is_none() {
        return Err(view.refuse(options.end, "UNLOAD", "IAM_ROLE '…' or IAM_ROLE DEFAULT is missing"));
    }
    if find(&["parquet"]).is_some()
        && let Some(index) = find(NOT_WITH_PARQUET)
    {
        let option = view.text(index).to_uppercase();
        return Err(view.refuse(index, option.clone(), format!("Redshift has no {option} with FORMAT AS PARQUET")));
    }
    if let (Some(_), Some(index)) = (find(&["allowoverwrite"]), find(&["cleanpath"])) {
        let reason = "Redshift takes either ALLOWOVERWRITE, which leaves other files, or CLEANPATH, which deletes them";
        return Err(view.refuse(index, "CLEANPATH", reason));
    }
    match find(&["verbose"]) {
        Some(index) if !view.is(index - 1, "manifest") => {
            Err(view.refuse(index, "VERBOSE", "it stands behind MANIFEST only"))
        }
        _ => Ok(()),
    }
}
