//! One Redshift statement -> what PostgreSQL is asked to run. Everything is token rewriting: the statement keeps its
//! lines, and what is not known here is left for PostgreSQL to accept or refuse.

mod aggregates;
mod calls;
mod create_function;
mod create_table;
mod query;
mod rewrite;
mod settings;

use std::ops::Range;

use crate::copy::CopyCommand;
use crate::dialect::Refusal;
use crate::dialect::lexer::{self, TokenKind};
use crate::dialect::rules;
use crate::dialect::statement_kind::StatementKind;
use crate::dialect::token_view::TokenView;
use crate::dialect::view_rules::is_late_binding;
use crate::late_binding;
use crate::procedure::{self, CallCommand, Scope};
use crate::statement::Parameter;
use crate::unload::UnloadCommand;

pub(crate) use calls::rewrite_type;
pub(crate) use create_table::qualify_new_name;
pub(crate) use rewrite::Rewrite;

/// A statement ready to run.
#[derive(Debug)]
pub(crate) struct Translation {
    pub(crate) kind: StatementKind,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    /// SQL for PostgreSQL.
    Sql(String),
    /// SQL for PostgreSQL that changes a table by the rows of `source`, which is a table, too.
    Merge { sql: String, source: String },
    /// SQL for PostgreSQL that makes a table of a query, and what makes the index for its sort key.
    SortedTable { sql: String, index: String },
    /// SQL for PostgreSQL, in a transaction of its own and in no other.
    Alone { sql: String, construct: &'static str },
    /// COPY, which this process does itself.
    Copy(CopyCommand),
    /// UNLOAD, which this process does itself.
    Unload(UnloadCommand),
    /// CALL, which this process does itself.
    Call(CallCommand),
}

/// What names in a statement may stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    /// `:name`, given with a request.
    Parameters(&'a [Parameter]),
    /// The variables of a procedure.
    Variables(&'a Scope),
}

impl Values<'_> {
    pub(crate) const NONE: Self = Self::Parameters(&[]);

    fn parameters(&self) -> &[Parameter] {
        match self {
            Self::Parameters(parameters) => parameters,
            Self::Variables(_) => &[],
        }
    }
}

/// Translates the one statement in `sql`.
///
/// # Errors
/// What Redshift refuses, what the stand-in does not offer, no statement at all, or more than one.
pub(crate) fn translate(sql: &str, values: Values<'_>) -> Result<Translation, Refusal> {
    let statement = only_statement(sql)?;
    rules::check_statement(statement)?;
    let mut rewrite = Rewrite::new(statement)?;
    let kind = StatementKind::of(statement, &rewrite.tokens)?;
    if kind == StatementKind::Copy {
        return Ok(Translation { kind, action: Action::Copy(CopyCommand::parse(statement, &rewrite.tokens)?) });
    }
    if kind == StatementKind::Unload {
        return Ok(Translation { kind, action: Action::Unload(UnloadCommand::parse(statement, &rewrite.tokens)?) });
    }
    if kind == StatementKind::Call {
        return Ok(Translation { kind, action: Action::Call(CallCommand::parse(statement, &rewrite.tokens)?) });
    }
    rewrite_literals(&mut rewrite, values.parameters())?;
    if let Values::Variables(scope) = values {
        procedure::substitute_variables(&mut rewrite, scope)?;
    }
    rewrite_statement(&mut rewrite, kind)?;
    let sql = rewrite.render(rewrite.all());
    let action = match kind {
        StatementKind::Merge => match merge_source(&rewrite) {
            Some(source) => Action::Merge { sql, source },
            None => Action::Sql(sql),
        },
        StatementKind::AlterTable => match construct_alone(rewrite.view()) {
            Some(construct) => Action::Alone { sql, construct },
            None => Action::Sql(sql),
        },
        StatementKind::CreateTable => match create_table::index_of_query_table(&rewrite) {
            Some(index) => Action::SortedTable { sql, index },
            None => Action::Sql(sql),
        },
        _ => Action::Sql(sql),
    };
    Ok(Translation { kind, action })
}

/// The name behind USING.
fn merge_source(rewrite: &Rewrite<'_>) -> Option<String> {
    let view = rewrite.view();
    let using = view.find_beside(0..view.len(), &["using"])?;
    Some(rewrite.render(using + 1..view.name_end(using + 1)))
}

/// Changes that Redshift makes in no transaction but their own (Database Developer Guide, pages r_ALTER_TABLE and
/// r_ALTER_TABLE_APPEND).
fn construct_alone(view: TokenView<'_>) -> Option<&'static str> {
    let action = view.name_end(2);
    let column = if view.is(action + 1, "column") { action + 2 } else { action + 1 };
    if view.is(action, "append") {
        Some("ALTER TABLE APPEND")
    } else if view.is(action, "alter") && view.is(column + 1, "type") {
        Some("ALTER TABLE ALTER COLUMN")
    } else {
        None
    }
}

/// The single statement of `sql`, without semicolon.
fn only_statement(sql: &str) -> Result<&str, Refusal> {
    let tokens = lexer::tokenize(sql)?;
    let ranges = lexer::split_statements(&tokens);
    match ranges.as_slice() {
        [] => Err(Refusal::at(sql, 0, "empty statement", "one SQL statement is expected")),
        [range] => Ok(&sql[..tokens[range.end - 1].end]),
        [_, second, ..] => Err(Refusal::at(
            sql,
            tokens[second.start].start,
            "second statement",
            "cannot insert multiple commands into a prepared statement; send them with BatchExecuteStatement",
        )),
    }
}

/// Literals, names and parameters: the same everywhere in a statement.
fn rewrite_literals(rewrite: &mut Rewrite<'_>, parameters: &[Parameter]) -> Result<(), Refusal> {
    for index in rewrite.all() {
        let token = &rewrite.tokens[index];
        match token.kind {
            // Redshift reads a backslash as an escape; PostgreSQL does so in E'' only.
            TokenKind::Text if token.text.contains('\\') => {
                let text = format!("E{}", token.text);
                rewrite.replace(index, text);
            }
            TokenKind::QuotedName | TokenKind::TempName => {
                let text = quote_identifier(&token.text);
                rewrite.replace(index, text);
            }
            TokenKind::Parameter => {
                let name = &token.text[1..];
                let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
                    return Err(rewrite.refuse(index, token.text.clone(), "no parameter of that name was given"));
                };
                rewrite.replace(index, quote_literal(&parameter.value));
            }
            TokenKind::Text
            | TokenKind::Word
            | TokenKind::Body
            | TokenKind::Number
            | TokenKind::Positional
            | TokenKind::Symbol => {}
        }
    }
    Ok(())
}

/// The names of the parameters that `sql` uses, outside strings, comments and bodies.
pub(crate) fn parameter_names(sql: &str) -> Vec<String> {
    let tokens = lexer::tokenize(sql).unwrap_or_default();
    tokens.iter().filter(|token| token.kind == TokenKind::Parameter).map(|token| token.text[1..].to_owned()).collect()
}

pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `value` as a literal that means the same whatever `standard_conforming_strings` says.
pub(crate) fn quote_literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if value.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

fn rewrite_statement(rewrite: &mut Rewrite<'_>, kind: StatementKind) -> Result<(), Refusal> {
    let all = rewrite.all();
    match kind {
        StatementKind::CreateProcedure => procedure::rewrite_create_procedure(rewrite),
        StatementKind::CreateFunction => create_function::rewrite_create_function(rewrite),
        StatementKind::Set | StatementKind::Reset | StatementKind::Show => settings::rewrite_setting(rewrite),
        StatementKind::Grant
        | StatementKind::Revoke
        | StatementKind::Comment
        | StatementKind::Fetch
        | StatementKind::CloseCursor => Ok(()),
        StatementKind::TransactionControl => Err(rewrite.not_offered(
            0,
            "transaction control",
            "each call is a transaction here; send BatchExecuteStatement",
        )),
        StatementKind::Unload => Err(rewrite.refuse(0, "UNLOAD", "it cannot stand inside another statement")),
        StatementKind::Copy => Err(rewrite.refuse(0, "COPY", "it cannot stand inside another statement")),
        StatementKind::Analyze => {
            rewrite_analyze(rewrite);
            Ok(())
        }
        StatementKind::Vacuum => rewrite_vacuum(rewrite),
        StatementKind::Select
        | StatementKind::Insert
        | StatementKind::Update
        | StatementKind::Delete
        | StatementKind::Merge
        | StatementKind::Truncate
        | StatementKind::Call
        | StatementKind::Lock
        | StatementKind::Explain
        | StatementKind::DeclareCursor
        | StatementKind::CreateTable
        | StatementKind::CreateView
        | StatementKind::CreateMaterializedView
        | StatementKind::RefreshMaterializedView
        | StatementKind::CreateSchema
        | StatementKind::Drop
        | StatementKind::AlterTable => rewrite_sql(rewrite, all, kind),
    }
}

/// Rewrites a statement that may also stand in a procedure's body, where it is the `range` of a longer text.
pub(crate) fn rewrite_sql(rewrite: &mut Rewrite<'_>, range: Range<usize>, kind: StatementKind) -> Result<(), Refusal> {
    calls::rewrite_calls(rewrite, range.clone())?;
    query::rewrite_clauses(rewrite, range.clone())?;
    rewrite_definition(rewrite, range, kind)
}

/// What a definition needs beside the rewriting of its expressions.
pub(crate) fn rewrite_definition(
    rewrite: &mut Rewrite<'_>,
    range: Range<usize>,
    kind: StatementKind,
) -> Result<(), Refusal> {
    match kind {
        StatementKind::CreateTable => create_table::rewrite_create_table(rewrite, range),
        StatementKind::CreateView | StatementKind::CreateMaterializedView => rewrite_view(rewrite, range),
        StatementKind::AlterTable => rewrite_alter_table(rewrite, range),
        StatementKind::Merge => {
            rewrite_merge(rewrite, range);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `MERGE INTO t USING s ON … REMOVE DUPLICATES` deletes what matches, then inserts the distinct rows of the source. Every
/// other MERGE stands as it is.
fn rewrite_merge(rewrite: &mut Rewrite<'_>, range: Range<usize>) {
    let find = |rewrite: &Rewrite<'_>, words: &[&str]| range.clone().find(|&index| rewrite.are(index, words));
    let Some(remove) = find(rewrite, &["remove", "duplicates"]) else { return };
    let (Some(using), Some(on)) = (find(rewrite, &["using"]), find(rewrite, &["on"])) else { return };
    let target = rewrite.render(range.start + 2..using);
    let source_end = rewrite.view().name_end(using + 1);
    let source = rewrite.render(using + 1..source_end);
    rewrite.remove(range.start..range.start + 2);
    rewrite.replace(range.start, "with duplicates as (delete from");
    rewrite.replace(on, "where");
    rewrite.remove(remove..remove + 2);
    rewrite.replace(remove, format!(") insert into {target} select distinct * from {source}"));
}

fn rewrite_view(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let Some(view) = range.clone().find(|&index| rewrite.is(index, "view")) else { return Ok(()) };
    let name_end = qualify_new_name(rewrite, view + 1, false)?;
    let has_columns = rewrite.is_symbol(name_end, "(");
    let columns_end = if has_columns { rewrite.partner(name_end) + 1 } else { name_end };
    let attributes = columns_end..range.end;
    create_table::rewrite_table_attributes(rewrite, attributes, &mut create_table::Columns::default())?;
    if is_late_binding(rewrite.view()) {
        let name = rewrite.render(view + 1..name_end);
        let columns = has_columns.then(|| rewrite.render(name_end..columns_end));
        // Between AS and WITH NO SCHEMA BINDING.
        let query = rewrite.render(columns_end + 1..range.end - 4);
        let replaces = rewrite.is(range.start + 1, "or");
        rewrite.replace_range(range, late_binding::create(&name, columns.as_deref(), &query, replaces));
    }
    Ok(())
}

/// `ALTER TABLE t ADD [COLUMN] c type …`, DROP COLUMN, RENAME, OWNER TO, ALTER COLUMN … TYPE VARCHAR(n), and the
/// physical ones, which change nothing that can be seen here.
fn rewrite_alter_table(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let index = rewrite.view().name_end(range.start + 2);
    let column = if rewrite.is(index + 1, "column") { index + 2 } else { index + 1 };
    let refuse_key =
        "declare keys in CREATE TABLE: adding one to filled tables would be enforced by PostgreSQL, not by Redshift";
    match (
        rewrite.tokens.get(index).map_or("", |token| token.text.as_str()),
        rewrite.tokens.get(index + 1).map_or("", |token| token.text.as_str()),
    ) {
        ("add", "constraint" | "primary" | "unique" | "foreign") => {
            Err(rewrite.not_offered(index, "ALTER TABLE ADD CONSTRAINT", refuse_key))
        }
        ("add", _) => create_table::rewrite_column(rewrite, column..range.end, &mut create_table::Columns::default()),
        ("alter", "sortkey" | "distkey" | "diststyle" | "compound" | "encode") => {
            // Physical layout has no counterpart; the table's existence is still checked.
            rewrite.remove(range.start + 1..range.end);
            let table: String =
                rewrite.tokens[range.start + 2..index].iter().map(|token| token.text.as_str()).collect();
            rewrite.replace(range.start, format!("select from {table} limit 0"));
            Ok(())
        }
        ("alter", _) if rewrite.is(column + 1, "type") => {
            rewrite_type(rewrite, column + 2)?;
            Ok(())
        }
        ("alter", _) if rewrite.is(column + 1, "encode") => {
            // As with the physical layout above: only the column's existence is checked.
            let table: String =
                rewrite.tokens[range.start + 2..index].iter().map(|token| token.text.as_str()).collect();
            let name = rewrite.tokens[column].text.clone();
            rewrite.remove(range.start + 1..range.end);
            rewrite.replace(range.start, format!("select {} from {table} limit 0", quote_identifier(&name)));
            Ok(())
        }
        ("append", "from") => rewrite_append(rewrite, range, index),
        ("set", _) => Err(rewrite.not_offered(index, "ALTER TABLE … SET", "the stand-in does not offer it")),
        ("drop" | "rename" | "owner", _) => Ok(()),
        (other, _) => {
            let reason = "Redshift has ADD COLUMN, DROP COLUMN, RENAME, OWNER TO, ALTER COLUMN … TYPE VARCHAR(n), ALTER SORTKEY, DISTKEY, DISTSTYLE";
            Err(rewrite.refuse(index, format!("ALTER TABLE … {}", other.to_uppercase()), reason))
        }
    }
}

/// `ALTER TABLE target APPEND FROM source [IGNOREEXTRA | FILLTARGET]` moves rows.
fn rewrite_append(rewrite: &mut Rewrite<'_>, range: Range<usize>, append: usize) -> Result<(), Refusal> {
    let source_end = rewrite.view().name_end(append + 2);
    let option = rewrite.view().text(source_end).to_owned();
    if !rewrite.view().is_name(append + 2)
        || !["", "ignoreextra", "filltarget"].contains(&option.as_str())
        || source_end + usize::from(!option.is_empty()) < range.end
    {
        let reason = "its form is ALTER TABLE target APPEND FROM source [IGNOREEXTRA | FILLTARGET]";
        return Err(rewrite.refuse(append, "ALTER TABLE … APPEND", reason));
    }
    let target = quote_literal(&rewrite.render(range.start + 2..append));
    let source = quote_literal(&rewrite.render(append + 2..source_end));
    let call = format!(
        "call redshift_local.append_table({target}, {source}, {}, {})",
        option == "ignoreextra",
        option == "filltarget"
    );
    rewrite.replace_range(range, call);
    Ok(())
}

/// PREDICATE COLUMNS and ALL COLUMNS choose columns; PostgreSQL takes them all.
fn rewrite_analyze(rewrite: &mut Rewrite<'_>) {
    let end = rewrite.tokens.len();
    let tail = end.saturating_sub(2);
    if rewrite.are(tail, &["predicate", "columns"]) || rewrite.are(tail, &["all", "columns"]) {
        rewrite.remove(tail..end);
    }
}

/// `VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [table [TO n PERCENT]] [BOOST]` as a plain VACUUM.
fn rewrite_vacuum(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let mut index = 1;
    if rewrite.are(1, &["sort", "only"]) || rewrite.are(1, &["delete", "only"]) {
        index = 3;
    } else if ["full", "reindex", "recluster"].iter().any(|word| rewrite.is(1, word)) {
        index = 2;
    }
    rewrite.remove(1..index);
    while index < rewrite.tokens.len() && !rewrite.is(index, "to") && !rewrite.is(index, "boost") {
        index += 1;
    }
    rewrite.remove(index..rewrite.tokens.len());
    Ok(())
}

#[cfg(test)]
mod tests;
