//! PL/pgSQL in the body of a procedure: Redshift's is that of PostgreSQL 8, with less around RAISE, EXECUTE and loops.

use super::Refusal;
use super::lexer::TokenKind;
use super::plpgsql::{Block, Body, BodyStatement, Operation};
use super::token_view::TokenView;

/// Words behind which a statement of a body starts.
const STATEMENT_OPENERS: &[&str] = &["begin", "then", "else", "loop"];

const NOT_IN_PROCEDURES: &str = "it cannot stand in a procedure of Redshift; send it as a statement of its own";
const NO_STRICT: &str = "Redshift's SELECT INTO takes the first row, or NULLs; count the rows";
const NO_ROWS: &str = "Redshift's procedures return no rows; fill a temporary table";
const RAISE_AGAIN: &str = "it throws the handled error again, in the handler of a NONATOMIC procedure only";
const RAISE_FORM: &str = "its form is RAISE level 'format' [, variable …]";
const RAISE_LEVELS: &[&str] = &["exception", "info", "log", "notice", "warning"];

/// Checks what the tokens between `$$` show.
pub(super) fn check_tokens(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut loops: Vec<bool> = Vec::new();
    for index in 0..view.len() {
        check_word(view, index)?;
        if starts_statement(view, index) {
            check_statement(view, index)?;
        }
        if view.is(index, "loop") {
            if index > 0 && view.is(index - 1, "end") {
                loops.pop();
                continue;
            }
            let is_query = runs_query(view, index);
            if is_query && loops.contains(&true) {
                let reason = "a loop over a query is a cursor, and Redshift opens one per session; join the queries";
                return Err(view.refuse(index, "query loop in a query loop", reason));
            }
            loops.push(is_query);
        }
    }
    Ok(())
}

/// Checks what depends on where a statement stands and on the procedure's mode.
pub(super) fn check_body(view: TokenView<'_>, body: &Body, is_nonatomic: bool) -> Result<(), Refusal> {
    let refuse = |statement: &BodyStatement, construct: &str, reason: &str| {
        Err(Refusal::at(view.sql, statement.offset, construct, reason))
    };
    let mut blocks = vec![(&body.block, 0)];
    for statement in body.statements() {
        match &statement.operation {
            Operation::Block(block) => blocks.push((block, statement.offset)),
            Operation::StartTransaction if !is_nonatomic => {
                let reason = "a procedure is one transaction already; only a NONATOMIC one may open its own";
                return refuse(statement, "START TRANSACTION", reason);
            }
            Operation::RaiseAgain if !is_nonatomic => {
                return refuse(statement, "RAISE without level", RAISE_AGAIN);
            }
            Operation::RaiseAgain if !blocks.iter().any(|(block, _)| handles(block, statement)) => {
                return refuse(statement, "RAISE without level", RAISE_AGAIN);
            }
            _ => {}
        }
    }
    for (block, offset) in blocks {
        if !is_nonatomic && block.handler.as_ref().is_some_and(|handler| handler.is_continue) {
            let reason = "only a NONATOMIC procedure can go on after an error";
            return Err(Refusal::at(view.sql, offset, "CONTINUE_HANDLER", reason));
        }
    }
    Ok(())
}

/// Whether `statement` stands in the handler of `block`.
fn handles(block: &Block, statement: &BodyStatement) -> bool {
    fn holds(list: &[BodyStatement], wanted: &BodyStatement) -> bool {
        list.iter()
            .any(|it| std::ptr::eq(it, wanted) || it.operation.lists().into_iter().any(|list| holds(list, wanted)))
    }
    block.handler.as_ref().is_some_and(|handler| holds(&handler.statements, statement))
}

fn starts_statement(view: TokenView<'_>, index: usize) -> bool {
    index == 0
        || view.is_symbol(index - 1, ";")
        || view.is_symbol(index - 1, ">>")
        || view.is_any(index - 1, STATEMENT_OPENERS)
}

fn check_word(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    if view.are(index, &["into", "strict"]) {
        return Err(view.refuse(index + 1, "STRICT", NO_STRICT));
    }
    if view.is_symbol(index, "%") && view.is_any(index + 1, &["type", "rowtype"]) {
        let construct = format!("%{}", view.text(index + 1).to_uppercase());
        return Err(view.refuse(index, construct, "Redshift does not list it; name the type, or RECORD"));
    }
    Ok(())
}

fn check_statement(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    match (view.text(index), view.text(index + 1)) {
        ("perform", _) => Err(view.refuse(index, "PERFORM", "write SELECT … INTO variable, or CALL")),
        ("foreach", _) => Err(view.refuse(index, "FOREACH", "Redshift has no arrays; loop over a query")),
        ("assert", _) => Err(view.refuse(index, "ASSERT", "write IF NOT … THEN RAISE EXCEPTION …")),
        ("return", "query" | "next") => {
            Err(view.refuse(index, format!("RETURN {}", view.text(index + 1).to_uppercase()), NO_ROWS))
        }
        ("get", "stacked") => Err(view.refuse(index, "GET STACKED DIAGNOSTICS", "read SQLERRM in the handler")),
        ("set", "local") => Err(view.refuse(index, "SET LOCAL", "Redshift has SET only")),
        ("raise", _) => check_raise(view, index),
        ("execute", _) => check_execute(view, index),
        ("open" | "for", _) => {
            if let Some(step) = step_of_range(view, index) {
                let reason = "Redshift counts by one; multiply inside the loop, or write WHILE";
                return Err(view.refuse(step, "FOR … BY", reason));
            }
            find_execute(view, index).map_or(Ok(()), |execute| check_execute(view, execute))
        }
        _ => check_place(view, index),
    }
}

/// `FOR i IN 1..10 BY 2`
fn step_of_range(view: TokenView<'_>, index: usize) -> Option<usize> {
    let end = (index..view.len()).find(|&at| view.is_symbol(at, ";") || view.is(at, "loop"))?;
    let range = view.find_symbol_beside(index..end, "..")?;
    view.find_beside(range..end, &["by"])
}

/// Statements that cannot stand in a procedure, whether written in it or built by it.
fn check_place(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let refuse = |construct: String| Err(view.refuse(index, construct, NOT_IN_PROCEDURES));
    match (view.text(index), view.text(index + 1)) {
        (word @ ("savepoint" | "prepare" | "do" | "listen" | "notify" | "vacuum"), _) => refuse(word.to_uppercase()),
        (word @ ("create" | "drop" | "alter"), "database") => refuse(format!("{} DATABASE", word.to_uppercase())),
        ("create", "external") if view.is(index + 2, "table") => refuse("CREATE EXTERNAL TABLE".to_owned()),
        ("alter", "table") if view.is(view.name_end(index + 2), "append") => refuse("ALTER TABLE … APPEND".to_owned()),
        _ => Ok(()),
    }
}

/// Checks the text of an EXECUTE: it cannot end the transaction, either.
pub(super) fn check_dynamic(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in (0..view.len()).filter(|&index| index == 0 || view.is_symbol(index - 1, ";")) {
        check_place(view, index)?;
        if view.is_any(index, &["commit", "rollback", "begin", "start", "end", "abort"]) {
            let construct = format!("EXECUTE of {}", view.text(index).to_uppercase());
            return Err(view.refuse(index, construct, "write it as a statement of the procedure itself"));
        }
    }
    Ok(())
}

/// `OPEN cursor FOR EXECUTE …` and `FOR record IN EXECUTE …`
fn find_execute(view: TokenView<'_>, index: usize) -> Option<usize> {
    let opener = if view.is(index, "open") { "for" } else { "in" };
    let end = (index..view.len()).find(|&at| view.is_symbol(at, ";") || view.is(at, "loop")).unwrap_or(view.len());
    view.find_beside(index + 1..end, &[opener]).map(|at| at + 1).filter(|&at| view.is(at, "execute"))
}

fn check_raise(view: TokenView<'_>, raise: usize) -> Result<(), Refusal> {
    if view.is_symbol(raise + 1, ";") {
        return Ok(());
    }
    if !view.is_any(raise + 1, RAISE_LEVELS) {
        return Err(view.refuse(raise, "RAISE without level", RAISE_FORM));
    }
    let format = raise + 2;
    if view.tokens.get(format).is_none_or(|token| token.kind != TokenKind::Text) {
        return Err(view.refuse(format, "RAISE format", format!("the format is a literal in Redshift; {RAISE_FORM}")));
    }
    let mut index = format + 1;
    while index < view.len() && !view.is_symbol(index, ";") {
        if view.is(index, "using") {
            let reason = "Redshift's RAISE has no options; put what matters into the message";
            return Err(view.refuse(index, "RAISE … USING", reason));
        }
        // `variable`, or `record.field`.
        let end = view.name_end(index + 1);
        let is_variable = view.is_symbol(index, ",")
            && view.is_name(index + 1)
            && (view.is_symbol(end, ",") || view.is_symbol(end, ";") || view.is(end, "using"));
        if !is_variable {
            let reason = "Redshift's RAISE takes variables only; assign the expression to one first";
            return Err(view.refuse(index, "RAISE argument", reason));
        }
        index = end;
    }
    Ok(())
}

fn check_execute(view: TokenView<'_>, execute: usize) -> Result<(), Refusal> {
    let end =
        (execute..view.len()).find(|&index| view.is_symbol(index, ";") || view.is(index, "loop")).unwrap_or(view.len());
    match view.find_beside(execute..end, &["using"]) {
        Some(using) => Err(view.refuse(using, "EXECUTE … USING", "concatenate with QUOTE_LITERAL")),
        None => Ok(()),
    }
}

/// Whether the LOOP at `index` runs over the rows of a query.
fn runs_query(view: TokenView<'_>, index: usize) -> bool {
    let start = (0..index)
        .rev()
        .find(|&at| view.is_symbol(at, ";") || view.is_any(at, STATEMENT_OPENERS))
        .map_or(0, |opener| opener + 1);
    let Some(source) = view.find_beside(start..index, &["in"]) else { return false };
    view.is(start, "for") && !(source..index).any(|at| view.is_symbol(at, ".."))
}
