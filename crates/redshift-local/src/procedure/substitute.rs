//! Variables in a statement of a body: where an expression may stand, a variable's name means its value. Where a name is
//! given (an alias, a table, a column to fill) it does not.

use std::ops::Range;

use super::scope::Scope;
use crate::dialect::Refusal;
use crate::dialect::lexer::TokenKind;
use crate::translate::Rewrite;

/// Words behind which an expression starts. Behind every other word a name is a table, a column or an alias.
const BEFORE_VALUES: &[&str] = &[
    "all", "and", "any", "between", "both", "by", "case", "distinct", "else", "escape", "for", "having", "ilike", "in",
    "leading", "like", "limit", "not", "offset", "on", "or", "qualify", "select", "similar", "some", "then", "to",
    "trailing", "values", "when", "where",
];

/// Words at which a clause of a statement starts, asked for when a comma stands in front of a name.
const CLAUSES: &[&str] = &[
    "by", "from", "having", "into", "join", "limit", "on", "qualify", "select", "set", "update", "using", "values",
    "where", "with",
];

/// Functions whose first argument is the name of a date part.
const DATE_PART_FUNCTIONS: &[&str] =
    &["dateadd", "date_add", "datediff", "date_diff", "date_part", "date_trunc", "extract"];

/// Functions that write FROM between their arguments.
const FROM_FUNCTIONS: &[&str] = &["extract", "trim", "substring", "overlay"];

/// Puts the values of `scope` in place of its variables.
///
/// # Errors
/// A field of a record that has none of that name.
pub(crate) fn substitute_variables(rewrite: &mut Rewrite<'_>, scope: &Scope) -> Result<(), Refusal> {
    let Some(range) = range_of_values(rewrite) else { return Ok(()) };
    for index in range {
        let token = &rewrite.tokens[index];
        if !token.is_name() && token.kind != TokenKind::Positional || !is_value_position(rewrite, index) {
            continue;
        }
        let name = token.text.clone();
        if rewrite.is_symbol(index + 1, ".") {
            substitute_field(rewrite, scope, index, &name)?;
        } else if let Some(literal) = scope.literal(&name) {
            rewrite.replace(index, literal);
        } else if scope.is_record(&name) {
            return Err(rewrite.refuse(index, name, "it is a record; name one of its fields"));
        }
    }
    Ok(())
}

fn substitute_field(rewrite: &mut Rewrite<'_>, scope: &Scope, index: usize, name: &str) -> Result<(), Refusal> {
    let field = rewrite.tokens.get(index + 2).map_or_else(String::new, |token| token.text.clone());
    let target = format!("{name}.{field}");
    if let Some(literal) = scope.literal(&target) {
        rewrite.remove(index + 1..index + 3);
        rewrite.replace(index, literal);
    } else if scope.is_record(name) {
        return Err(rewrite.refuse(index, target, "the record has no such field, or no row was assigned to it yet"));
    }
    Ok(())
}

/// The part of the statement in which expressions may stand: all of a query or change, the query of CREATE TABLE AS.
fn range_of_values(rewrite: &Rewrite<'_>) -> Option<Range<usize>> {
    let all = rewrite.all();
    if rewrite.is_symbol(0, "(")
        || ["select", "with", "insert", "update", "delete", "merge", "declare"].iter().any(|word| rewrite.is(0, word))
    {
        return Some(all);
    }
    if !rewrite.is(0, "create") {
        return None;
    }
    let mut index = 0;
    while index < all.end && !rewrite.is(index, "as") {
        index = rewrite.next_beside(index);
    }
    (index < all.end).then_some(index + 1..all.end)
}

fn is_value_position(rewrite: &Rewrite<'_>, index: usize) -> bool {
    let follows = rewrite.tokens.get(index + 1);
    if follows.is_some_and(|token| token.is_symbol("(") || token.kind == TokenKind::Text) {
        return false;
    }
    let Some(before) = index.checked_sub(1).map(|before| &rewrite.tokens[before]) else { return true };
    match before.kind {
        TokenKind::Word if before.text == "from" => {
            call_around(rewrite, index).is_some_and(|name| FROM_FUNCTIONS.contains(&name))
                || index >= 2 && rewrite.is(index - 2, "distinct")
        }
        TokenKind::Word if before.text == "zone" => index >= 3 && rewrite.is(index - 3, "at"),
        TokenKind::Word => BEFORE_VALUES.contains(&before.text.as_str()),
        TokenKind::Symbol => match before.text.as_str() {
            "." | ")" | "]" | "::" => false,
            "(" => opens_values(rewrite, index - 1) && !is_date_part(rewrite, index - 1),
            "," => follows_a_value(rewrite, index),
            _ => true,
        },
        TokenKind::QuotedName
        | TokenKind::TempName
        | TokenKind::Text
        | TokenKind::Body
        | TokenKind::Number
        | TokenKind::Parameter
        | TokenKind::Positional => false,
    }
}

/// Whether the bracket at `open` holds expressions, not names of columns.
fn opens_values(rewrite: &Rewrite<'_>, open: usize) -> bool {
    let Some(before) = open.checked_sub(1) else { return true };
    if rewrite.is(before, "insert") || rewrite.is(before, "using") {
        return false;
    }
    if !rewrite.tokens[before].is_name() {
        return true;
    }
    let name = rewrite.view().name_start(before);
    // `insert into t (…)`, `as t (…)`, `with t (…) as (`.
    let is_named = name > 0 && (rewrite.is(name - 1, "into") || rewrite.is(name - 1, "as"));
    let close = rewrite.partner(open);
    !(is_named || rewrite.is(close + 1, "as") && rewrite.is_symbol(close + 2, "("))
}

fn is_date_part(rewrite: &Rewrite<'_>, open: usize) -> bool {
    open > 0 && DATE_PART_FUNCTIONS.iter().any(|function| rewrite.is(open - 1, function))
}

/// The name in front of the bracket around `index`.
fn call_around<'a>(rewrite: &'a Rewrite<'_>, index: usize) -> Option<&'a str> {
    let open = rewrite.view().enclosing(index)?;
    open.checked_sub(1).map(|name| rewrite.tokens[name].text.as_str())
}

/// For a name behind a comma: what list it is in decides.
fn follows_a_value(rewrite: &Rewrite<'_>, index: usize) -> bool {
    let mut at = index;
    while at > 0 {
        at -= 1;
        match rewrite.tokens[at].partner {
            Some(partner) if partner > at => return opens_values(rewrite, at),
            Some(partner) => at = partner,
            None if CLAUSES.iter().any(|clause| rewrite.is(at, clause)) => {
                return match rewrite.tokens[at].text.as_str() {
                    "from" | "into" | "join" | "on" | "update" | "using" | "with" => false,
                    "set" => !rewrite.is_symbol(index + 1, "="),
                    _ => true,
                };
            }
            None => {}
        }
    }
    true
}
