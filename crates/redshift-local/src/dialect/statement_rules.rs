//! Rules about the head of a statement: forms that Redshift's CREATE, ALTER, DROP, TRUNCATE, INSERT and SELECT lack.

use std::ops::Range;

use super::Refusal;
use super::token_view::TokenView;

/// The schema of the functions that PostgreSQL lacks.
const OWN_SCHEMA: &str = "redshift_local";

/// Checks the statement in `range`.
pub(super) fn check(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let is_own = |&index: &usize| view.is_name(index) && view.tokens[index].text == OWN_SCHEMA;
    if let Some(index) = range.clone().find(is_own) {
        return Err(view.refuse(
            index,
            OWN_SCHEMA,
            "the stand-in keeps its own things there; Redshift has no such schema",
        ));
    }
    match view.text(range.start) {
        "create" => check_create(view, range.clone())?,
        "alter" => check_alter(view, range.clone())?,
        "drop" => check_drop(view, range.clone())?,
        "truncate" => check_truncate(view, range.clone())?,
        "insert" => check_insert(view, range.clone())?,
        "copy" => check_copy(view, range.clone())?,
        _ => {}
    }
    check_qualify(view, range)
}

fn check_create(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let replaces = view.are(range.start + 1, &["or", "replace"]);
    let at = if replaces { range.start + 3 } else { range.start + 1 };
    if replaces && !view.is_any(at, &["view", "procedure", "function"]) {
        let construct = format!("CREATE OR REPLACE {}", view.text(at).to_uppercase());
        return Err(view.refuse(
            at,
            construct,
            "Redshift replaces views, procedures and functions only; drop it first",
        ));
    }
    let at = if view.is_any(at, &["temp", "temporary", "local", "global"]) {
        (at..range.end).find(|&index| view.is_any(index, &["table", "view"])).unwrap_or(at)
    } else {
        at
    };
    if view.is(at, "view") && at > range.start + 1 && view.is_any(at - 1, &["temp", "temporary"]) {
        return Err(view.refuse(at, "CREATE TEMP VIEW", "Redshift does not have it; write CREATE TEMP TABLE … AS"));
    }
    if !view.is(at, "table") || !view.are(at + 1, &["if", "not", "exists"]) {
        return Ok(());
    }
    let after_columns = {
        let end = view.name_end(at + 4);
        if view.is_symbol(end, "(") { view.partner(end) + 1 } else { end }
    };
    match view.find_beside(after_columns..range.end, &["as"]) {
        Some(index) => {
            let reason = "Redshift has CREATE TABLE … AS without it; drop the table first";
            Err(view.refuse(index, "CREATE TABLE IF NOT EXISTS … AS", reason))
        }
        None => Ok(()),
    }
}

fn check_alter(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    if !view.is(range.start + 1, "table") {
        return Ok(());
    }
    if view.are(range.start + 2, &["if", "exists"]) {
        return Err(view.refuse(range.start + 2, "ALTER TABLE IF EXISTS", "Redshift does not have it"));
    }
    let action = view.name_end(range.start + 2);
    let mut index = action;
    while index < range.end {
        if view.is_symbol(index, ",") && view.is_any(action, &["add", "drop", "alter", "rename"]) {
            let reason = "Redshift changes one thing per ALTER TABLE; write one statement each";
            return Err(view.refuse(index, "ALTER TABLE with several actions", reason));
        }
        if view.are(index, &["if", "not", "exists"]) || view.are(index, &["if", "exists"]) {
            let reason = "Redshift's ALTER TABLE has no IF [NOT] EXISTS; look into SVV_COLUMNS first";
            return Err(view.refuse(index, "ALTER TABLE … IF [NOT] EXISTS", reason));
        }
        index = view.next_beside(index);
    }
    check_add_column(view, action, range.end)?;
    if !view.is(action, "alter") {
        return Ok(());
    }
    let column = if view.is(action + 1, "column") { action + 2 } else { action + 1 };
    for (phrase, construct) in [
        (&["set", "not", "null"][..], "SET NOT NULL"),
        (&["drop", "not", "null"], "DROP NOT NULL"),
        (&["set", "default"], "SET DEFAULT"),
        (&["drop", "default"], "DROP DEFAULT"),
        (&["set", "data", "type"], "SET DATA TYPE"),
    ] {
        if view.are(column + 1, phrase) {
            let reason = "Redshift's columns keep what they were created with; make the table anew";
            return Err(view.refuse(column + 1, format!("ALTER COLUMN … {construct}"), reason));
        }
    }
    if view.is(column + 1, "type") {
        if !view.is_any(column + 2, &["varchar", "character", "nvarchar"]) {
            let reason = "Redshift changes the length of VARCHAR columns only; make the table anew";
            return Err(view.refuse(column + 2, "ALTER COLUMN … TYPE", reason));
        }
        if let Some(using) = view.find_beside(column + 2..range.end, &["using"]) {
            return Err(view.refuse(using, "TYPE … USING", "Redshift changes the length of VARCHAR columns only"));
        }
    }
    Ok(())
}

/// `ADD COLUMN … NOT NULL` fills the rows that exist, so it needs a default.
fn check_add_column(view: TokenView<'_>, action: usize, end: usize) -> Result<(), Refusal> {
    let adds_column = view.is(action, "add")
        && !view.is_any(action + 1, &["constraint", "primary", "unique", "foreign", "partition", "check"]);
    let not_null = (action..end).find(|&index| adds_column && view.are(index, &["not", "null"]));
    match not_null {
        Some(index) if !(action..end).any(|at| view.is_any(at, &["default", "identity"])) => {
            Err(view.refuse(index, "ADD COLUMN … NOT NULL", "it needs a DEFAULT, which fills the rows that exist"))
        }
        _ => Ok(()),
    }
}

fn check_drop(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    if view.are(range.start + 1, &["procedure", "if", "exists"]) {
        let reason = "Redshift's DROP PROCEDURE has no IF EXISTS; write CREATE OR REPLACE PROCEDURE";
        return Err(view.refuse(range.start + 2, "DROP PROCEDURE IF EXISTS", reason));
    }
    if view.are(range.start + 1, &["function", "if", "exists"]) {
        let reason = "Redshift's DROP FUNCTION has no IF EXISTS; write CREATE OR REPLACE FUNCTION";
        return Err(view.refuse(range.start + 2, "DROP FUNCTION IF EXISTS", reason));
    }
    if view.is(range.start + 1, "procedure") && !view.is_symbol(view.name_end(range.start + 2), "(") {
        let reason = "Redshift wants the types of its arguments: DROP PROCEDURE name(type, …)";
        return Err(view.refuse(range.start, "DROP PROCEDURE without arguments", reason));
    }
    Ok(())
}

fn check_truncate(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let table = if view.is(range.start + 1, "table") { range.start + 2 } else { range.start + 1 };
    let end = view.name_end(table);
    if end < range.end {
        let construct = format!("TRUNCATE … {}", view.tokens[end].text.to_uppercase());
        return Err(view.refuse(end, construct, "Redshift truncates one table, without options"));
    }
    Ok(())
}

fn check_insert(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let end = view.name_end(range.start + 2);
    if view.is(end, "as") || view.is_name(end) && !view.is_any(end, &["select", "with", "values", "default"]) {
        return Err(view.refuse(end, "INSERT … alias", "Redshift's INSERT names the table alone"));
    }
    Ok(())
}

/// Options that Redshift refuses beside FORMAT AS PARQUET.
const NOT_WITH_PARQUET: &[&str] = &[
    "acceptanydate",
    "avro",
    "blanksasnull",
    "bzip2",
    "compupdate",
    "comprows",
    "csv",
    "dateformat",
    "delimiter",
    "emptyasnull",
    "encoding",
    "encrypted",
    "escape",
    "fixedwidth",
    "gzip",
    "ignoreallerrors",
    "ignoreblanklines",
    "ignoreheader",
    "json",
    "lzop",
    "maxerror",
    "noload",
    "null",
    "quote",
    "readratio",
    "region",
    "removequotes",
    "roundec",
    "shapefile",
    "ssh",
    "timeformat",
    "trimblanks",
    "truncatecolumns",
    "zstd",
];

fn check_copy(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let Some(from) = view.find_beside(range.clone(), &["from"]) else {
        return Err(view.refuse(range.start, "COPY", "Redshift's COPY loads a table; write UNLOAD to write files"));
    };
    if view.is_any(from + 1, &["stdin", "program"]) {
        return Err(view.refuse(from + 1, "COPY FROM STDIN", "Redshift loads from S3; write FROM 's3://…'"));
    }
    let options = from + 2..range.end;
    let has_role = ["iam_role", "credentials", "access_key_id"];
    if view.find_beside(options.clone(), &has_role).is_none() {
        return Err(view.refuse(range.end, "COPY", "IAM_ROLE '…' or IAM_ROLE DEFAULT is missing"));
    }
    if view.find_beside(options.clone(), &["parquet", "orc"]).is_none() {
        return Ok(());
    }
    match view.find_beside(options, NOT_WITH_PARQUET) {
        Some(index) => {
            let option = view.text(index).to_uppercase();
            let reason = format!("{option} argument is not supported for PARQUET based COPY");
            Err(view.refuse(index, option, reason))
        }
        None => Ok(()),
    }
}

/// QUALIFY straight behind FROM needs the table to have an alias.
fn check_qualify(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    for index in range.start + 2..range.end {
        if !view.is(index, "qualify") || !view.is_name(index - 1) {
            continue;
        }
        let before = view.name_start(index - 1).checked_sub(1);
        if before.is_some_and(|before| view.is_any(before, &["from", "join"]) || view.is_symbol(before, ",")) {
            let reason = "behind FROM without an alias it would be read as one; write FROM table AS name QUALIFY …";
            return Err(view.refuse(index, "QUALIFY", reason));
        }
    }
    Ok(())
}
