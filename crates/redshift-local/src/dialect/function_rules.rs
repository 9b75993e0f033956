//! CREATE FUNCTION: Redshift's SQL functions are one SELECT of one expression over `$1`, `$2`, …; Python and Lambda
//! functions are not offered here, and functions in PL/pgSQL do not exist.

use std::ops::Range;

use super::Refusal;
use super::lexer::{self, TokenKind, body_text};
use super::token_view::TokenView;
use super::types::read_type;

const FORM: &str = "its form is CREATE [OR REPLACE] FUNCTION name (type, …) RETURNS type VOLATILE | STABLE | IMMUTABLE \
    AS $$ SELECT expression $$ LANGUAGE sql";

/// Clauses that a function's SELECT cannot have.
const CLAUSES: &[&str] = &["from", "into", "where", "group", "order", "limit"];

/// A CREATE FUNCTION in token indexes of its statement.
#[derive(Debug)]
pub(crate) struct FunctionHeader {
    /// The first token of the name, behind FUNCTION.
    pub(crate) name: usize,
    /// Where the types of the arguments start, and that of the result.
    pub(crate) types: Vec<usize>,
    pub(crate) body: usize,
}

impl FunctionHeader {
    /// Reads the CREATE FUNCTION in `view`.
    ///
    /// # Errors
    /// A form that Redshift does not have, and Python.
    pub(crate) fn read(view: TokenView<'_>) -> Result<Self, Refusal> {
        let name = (0..view.len()).find(|&index| view.is(index, "function")).unwrap_or(0) + 1;
        let open = view.name_end(name);
        if !view.is_name(name) || !view.is_symbol(open, "(") {
            return Err(view.refuse(open, "CREATE FUNCTION", FORM));
        }
        if let Some(language) = (open..view.len()).find(|&index| view.is(index, "language")) {
            check_language(view, language + 1)?;
        }
        let close = view.partner(open);
        let mut types = Vec::new();
        let mut index = open + 1;
        while index < close {
            types.push(index);
            index = read_type(view.sql, view.tokens, index)?.end;
            if index < close && !view.is_symbol(index, ",") {
                let reason = "an SQL function's arguments have types only; its body names them $1, $2, …";
                return Err(view.refuse(types[types.len() - 1], "named argument", reason));
            }
            index += 1;
        }
        index = close + 1;
        if !view.is(index, "returns") || view.is_any(index + 1, &["table", "setof", "record"]) {
            return Err(view.refuse(index, "CREATE FUNCTION", format!("it returns one value; {FORM}")));
        }
        types.push(index + 1);
        index = read_type(view.sql, view.tokens, index + 1)?.end;
        if !view.is_any(index, &["volatile", "stable", "immutable"]) {
            return Err(view.refuse(
                index,
                "CREATE FUNCTION",
                format!("VOLATILE, STABLE or IMMUTABLE is missing; {FORM}"),
            ));
        }
        let body = index + 2;
        let is_body = view.tokens.get(body).is_some_and(|token| token.kind == TokenKind::Body);
        if !view.is(index + 1, "as") || !is_body || !view.is(body + 1, "language") || view.len() != body + 3 {
            return Err(view.refuse(index + 1, "CREATE FUNCTION", FORM));
        }
        Ok(Self { name, types, body })
    }
}

fn check_language(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let language = view.tokens.get(index).map_or("", |token| token.text.trim_matches('\''));
    match language {
        "sql" => Ok(()),
        "plpythonu" => {
            let reason = "Redshift takes no new Python functions, and the stand-in has none; write LANGUAGE sql";
            Err(view.refuse(index, "LANGUAGE plpythonu", reason).into_not_offered())
        }
        other => {
            let reason = "Redshift's functions are written in sql; what needs statements is a procedure";
            Err(view.refuse(index, format!("LANGUAGE {other} of a function"), reason))
        }
    }
}

/// Checks the text between `$$`; returns the tokens of its SELECT.
pub(super) fn check_body(view: TokenView<'_>) -> Result<Range<usize>, Refusal> {
    let statements = lexer::split_statements(view.tokens);
    let [select] = statements.as_slice() else {
        return Err(view.refuse(0, "body of a function", "it is one SELECT of one expression"));
    };
    if !view.is(select.start, "select") {
        return Err(view.refuse(select.start, "body of a function", "it is one SELECT of one expression"));
    }
    if let Some(clause) = select.clone().find(|&index| view.is_any(index, CLAUSES) && !is_in_call(view, index)) {
        let construct = format!("{} in a function", view.text(clause).to_uppercase());
        return Err(view.refuse(clause, construct, "an SQL function of Redshift reads no table"));
    }
    Ok(select.clone())
}

/// `extract(year FROM $1)` and `listagg(…) within group (ORDER BY …)`.
fn is_in_call(view: TokenView<'_>, index: usize) -> bool {
    view.enclosing(index).is_some_and(|open| open > 0 && !view.is(open + 1, "select") && view.is_name(open - 1))
}

/// The body's text and its place in the statement.
pub(crate) fn body_of<'a>(view: TokenView<'a>, header: &FunctionHeader) -> (&'a str, usize) {
    body_text(view.sql, &view.tokens[header.body])
}
