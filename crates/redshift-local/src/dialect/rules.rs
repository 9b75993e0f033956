//! The gate: what Redshift refuses is refused here, before PostgreSQL could accept it. Every rule looks at tokens only, so
//! it holds for a statement and for the text between `$$` alike.

use super::Refusal;
use super::lexer::{self, TokenKind, body_text};
use super::token_view::TokenView;
use super::{constructs, functions, merge_rules, procedure_rules, reserved_words, statement_rules, window_rules};

/// Checks one statement and the bodies in it.
///
/// # Errors
/// The first construct that Redshift does not have.
pub(crate) fn check_statement(sql: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(sql)?;
    let view = TokenView { sql, tokens: &tokens };
    statement_rules::check(view, 0..view.len())?;
    check_text(view)?;
    for body in tokens.iter().filter(|token| token.kind == TokenKind::Body) {
        let (text, offset) = body_text(sql, body);
        check_body(text).map_err(|refusal| refusal.within(sql, offset))?;
    }
    Ok(())
}

fn check_body(body: &str) -> Result<(), Refusal> {
    let tokens = lexer::tokenize(body)?;
    let view = TokenView { sql: body, tokens: &tokens };
    for statement in lexer::split_statements(&tokens) {
        // A statement may stand behind BEGIN, THEN, ELSE or LOOP.
        let opener = statement.clone().rev().find(|&index| view.is_any(index, procedure_rules::STATEMENT_OPENERS));
        let start = opener.map_or(statement.start, |opener| opener + 1);
        statement_rules::check(view, start..statement.end)?;
    }
    procedure_rules::check(view)?;
    check_text(view)
}

fn check_text(view: TokenView<'_>) -> Result<(), Refusal> {
    constructs::check(view)?;
    reserved_words::check(view)?;
    window_rules::check(view)?;
    merge_rules::check(view)?;
    functions::check(view)
}
