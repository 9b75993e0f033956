//! Rules about the inside of queries and changes that need more than neighbouring words.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

/// Words before a bracket that is no call.
const NO_CALLS: &[&str] =
    &["over", "group", "in", "exists", "as", "and", "or", "not", "from", "any", "all", "some", "union"];

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        check_aggregate_order(view, index)?;
        check_recursion(view, index)?;
        check_literal(view, index)?;
        if view.is_symbol(index, ")") && view.is_symbol(index + 1, ".") {
            return Err(view.refuse(index + 1, "(value).field", "Redshift has no composite values; name the columns"));
        }
        let follows_from = view.is_any(index, &["pivot", "unpivot"]) && (0..index).any(|at| view.is(at, "from"));
        if follows_from && view.is_symbol(index + 1, "(") {
            let construct = view.text(index).to_uppercase();
            let reason = "the stand-in does not have it; write CASE inside aggregates, or UNION ALL";
            return Err(view.refuse(index, construct, reason).into_not_offered());
        }
        let follows_value = index > 0 && (view.is_name(index - 1) || view.is_symbol(index - 1, ")"));
        if view.is_symbol(index, "[") && follows_value {
            let reason = "only values of type SUPER have subscripts in Redshift, and the stand-in has no SUPER";
            return Err(view.refuse(index, "subscript", reason).into_not_offered());
        }
        if view.is(index, "collate") && !view.is_symbol(index + 1, "(") && !is_collation(view, index + 1) {
            let reason =
                "Redshift has COLLATE(text, 'case_insensitive'), and CASE_SENSITIVE or CASE_INSENSITIVE columns";
            return Err(view.refuse(index, "COLLATE", reason));
        }
    }
    check_update_join(view)
}

fn is_collation(view: TokenView<'_>, index: usize) -> bool {
    view.is_any(index, &["case_sensitive", "case_insensitive", "cs", "ci"])
}

/// `sum(a ORDER BY b)`
fn check_aggregate_order(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let is_call = view.is_name(index) && view.is_symbol(index + 1, "(") && !view.is_any(index, NO_CALLS);
    if !is_call || view.is_any(index + 2, &["select", "with", "partition", "order"]) {
        return Ok(());
    }
    let arguments = index + 2..view.partner(index + 1);
    match view.find_beside(arguments, &["order"]) {
        Some(order) if view.is(order + 1, "by") => {
            let construct = format!("{}(… ORDER BY …)", view.text(index).to_uppercase());
            Err(view.refuse(
                order,
                construct,
                "Redshift orders by WITHIN GROUP (ORDER BY …), in LISTAGG and percentiles only",
            ))
        }
        _ => Ok(()),
    }
}

/// A recursive WITH joins its parts by UNION ALL.
fn check_recursion(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    if !view.are(index, &["with", "recursive"]) {
        return Ok(());
    }
    let Some(open) = (index..view.len()).find(|&at| view.is(at, "as") && view.is_symbol(at + 1, "(")) else {
        return Ok(());
    };
    let body = open + 2..view.partner(open + 1);
    match view.find_beside(body, &["union"]) {
        Some(union) if !view.is(union + 1, "all") => {
            Err(view.refuse(union, "recursive UNION", "Redshift's recursion wants UNION ALL; stop it by a condition"))
        }
        _ => Ok(()),
    }
}

/// `b'101'`, `x'ff'`, `u&'…'`: literals of types that Redshift lacks.
fn check_literal(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let Some(text) = view.tokens.get(index).filter(|token| token.kind == TokenKind::Text) else { return Ok(()) };
    let Some(before) = index.checked_sub(1).map(|before| &view.tokens[before]) else { return Ok(()) };
    if before.end == text.start && (before.is("b") || before.is("x")) {
        return Err(view.refuse(index - 1, "bit string", "Redshift has no bit strings; write a number or VARBYTE"));
    }
    if before.end == text.start && before.is_symbol("&") && view.is(index.saturating_sub(2), "u") {
        return Err(view.refuse(index - 1, "U&'…'", "Redshift does not have it; write the characters, or CHR(…)"));
    }
    Ok(())
}

/// `UPDATE … FROM a LEFT JOIN b`: an outer join cannot feed an update.
fn check_update_join(view: TokenView<'_>) -> Result<(), Refusal> {
    let Some(update) = view.find_beside(0..view.len(), &["update"]).filter(|&at| at == 0 || view.is(0, "with")) else {
        return Ok(());
    };
    let Some(from) = view.find_beside(update..view.len(), &["from"]) else { return Ok(()) };
    let end = view.find_beside(from..view.len(), &["where"]).unwrap_or(view.len());
    let is_join = |at: usize| view.is(at + 1, "join") || view.is(at + 1, "outer");
    match view.find_beside(from..end, &["left", "right", "full"]) {
        Some(join) if is_join(join) => {
            let reason = "Redshift's UPDATE takes no outer join in FROM; put it into a subquery";
            Err(view.refuse(join, "UPDATE … FROM … outer join", reason))
        }
        _ => Ok(()),
    }
}
