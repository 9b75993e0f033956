//! The gate: what Redshift refuses is refused here, before PostgreSQL could accept it. Every rule looks at tokens only, so
//! it holds for a statement and for the text between `$$` alike.

use super::Refusal;
use super::function_rules::{self, FunctionHeader};
use super::lexer::{self, body_text};
use super::plpgsql::{self, Header, Role};
use super::statement_kind::StatementKind;
use super::token_view::TokenView;
use super::{
    constructs, cursor_rules, functions, merge_rules, procedure_rules, query_rules, reserved_words, session_rules,
    sorted_aggregates, statement_rules, unload_rules, view_rules, window_rules,
};

/// Checks one statement and the bodies in it.
///
/// # Errors
/// The first construct that Redshift does not have.
pub(crate) fn check_statement(sql: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(sql)?;
    let view = TokenView { sql, tokens: &tokens };
    let kind = check_kind(view)?;
    check_text(view)?;
    if kind == StatementKind::CreateFunction {
        let (body, offset) = function_rules::body_of(view, &FunctionHeader::read(view)?);
        return check_function_body(body).map_err(|refusal| refusal.within(sql, offset));
    }
    if kind == StatementKind::CreateProcedure {
        let header = Header::read(view)?;
        let (body, offset) = body_text(sql, &tokens[header.body]);
        return check_body(&header, body).map_err(|refusal| refusal.within(sql, offset));
    }
    Ok(())
}

fn check_kind(view: TokenView<'_>) -> Result<StatementKind, Refusal> {
    let kind = match StatementKind::of(view.sql, view.tokens) {
        Ok(kind) => kind,
        Err(refusal) => {
            // A construct that is known by name says more than "no such statement".
            constructs::check(view)?;
            return Err(refusal);
        }
    };
    statement_rules::check(view, 0..view.len())?;
    if kind == StatementKind::Unload {
        unload_rules::check(view)?;
    }
    view_rules::check(view)?;
    cursor_rules::check(view, 0)?;
    session_rules::check(view)?;
    Ok(kind)
}

fn check_function_body(text: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(text)?;
    let view = TokenView { sql: text, tokens: &tokens };
    function_rules::check_body(view)?;
    check_text(view)
}

fn check_body(header: &Header, text: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(text)?;
    let view = TokenView { sql: text, tokens: &tokens };
    procedure_rules::check_tokens(view)?;
    let names: Vec<_> = header.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let body = plpgsql::parse(text, &names)?;
    for (role, fragment) in body.fragments() {
        check_fragment(role, &fragment.text).map_err(|refusal| refusal.within(text, fragment.offset))?;
    }
    procedure_rules::check_body(view, &body, header.nonatomic.is_some())
}

fn check_fragment(role: Role, sql: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(sql)?;
    let view = TokenView { sql, tokens: &tokens };
    if role == Role::Statement {
        check_kind(view)?;
    }
    check_text(view)
}

fn check_text(view: TokenView<'_>) -> Result<(), Refusal> {
    constructs::check(view)?;
    reserved_words::check(view)?;
    window_rules::check(view)?;
    sorted_aggregates::check(view)?;
    query_rules::check(view)?;
    merge_rules::check(view)?;
    functions::check(view)
}
