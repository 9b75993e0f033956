//! Function calls and typed values: what Redshift spells or computes otherwise than PostgreSQL.

use std::ops::Range;

use super::aggregates;
use super::rewrite::Rewrite;
use crate::dialect::Refusal;
use crate::dialect::lexer::TokenKind;
use crate::dialect::types::read_type;

/// Functions of the shims that Redshift calls without brackets.
const CALLED_WITHOUT_BRACKETS: &[&str] = &["sysdate", "current_user_id", "current_aws_account", "current_namespace"];

/// Rewrites every call, cast and special word in `range`, from the last to the first: what stands inside a call's brackets
/// is finished before the call takes its text.
pub(crate) fn rewrite_calls(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    for index in range.rev() {
        if rewrite.is_symbol(index, "::") {
            rewrite_type(rewrite, index + 1)?;
            continue;
        }
        if rewrite.tokens[index].kind != TokenKind::Word {
            continue;
        }
        if rewrite.is_symbol(index + 1, "(") {
            rewrite_call(rewrite, index)?;
        } else if CALLED_WITHOUT_BRACKETS.iter().any(|word| rewrite.is(index, word))
            && !is_part_of_a_name(rewrite, index)
        {
            let call = format!("redshift_local.{}()", rewrite.tokens[index].text);
            rewrite.replace(index, call);
        } else if rewrite.are(index, &["approximate", "count"])
            || rewrite.are(index, &["approximate", "percentile_disc"])
        {
            rewrite.remove(index..index + 1);
        }
    }
    Ok(())
}

/// Replaces the type that starts at `at` by PostgreSQL's spelling; returns the index behind it.
pub(crate) fn rewrite_type(rewrite: &mut Rewrite<'_>, at: usize) -> Result<usize, Refusal> {
    let name = read_type(rewrite.sql, &rewrite.tokens, at)?;
    rewrite.remove(at..name.end);
    rewrite.replace(at, name.postgres);
    Ok(name.end)
}

fn is_part_of_a_name(rewrite: &Rewrite<'_>, index: usize) -> bool {
    index > 0 && rewrite.is_symbol(index - 1, ".") || rewrite.is_symbol(index + 1, ".")
}

fn rewrite_call(rewrite: &mut Rewrite<'_>, index: usize) -> Result<(), Refusal> {
    let name = rewrite.tokens[index].text.clone();
    let open = index + 1;
    let close = rewrite.partner(open);
    let arguments = rewrite.split_at_commas(open + 1..close);
    let count_is = |rewrite: &Rewrite<'_>, expected: std::ops::RangeInclusive<usize>, form: &str| {
        if expected.contains(&arguments.len()) {
            Ok(())
        } else {
            Err(rewrite.refuse(index, name.to_uppercase(), format!("its form is {form}")))
        }
    };
    match name.as_str() {
        "cast" => {
            let mut at = open + 1;
            while at < close && !rewrite.is(at, "as") {
                at = rewrite.next_beside(at);
            }
            if at < close {
                rewrite_type(rewrite, at + 1)?;
            }
        }
        "nvl" | "isnull" => rewrite.replace(index, "coalesce"),
        "len" => rewrite.replace(index, "length"),
        "grouping_id" => rewrite.replace(index, "grouping"),
        "substring" | "substr" => {
            // Text and parameters have no type of their own: PostgreSQL would read them as a regular expression.
            for argument in arguments.iter().skip(1).filter(|argument| argument.len() == 1) {
                if matches!(rewrite.tokens[argument.start].kind, TokenKind::Text | TokenKind::Parameter) {
                    rewrite.after(argument.start, "::integer");
                }
            }
            // PostgreSQL's own SUBSTRING alone is written with words; the shims have one for values that are no text.
            let mut at = open + 1;
            while at < close {
                if rewrite.is(at, "from") || rewrite.is(at, "for") {
                    rewrite.replace(at, ",");
                }
                at = rewrite.next_beside(at);
            }
        }
        "collate" => {
            count_is(rewrite, 2..=2, "COLLATE(text, 'case_insensitive')")?;
            rewrite_collate(rewrite, index, close, &arguments)?;
        }
        "nvl2" => {
            count_is(rewrite, 3..=3, "NVL2(value, if not null, if null)")?;
            rewrite.replace(index, "(case when ");
            rewrite.replace(comma_before(&arguments, 1), ") is not null then (");
            rewrite.replace(comma_before(&arguments, 2), ") else (");
            rewrite.after(close, " end)");
        }
        "concat" => {
            count_is(rewrite, 2..=2, "CONCAT(a, b): two arguments; write a || b || c for more")?;
            rewrite.replace(index, "(");
            rewrite.replace(comma_before(&arguments, 1), ") || (");
            rewrite.after(close, ")");
        }
        "decode" => rewrite_decode(rewrite, index, close, &arguments)?,
        "listagg" => aggregates::rewrite_listagg(rewrite, index, &arguments)?,
        "percentile_cont" | "percentile_disc" => aggregates::rewrite_percentile(rewrite, index, &arguments)?,
        "median" => aggregates::rewrite_median(rewrite, index, &arguments)?,
        "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp" | "var_pop" => {
            aggregates::rewrite_deviation(rewrite, index);
        }
        "ratio_to_report" => aggregates::rewrite_ratio_to_report(rewrite, index)?,
        "first_value" | "last_value" | "lag" | "lead" | "nth_value" => {
            aggregates::rewrite_null_treatment(rewrite, index)?
        }
        "convert" => {
            count_is(rewrite, 2..=2, "CONVERT(type, value)")?;
            let value = rewrite.render(arguments[1].clone());
            let type_name = read_type(rewrite.sql, &rewrite.tokens, open + 1)?.postgres;
            rewrite.replace_range(index..close + 1, format!("({value})::{type_name}"));
        }
        "try_cast" => rewrite_try_cast(rewrite, index, close)?,
        "json_extract_path_text" => rewrite_json_path(rewrite, index, close, &arguments),
        "dateadd" | "date_add" => {
            count_is(rewrite, 3..=3, "DATEADD(part, count, value)")?;
            rewrite.replace(index, "redshift_local.date_add");
            rewrite_date_part(rewrite, &arguments[0])?;
        }
        "datediff" | "date_diff" => {
            count_is(rewrite, 3..=3, "DATEDIFF(part, from, to)")?;
            rewrite.replace(index, "redshift_local.date_diff");
            rewrite_date_part(rewrite, &arguments[0])?;
        }
        "date_part" => {
            count_is(rewrite, 2..=2, "DATE_PART(part, value)")?;
            rewrite.replace(index, "redshift_local.pgdate_part");
            rewrite_date_part(rewrite, &arguments[0])?;
        }
        "date_trunc" => {
            count_is(rewrite, 2..=2, "DATE_TRUNC('part', value)")?;
            rewrite_date_part(rewrite, &arguments[0])?;
        }
        "extract" => rewrite_extract(rewrite, index)?,
        _ => {}
    }
    Ok(())
}

/// The index of the comma in front of argument `position`.
fn comma_before(arguments: &[Range<usize>], position: usize) -> usize {
    arguments[position].start - 1
}

/// DECODE compares NULL as equal to NULL, which a plain CASE does not.
fn rewrite_decode(
    rewrite: &mut Rewrite<'_>,
    index: usize,
    close: usize,
    arguments: &[Range<usize>],
) -> Result<(), Refusal> {
    if arguments.len() < 3 {
        return Err(rewrite.refuse(index, "DECODE", "its form is DECODE(value, search, result, …, default)"));
    }
    let value = rewrite.render(arguments[0].clone());
    let has_default = arguments.len().is_multiple_of(2);
    let pairs = (arguments.len() - 1) / 2;
    let searches = || (0..pairs).map(|pair| &arguments[1 + 2 * pair]);
    // Literals are not NULL, so the value need not be repeated for each of them, and grow with each DECODE around it.
    let is_literal = |search: &Range<usize>| {
        search.len() == 1 && matches!(rewrite.tokens[search.start].kind, TokenKind::Text | TokenKind::Number)
    };
    let (case, when) = if searches().all(is_literal) {
        (format!("(case ({value})"), " when (".to_owned())
    } else {
        ("(case".to_owned(), format!(" when ({value}) is not distinct from ("))
    };
    rewrite.replace(index, case);
    rewrite.remove(index + 1..arguments[0].end);
    for (pair, search) in searches().enumerate() {
        rewrite.replace(search.start - 1, format!("{}{when}", if pair > 0 { ")" } else { "" }));
        rewrite.replace(comma_before(arguments, 2 + 2 * pair), ") then (");
    }
    if has_default {
        rewrite.replace(comma_before(arguments, arguments.len() - 1), ") else (");
    }
    rewrite.after(close, " end)");
    Ok(())
}

/// `TRY_CAST(value AS type)` is NULL where CAST fails.
fn rewrite_try_cast(rewrite: &mut Rewrite<'_>, index: usize, close: usize) -> Result<(), Refusal> {
    let mut at = index + 2;
    while at < close && !rewrite.is(at, "as") {
        at = rewrite.next_beside(at);
    }
    if at == close || at == index + 2 {
        return Err(rewrite.refuse(index, "TRY_CAST", "its form is TRY_CAST(value AS type)"));
    }
    let value = rewrite.render(index + 2..at);
    let type_name = read_type(rewrite.sql, &rewrite.tokens, at + 1)?.postgres;
    rewrite.replace_range(index..close + 1, format!("redshift_local.try_cast({value}, '{type_name}')::{type_name}"));
    Ok(())
}

/// The collation is a literal; CASE_SENSITIVE is what all text is.
fn rewrite_collate(
    rewrite: &mut Rewrite<'_>,
    index: usize,
    close: usize,
    arguments: &[Range<usize>],
) -> Result<(), Refusal> {
    let collation = match rewrite.tokens[arguments[1].start].text.to_lowercase().as_str() {
        "'case_sensitive'" => "\"default\"",
        "'case_insensitive'" => "redshift_local.case_insensitive",
        _ => {
            let reason = "its collation is 'case_sensitive' or 'case_insensitive'";
            return Err(rewrite.refuse(arguments[1].start, "COLLATE", reason));
        }
    };
    let value = rewrite.render(arguments[0].clone());
    rewrite.replace_range(index..close + 1, format!("(({value}) collate {collation})"));
    Ok(())
}

/// The last argument may say whether what is no JSON gives NULL; the shim takes it first.
fn rewrite_json_path(rewrite: &mut Rewrite<'_>, index: usize, close: usize, arguments: &[Range<usize>]) {
    let Some(flag) = arguments.last().filter(|last| arguments.len() > 2 && last.len() == 1).map(|last| last.start)
    else {
        return;
    };
    if rewrite.is(flag, "true") || rewrite.is(flag, "false") {
        rewrite.after(index + 1, &format!("{}, ", rewrite.tokens[flag].text.clone()));
        rewrite.remove(flag - 1..close);
        rewrite.replace(index, "redshift_local.json_extract_path_text_or_null");
    }
}

fn rewrite_date_part(rewrite: &mut Rewrite<'_>, argument: &Range<usize>) -> Result<(), Refusal> {
    let token = &rewrite.tokens[argument.start];
    let written = match token.kind {
        TokenKind::Word if argument.len() == 1 => token.text.clone(),
        TokenKind::Text if argument.len() == 1 => token.text.trim_matches('\'').to_lowercase(),
        _ => {
            return Err(rewrite.refuse(
                argument.start,
                "date part",
                "a date part is a plain word or literal, for example day",
            ));
        }
    };
    let part = date_part(&written).ok_or_else(|| {
        rewrite.refuse(argument.start, written.clone(), "it is no date part; write for example day, week, month")
    })?;
    rewrite.replace(argument.start, format!("'{part}'"));
    Ok(())
}

/// `EXTRACT(part FROM value)`; the shims know what type the part of each type has.
fn rewrite_extract(rewrite: &mut Rewrite<'_>, index: usize) -> Result<(), Refusal> {
    let (part, from) = (index + 2, index + 3);
    if !rewrite.is(from, "from") {
        return Err(rewrite.refuse(index, "EXTRACT", "its form is EXTRACT(part FROM value)"));
    }
    rewrite_date_part(rewrite, &(part..from))?;
    if rewrite.is(part, "epoch") {
        rewrite.replace(index, "redshift_local.epoch_of");
        rewrite.remove(part..from + 1);
    } else {
        rewrite.replace(index, "redshift_local.date_part");
        rewrite.replace(from, ",");
    }
    Ok(())
}

/// The name that PostgreSQL and the shims use for a Redshift date part.
fn date_part(written: &str) -> Option<&'static str> {
    Some(match written {
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        "century" | "centuries" | "c" | "cent" | "cents" => "century",
        "decade" | "decades" | "dec" | "decs" => "decade",
        "epoch" => "epoch",
        "timezone" => "timezone",
        "timezone_hour" => "timezone_hour",
        "timezone_minute" => "timezone_minute",
        "year" | "years" | "y" | "yr" | "yrs" => "year",
        "quarter" | "quarters" | "qtr" | "qtrs" => "quarter",
        "month" | "months" | "mon" | "mons" => "month",
        "week" | "weeks" | "w" => "week",
        "dayofweek" | "dow" | "dw" | "weekday" => "dow",
        "dayofyear" | "doy" | "dy" | "yearday" => "doy",
        "day" | "days" | "d" => "day",
        "hour" | "hours" | "h" | "hr" | "hrs" => "hour",
        "minute" | "minutes" | "m" | "min" | "mins" => "minute",
        "second" | "seconds" | "s" | "sec" | "secs" => "second",
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "millisec" | "millisecs" | "millisecon" => {
            "milliseconds"
        }
        "microsecond" | "microseconds" | "microsec" | "microsecs" | "us" | "usec" | "usecs" | "usecond"
        | "useconds" => "microseconds",
        _ => return None,
    })
}
