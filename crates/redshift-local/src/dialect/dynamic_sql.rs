//! The text that EXECUTE runs, as far as it is written down: literals joined by `||` with QUOTE_IDENT(…) and
//! QUOTE_LITERAL(…), of which it is known that one gives a name and the other a value. Where anything else is joined in, the
//! statement is known only when it runs, and is checked then.

use super::Refusal;
use super::lexer::{split_statements, tokenize};
use super::procedure_rules;
use super::quoted_query::QuotedQuery;
use super::rules;
use super::token_view::TokenView;

/// Checks the expression behind EXECUTE.
pub(super) fn check(expression: &str) -> Result<(), Refusal> {
    let tokens = tokenize(expression)?;
    let view = TokenView { sql: expression, tokens: &tokens };
    let Some(parts) = parts_of(view) else { return Ok(()) };
    let mut statement = String::new();
    let mut starts = Vec::new();
    for part in &parts {
        starts.push(statement.len());
        statement.push_str(&part.text);
    }
    let Err(refusal) = check_text(&statement) else { return Ok(()) };
    // The part that the refused place lies in says where it is written.
    let offset = refusal.offset_in(&statement);
    let index = starts.iter().rposition(|&start| start <= offset).unwrap_or(0);
    let part = &parts[index];
    let in_part = Refusal::at(&part.text, offset - starts[index], refusal.construct, refusal.reason);
    Err(part.place(expression, Refusal { verdict: refusal.verdict, ..in_part }))
}

fn check_text(text: &str) -> Result<(), Refusal> {
    let tokens = tokenize(text)?;
    procedure_rules::check_dynamic(TokenView { sql: text, tokens: &tokens })?;
    for range in split_statements(&tokens) {
        let (start, end) = (tokens[range.start].start, tokens[range.end - 1].end);
        rules::check_statement(&text[start..end]).map_err(|refusal| refusal.within(text, start))?;
    }
    Ok(())
}

/// `None` when a part is none of the three.
fn parts_of(view: TokenView<'_>) -> Option<Vec<QuotedQuery>> {
    let mut parts = Vec::new();
    let mut index = 0;
    loop {
        let token = view.tokens.get(index)?;
        let stands_for = match view.text(index) {
            "quote_ident" => Some("name"),
            "quote_literal" => Some("''"),
            _ => None,
        };
        parts.push(match stands_for {
            Some(text) if view.is_symbol(index + 1, "(") => QuotedQuery::standing_for(text, token),
            _ => QuotedQuery::read(view.sql, token)?,
        });
        index = if stands_for.is_some() { view.partner(index + 1) + 1 } else { index + 1 };
        if index == view.len() {
            return Some(parts);
        }
        if !view.is_symbol(index, "||") {
            return None;
        }
        index += 1;
    }
}
