//! Stored procedures: the PL/pgSQL of Redshift inside `$$`. The body gets the same translation as any statement, and
//! what Redshift's PL/pgSQL lacks or does otherwise is refused.

use std::ops::Range;

use crate::dialect::Refusal;
use crate::dialect::lexer::{TokenKind, body_text};
use crate::dialect::statement_kind::StatementKind;
use crate::translate::{Rewrite, qualify_new_name, rewrite_definition, rewrite_sql, rewrite_type};

/// Words behind which a statement of a body starts.
const STATEMENT_OPENERS: &[&str] = &["begin", "then", "else", "loop"];

/// Rewrites `CREATE [OR REPLACE] PROCEDURE …`.
pub(crate) fn rewrite_create_procedure(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let all = rewrite.all();
    let Some(procedure) = all.clone().find(|&index| rewrite.is(index, "procedure")) else { return Ok(()) };
    let open = qualify_new_name(rewrite, procedure + 1, false)?;
    if !rewrite.is_symbol(open, "(") {
        return Err(rewrite.refuse(open, "CREATE PROCEDURE", "its parameters in brackets are expected here"));
    }
    let close = rewrite.partner(open);
    for parameter in rewrite.split_at_commas(open + 1..close) {
        rewrite_parameter(rewrite, parameter)?;
    }
    let mut has_body = false;
    for index in close + 1..all.end {
        if rewrite.is(index, "nonatomic") {
            let reason = "the stand-in runs procedures in their caller's transaction only; leave it out";
            return Err(rewrite.not_offered(index, "NONATOMIC", reason));
        }
        if rewrite.tokens[index].kind == TokenKind::Body {
            let token = rewrite.tokens[index].clone();
            let (body, offset) = body_text(rewrite.sql, &token);
            let translated = translate_body(body).map_err(|refusal| refusal.within(rewrite.sql, offset))?;
            let mark = rewrite.sql[token.start..offset].to_owned();
            rewrite.replace(index, format!("{mark}{translated}{mark}"));
            has_body = true;
        }
    }
    if has_body { Ok(()) } else { Err(rewrite.refuse(procedure, "CREATE PROCEDURE", "it has no body between $$")) }
}

/// `[name] [IN | INOUT] type`, where the mode may also precede the name.
fn rewrite_parameter(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let is_mode =
        |rewrite: &Rewrite<'_>, index: usize| ["in", "inout", "out"].iter().any(|mode| rewrite.is(index, mode));
    let mut index = range.start;
    if is_mode(rewrite, index) {
        index += 1;
    }
    // What is left is `name type`, `name mode type` or `type`; a type of two words starts like a name.
    if range.end - index > 1
        && !rewrite.is_symbol(index + 1, "(")
        && !rewrite.is(index + 1, "precision")
        && !rewrite.is(index + 1, "varying")
    {
        index += 1;
    }
    let has_mode = is_mode(rewrite, index);
    if has_mode {
        // PostgreSQL wants the mode in front.
        let mode = rewrite.tokens[index].text.clone();
        rewrite.remove(index..index + 1);
        rewrite.before(range.start, &format!("{mode} "));
        index += 1;
    }
    if (range.start..index).any(|at| rewrite.is(at, "out")) {
        return Err(rewrite.not_offered(
            range.start,
            "OUT parameter",
            "the stand-in offers INOUT only, for which CALL passes a value in both",
        ));
    }
    let end = rewrite_type(rewrite, index)?;
    if end < range.end {
        let construct = rewrite.tokens[end].text.to_uppercase();
        return Err(rewrite.refuse(end, construct, "Redshift's procedures have no parameter defaults"));
    }
    Ok(())
}

/// Translates the text between `$$`.
fn translate_body(body: &str) -> Result<String, Refusal> {
    let mut rewrite = Rewrite::new(body)?;
    crate::translate::rewrite_body_literals(&mut rewrite)?;
    let all = rewrite.all();
    let begin = all.clone().find(|&index| rewrite.is(index, "begin")).unwrap_or(0);
    rewrite_declarations(&mut rewrite, 0..begin)?;
    refuse_constructs(&rewrite, begin..all.end)?;
    rewrite_sql(&mut rewrite, begin..all.end, StatementKind::Select)?;
    for statement in body_statements(&rewrite, begin..all.end) {
        rewrite_body_statement(&mut rewrite, statement)?;
    }
    // What stands around the tokens (comments in front) stays too.
    let first = rewrite.tokens.first().map_or(0, |token| token.start);
    let last = rewrite.tokens.last().map_or(0, |token| token.end);
    Ok(format!("{}{}{}", &body[..first], rewrite.render(all), &body[last..]))
}

/// `DECLARE name [CONSTANT] type [NOT NULL] [:= value];` …
fn rewrite_declarations(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let mut index = range.start;
    while index < range.end {
        if rewrite.is(index, "declare") {
            index += 1;
            continue;
        }
        let type_at = if rewrite.is(index + 1, "constant") { index + 2 } else { index + 1 };
        if rewrite.is(index + 1, "cursor") || rewrite.is(index + 1, "alias") {
            return Err(rewrite.not_offered(
                index + 1,
                "DECLARE",
                "the stand-in offers variables only; write FOR row IN SELECT … LOOP",
            ));
        }
        let end = rewrite_type(rewrite, type_at)?;
        if rewrite.is_symbol(end, "%") {
            return Err(rewrite.refuse(end, "%TYPE", "Redshift does not list it; name the type"));
        }
        let mut at = end;
        while at < range.end && !rewrite.is_symbol(at, ";") {
            at += 1;
        }
        rewrite_sql(rewrite, end..at, StatementKind::Select)?;
        index = at + 1;
    }
    Ok(())
}

fn refuse_constructs(rewrite: &Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    const WORDS: &[(&str, &str)] = &[
        ("perform", "Redshift does not have it; write SELECT … INTO variable, or CALL"),
        ("strict", "Redshift's SELECT INTO has no STRICT; count the rows"),
        ("foreach", "Redshift does not have it; loop over a query"),
        ("assert", "Redshift does not have it; write IF NOT … THEN RAISE EXCEPTION …"),
        ("declare", "the stand-in offers one DECLARE, at the head of the procedure"),
    ];
    for index in range {
        if let Some((word, reason)) = WORDS.iter().find(|(word, _)| rewrite.is(index, word)) {
            return Err(rewrite.refuse(index, word.to_uppercase(), *reason));
        }
        let starts_statement = index == 0
            || rewrite.is_symbol(index - 1, ";")
            || STATEMENT_OPENERS.iter().any(|opener| rewrite.is(index - 1, opener));
        if starts_statement && rewrite.is(index, "exception") {
            let reason = "Redshift rolls the whole transaction back, runs the handler and throws again, which the stand-in \
                          does not do; leave the error to the caller";
            return Err(rewrite.not_offered(index, "EXCEPTION block", reason));
        }
        if starts_statement && (rewrite.is(index, "commit") || rewrite.is(index, "rollback")) {
            let reason = "a procedure called in a batch cannot end its transaction; leave it to the caller";
            return Err(rewrite.not_offered(index, rewrite.tokens[index].text.to_uppercase(), reason));
        }
        if starts_statement
            && rewrite.is(index, "return")
            && (rewrite.is(index + 1, "query") || rewrite.is(index + 1, "next"))
        {
            return Err(rewrite.refuse(
                index,
                "RETURN QUERY",
                "Redshift's procedures return no rows; fill a temporary table",
            ));
        }
    }
    Ok(())
}

/// The statements of a body: from a `;`, BEGIN, THEN, ELSE or LOOP to the next `;`.
fn body_statements(rewrite: &Rewrite<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let mut statements = Vec::new();
    let mut start = range.start;
    for index in range {
        if rewrite.is_symbol(index, ";") {
            statements.push(start..index);
            start = index + 1;
        } else if STATEMENT_OPENERS.iter().any(|opener| rewrite.is(index, opener)) {
            start = index + 1;
        }
    }
    statements
}

fn rewrite_body_statement(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let Some(first) = rewrite.tokens.get(range.start) else { return Ok(()) };
    match first.text.as_str() {
        "create" | "alter" | "drop" | "truncate" => {
            let kind = StatementKind::of(rewrite.sql, &rewrite.tokens[range.clone()])?;
            if kind == StatementKind::CreateProcedure {
                return Err(rewrite.not_offered(range.start, "CREATE PROCEDURE", "it cannot stand inside a procedure"));
            }
            rewrite_definition(rewrite, range.clone(), kind)?;
            if kind == StatementKind::Truncate {
                // Redshift's TRUNCATE commits, and is refused where the caller's transaction forbids it.
                rewrite.after(range.end - 1, "; commit");
            }
            Ok(())
        }
        "execute" => {
            if let Some(using) = range.clone().find(|&index| rewrite.is(index, "using")) {
                return Err(rewrite.refuse(
                    using,
                    "EXECUTE … USING",
                    "Redshift does not have it; concatenate with QUOTE_LITERAL",
                ));
            }
            let mut end = range.start + 1;
            while end < range.end && !rewrite.is(end, "into") {
                end = rewrite.next_beside(end);
            }
            rewrite.before(range.start + 1, "redshift_local.dynamic_sql(");
            rewrite.after(end - 1, ")");
            Ok(())
        }
        "copy" | "unload" | "vacuum" | "analyze" | "set" => {
            let construct = format!("{} in a procedure", first.text.to_uppercase());
            Err(rewrite.not_offered(range.start, construct, "the stand-in runs it as a statement of its own only"))
        }
        _ => Ok(()),
    }
}
