//! Window functions: Redshift wants a frame in ROWS where PostgreSQL has a default, and has no other kind of frame.

use super::Refusal;
use super::token_view::TokenView;

/// Functions whose window has no frame; all others are aggregates or pick a row of the frame.
const WITHOUT_FRAME: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "lag",
    "lead",
    "listagg",
    "median",
    "ntile",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "rank",
    "ratio_to_report",
    "row_number",
];

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 1..view.len() {
        // `) OVER …`, or `IGNORE NULLS OVER …`.
        let follows_call = view.is_symbol(index - 1, ")") || view.is(index - 1, "nulls");
        if view.is(index, "over") && follows_call {
            check_window(view, index)?;
        }
        if view.is(index, "window") && view.is_name(index + 1) && view.are(index + 2, &["as", "("]) {
            return Err(view.refuse(index, "WINDOW", "Redshift names no windows; repeat the window behind each OVER"));
        }
    }
    Ok(())
}

fn check_window(view: TokenView<'_>, over: usize) -> Result<(), Refusal> {
    let open = over + 1;
    if !view.is_symbol(open, "(") {
        return Err(view.refuse(open, "OVER name", "Redshift names no windows; repeat the window behind each OVER"));
    }
    let close = view.partner(open);
    let beside = |words: &[&str]| view.find_beside(open + 1..close, words);
    for unit in ["range", "groups"] {
        let frame = beside(&[unit]).filter(|&index| {
            view.is_any(index + 1, &["between", "unbounded", "current"]) || {
                // `RANGE 1 PRECEDING`
                view.is_any(index + 2, &["preceding", "following"]) || view.is(index + 1, "interval")
            }
        });
        if let Some(index) = frame {
            return Err(view.refuse(index, unit.to_uppercase(), "Redshift's frames are in ROWS"));
        }
    }
    if let Some(index) = beside(&["exclude"]) {
        return Err(view.refuse(index, "EXCLUDE", "Redshift's frames exclude nothing"));
    }
    // `OVER (w ROWS …)`
    let is_named = view.is_name(open + 1) && !view.is_any(open + 1, &["partition", "order", "rows"]);
    if is_named {
        return Err(view.refuse(
            open + 1,
            "OVER name",
            "Redshift names no windows; repeat the window behind each OVER",
        ));
    }
    let Some(call) = call_before(view, over) else { return Ok(()) };
    let name = view.text(call).to_owned();
    if view.is(call + 2, "distinct") && name != "listagg" {
        let construct = format!("{}(DISTINCT …) OVER", name.to_uppercase());
        return Err(view.refuse(call, construct, "Redshift's window functions see all rows; count in a subquery"));
    }
    let frame = beside(&["rows"]);
    let has_order = beside(&["order"]).is_some();
    match frame {
        Some(index) if WITHOUT_FRAME.contains(&name.as_str()) => {
            Err(view.refuse(index, "ROWS", format!("the window of {} has no frame", name.to_uppercase())))
        }
        None if has_order && !WITHOUT_FRAME.contains(&name.as_str()) => {
            let reason = "Redshift wants a frame with ORDER BY; write for example \
                          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
            Err(view.refuse(over, format!("{} OVER (… ORDER BY …)", name.to_uppercase()), reason))
        }
        _ => Ok(()),
    }
}

/// The name of the function whose window stands behind `over`: `f(…) [WITHIN GROUP (…)] [IGNORE NULLS] OVER`.
fn call_before(view: TokenView<'_>, over: usize) -> Option<usize> {
    let mut close = over - 1;
    if view.is(close, "nulls") {
        close = close.checked_sub(2)?;
    }
    let mut open = view.partner(close);
    if open >= 3 && view.is(open - 1, "group") && view.is(open - 2, "within") {
        open = view.partner(open - 3);
    }
    open.checked_sub(1).filter(|&name| view.is_name(name))
}
