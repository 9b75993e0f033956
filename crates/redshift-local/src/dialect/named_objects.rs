//! Where the head of a statement names what it makes or changes: tables, columns, parameters.

use std::ops::Range;

use super::token_view::TokenView;

/// The tokens at the head of the statement that can only be names.
pub(super) fn named_objects(view: TokenView<'_>) -> Vec<usize> {
    match view.text(0) {
        "create" => created(view),
        "drop" => dropped(view),
        "truncate" | "lock" => {
            let start = if view.is(1, "table") { 2 } else { 1 };
            list(view, start)
        }
        "copy" => {
            let columns = view.name_end(1);
            let items = if view.is_symbol(columns, "(") { items(view, columns) } else { Vec::new() };
            parts(1..columns).into_iter().chain(items.into_iter().map(|item| item.start)).collect()
        }
        "call" => parts(1..view.name_end(1)),
        "alter" if view.is(1, "table") => altered(view),
        _ => Vec::new(),
    }
}

/// The parts of a dotted name.
fn parts(name: Range<usize>) -> Vec<usize> {
    name.step_by(2).collect()
}

/// Dotted names with commas between.
fn list(view: TokenView<'_>, start: usize) -> Vec<usize> {
    let mut names = Vec::new();
    let mut index = start;
    loop {
        let end = view.name_end(index);
        names.extend(parts(index..end));
        if !view.is_symbol(end, ",") {
            return names;
        }
        index = end + 1;
    }
}

fn created(view: TokenView<'_>) -> Vec<usize> {
    let mut object = if view.are(1, &["or", "replace"]) { 3 } else { 1 };
    while view.is_any(object, &["local", "temp", "temporary", "materialized"]) {
        object += 1;
    }
    if !view.is_any(object, &["table", "view", "schema", "procedure", "function"]) {
        return Vec::new();
    }
    let name = if view.are(object + 1, &["if", "not", "exists"]) { object + 4 } else { object + 1 };
    if view.is(object, "schema") && view.is(name, "authorization") {
        return Vec::new();
    }
    let open = view.name_end(name);
    let mut names = parts(name..open);
    if !view.is_symbol(open, "(") || view.is(object, "function") {
        return names;
    }
    for item in items(view, open) {
        let is_mode = view.is(object, "procedure") && view.is_any(item.start, &["in", "out", "inout"]);
        let named = item.start + usize::from(is_mode);
        // A parameter may be a type alone.
        let is_type = view.is(object, "procedure")
            && (named + 1 >= item.end
                || view.is_any(named + 1, &["without", "with"])
                || view.is_symbol(named + 1, "("));
        if !is_type {
            names.push(named);
        }
    }
    names
}

/// What stands between the commas of the bracket at `open`.
fn items(view: TokenView<'_>, open: usize) -> Vec<Range<usize>> {
    let close = view.partner(open);
    let mut items = Vec::new();
    let mut start = open + 1;
    while start < close {
        let end = view.find_symbol_beside(start..close, ",").unwrap_or(close);
        items.push(start..end);
        start = end + 1;
    }
    items
}

fn dropped(view: TokenView<'_>) -> Vec<usize> {
    let object = if view.is(1, "materialized") { 2 } else { 1 };
    if !view.is_any(object, &["table", "view", "schema", "procedure", "function"]) {
        return Vec::new();
    }
    list(view, if view.are(object + 1, &["if", "exists"]) { object + 3 } else { object + 1 })
}

fn altered(view: TokenView<'_>) -> Vec<usize> {
    let action = view.name_end(2);
    let mut names = parts(2..action);
    let column = if view.is(action + 1, "column") { action + 2 } else { action + 1 };
    match view.text(action) {
        // `ADD PARTITION (…)` is about external tables.
        "add" | "drop" if !view.is_symbol(column + 1, "(") => names.push(column),
        "rename" if view.is(column, "to") => names.push(column + 1),
        "rename" => names.extend([column, column + 2]),
        "alter" if view.is_any(column + 1, &["type", "encode"]) => names.push(column),
        _ => {}
    }
    names
}
