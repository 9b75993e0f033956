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

/// Names given by AS, and those of the columns of a new table.
pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
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

/// Whether the AS at `index` belongs to `CAST(value AS type)`.
fn is_cast(view: TokenView<'_>, index: usize) -> bool {
    view.enclosing(index).is_some_and(|open| open > 0 && view.is_any(open - 1, &["cast", "try_cast"]))
}
