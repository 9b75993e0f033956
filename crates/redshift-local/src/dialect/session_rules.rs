//! Statements about the session and the cluster: transaction control, SET, LOCK, VACUUM, GRANT. Their grammars are short, and
//! PostgreSQL's are longer.

use super::Refusal;
use super::token_view::TokenView;

/// Objects of PostgreSQL whose rights Redshift cannot grant, as there are none.
const NO_RIGHTS_ON: &[&str] =
    &["domain", "foreign", "large", "parameter", "sequence", "sequences", "tablespace", "type"];

/// Checks the one statement in `view`.
pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    match view.text(0) {
        "begin" | "start" => check_begin(view),
        "commit" | "end" | "rollback" | "abort" => check_end(view),
        "set" => check_set(view),
        "lock" => check_lock(view),
        "vacuum" => check_vacuum(view),
        "analyze" => check_analyze(view),
        "grant" | "revoke" => check_grant(view),
        _ => Ok(()),
    }
}

fn check_begin(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut index = 1;
    if view.is_any(index, &["work", "transaction"]) {
        index += 1;
    }
    while index < view.len() {
        if view.are(index, &["isolation", "level"]) {
            let levels: &[&[&str]] = &[
                &["serializable"],
                &["snapshot"],
                &["read", "committed"],
                &["read", "uncommitted"],
                &["repeatable", "read"],
            ];
            let Some(level) = levels.iter().find(|level| view.are(index + 2, level)) else {
                return Err(view.refuse(index + 2, "ISOLATION LEVEL", "Redshift has SERIALIZABLE and SNAPSHOT"));
            };
            index += 2 + level.len();
        } else if view.are(index, &["read", "write"]) || view.are(index, &["read", "only"]) {
            index += 2;
        } else if view.is_symbol(index, ",") {
            index += 1;
        } else {
            let reason = "its form is BEGIN [WORK | TRANSACTION] [ISOLATION LEVEL …] [READ WRITE | READ ONLY]";
            return Err(view.refuse(index, "BEGIN", reason));
        }
    }
    Ok(())
}

fn check_end(view: TokenView<'_>) -> Result<(), Refusal> {
    let end = if view.is_any(1, &["work", "transaction"]) { 2 } else { 1 };
    if end == view.len() {
        return Ok(());
    }
    if view.is(end, "to") {
        return Err(view.refuse(end, "SAVEPOINT", "Redshift has none; a transaction is rolled back as a whole"));
    }
    let construct = view.text(0).to_uppercase();
    Err(view.refuse(end, construct, "nothing may follow it but WORK or TRANSACTION"))
}

fn check_set(view: TokenView<'_>) -> Result<(), Refusal> {
    match view.text(1) {
        "transaction" => Err(view.refuse(1, "SET TRANSACTION", "write BEGIN ISOLATION LEVEL …")),
        "session" if view.is(2, "characteristics") => {
            Err(view.refuse(2, "SET SESSION CHARACTERISTICS", "write BEGIN ISOLATION LEVEL …"))
        }
        "constraints" => Err(view.refuse(1, "SET CONSTRAINTS", "Redshift's keys are never checked; leave it out")),
        _ => Ok(()),
    }
}

/// `LOCK [TABLE] table, …`
fn check_lock(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut index = if view.is(1, "table") { 2 } else { 1 };
    loop {
        if !view.is_name(index) {
            return Err(view.refuse(index, "LOCK", "a table's name is expected here"));
        }
        index = view.name_end(index);
        if !view.is_symbol(index, ",") {
            break;
        }
        index += 1;
    }
    if index < view.len() {
        let reason = "Redshift's only lock is ACCESS EXCLUSIVE, for which it waits; write LOCK table, …";
        return Err(view.refuse(index, format!("LOCK … {}", view.text(index).to_uppercase()), reason));
    }
    Ok(())
}

/// `VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [table [TO n PERCENT]] [BOOST]`
fn check_vacuum(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut index = 1;
    if view.are(index, &["sort", "only"]) || view.are(index, &["delete", "only"]) {
        index += 2;
    } else if view.is_any(index, &["full", "reindex", "recluster"]) {
        index += 1;
    }
    if view.is_name(index) && !view.is(index, "boost") && !view.is(index, "to") {
        index = view.name_end(index);
    }
    if view.is(index, "to") && view.is(index + 2, "percent") {
        index += 3;
    }
    if view.is(index, "boost") {
        index += 1;
    }
    if index < view.len() {
        let reason =
            "its form is VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [table [TO n PERCENT]] [BOOST]";
        return Err(view.refuse(index, "VACUUM", reason));
    }
    Ok(())
}

/// `ANALYZE [VERBOSE] [table [(columns)]] [PREDICATE COLUMNS | ALL COLUMNS]`, or `ANALYZE COMPRESSION [table [(columns)]]
/// [COMPROWS n]`
fn check_analyze(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut index = 1;
    let is_of_compression = view.is(index, "compression") && (view.len() == 2 || view.is_name(2));
    if is_of_compression || view.is(index, "verbose") {
        index += 1;
    }
    if view.is_name(index) && !view.is(index + 1, "columns") {
        index = view.name_end(index);
        if view.is_symbol(index, "(") {
            index = view.partner(index) + 1;
        }
    }
    if view.is_any(index, &["predicate", "all"]) && view.is(index + 1, "columns") {
        index += 2;
    }
    if is_of_compression && view.is(index, "comprows") {
        index += 2;
    }
    if index < view.len() {
        let reason = "its form is ANALYZE [VERBOSE] [table [(column, …)]] [PREDICATE COLUMNS | ALL COLUMNS]";
        return Err(view.refuse(index, "ANALYZE", reason));
    }
    Ok(())
}

/// Rights of PostgreSQL that Redshift cannot grant.
const NO_RIGHTS: &[&str] = &["connect", "trigger", "maintain", "set"];

fn check_grant(view: TokenView<'_>) -> Result<(), Refusal> {
    if view.is_any(1, NO_RIGHTS) && (view.is(2, "on") || view.is_symbol(2, ",")) {
        let construct = format!("GRANT {}", view.text(1).to_uppercase());
        return Err(view.refuse(1, construct, "Redshift has no such right; grant USAGE, SELECT, INSERT, EXECUTE, …"));
    }
    if let Some(by) = (1..view.len()).find(|&index| view.are(index, &["granted", "by"])) {
        return Err(view.refuse(by, "GRANTED BY", "the one who runs the statement grants; leave it out"));
    }
    let Some(on) = view.find_beside(0..view.len(), &["on"]) else { return Ok(()) };
    let object = if view.is(on + 1, "all") { on + 2 } else { on + 1 };
    if view.is_any(object, NO_RIGHTS_ON) && !view.is_symbol(object + 1, ".") && !view.is(object + 1, "to") {
        let construct = format!("GRANT ON {}", view.text(object).to_uppercase());
        return Err(view.refuse(object, construct, "Redshift has no such objects"));
    }
    Ok(())
}
