//! MERGE has one shape in Redshift: `MERGE INTO target USING table [AS alias] ON … WHEN MATCHED THEN UPDATE SET … | DELETE
//! WHEN NOT MATCHED THEN INSERT …`, or `… REMOVE DUPLICATES`.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        if view.is(index, "merge") && view.is(index + 1, "into") {
            let end = (index..view.len()).find(|&at| view.is_symbol(at, ";")).unwrap_or(view.len());
            check_merge(view, index, end)?;
        }
    }
    Ok(())
}

fn check_merge(view: TokenView<'_>, merge: usize, end: usize) -> Result<(), Refusal> {
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
        (true, "delete") | (false, "insert") => Ok(()),
        (true, "update") => check_assignments(view, then + 3, end),
        _ => {
            let reason = "Redshift updates or deletes what matches and inserts what does not";
            Err(view.refuse(then + 1, format!("THEN {}", view.text(then + 1).to_uppercase()), reason))
        }
    }
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
