//! The gate: what Redshift refuses is refused here, before PostgreSQL could accept it. Every rule looks at tokens only, so
//! it holds for a statement and for the text between `$$` alike.

use super::function_rules::{self, FunctionHeader};
use super::lexer::{self, body_text};
use super::plpgsql::{self, Header, Role};
use super::statement_kind::StatementKind;
use super::token_view::TokenView;
use super::{Refusal, Verdict};
use super::{
    constructs, cursor_rules, dynamic_sql, functions, merge_rules, procedure_rules, query_rules, reserved_words,
    session_rules, sorted_aggregates, statement_rules, typed_literals, unload_rules, view_rules, window_rules,
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
            // A construct inside WITH says more than what follows it.
            if view.is(0, "with") || view.are(0, &["create", "unlogged"]) {
                constructs::check(view)?;
            }
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
    for fragment in body.dynamic_fragments() {
        dynamic_sql::check(&fragment.text).map_err(|refusal| refusal.within(text, fragment.offset))?;
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
    let rules = [
        constructs::check,
        typed_literals::check,
        reserved_words::check,
        window_rules::check,
        sorted_aggregates::check,
        query_rules::check,
        merge_rules::check,
        functions::check,
    ];
    let mut not_offered = None;
    for rule in rules {
        match rule(view) {
            // What Redshift refuses weighs more, so the other rules are asked first.
            Err(refusal) if refusal.verdict == Verdict::NotOffered => not_offered = not_offered.or(Some(refusal)),
            other => other?,
        }
    }
    not_offered.map_or(Ok(()), Err)
}
