//! Words that Redshift reserves and PostgreSQL lets through as names. The same words have places of their own in the grammar
//! (`ENCODE raw`, `NULLS LAST`, `TOP 5`), so a rule is about a word in a place where only a name can stand.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Refusal;
use super::lexer::{Token, TokenKind};
use super::named_objects::named_objects;
use super::token_view::TokenView;

static RESERVED: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "aes128 aes256 allowoverwrite az64 backup blanksasnull bytedict bzip2 connect credentials current_user_id deflate
    defrag delta delta32k disable emptyasnull enable encode encrypt encryption explicit globaldict256 globaldict64k
    gzip identity ignore language lun luns lzo lzop minus mostly16 mostly32 mostly8 new nulls off offline oid old
    open parallel partition percent permissions pivot qualify raw readratio recover rejectlog resort respect restore
    snapshot start sysdate system tag tdes text255 text32k timestamp top truncatecolumns unnest unpivot wallet
    without"
        .split_whitespace()
        .collect()
});

pub(super) const REASON: &str = "Redshift reserves this word; choose another name, or quote it";

pub(super) fn is_reserved(token: &Token) -> bool {
    token.kind == TokenKind::Word && RESERVED.contains(token.text.as_str())
}

/// Words behind which a table's name stands.
const BEFORE_TABLES: &[&str] = &["from", "join", "into", "update", "table"];
/// Words behind which a column's name may stand.
const BEFORE_COLUMNS: &[&str] = &["select", "distinct", "by", "where", "and", "or", "on", "having", "set"];
/// Operators behind which a value stands.
const OPERATORS: &[&str] = &["=", "<", ">", "<>", "!=", "<=", ">=", "+", "-", "/", "||"];
/// What stands behind a column's name.
const BEHIND_COLUMNS: &[&str] = &[
    ",", ")", "=", "<", ">", "<>", "!=", "<=", ">=", "+", "-", "||", "::", "from", "is", "in", "not", "between",
    "like", "and", "or", "order", "group", "limit", "asc", "desc", "as", "",
];
/// What stands behind the alias of a column, and of a table.
const BEHIND_ALIASES: &[&str] = &[
    ",", ")", "from", "into", "where", "on", "join", "inner", "left", "right", "full", "cross", "natural", "group",
    "having", "order", "limit", "union", "set", "",
];
/// Reserved words that stand for a value.
const VALUES: &[&str] = &["sysdate", "current_user_id", "nulls"];
/// Reserved words that start a clause behind a table.
const CLAUSES_BEHIND_TABLES: &[&str] = &["minus", "qualify", "pivot", "unpivot", "partition"];
/// Words that say what the names behind them are.
const CLAUSES: &[&str] = &[
    "select", "from", "join", "using", "update", "into", "where", "by", "encode", "set", "values", "copy", "unload",
    "on", "having", "limit", "qualify",
];

/// Names given by AS or without, those of tables and columns that are read, and those of what is made or changed.
pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    // `SET name TO off`, `STATUPDATE OFF`: what stands behind the names is no name.
    if view.is_any(0, &["set", "copy", "unload"]) {
        return check_names(view);
    }
    // The clause that is open in each bracket around a token.
    let mut clauses = vec![""];
    for index in 0..view.len() {
        let token = &view.tokens[index];
        match token.partner {
            Some(partner) if partner > index => clauses.push(""),
            Some(_) => drop(clauses.pop()),
            None => {}
        }
        let clause = clauses.last().copied().unwrap_or_default();
        if is_reserved(token) && (is_name_position(view, index, clause) || is_given_by_as(view, index)) {
            return Err(refusal(view, index));
        }
        let opens = CLAUSES.iter().find(|word| token.is(word));
        if let (Some(word), Some(last)) = (opens, clauses.last_mut()) {
            *last = word;
        }
    }
    check_names(view)
}

fn check_names(view: TokenView<'_>) -> Result<(), Refusal> {
    match named_objects(view).into_iter().find(|&index| view.tokens.get(index).is_some_and(is_reserved)) {
        Some(index) => Err(refusal(view, index)),
        None => Ok(()),
    }
}

fn refusal(view: TokenView<'_>, index: usize) -> Refusal {
    view.refuse(index, view.text(index).to_uppercase(), REASON)
}

/// Whether the reserved word at `index` is a name because of AS; `AS IDENTITY(1, 1)` and the type of a CAST are none.
fn is_given_by_as(view: TokenView<'_>, index: usize) -> bool {
    let Some(before) = index.checked_sub(1).filter(|&before| view.is(before, "as")) else { return false };
    let is_generated = before > 0 && view.is_any(before - 1, &["default", "always"]);
    !view.is_symbol(index + 1, "(") && !is_generated && !is_cast(view, before)
}

/// Whether the AS at `index` belongs to `CAST(value AS type)`.
fn is_cast(view: TokenView<'_>, index: usize) -> bool {
    view.enclosing(index).is_some_and(|open| open > 0 && view.is_any(open - 1, &["cast", "try_cast"]))
}

/// Whether the reserved word at `index` stands where only a name can.
fn is_name_position(view: TokenView<'_>, index: usize, clause: &str) -> bool {
    let is_qualified = index > 0 && view.is_symbol(index - 1, ".");
    if is_qualified || view.is_any(index, VALUES) {
        return false;
    }
    // `raw.bookings`
    if view.is_symbol(index + 1, ".") && view.is_name(index + 2) {
        return true;
    }
    let Some(before) = index.checked_sub(1) else { return false };
    let follows_typed_literal = view.tokens.get(index + 1).is_some_and(|token| token.kind == TokenKind::Text);
    if view.is_any(before, BEFORE_TABLES) {
        return !follows_typed_literal && !view.is_symbol(index + 1, "(");
    }
    // `with snapshot as (`
    let is_common_table = view.is_any(before, &["with", "recursive"]) || view.is_symbol(before, ",");
    if is_common_table && view.are(index + 1, &["as", "("]) {
        return true;
    }
    let behind = view.tokens.get(index + 1).map_or("", |token| token.text.as_str());
    let is_in_list = view.is_symbol(before, ",") && matches!(clause, "select" | "by" | "set" | "from");
    if view.is_any(before, BEFORE_COLUMNS) || is_in_list {
        return BEHIND_COLUMNS.contains(&behind) || is_in_list && BEHIND_ALIASES.contains(&behind);
    }
    // `SET name = off` of a procedure.
    if OPERATORS.contains(&view.text(before)) && !view.is(index, "off") {
        return BEHIND_COLUMNS.contains(&behind);
    }
    is_bare_alias(view, index, clause) || is_bracketed(view, index)
}

/// `select a tag, …`, `from s.t snapshot`: a name behind a value or a table.
fn is_bare_alias(view: TokenView<'_>, index: usize, clause: &str) -> bool {
    let before = &view.tokens[index - 1];
    let is_named = match before.kind {
        TokenKind::Word => !is_reserved(before) && before.text != "all",
        TokenKind::QuotedName | TokenKind::TempName => true,
        TokenKind::Text | TokenKind::Number => clause == "select",
        _ => before.is_symbol(")"),
    };
    let behind = view.tokens.get(index + 1).map_or("", |token| token.text.as_str());
    is_named
        && BEHIND_ALIASES.contains(&behind)
        && match clause {
            "select" => !view.is(index, "minus"),
            "from" | "join" | "update" | "into" | "using" => !view.is_any(index, CLAUSES_BEHIND_TABLES),
            _ => false,
        }
}

/// `insert into t (a, tag)`, `max(tag)`, `with x (tag) as`: alone between brackets and commas. `timestamp` may be a type.
fn is_bracketed(view: TokenView<'_>, index: usize) -> bool {
    (view.is_symbol(index - 1, "(") || view.is_symbol(index - 1, ",") && view.enclosing(index).is_some())
        && (view.is_symbol(index + 1, ")") || view.is_symbol(index + 1, ","))
        && (!view.is(index, "timestamp") || is_insert_column(view, index))
}

fn is_insert_column(view: TokenView<'_>, index: usize) -> bool {
    let Some(open) = view.enclosing(index) else { return false };
    open > 0 && view.is_name(open - 1) && {
        let name = view.name_start(open - 1);
        name > 0 && view.is(name - 1, "into")
    }
}
