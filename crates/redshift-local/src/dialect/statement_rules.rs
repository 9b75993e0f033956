//! Rules about the head of a statement: forms that Redshift's CREATE, ALTER, DROP, TRUNCATE, INSERT and SELECT lack.

use std::ops::Range;

use super::Refusal;
use super::token_view::TokenView;

/// What the names of the stand-in's own schema and views begin with.
const OWN_PREFIX: &str = "redshift_local";

/// Checks the statement in `range`.
pub(super) fn check(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let is_own = |&index: &usize| view.is_name(index) && view.tokens[index].text.starts_with(OWN_PREFIX);
    if let Some(index) = range.clone().find(is_own) {
        return Err(view.refuse(
            index,
            OWN_PREFIX,
            "the stand-in keeps its own things under such names; choose another",
        ));
    }
    match view.text(range.start) {
        "create" => check_create(view, range.clone())?,
        "alter" => check_alter(view, range.clone())?,
        "drop" => check_drop(view, range.clone())?,
        "truncate" => check_truncate(view, range.clone())?,
        "refresh" => check_refresh(view, range.clone())?,
        "insert" => check_insert(view, range.clone())?,
        "update" => check_update(view, range.clone())?,
        "with" => {
            if let Some(update) = view.find_beside(range.clone(), &["update"]) {
                check_update(view, update..range.end)?;
            }
        }
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
    let name = if view.is(at, "materialized") { at + 2 } else { at + 1 };
    let columns = view.name_end(if view.are(name, &["if", "not", "exists"]) { name + 3 } else { name });
    if view.is(at, "table") && view.are(columns, &["(", ")"]) && columns + 2 == range.end {
        return Err(view.refuse(columns, "CREATE TABLE without columns", "a table has one column at least"));
    }
    if !view.are(name, &["if", "not", "exists"]) {
        return Ok(());
    }
    if view.is(name - 1, "view") || view.is_any(at, &["procedure", "function"]) {
        let construct = format!("CREATE {} IF NOT EXISTS", view.text(name - 1).to_uppercase());
        let reason = "Redshift has it for tables and schemas only; write CREATE OR REPLACE, or DROP … IF EXISTS first";
        return Err(view.refuse(name, construct, reason));
    }
    if !view.is(at, "table") {
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
    if view.is(range.start + 2, "only") {
        let reason = "Redshift's tables do not inherit; leave it out";
        return Err(view.refuse(range.start + 2, "ALTER TABLE ONLY", reason));
    }
    let action = view.name_end(range.start + 2);
    check_action(view, action)?;
    let mut index = action;
    while index < range.end {
        let is_next = view.is_symbol(index, ",") && view.is_any(action, &["add", "drop", "alter", "rename"]);
        if is_next && !(is_physical(view, action) && is_physical(view, index + 1)) {
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

/// Whether the action at `index` changes how rows are stored: only those are combined.
fn is_physical(view: TokenView<'_>, index: usize) -> bool {
    let column = if view.is(index + 1, "column") { index + 2 } else { index + 1 };
    view.is(index, "alter")
        && (view.is_any(index + 1, &["sortkey", "compound", "distkey", "diststyle"]) || view.is(column + 1, "encode"))
}

/// Actions of PostgreSQL that start like one of Redshift.
fn check_action(view: TokenView<'_>, action: usize) -> Result<(), Refusal> {
    let refuse = |construct: &str, reason: &str| Err(view.refuse(action, format!("ALTER TABLE … {construct}"), reason));
    let not_offered = |construct: &str| {
        let reason = "the stand-in does not offer it";
        Err(view.refuse(action, format!("ALTER TABLE … {construct}"), reason).into_not_offered())
    };
    match (view.text(action), view.text(action + 1)) {
        ("row", "level") => not_offered("ROW LEVEL SECURITY"),
        ("alter", "autorefresh") => not_offered("AUTOREFRESH"),
        ("add" | "drop", "partition") | ("partition", _) => not_offered("PARTITION"),
        ("add", "if") if view.are(action + 2, &["not", "exists", "partition"]) => not_offered("PARTITION"),
        ("set", "schema") => refuse("SET SCHEMA", "make the table anew in the other schema"),
        ("set", "location" | "file" | "table") => Ok(()),
        ("set", _) => refuse("SET", "Redshift's tables have no such settings; leave it out"),
        ("rename", "constraint") => refuse("RENAME CONSTRAINT", "drop it, and add it under the other name"),
        _ => Ok(()),
    }
}

/// What a column cannot be when it is added.
const NOT_IN_ADD_COLUMN: &[&str] = &["unique", "primary", "references", "identity", "generated", "distkey", "sortkey"];

/// `ADD COLUMN … NOT NULL` fills the rows that exist, so it needs a default.
fn check_add_column(view: TokenView<'_>, action: usize, end: usize) -> Result<(), Refusal> {
    let adds_column = view.is(action, "add")
        && !view.is_any(action + 1, &["constraint", "primary", "unique", "foreign", "partition", "check"]);
    let definition = if view.is(action + 1, "column") { action + 3 } else { action + 2 };
    if let Some(index) = view.find_beside(definition..end, NOT_IN_ADD_COLUMN).filter(|_| adds_column) {
        let construct = format!("ADD COLUMN … {}", view.text(index).to_uppercase());
        let reason = "a column that is added has DEFAULT, ENCODE and NOT NULL only; make the table anew";
        return Err(view.refuse(index, construct, reason));
    }
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
    let is_routine = view.is_any(range.start + 1, &["procedure", "function"]);
    if is_routine && !view.is_symbol(view.name_end(range.start + 2), "(") {
        let object = view.text(range.start + 1).to_uppercase();
        let reason = format!("Redshift wants the types of its arguments: DROP {object} name(type, …)");
        return Err(view.refuse(range.start, format!("DROP {object} without arguments"), reason));
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

/// `REFRESH MATERIALIZED VIEW name`
fn check_refresh(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let end = view.name_end(range.start + 3);
    match view.text(end) {
        "restrict" | "cascade" => {
            let reason = "the stand-in refreshes one view; refresh those below it first";
            Err(view.refuse(end, format!("REFRESH … {}", view.text(end).to_uppercase()), reason).into_not_offered())
        }
        word if end < range.end && !view.is(range.start + 3, "concurrently") => {
            let reason = "its form is REFRESH MATERIALIZED VIEW name";
            Err(view.refuse(end, format!("REFRESH … {}", word.to_uppercase()), reason))
        }
        _ => Ok(()),
    }
}

fn check_insert(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let end = view.name_end(range.start + 2);
    if view.is(end, "as") || view.is_name(end) && !view.is_any(end, &["select", "with", "values", "default"]) {
        return Err(view.refuse(end, "INSERT … alias", "Redshift's INSERT names the table alone"));
    }
    Ok(())
}

/// `SET column = value, …`: the columns are those of the table, so they are not qualified.
fn check_update(view: TokenView<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let Some(set) = view.find_beside(range.clone(), &["set"]) else { return Ok(()) };
    let end = view.find_beside(set..range.end, &["from", "where"]).unwrap_or(range.end);
    let mut index = set;
    while index < end {
        let starts_assignment = index == set || view.is_symbol(index, ",");
        let name_end = view.name_end(index + 1);
        if starts_assignment && view.is_name(index + 1) && name_end > index + 2 && view.is_symbol(name_end, "=") {
            let reason = "the columns are those of the table that is updated; write the column's name alone";
            return Err(view.refuse(index + 1, "UPDATE … SET table.column", reason));
        }
        index = view.next_beside(index);
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
    let Some(format) = view.find_beside(options.clone(), &["parquet", "orc"]) else { return Ok(()) };
    match view.find_beside(options, NOT_WITH_PARQUET) {
        Some(index) => {
            let option = view.text(index).to_uppercase();
            let format = view.text(format).to_uppercase();
            let reason = format!("{option} argument is not supported for {format} based COPY; leave it out");
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
