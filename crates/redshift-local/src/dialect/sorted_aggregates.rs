//! LISTAGG, PERCENTILE_CONT and MEDIAN sort the rows of their SELECT, which Redshift does once: all of one SELECT must order by
//! the same values.

use std::collections::HashMap;
use std::ops::Range;

use super::Refusal;
use super::token_view::TokenView;

/// Functions of Redshift that take rows in an order in PostgreSQL only.
const NEVER_ORDERED: &[&str] = &["rank", "dense_rank", "percent_rank", "cume_dist"];

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for within in 1..view.len() {
        if !view.are(within, &["within", "group", "("]) || !view.is_symbol(within - 1, ")") {
            continue;
        }
        let Some(call) = view.partner(within - 1).checked_sub(1).filter(|&call| view.is_any(call, NEVER_ORDERED))
        else {
            continue;
        };
        let construct = format!("{}() WITHIN GROUP", view.text(call).to_uppercase());
        let reason = "Redshift has it for LISTAGG, PERCENTILE_CONT and PERCENTILE_DISC; write a window function";
        return Err(view.refuse(within, construct, reason));
    }
    let mut orders: HashMap<usize, Vec<&str>> = HashMap::new();
    // The SELECT that is open in each bracket.
    let mut selects: Vec<Option<usize>> = vec![None];
    for call in 0..view.len() {
        match view.tokens[call].partner {
            Some(partner) if partner > call => selects.push(selects.last().copied().flatten()),
            Some(_) => drop(selects.pop()),
            None => {}
        }
        if let (true, Some(last)) = (view.is(call, "select"), selects.last_mut()) {
            *last = Some(call);
        }
        if !view.is_any(call, &["listagg", "percentile_cont", "median"]) || !view.is_symbol(call + 1, "(") {
            continue;
        }
        let (Some(select), Some(order)) = (selects.last().copied().flatten(), order_of(view, call)) else { continue };
        let order: Vec<&str> = view.tokens[order].iter().map(|token| token.text.as_str()).collect();
        if *orders.entry(select).or_insert_with(|| order.clone()) != order {
            let reason = "within group ORDER BY clauses for aggregate functions must be the same; LISTAGG, PERCENTILE_CONT \
                          and MEDIAN of one SELECT order by the same values (MEDIAN by its own), so put one into a subquery";
            return Err(view.refuse(call, format!("{} by another order", view.text(call).to_uppercase()), reason));
        }
    }
    Ok(())
}

/// What an aggregate orders by; a window function, or LISTAGG without an order, is none of these.
fn order_of(view: TokenView<'_>, call: usize) -> Option<Range<usize>> {
    let close = view.partner(call + 1);
    let group = close + 1;
    let (order, end) = if view.are(group, &["within", "group", "(", "order", "by"]) {
        let close = view.partner(group + 2);
        // ASC is what stands there anyway.
        (group + 5..close - usize::from(view.is(close - 1, "asc")), close)
    } else if view.is(call, "median") {
        (call + 2..close, close)
    } else {
        return None;
    };
    (!view.is(end + 1, "over") && !order.is_empty()).then_some(order)
}
