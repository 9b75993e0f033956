//! Rules about the inside of queries and changes that need more than neighbouring words.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;
use super::types::is_type;

/// Words before a bracket that is no call.
const NO_CALLS: &[&str] =
    &["over", "group", "in", "exists", "as", "and", "or", "not", "from", "any", "all", "some", "union"];

/// What Redshift's queries have beside those of PostgreSQL.
const NOT_OFFERED: &[(&[&str], &str, &str)] = &[
    (&["connect", "by"], "CONNECT BY", "write WITH RECURSIVE"),
    (&["(", "+", ")"], "(+)", "write LEFT JOIN or RIGHT JOIN"),
    (&["*", "exclude"], "SELECT * EXCLUDE", "name the columns"),
];

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        check_aggregate_order(view, index)?;
        check_recursion(view, index)?;
        check_literal(view, index)?;
        if view.is_symbol(index, ")") && view.is_symbol(index + 1, ".") {
            return Err(view.refuse(index + 1, "(value).field", "Redshift has no composite values; name the columns"));
        }
        if view.is(index, "top")
            && index > 0
            && view.is_any(index - 1, &["select", "distinct"])
            && view.is(index + 2, "percent")
        {
            return Err(view.refuse(index + 2, "TOP … PERCENT", "Redshift's TOP is a number of rows; write TOP n"));
        }
        if let Some((_, construct, instead)) = NOT_OFFERED.iter().find(|(phrase, ..)| view.are(index, phrase)) {
            let reason = format!("the stand-in does not have it; {instead}");
            return Err(view.refuse(index, *construct, reason).into_not_offered());
        }
        let follows_from = view.is_any(index, &["pivot", "unpivot"]) && (0..index).any(|at| view.is(at, "from"));
        let is_of_nulls = view.is_any(index + 1, &["include", "exclude"]) && view.is(index + 2, "nulls");
        if follows_from && (view.is_symbol(index + 1, "(") || is_of_nulls) {
            let construct = view.text(index).to_uppercase();
            let reason = "the stand-in does not have it; write CASE inside aggregates, or UNION ALL";
            return Err(view.refuse(index, construct, reason).into_not_offered());
        }
        let follows_value = index > 0 && (view.is_name(index - 1) || view.is_symbol(index - 1, ")"));
        if view.is_symbol(index, "[") && follows_value && !follows_type(view, index) {
            let reason = "only values of type SUPER have subscripts in Redshift, and the stand-in has no SUPER";
            return Err(view.refuse(index, "subscript", reason).into_not_offered());
        }
        if view.is(index, "collate") && is_collation(view, index + 1) && view.is_any(0, &["create", "alter"]) {
            let reason = "the stand-in compares text as it is written; write LOWER(a) = LOWER(b)";
            return Err(view.refuse(index, "COLLATE", reason).into_not_offered());
        }
        if view.is(index, "collate") && !view.is_symbol(index + 1, "(") && !is_collation(view, index + 1) {
            let reason =
                "Redshift has COLLATE(text, 'case_insensitive'), and CASE_SENSITIVE or CASE_INSENSITIVE columns";
            return Err(view.refuse(index, "COLLATE", reason));
        }
    }
    check_update_join(view)
}

/// `a::int[3]` and `CAST(a AS int[3])`, or a column `a int[3]`, which the types refuse.
fn follows_type(view: TokenView<'_>, index: usize) -> bool {
    let name = if view.is_symbol(index - 1, ")") { view.partner(index - 1) } else { index };
    let Some(name) = name.checked_sub(1).filter(|&name| name > 0 && is_type(view.text(name))) else { return false };
    view.is_symbol(name - 1, "::") || view.is(name - 1, "as") || view.is_any(0, &["create", "alter"])
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
    let mut at = index + 2;
    // `name [(columns)] AS (…), …`
    while view.is_name(at) {
        let name = &view.tokens[at].text;
        let columns = view.name_end(at);
        let body = if view.is_symbol(columns, "(") { view.partner(columns) + 1 } else { columns } + 1;
        if !view.is_symbol(body, "(") {
            break;
        }
        let inside = body + 1..view.partner(body);
        at = inside.end + 2;
        let is_recursive = view.tokens[inside.clone()].iter().any(|token| token.is_name() && token.text == *name);
        match view.find_beside(inside, &["union"]) {
            Some(union) if is_recursive && !view.is(union + 1, "all") => {
                let reason = "Redshift's recursion wants UNION ALL; stop it by a condition";
                return Err(view.refuse(union, "recursive UNION", reason));
            }
            _ => {}
        }
    }
    Ok(())
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
