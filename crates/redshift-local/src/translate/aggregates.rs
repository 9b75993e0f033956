//! Aggregates and window functions: LISTAGG, percentiles, RATIO_TO_REPORT, and IGNORE NULLS. PostgreSQL has no ordered-set
//! aggregate with OVER: there a function of the shims takes all values of the window.

use std::ops::Range;

use super::rewrite::Rewrite;
use crate::dialect::Refusal;

/// What may stand behind the brackets of a call: `f(…) WITHIN GROUP (ORDER BY …) IGNORE NULLS OVER (…)`.
struct Tail {
    /// What stands behind ORDER BY in WITHIN GROUP.
    order: Option<Range<usize>>,
    /// IGNORE or RESPECT.
    nulls: Option<usize>,
    /// The bracket behind OVER.
    window: Option<usize>,
    /// The index behind all of it.
    end: usize,
}

impl Tail {
    fn of(rewrite: &Rewrite<'_>, call: usize) -> Result<Self, Refusal> {
        let mut at = rewrite.partner(call + 1) + 1;
        let mut tail = Self { order: None, nulls: None, window: None, end: at };
        if rewrite.are(at, &["within", "group"]) && rewrite.is_symbol(at + 2, "(") {
            let close = rewrite.partner(at + 2);
            if !rewrite.are(at + 3, &["order", "by"]) || close <= at + 5 {
                let name = rewrite.tokens[call].text.to_uppercase();
                return Err(rewrite.refuse(at + 3, name, "WITHIN GROUP holds ORDER BY and what to order by"));
            }
            tail.order = Some(at + 5..close);
            at = close + 1;
        }
        if (rewrite.is(at, "ignore") || rewrite.is(at, "respect")) && rewrite.is(at + 1, "nulls") {
            tail.nulls = Some(at);
            at += 2;
        }
        if rewrite.is(at, "over") && rewrite.is_symbol(at + 1, "(") {
            tail.window = Some(at + 1);
            at = rewrite.partner(at + 1) + 1;
        }
        tail.end = at;
        Ok(tail)
    }
}

/// The one expression to order by, without its direction, and whether the direction is DESC.
fn only_key(rewrite: &Rewrite<'_>, call: usize, order: Range<usize>) -> Result<(String, bool), Refusal> {
    if rewrite.split_at_commas(order.clone()).len() != 1 || rewrite.is(order.end - 2, "nulls") {
        let construct = format!("{} OVER", rewrite.tokens[call].text.to_uppercase());
        let reason = "with OVER the stand-in orders by one expression, ascending or DESC; aggregate in a subquery";
        return Err(rewrite.not_offered(order.start, construct, reason));
    }
    let is_descending = rewrite.is(order.end - 1, "desc");
    let end = if is_descending || rewrite.is(order.end - 1, "asc") { order.end - 1 } else { order.end };
    Ok((rewrite.render(order.start..end), is_descending))
}

pub(super) fn rewrite_listagg(
    rewrite: &mut Rewrite<'_>,
    call: usize,
    arguments: &[Range<usize>],
) -> Result<(), Refusal> {
    let form = "its form is LISTAGG(value, 'delimiter') WITHIN GROUP (ORDER BY …)";
    let (value, delimiter) = match arguments {
        [value] => (value.clone(), "''".to_owned()),
        [value, delimiter] => (value.clone(), rewrite.render(delimiter.clone())),
        _ => return Err(rewrite.refuse(call, "LISTAGG", form)),
    };
    let is_distinct = rewrite.is(value.start, "distinct");
    let value = value.start + usize::from(is_distinct)..value.end;
    if value.is_empty() {
        return Err(rewrite.refuse(call, "LISTAGG", form));
    }
    let text = rewrite.render(value.clone());
    let tail = Tail::of(rewrite, call)?;
    if let Some(window) = tail.window {
        if is_distinct {
            let reason = "the stand-in has it without DISTINCT only; aggregate in a subquery";
            return Err(rewrite.not_offered(call, "LISTAGG(DISTINCT …) OVER", reason));
        }
        let (key, is_descending) =
            tail.order.map_or_else(|| Ok(("null::int".to_owned(), false)), |order| only_key(rewrite, call, order))?;
        let window = rewrite.render(window..tail.end);
        let aggregate = format!(
            "redshift_local.listagg_result(redshift_local.listagg_of(array_agg(({text})::text) over {window}, \
             array_agg(to_jsonb({key})) over {window}, {delimiter}, {is_descending}))"
        );
        rewrite.replace_range(call..tail.end, aggregate);
        return Ok(());
    }
    let mut order_by = String::new();
    if let Some(order) = tail.order {
        let rendered = rewrite.render(order.clone());
        order_by = format!(" order by {rendered}");
        if is_distinct {
            // PostgreSQL wants the very expression that it makes distinct.
            let (key, is_descending) = only_key(rewrite, call, order.clone())?;
            if key != text {
                let reason = "the stand-in orders distinct values only by themselves; aggregate a subquery instead";
                return Err(rewrite.not_offered(order.start, "LISTAGG(DISTINCT …)", reason));
            }
            order_by = format!(" order by ({text})::text{}", if is_descending { " desc" } else { "" });
        }
    }
    let distinct = if is_distinct { "distinct " } else { "" };
    rewrite.replace_range(
        call..tail.end,
        format!("redshift_local.listagg_result(string_agg({distinct}({text})::text, {delimiter}{order_by}))"),
    );
    Ok(())
}

/// STDDEV and VARIANCE are DOUBLE PRECISION, whatever they are of.
pub(super) fn rewrite_deviation(rewrite: &mut Rewrite<'_>, call: usize) {
    let close = rewrite.partner(call + 1);
    let first = call + 2 + usize::from(rewrite.is(call + 2, "distinct") || rewrite.is(call + 2, "all"));
    if first < close {
        rewrite.before(first, "(");
        rewrite.after(close - 1, ")::float8");
    }
}

/// PERCENTILE_CONT takes all values of the group or window, as its type is theirs; PERCENTILE_DISC without OVER is
/// PostgreSQL's.
pub(super) fn rewrite_percentile(
    rewrite: &mut Rewrite<'_>,
    call: usize,
    arguments: &[Range<usize>],
) -> Result<(), Refusal> {
    let tail = Tail::of(rewrite, call)?;
    let name = rewrite.tokens[call].text.clone();
    let ([fraction], Some(order)) = (arguments, tail.order) else {
        let form = format!("its form is {}(fraction) WITHIN GROUP (ORDER BY value)", name.to_uppercase());
        return Err(rewrite.refuse(call, name.to_uppercase(), form));
    };
    let is_continuous = name == "percentile_cont";
    if tail.window.is_none() && !is_continuous {
        return Ok(());
    }
    let over = tail.window.map_or_else(String::new, |open| format!(" over {}", rewrite.render(open..tail.end)));
    let fraction = rewrite.render(fraction.clone());
    let (value, is_descending) = only_key(rewrite, call, order.clone())?;
    let percentile = if is_continuous {
        let fraction = if is_descending { format!("1 - ({fraction})") } else { fraction };
        format!("redshift_local.percentile_cont(array_agg({value}){over}, ({fraction})::numeric)")
    } else {
        format!("redshift_local.percentile_disc_of(array_agg({value}){over}, {fraction}, {is_descending})")
    };
    rewrite.replace_range(call..tail.end, percentile);
    Ok(())
}

/// The two values in the middle, which are one and the same where the count is odd.
const MIDDLE: &str = "pg_catalog.percentile_disc(array[0.5, 0.500000000001])";

/// MEDIAN of a group sorts the values, which PostgreSQL does faster than an aggregate that gathers them.
pub(super) fn rewrite_median(
    rewrite: &mut Rewrite<'_>,
    call: usize,
    arguments: &[Range<usize>],
) -> Result<(), Refusal> {
    let tail = Tail::of(rewrite, call)?;
    let [value] = arguments else { return Ok(()) };
    if tail.order.is_some() || tail.nulls.is_some() {
        return Err(rewrite.refuse(call, "MEDIAN", "its form is MEDIAN(value), with OVER or without"));
    }
    if tail.window.is_none() && !rewrite.is(value.start, "distinct") {
        let start = value.start + usize::from(rewrite.is(value.start, "all"));
        let value = rewrite.render(start..value.end);
        rewrite
            .replace_range(call..tail.end, format!("redshift_local.median({MIDDLE} within group (order by {value}))"));
    }
    Ok(())
}

/// `RATIO_TO_REPORT(x) OVER w`: x as a part of the sum of all x in the window.
pub(super) fn rewrite_ratio_to_report(rewrite: &mut Rewrite<'_>, call: usize) -> Result<(), Refusal> {
    let tail = Tail::of(rewrite, call)?;
    let Some(window) = tail.window else {
        return Err(rewrite.refuse(call, "RATIO_TO_REPORT", "it is a window function; OVER (…) is missing"));
    };
    let value = rewrite.render(call + 2..rewrite.partner(call + 1));
    let window = rewrite.render(window..tail.end);
    let ratio = format!("(({value})::float8 / nullif(sum(({value})::float8) over {window}, 0))");
    rewrite.replace_range(call..tail.end, ratio);
    Ok(())
}

/// `NTH_VALUE(x, n) IGNORE NULLS OVER w`, where `nulls` is outside the brackets.
fn rewrite_nth_present(rewrite: &mut Rewrite<'_>, call: usize, nulls: usize) -> Result<(), Refusal> {
    let close = rewrite.partner(call + 1);
    let tail = Tail::of(rewrite, call)?;
    let arguments = rewrite.split_at_commas(call + 2..close.min(nulls));
    let ([value, number], Some(window)) = (arguments.as_slice(), tail.window) else {
        return Err(rewrite.refuse(call, "NTH_VALUE", "its form is NTH_VALUE(value, n) IGNORE NULLS OVER (…)"));
    };
    let (value, number) = (rewrite.render(value.clone()), rewrite.render(number.clone()));
    let window = rewrite.render(window..tail.end);
    rewrite.replace_range(call..tail.end, format!("(array_remove(array_agg({value}) over {window}, null))[{number}]"));
    Ok(())
}

/// `LAG(x, n) IGNORE NULLS OVER w`: the n-th value that is not NULL among the rows in front of this one; LEAD looks behind it.
fn rewrite_neighbour_present(rewrite: &mut Rewrite<'_>, call: usize, nulls: usize) -> Result<(), Refusal> {
    let is_lag = rewrite.is(call, "lag");
    let close = rewrite.partner(call + 1);
    let tail = Tail::of(rewrite, call)?;
    let arguments = rewrite.split_at_commas(call + 2..close.min(nulls));
    let (Some(value), Some(window), 1..=2) = (arguments.first(), tail.window, arguments.len()) else {
        let name = rewrite.tokens[call].text.to_uppercase();
        let form = format!("its form is {name}(value, offset) IGNORE NULLS OVER (…)");
        return Err(rewrite.refuse(call, name, form));
    };
    let value = rewrite.render(value.clone());
    let (rows, nearest) = if is_lag {
        ("unbounded preceding and 1 preceding", "last_value_present")
    } else {
        ("1 following and unbounded following", "first_value_present")
    };
    let window = format!("{} rows between {rows})", rewrite.render(window..tail.end - 1));
    let neighbour = match arguments.get(1).map(|offset| rewrite.render(offset.clone())) {
        None => format!("redshift_local.{nearest}({value}) over {window}"),
        Some(offset) => {
            let values = format!("array_agg({value}) over {window}");
            let found = if is_lag {
                format!("redshift_local.present_from_end({values}, ({offset})::integer)")
            } else {
                format!("(array_remove({values}, null))[({offset})::integer]")
            };
            format!("(case when ({offset}) = 0 then ({value}) else {found} end)")
        }
    };
    rewrite.replace_range(call..tail.end, neighbour);
    Ok(())
}

/// RESPECT NULLS is what PostgreSQL does; IGNORE NULLS is an aggregate of the shims.
pub(super) fn rewrite_null_treatment(rewrite: &mut Rewrite<'_>, call: usize) -> Result<(), Refusal> {
    // Redshift also takes it inside the brackets: FIRST_VALUE(x IGNORE NULLS).
    let close = rewrite.partner(call + 1);
    let inside = close.checked_sub(2).filter(|&at| at > call + 1 && rewrite.is(at + 1, "nulls"));
    let Some(nulls) = Tail::of(rewrite, call)?.nulls.or(inside) else { return Ok(()) };
    if rewrite.is(nulls, "ignore") {
        let name = rewrite.tokens[call].text.clone();
        if name == "lag" || name == "lead" {
            return rewrite_neighbour_present(rewrite, call, nulls);
        }
        if name == "nth_value" {
            return rewrite_nth_present(rewrite, call, nulls);
        }
        rewrite.replace(call, format!("redshift_local.{name}_present"));
    }
    rewrite.remove(nulls..nulls + 2);
    Ok(())
}
