//! Clauses of a query that PostgreSQL lacks: QUALIFY, TOP, MINUS.

use std::ops::Range;

use super::rewrite::Rewrite;
use crate::dialect::Refusal;
use crate::dialect::lexer::{Token, TokenKind};

/// Words at which the clauses of one SELECT end.
const SELECT_ENDS: &[&str] = &["union", "except", "minus", "intersect"];

/// Rewrites QUALIFY, TOP and MINUS in `range`. Calls must have been rewritten before: a QUALIFY condition moves as it
/// then stands.
pub(crate) fn rewrite_clauses(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    // From the last to the first, so that a subquery is finished before the query around it takes its text.
    for index in range.clone().rev() {
        if rewrite.is(index, "qualify") && !rewrite.is_symbol(index + 1, ".") {
            rewrite_qualify(rewrite, &range, index)?;
        } else if rewrite.is(index, "minus") {
            rewrite.replace(index, "except");
        } else if rewrite.is(index, "top") && index > 0 && is_select_start(rewrite, index - 1) {
            rewrite_top(rewrite, &range, index)?;
        }
    }
    Ok(())
}

fn is_select_start(rewrite: &Rewrite<'_>, index: usize) -> bool {
    rewrite.is(index, "select") || rewrite.is(index, "distinct") && index > 0 && rewrite.is(index - 1, "select")
}

/// The SELECT to which the clause at `index` belongs.
fn select_of(rewrite: &Rewrite<'_>, range: &Range<usize>, index: usize) -> Option<usize> {
    let mut at = index;
    while at > range.start {
        at -= 1;
        if let Some(partner) = rewrite.tokens[at].partner {
            if partner > at {
                return None;
            }
            at = partner;
        } else if rewrite.is(at, "select") {
            return Some(at);
        }
    }
    None
}

/// Where the clauses that start at `index` end: at one of `words`, a closing bracket, a semicolon, or the range's end.
fn clause_end(rewrite: &Rewrite<'_>, range: &Range<usize>, index: usize, words: &[&str]) -> usize {
    let mut at = index;
    while at < range.end {
        let token = &rewrite.tokens[at];
        if token.is_symbol(";")
            || token.partner.is_some_and(|partner| partner < at)
            || words.iter().any(|word| token.is(word))
        {
            return at;
        }
        at = rewrite.next_beside(at);
    }
    range.end
}

fn rewrite_top(rewrite: &mut Rewrite<'_>, range: &Range<usize>, index: usize) -> Result<(), Refusal> {
    let is_count = |token: &Token| matches!(token.kind, TokenKind::Number | TokenKind::Parameter);
    if !rewrite.tokens.get(index + 1).is_some_and(is_count) {
        return Err(rewrite.refuse(index, "TOP", "its form is SELECT TOP count …"));
    }
    let count = rewrite.render(index + 1..index + 2);
    let end = clause_end(rewrite, range, index, &[SELECT_ENDS, &["loop"]].concat());
    rewrite.remove(index..index + 2);
    rewrite.after(end - 1, &format!(" limit {count}"));
    Ok(())
}

/// `select LIST from … qualify CONDITION` becomes `select NAMES from (select LIST, CONDITION as kept from …) where kept`.
fn rewrite_qualify(rewrite: &mut Rewrite<'_>, range: &Range<usize>, index: usize) -> Result<(), Refusal> {
    let Some(select) = select_of(rewrite, range, index) else {
        return Err(rewrite.refuse(index, "QUALIFY", "it belongs to no SELECT"));
    };
    let end = clause_end(rewrite, range, index, &[SELECT_ENDS, &["order", "limit", "offset", "loop"]].concat());
    let condition = rewrite.render(index + 1..end);
    let has_window = (index + 1..end).any(|at| rewrite.is(at, "over"));
    let is_distinct = rewrite.is(select + 1, "distinct");
    let list_start = select + 1 + usize::from(is_distinct);
    let from = clause_end(rewrite, range, list_start, &["from", "into"]);
    if !rewrite.is(from, "from") {
        return Err(rewrite.not_offered(index, "QUALIFY", "the stand-in needs a FROM and no INTO in the same SELECT"));
    }
    let kept = format!("kept_{index}");
    let outer = format!("qualified_{index}");
    let relation = only_relation(rewrite, from + 1..index);
    let mut names = Vec::new();
    for (position, item) in rewrite.split_at_commas(list_start..from).into_iter().enumerate() {
        names.push(output_name(rewrite, &item, &outer, position, relation.as_deref())?);
    }
    let distinct = if is_distinct { "distinct " } else { "" };
    if is_distinct {
        rewrite.remove(select + 1..select + 2);
    }
    rewrite.before(select, &format!("select {distinct}{} from (", names.join(", ")));
    rewrite.remove(index..end);
    if has_window {
        rewrite.before(from, &format!(", ({condition}) as {kept} "));
        rewrite.after(end - 1, &format!(") as {outer} where {outer}.{kept}"));
    } else {
        rewrite.after(end - 1, &format!(") as {outer} where {condition}"));
    }
    Ok(())
}

/// How the query around reads a select item: by its name, or, for `relation.*`, by the whole row.
fn output_name(
    rewrite: &mut Rewrite<'_>,
    item: &Range<usize>,
    outer: &str,
    position: usize,
    relation: Option<&str>,
) -> Result<String, Refusal> {
    if item.is_empty() {
        return Err(rewrite.refuse(item.start, "SELECT", "a column is missing between the commas"));
    }
    let last = item.end - 1;
    let quoted = |name: &str| format!("{outer}.\"{}\"", name.replace('"', "\"\""));
    if rewrite.is_symbol(last, "*") && item.len() == 3 && rewrite.is_symbol(last - 1, ".") {
        let row = format!("row_{position}");
        rewrite.remove(last - 1..last + 1);
        rewrite.after(item.start, &format!(" as {row}"));
        return Ok(format!("({outer}.{row}).*"));
    }
    if rewrite.is_symbol(last, "*") && item.len() == 1 {
        let Some(relation) = relation else {
            let reason = "the stand-in cannot expand a bare * over several tables; name the columns or write alias.*";
            return Err(rewrite.not_offered(last, "SELECT * … QUALIFY", reason));
        };
        let row = format!("row_{position}");
        rewrite.replace(last, format!("{relation} as {row}"));
        return Ok(format!("({outer}.{row}).*"));
    }
    let named = item.len() == 1
        || rewrite.is(last.saturating_sub(1), "as")
        || rewrite.is_symbol(last.saturating_sub(1), ".")
        || rewrite.tokens[last - 1].partner.is_some_and(|partner| partner < last - 1);
    if named && rewrite.tokens[last].is_name() {
        return Ok(quoted(&rewrite.tokens[last].text));
    }
    Err(rewrite.not_offered(item.start, "QUALIFY", "each item of its SELECT needs a name; write … as name"))
}

/// The quoted name of the relation in a FROM clause that has only one.
fn only_relation(rewrite: &Rewrite<'_>, from: Range<usize>) -> Option<String> {
    let end = clause_end(rewrite, &from, from.start, &["where", "group", "having"]);
    if rewrite.split_at_commas(from.start..end).len() != 1
        || clause_end(rewrite, &from, from.start, &["join"]) < end
        || !rewrite.tokens[end - 1].is_name()
    {
        return None;
    }
    Some(format!("\"{}\"", rewrite.tokens[end - 1].text.replace('"', "\"\"")))
}
