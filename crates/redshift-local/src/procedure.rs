//! Stored procedures: the PL/pgSQL of Redshift inside `$$`. The body gets the same translation as any statement, and
//! what Redshift's PL/pgSQL lacks or does otherwise is refused.

use std::ops::Range;

use crate::dialect::Refusal;
use crate::dialect::lexer::{TokenKind, body_text};
use crate::dialect::procedure_rules::STATEMENT_OPENERS;
use crate::dialect::statement_kind::StatementKind;
use crate::translate::{Rewrite, qualify_new_name, rewrite_definition, rewrite_sql, rewrite_type};

/// Rewrites `CREATE [OR REPLACE] PROCEDURE …`.
pub(crate) fn rewrite_create_procedure(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let all = rewrite.all();
    let Some(procedure) = all.clone().find(|&index| rewrite.is(index, "procedure")) else { return Ok(()) };
    let open = qualify_new_name(rewrite, procedure + 1, false)?;
    if !rewrite.is_symbol(open, "(") {
        return Err(rewrite.refuse(open, "CREATE PROCEDURE", "its parameters in brackets are expected here"));
    }
    let close = rewrite.partner(open);
    let mut follows_output = false;
    for parameter in rewrite.split_at_commas(open + 1..close) {
        let is_output = rewrite_parameter(rewrite, parameter.clone())?;
        if follows_output && !is_output {
            let reason = "the stand-in wants OUT parameters last, as CALL leaves them out";
            return Err(rewrite.not_offered(parameter.start, "parameter behind an OUT parameter", reason));
        }
        follows_output = is_output;
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

/// `[name] [IN | OUT | INOUT] type`, where the mode may also precede the name. Returns whether it is OUT: CALL passes no
/// value for it and gets one back, which in PostgreSQL is an INOUT with a default.
fn rewrite_parameter(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<bool, Refusal> {
    let is_mode =
        |rewrite: &Rewrite<'_>, index: usize| ["in", "inout", "out"].iter().any(|mode| rewrite.is(index, mode));
    let mut index = range.start;
    let mut mode_at = None;
    if is_mode(rewrite, index) {
        mode_at = Some(index);
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
    if is_mode(rewrite, index) {
        mode_at = Some(index);
        index += 1;
    }
    let end = rewrite_type(rewrite, index)?;
    if end < range.end {
        let construct = rewrite.tokens[end].text.to_uppercase();
        return Err(rewrite.refuse(end, construct, "Redshift's procedures have no parameter defaults"));
    }
    let Some(mode_at) = mode_at else { return Ok(false) };
    let is_output = rewrite.is(mode_at, "out");
    let mode = if is_output { "inout".to_owned() } else { rewrite.tokens[mode_at].text.clone() };
    // PostgreSQL wants the mode in front.
    rewrite.remove(mode_at..mode_at + 1);
    rewrite.before(range.start, &format!("{mode} "));
    if is_output {
        rewrite.after(range.end - 1, " default null");
    }
    Ok(is_output)
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
        let mut at = end;
        while at < range.end && !rewrite.is_symbol(at, ";") {
            at += 1;
        }
        rewrite_sql(rewrite, end..at, StatementKind::Select)?;
        index = at + 1;
    }
    Ok(())
}

/// What Redshift's procedures may do and the stand-in's may not.
fn refuse_constructs(rewrite: &Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    for index in range {
        let starts_statement = index == 0
            || rewrite.is_symbol(index - 1, ";")
            || STATEMENT_OPENERS.iter().any(|opener| rewrite.is(index - 1, opener));
        if !starts_statement {
            continue;
        }
        let reason = match rewrite.tokens[index].text.as_str() {
            "exception" => {
                "Redshift rolls the whole transaction back, runs the handler and throws again, which the stand-in does not \
                 do; leave the error to the caller"
            }
            "commit" | "rollback" => "a procedure called in a batch cannot end its transaction; leave it to the caller",
            "declare" => "the stand-in knows one DECLARE, at the head of the procedure",
            "open" | "fetch" | "close" => "the stand-in knows no cursors; write FOR row IN SELECT … LOOP",
            _ => continue,
        };
        let construct = format!("{} in a procedure", rewrite.tokens[index].text.to_uppercase());
        return Err(rewrite.not_offered(index, construct, reason));
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
        "create" | "alter" | "drop" | "truncate" | "merge" => {
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
