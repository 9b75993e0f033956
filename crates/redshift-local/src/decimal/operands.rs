//! How far the operands of an operator reach in a text that PostgreSQL takes.

use std::ops::Range;

use crate::dialect::lexer::TokenKind;
use crate::dialect::token_view::TokenView;

/// Operators that bind as a quotient does, or closer.
const AS_CLOSE: &[&str] = &["*", "/", "%", "^"];

/// Words behind which a bracket opens an expression, and a sign is one of its number.
const NO_OPERANDS: &[&str] = &[
    "and",
    "or",
    "not",
    "when",
    "then",
    "else",
    "select",
    "where",
    "by",
    "on",
    "having",
    "case",
    "in",
    "between",
    "like",
    "is",
    "as",
    "distinct",
    "all",
    "any",
    "some",
    "from",
    "limit",
    "offset",
    "return",
    "values",
    "set",
    "union",
    "except",
    "intersect",
    "using",
    "default",
];

/// The tokens of the quotient whose operator is at `index`, or of the call whose name is there.
pub(super) fn extent(view: TokenView<'_>, index: usize) -> Option<Range<usize>> {
    if view.is_symbol(index, "/") {
        Some(start_before(view, index)?..end_behind(view, index)?)
    } else {
        Some(index..call_end(view, index)?)
    }
}

/// Whether `index` is in a list behind GROUP BY, ORDER BY or PARTITION BY.
pub(super) fn is_in_list_of_keys(view: TokenView<'_>, index: usize) -> bool {
    let mut at = index;
    while at > 0 {
        at -= 1;
        if view.is(at, "by") {
            return true;
        }
        if view.is_any(at, &["select", "from", "where", "having", "on", "set", "values"]) {
            return false;
        }
        at = view.partner(at).min(at);
    }
    false
}

/// The first token of the operand that ends in front of `operator`.
fn start_before(view: TokenView<'_>, operator: usize) -> Option<usize> {
    let mut last = operator.checked_sub(1)?;
    loop {
        let start = factor_start(view, last)?;
        match start.checked_sub(2) {
            Some(before) if AS_CLOSE.contains(&view.text(start - 1)) => last = before,
            _ => return Some(start),
        }
    }
}

/// The index behind the operand that follows `operator`.
fn end_behind(view: TokenView<'_>, operator: usize) -> Option<usize> {
    let mut first = operator + 1;
    loop {
        let end = factor_end(view, first)?;
        if view.is_symbol(end, "^") {
            first = end + 1;
        } else {
            return Some(end);
        }
    }
}

/// The index behind a call with its window, if it has one.
fn call_end(view: TokenView<'_>, name: usize) -> Option<usize> {
    let open = view.name_end(name);
    view.is_symbol(open, "(").then(|| behind_clauses(view, view.partner(open) + 1))
}

fn factor_start(view: TokenView<'_>, last: usize) -> Option<usize> {
    let mut start = last;
    if view.is_symbol(last, ")") || view.is_symbol(last, "]") {
        start = view.partner(last);
        match start.checked_sub(1) {
            Some(over) if view.is(over, "over") => return factor_start(view, over.checked_sub(1)?),
            Some(filter) if view.is(filter, "filter") => return factor_start(view, filter.checked_sub(1)?),
            Some(group) if view.is(group, "group") && group > 1 && view.is(group - 1, "within") => {
                return factor_start(view, group - 2);
            }
            Some(name) if view.is_name(name) && !view.is_any(name, NO_OPERANDS) => start = view.name_start(name),
            _ => {}
        }
    } else if view.is(last, "end") {
        start = case_start(view, last)?;
    } else if view.is_name(last) {
        start = view.name_start(last);
    }
    if start > 0 && view.is(start - 1, "double") && view.is(start, "precision") {
        start -= 1;
    }
    if start > 1 && view.is_symbol(start - 1, "::") {
        return factor_start(view, start - 2);
    }
    if start > 0 && is_sign(view, start - 1) {
        start -= 1;
    }
    Some(start)
}

fn factor_end(view: TokenView<'_>, first: usize) -> Option<usize> {
    let mut index = first;
    while view.is_symbol(index, "-") || view.is_symbol(index, "+") {
        index += 1;
    }
    let token = view.tokens.get(index)?;
    let mut end = if view.is_symbol(index, "(") {
        view.partner(index) + 1
    } else if view.is(index, "case") {
        case_end(view, index)?
    } else if token.is_name() {
        let end = view.name_end(index);
        if view.is_symbol(end, "(") { behind_clauses(view, view.partner(end) + 1) } else { end }
    } else if matches!(token.kind, TokenKind::Number | TokenKind::Text) {
        index + 1
    } else {
        return None;
    };
    while view.is_symbol(end, "::") {
        end = if view.are(end + 1, &["double", "precision"]) { end + 3 } else { view.name_end(end + 1) };
        if view.is_symbol(end, "(") {
            end = view.partner(end) + 1;
        }
    }
    Some(end)
}

/// `f(…) WITHIN GROUP (…) FILTER (…) OVER (…)`
fn behind_clauses(view: TokenView<'_>, end: usize) -> usize {
    let mut end = end;
    loop {
        let open = if view.are(end, &["within", "group"]) {
            end + 2
        } else if view.is(end, "over") || view.is(end, "filter") {
            end + 1
        } else {
            return end;
        };
        if !view.is_symbol(open, "(") {
            return end;
        }
        end = view.partner(open) + 1;
    }
}

/// Whether the `-` or `+` at `index` belongs to what follows it.
fn is_sign(view: TokenView<'_>, index: usize) -> bool {
    if !view.is_symbol(index, "-") && !view.is_symbol(index, "+") {
        return false;
    }
    let Some(before) = index.checked_sub(1) else { return true };
    let token = &view.tokens[before];
    let ends_operand = view.is_symbol(before, ")")
        || view.is_symbol(before, "]")
        || token.is_name() && !view.is_any(before, NO_OPERANDS)
        || matches!(token.kind, TokenKind::Number | TokenKind::Text);
    !ends_operand
}

fn case_start(view: TokenView<'_>, end: usize) -> Option<usize> {
    let mut open_count = 0;
    for index in (0..=end).rev() {
        open_count += i32::from(view.is(index, "end")) - i32::from(view.is(index, "case"));
        if open_count == 0 {
            return Some(index);
        }
    }
    None
}

fn case_end(view: TokenView<'_>, case: usize) -> Option<usize> {
    let mut open_count = 0;
    for index in case..view.len() {
        open_count += i32::from(view.is(index, "case")) - i32::from(view.is(index, "end"));
        if open_count == 0 {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{end_behind, start_before};
    use crate::dialect::lexer::tokenize;
    use crate::dialect::token_view::TokenView;

    #[test]
    fn operands_reach_as_far_as_the_grammar_says() {
        for (sql, left, right) in [
            ("select 1 + a / b - 2", "a", "b"),
            ("select t.a * 2 / s.t.b * 3", "t.a * 2", "s.t.b"),
            ("select -a / -b", "-a", "-b"),
            ("select c - a / b::numeric(12, 2) + 1", "a", "b::numeric(12, 2)"),
            ("select c - a::double precision / b::double precision - 1", "a::double precision", "b::double precision"),
            (
                "select sum(a) over (order by b) / nullif(count(*), 0)",
                "sum(a) over (order by b)",
                "nullif(count(*), 0)",
            ),
            (
                "select case when a then case when b then 1 end end / case c when 1 then 2 end from t",
                "case when a then case when b then 1 end end",
                "case c when 1 then 2 end",
            ),
            ("select x and (a + 1) / (select max(b) from t) > 3", "(a + 1)", "(select max(b) from t)"),
            ("select 2 ^ a / b ^ 2 * 3", "2 ^ a", "b ^ 2"),
            ("select a in (1.5 / f(b))", "1.5", "f(b)"),
            (
                "select percentile_cont(0.5) within group (order by a) / 2",
                "percentile_cont(0.5) within group (order by a)",
                "2",
            ),
            ("select case when a = -b / c then 1 end", "-b", "c"),
        ] {
            let tokens = tokenize(sql).expect("tokens");
            let view = TokenView { sql, tokens: &tokens };
            let slash = (0..view.len()).find(|&index| view.is_symbol(index, "/")).expect("a quotient");
            let start = start_before(view, slash).expect(sql);
            let end = end_behind(view, slash).expect(sql);
            assert_eq!(&sql[tokens[start].start..tokens[slash - 1].end], left, "{sql}");
            assert_eq!(&sql[tokens[slash + 1].start..tokens[end - 1].end], right, "{sql}");
        }
    }
}
