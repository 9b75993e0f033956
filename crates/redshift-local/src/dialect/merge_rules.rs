//! MERGE has one shape in Redshift: `MERGE INTO target USING table [AS alias] ON … WHEN MATCHED THEN UPDATE SET … | DELETE
//! WHEN NOT MATCHED THEN INSERT …`, or `… REMOVE DUPLICATES`.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        if index == 0 && view.is(index, "merge") && !view.is(index + 1, "into") {
            return Err(view.refuse(index + 1, "MERGE", "INTO is missing; write MERGE INTO target USING …"));
        }
        if view.is(index, "merge") && view.is(index + 1, "into") {
            let end = (index..view.len()).find(|&at| view.is_symbol(at, ";")).unwrap_or(view.len());
            check_merge(view, index, end)?;
        }
    }
    Ok(())
}

fn check_merge(view: TokenView<'_>, merge: usize, end: usize) -> Result<(), Refusal> {
    if view.is(merge + 2, "only") && view.is_name(merge + 3) && !view.is(merge + 3, "using") {
        return Err(view.refuse(merge + 2, "MERGE INTO ONLY", "Redshift's tables do not inherit; leave it out"));
    }
    let using = view.name_end(merge + 2);
    if !view.is(using, "using") {
        return Err(view.refuse(using, "MERGE target alias", "Redshift's target has no alias; name it in full"));
    }
    let source = using + 1;
    if view.is_symbol(source, "(") {
        return Err(view.refuse(source, "MERGE USING (…)", "Redshift's source is a table; fill a temporary one first"));
    }
    let path = |start: usize| (start..view.name_end(start)).map(|at| view.tokens[at].text.as_str()).collect::<String>();
    if view.is_name(source) && path(source) == path(merge + 2) {
        return Err(view.refuse(
            source,
            "MERGE of a table into itself",
            "source and target differ; copy the rows first",
        ));
    }
    let Some(on) = view.find_beside(source..end, &["on"]) else {
        return Err(view.refuse(source, "MERGE", "ON is missing"));
    };
    check_source(view, source, on)?;
    check_condition(view, on + 1, end)?;
    if view.find_beside(on..end, &["remove"]).is_some_and(|index| view.is(index + 1, "duplicates")) {
        return Ok(());
    }
    let branches: Vec<usize> = (on..end)
        .filter(|&index| view.is(index, "when") && view.enclosing(index).is_none_or(|open| open < merge))
        .collect();
    let branches: Vec<usize> =
        branches.into_iter().filter(|&when| view.is(when + 1, "matched") || view.is(when + 1, "not")).collect();
    for &when in &branches {
        check_branch(view, when, end)?;
    }
    let is_complete = matches!(branches.as_slice(),
        [first, second] if view.is(first + 1, "matched") != view.is(second + 1, "matched"));
    if is_complete {
        Ok(())
    } else {
        let reason = "Redshift wants both branches, once each: WHEN MATCHED THEN … WHEN NOT MATCHED THEN INSERT …";
        Err(view.refuse(merge, "MERGE branches", reason))
    }
}

/// `table [[AS] alias]`
fn check_source(view: TokenView<'_>, source: usize, on: usize) -> Result<(), Refusal> {
    let mut index = view.name_end(source);
    if view.is(index, "as") {
        index += 1;
    }
    if view.is_name(index) && !view.is_any(index, &["join", "inner", "left", "right", "full", "cross", "natural"]) {
        index += 1;
    }
    if index >= on {
        return Ok(());
    }
    let reason = "Redshift's source is one table with an alias at most; fill a temporary one first";
    Err(view.refuse(index, "MERGE USING", reason))
}

/// Comparisons that are no equality.
const OTHER_COMPARISONS: &[&str] = &["<", ">", "<=", ">=", "<>", "!=", "or", "between", "like", "ilike", "is", "in"];

/// ON joins equalities by AND.
fn check_condition(view: TokenView<'_>, start: usize, end: usize) -> Result<(), Refusal> {
    let mut range = start..view.find_beside(start..end, &["when", "remove"]).unwrap_or(end);
    while view.is_symbol(range.start, "(") && view.partner(range.start) + 1 == range.end {
        range = range.start + 1..range.end - 1;
    }
    let is_other = |index: usize| OTHER_COMPARISONS.contains(&view.text(index));
    let mut index = range.start;
    while index < range.end {
        if is_other(index) {
            let construct = format!("MERGE … ON … {}", view.text(index).to_uppercase());
            let reason = "Redshift's condition is equalities joined by AND; filter the source first";
            return Err(view.refuse(index, construct, reason));
        }
        index = view.next_beside(index);
    }
    Ok(())
}

fn check_branch(view: TokenView<'_>, when: usize, end: usize) -> Result<(), Refusal> {
    let is_match = view.is(when + 1, "matched");
    let then = if is_match { when + 2 } else { when + 3 };
    if view.is(then, "by") {
        return Err(view.refuse(
            then,
            "WHEN NOT MATCHED BY",
            "Redshift does not have it; DELETE in a second statement",
        ));
    }
    if !view.is(then, "then") {
        return Err(view.refuse(
            then,
            "MERGE … WHEN … AND",
            "Redshift's branches have no condition; filter the source",
        ));
    }
    match (is_match, view.text(then + 1)) {
        (true, "delete") => Ok(()),
        (false, "insert") => check_inserted(view, then + 2),
        (true, "update") => check_assignments(view, then + 3, end),
        _ => {
            let reason = "Redshift updates or deletes what matches and inserts what does not";
            Err(view.refuse(then + 1, format!("THEN {}", view.text(then + 1).to_uppercase()), reason))
        }
    }
}

/// `INSERT [(columns)] VALUES (…)`
fn check_inserted(view: TokenView<'_>, start: usize) -> Result<(), Refusal> {
    let values = if view.is_symbol(start, "(") { view.partner(start) + 1 } else { start };
    if view.are(values, &["values", "("]) {
        return Ok(());
    }
    Err(view.refuse(values, "MERGE … INSERT", "its form is INSERT [(columns)] VALUES (…)"))
}

/// `SET c = e, …`: the columns are those of the target, so they are not qualified.
fn check_assignments(view: TokenView<'_>, start: usize, end: usize) -> Result<(), Refusal> {
    let stop = view.find_beside(start..end, &["when"]).unwrap_or(end);
    let mut index = start;
    let mut starts_assignment = true;
    while index < stop {
        let is_name = view.tokens[index].kind == TokenKind::Word;
        if starts_assignment && is_name && view.is_symbol(index + 1, ".") {
            return Err(view.refuse(index, "MERGE … SET target.column", "write the column's name alone"));
        }
        starts_assignment = view.is_symbol(index, ",");
        index = view.next_beside(index);
    }
    Ok(())
}
