//! Words that Redshift reserves and PostgreSQL lets through as names.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

const RESERVED: &str = "\
    aes128 aes256 allowoverwrite az64 backup blanksasnull bytedict bzip2 connect credentials current_user_id deflate \
    defrag delta delta32k disable emptyasnull enable encode encrypt encryption explicit globaldict256 globaldict64k \
    gzip identity ignore language lun luns lzo lzop minus mostly16 mostly32 mostly8 new nulls off offline oid old \
    open parallel partition percent permissions pivot qualify raw readratio recover rejectlog resort respect restore \
    snapshot start sysdate system tag tdes text255 text32k timestamp top truncatecolumns unnest unpivot wallet \
    without";

const REASON: &str = "Redshift reserves this word; choose another name, or quote it";

fn is_reserved(view: TokenView<'_>, index: usize) -> bool {
    view.tokens.get(index).is_some_and(|token| {
        token.kind == TokenKind::Word && RESERVED.split_whitespace().any(|word| word == token.text)
    })
}

/// Words behind which a table's name stands.
const BEFORE_TABLES: &[&str] = &["from", "join", "into", "update", "table"];
/// Words behind which a column's name may stand.
const BEFORE_COLUMNS: &[&str] = &["select", "distinct", "by", "where", "and", "or", "on", "having", "set"];
/// What stands behind a column's name.
const BEHIND_COLUMNS: &[&str] = &[
    ",", ")", "=", "<", ">", "<>", "!=", "<=", ">=", "+", "-", "||", "::", "from", "is", "in", "not", "between",
    "like", "and", "or", "order", "group", "limit", "asc", "desc", "as", "",
];
/// Reserved words that stand for a value.
const VALUES: &[&str] = &["sysdate", "current_user_id", "nulls"];

/// Names given by AS or without, those of tables and columns that are read, and those of the columns of a new table.
pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        if is_reserved(view, index) && is_name_position(view, index) {
            return Err(view.refuse(index, view.text(index).to_uppercase(), REASON));
        }
        let names_something = view.is(index, "as")
            && is_reserved(view, index + 1)
            // `AS IDENTITY(1, 1)` and the type of a CAST are no names.
            && !view.is_symbol(index + 2, "(")
            && !is_cast(view, index);
        if names_something {
            return Err(view.refuse(index + 1, view.text(index + 1).to_uppercase(), REASON));
        }
    }
    let Some(table) = (0..view.len().min(5)).find(|&index| view.is(index, "table")) else { return Ok(()) };
    if !view.is(0, "create") {
        return Ok(());
    }
    let name = if view.are(table + 1, &["if", "not", "exists"]) { table + 4 } else { table + 1 };
    let open = view.name_end(name);
    if is_reserved(view, open - 1) && open == name + 1 {
        return Err(view.refuse(name, view.text(name).to_uppercase(), REASON));
    }
    if !view.is_symbol(open, "(") {
        return Ok(());
    }
    let close = view.partner(open);
    let mut index = open + 1;
    let mut starts_item = true;
    while index < close {
        if starts_item && is_reserved(view, index) {
            return Err(view.refuse(index, view.text(index).to_uppercase(), REASON));
        }
        starts_item = view.is_symbol(index, ",");
        index = view.next_beside(index);
    }
    Ok(())
}

/// Whether the reserved word at `index` stands where only a name can.
fn is_name_position(view: TokenView<'_>, index: usize) -> bool {
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
    if view.is_any(before, BEFORE_COLUMNS) {
        return BEHIND_COLUMNS.contains(&behind);
    }
    is_bare_alias(view, index) || is_insert_column(view, index)
}

/// `select a tag, …`: a name behind a value, between SELECT and FROM.
fn is_bare_alias(view: TokenView<'_>, index: usize) -> bool {
    let before = &view.tokens[index - 1];
    let is_value = match before.kind {
        TokenKind::Word => !is_reserved(view, index - 1) && view.text(index - 1) != "all",
        TokenKind::QuotedName | TokenKind::Text | TokenKind::Number => true,
        _ => before.is_symbol(")"),
    };
    if !is_value || !(view.is_symbol(index + 1, ",") || view.is(index + 1, "from")) {
        return false;
    }
    let mut at = index;
    while at > 0 {
        at -= 1;
        match view.tokens[at].partner {
            Some(partner) if partner > at => return false,
            Some(partner) => at = partner,
            None if view.is_any(at, &["from", "where", "by", "encode", "set", "values", "copy", "unload"]) => {
                return false;
            }
            None if view.is(at, "select") => return true,
            None => {}
        }
    }
    false
}

/// `insert into t (a, tag)`
fn is_insert_column(view: TokenView<'_>, index: usize) -> bool {
    let is_item = (view.is_symbol(index - 1, "(") || view.is_symbol(index - 1, ","))
        && (view.is_symbol(index + 1, ")") || view.is_symbol(index + 1, ","));
    let Some(open) = view.enclosing(index).filter(|_| is_item) else { return false };
    open > 0 && view.is_name(open - 1) && {
        let name = view.name_start(open - 1);
        name > 0 && view.is(name - 1, "into")
    }
}

/// Whether the AS at `index` belongs to `CAST(value AS type)`.
fn is_cast(view: TokenView<'_>, index: usize) -> bool {
    view.enclosing(index).is_some_and(|open| open > 0 && view.is_any(open - 1, &["cast", "try_cast"]))
}
