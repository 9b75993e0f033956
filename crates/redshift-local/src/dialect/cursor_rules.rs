//! DECLARE, FETCH and CLOSE as statements of a client: Redshift's cursors go forward only, and end with the transaction.

use super::Refusal;
use super::token_view::TokenView;

const DECLARE_FORM: &str = "its form is DECLARE name CURSOR FOR SELECT …";
const FETCH_FORM: &str = "its form is FETCH [NEXT | ALL | FORWARD [count | ALL]] FROM cursor";

/// Checks the statement that starts at `start` if it concerns a cursor.
pub(super) fn check(view: TokenView<'_>, start: usize) -> Result<(), Refusal> {
    match view.text(start) {
        "declare" if !(view.is_name(start + 1) && view.are(start + 2, &["cursor", "for"])) => {
            Err(view.refuse(start, "DECLARE", DECLARE_FORM))
        }
        "declare" if !view.is_any(start + 4, &["select", "with"]) => {
            Err(view.refuse(start + 4, "DECLARE", format!("a cursor runs over a query; {DECLARE_FORM}")))
        }
        "fetch" => check_fetch(view, start),
        "close" if view.is(start + 1, "all") => {
            Err(view.refuse(start + 1, "CLOSE ALL", "Redshift has one cursor open at a time; name it"))
        }
        _ => Ok(()),
    }
}

fn check_fetch(view: TokenView<'_>, fetch: usize) -> Result<(), Refusal> {
    let mut index = fetch + 1;
    if view.is_any(index, &["next", "all"]) {
        index += 1;
    } else if view.is(index, "forward") {
        index += 1;
        if !view.is(index, "from") {
            index += 1;
        }
    }
    if view.is(index, "from") && view.is_name(index + 1) && index + 2 == view.len() {
        return Ok(());
    }
    Err(view.refuse(index, "FETCH", FETCH_FORM))
}
