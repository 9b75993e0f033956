//! CREATE TABLE: distribution, sorting and encoding are checked and dropped, types are spelled out. Primary and unique
//! keys stay in the text (PostgreSQL checks that their columns exist) and an event trigger of the shims drops the
//! constraint, so that they are, as in Redshift, declared and not enforced. Foreign keys are dropped here. A sort key becomes
//! such a constraint as well, of which the trigger makes an index: ranges of it are found without reading the whole table, as
//! by the bounds that Redshift keeps of every block. A table made of a query takes no constraint: its index is made behind it.
//! LIKE takes the sort key along (Database Developer Guide, page r_CREATE_TABLE_NEW), but into no temporary table, which is
//! mostly read whole.

use std::ops::Range;

use super::calls::rewrite_type;
use super::quote_literal;
use super::rewrite::Rewrite;
use crate::dialect::Refusal;

const ENCODINGS: &[&str] = &[
    "auto",
    "az64",
    "bytedict",
    "delta",
    "delta32k",
    "lzo",
    "mostly8",
    "mostly16",
    "mostly32",
    "raw",
    "runlength",
    "text255",
    "text32k",
    "zstd",
];

/// Each slice of a cluster numbers its own rows, so that values are unique and leave gaps; here is one slice of two.
const IDENTITY_SLICES: i64 = 2;

/// Rewrites `CREATE [TEMP] TABLE …` in `range`; the SELECT of a CTAS is left to the caller.
pub(crate) fn rewrite_create_table(rewrite: &mut Rewrite<'_>, range: Range<usize>) -> Result<(), Refusal> {
    let Some(table) = (range.start..range.end).find(|&index| rewrite.is(index, "table")) else { return Ok(()) };
    let is_temporary = (range.start..table).any(|index| rewrite.is(index, "temp") || rewrite.is(index, "temporary"));
    let name = table + if rewrite.are(table + 1, &["if", "not", "exists"]) { 4 } else { 1 };
    let name_end = qualify_new_name(rewrite, name, is_temporary)?;
    let is_hash_name = rewrite.tokens.get(name).is_some_and(|token| token.text.starts_with('#'));
    if is_hash_name && !is_temporary {
        rewrite.before(table, "temp ");
    }
    let mut columns = Columns::default();
    let mut index = name_end;
    if rewrite.is_symbol(index, "(") {
        let close = rewrite.partner(index);
        rewrite_column_list(rewrite, index, close, &mut columns)?;
        index = close + 1;
    }
    rewrite_table_attributes(rewrite, index..range.end, &mut columns)?;
    columns.check(rewrite)?;
    if !is_temporary && !is_hash_name {
        for like in &columns.likes {
            // The indexes of tables that were made here stand for sort keys.
            rewrite.after(rewrite.view().name_end(like + 1) - 1, " including indexes including statistics");
        }
    }
    let is_of_query = rewrite.view().find_beside(name_end..range.end, &["as"]).is_some();
    if !is_of_query && !columns.names.is_empty() && !columns.sort.is_empty() {
        let table = rewrite.tokens[name_end - 1].text.trim_start_matches('#').trim_matches('"').to_owned();
        let sorted = columns
            .sort
            .iter()
            .map(|(column, _)| format!("\"{}\"", column.trim_matches('"')))
            .collect::<Vec<_>>()
            .join(", ");
        rewrite
            .before(rewrite.partner(name_end), &format!(", constraint \"sortkey_of_{table:.40}\" unique ({sorted})"));
    }
    Ok(())
}

/// The statement that makes the index for the sort key of a `CREATE TABLE … AS`.
pub(crate) fn index_of_query_table(rewrite: &Rewrite<'_>) -> Option<String> {
    let view = rewrite.view();
    let table = view.find_beside(0..view.len(), &["table"])?;
    let name = table + if rewrite.are(table + 1, &["if", "not", "exists"]) { 4 } else { 1 };
    let attributes = view.name_end(name)..view.find_beside(0..view.len(), &["as"])?;
    let open = view.find_beside(attributes, &["sortkey"]).map(|sort_key| sort_key + 1)?;
    if !rewrite.is_symbol(open, "(") {
        return None;
    }
    let table = quote_literal(&rewrite.render(name..view.name_end(name)));
    let columns = rewrite.split_at_commas(open + 1..rewrite.partner(open));
    let columns = columns.into_iter().map(|column| quote_literal(rewrite.tokens[column.start].text.trim_matches('"')));
    let columns = columns.collect::<Vec<_>>().join(", ");
    Some(format!("select redshift_local.index_sort_key({table}, array[{columns}])"))
}

/// Names without a schema would be created in the shims' schema, which is first in the search path: they belong to
/// `public`. Returns the index behind the name.
pub(crate) fn qualify_new_name(rewrite: &mut Rewrite<'_>, name: usize, is_temporary: bool) -> Result<usize, Refusal> {
    if !rewrite.tokens.get(name).is_some_and(|token| token.is_name()) {
        return Err(rewrite.refuse(name, "CREATE", "a name is expected here"));
    }
    let end = rewrite.view().name_end(name);
    let is_hash_name = rewrite.tokens[name].text.starts_with('#');
    if end == name + 1 && !is_temporary && !is_hash_name {
        rewrite.before(name, "public.");
    }
    Ok(end)
}

/// Removes the attributes between a table's columns and its AS (or end). Also those of materialized views.
pub(crate) fn rewrite_table_attributes(
    rewrite: &mut Rewrite<'_>,
    range: Range<usize>,
    columns: &mut Columns,
) -> Result<(), Refusal> {
    let mut index = range.start;
    while index < range.end && !rewrite.is(index, "as") && !rewrite.is_symbol(index, ";") {
        let start = index;
        let word = rewrite.tokens[index].text.clone();
        let value = rewrite.tokens.get(index + 1).map_or("", |token| token.text.as_str()).to_owned();
        match (word.as_str(), value.as_str()) {
            ("diststyle", "auto" | "even" | "key" | "all")
            | ("backup", "yes" | "no")
            | ("encode", "auto")
            | ("sortkey", "auto") => index += 2,
            ("distkey", "(") => {
                index = columns.note_list(rewrite, index + 1, Key::Distribution)?;
            }
            ("sortkey", "(") => index = columns.note_list(rewrite, index + 1, Key::Sort)?,
            ("compound" | "interleaved", "sortkey") => index = columns.note_list(rewrite, index + 2, Key::Sort)?,
            ("auto", "refresh") if rewrite.is(index + 2, "yes") || rewrite.is(index + 2, "no") => index += 3,
            _ => {
                let reason =
                    "here stand DISTSTYLE, DISTKEY(column), [COMPOUND] SORTKEY(columns), ENCODE AUTO, BACKUP or AS";
                return Err(rewrite.refuse(index, word.to_uppercase(), reason));
            }
        }
        rewrite.remove(start..index);
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Key {
    Distribution,
    Sort,
}

/// What a CREATE TABLE says about its columns.
#[derive(Default)]
pub(crate) struct Columns {
    names: Vec<String>,
    distribution: Vec<(String, usize)>,
    sort: Vec<(String, usize)>,
    /// Where LIKE stands.
    likes: Vec<usize>,
}

impl Columns {
    /// Notes the bracketed column names at `open`; returns the index behind them.
    fn note_list(&mut self, rewrite: &Rewrite<'_>, open: usize, key: Key) -> Result<usize, Refusal> {
        if !rewrite.is_symbol(open, "(") {
            return Err(rewrite.refuse(open, "SORTKEY", "columns in brackets are expected here"));
        }
        let close = rewrite.partner(open);
        for part in rewrite.split_at_commas(open + 1..close) {
            let noted = (rewrite.tokens[part.start].text.clone(), part.start);
            match key {
                Key::Distribution => self.distribution.push(noted),
                Key::Sort => self.sort.push(noted),
            }
        }
        Ok(close + 1)
    }

    /// One distribution key at most, and keys only of columns that exist.
    fn check(&self, rewrite: &Rewrite<'_>) -> Result<(), Refusal> {
        if let [_, (name, index), ..] = self.distribution.as_slice() {
            return Err(rewrite.refuse(
                *index,
                "DISTKEY",
                format!("`{name}` is a second distribution key; a table has one"),
            ));
        }
        if self.names.is_empty() {
            return Ok(());
        }
        match self.distribution.iter().chain(&self.sort).find(|(name, _)| !self.names.contains(name)) {
            Some((name, index)) => {
                Err(rewrite.refuse(*index, "DISTKEY/SORTKEY", format!("column `{name}` is not in the table")))
            }
            None => Ok(()),
        }
    }
}

fn rewrite_column_list(
    rewrite: &mut Rewrite<'_>,
    open: usize,
    close: usize,
    columns: &mut Columns,
) -> Result<(), Refusal> {
    let items = rewrite.split_at_commas(open + 1..close);
    for (position, item) in items.iter().enumerate() {
        let at = if rewrite.is(item.start, "constraint") { item.start + 2 } else { item.start };
        if rewrite.is(at, "foreign") {
            // With the comma that joins it to its neighbour.
            let start = if position > 0 { item.start - 1 } else { item.start };
            let end = if position == 0 && items.len() > 1 { item.end + 1 } else { item.end };
            rewrite.remove(start..end);
        } else if rewrite.is(at, "like") {
            columns.likes.push(at);
        } else if !(rewrite.are(at, &["primary", "key"]) || rewrite.is(at, "unique")) {
            columns.names.push(rewrite.tokens[item.start].text.clone());
            if item.len() > 1 {
                rewrite_column(rewrite, item.clone(), columns)?;
            }
        }
    }
    // A list of bare names is that of a CTAS, whose LIKE-less columns get their types from the query.
    Ok(())
}

/// Rewrites one column definition: `name type attributes`.
pub(crate) fn rewrite_column(
    rewrite: &mut Rewrite<'_>,
    item: Range<usize>,
    columns: &mut Columns,
) -> Result<(), Refusal> {
    if item.len() < 2 {
        return Err(rewrite.refuse(item.start, "column", "a name and a type are expected here"));
    }
    let name = rewrite.tokens[item.start].text.clone();
    let mut index = rewrite_type(rewrite, item.start + 1)?;
    while index < item.end {
        let start = index;
        let word = rewrite.tokens[index].text.clone();
        match word.as_str() {
            "not" if rewrite.is(index + 1, "null") => index += 2,
            "null" | "unique" => index += 1,
            "primary" if rewrite.is(index + 1, "key") => index += 2,
            "default" => {
                index += 1;
                while index < item.end && !is_attribute(rewrite, index) {
                    index = rewrite.next_beside(index);
                }
            }
            "encode" => {
                let encoding = rewrite.tokens.get(index + 1).map_or("", |token| token.text.as_str());
                if !ENCODINGS.contains(&encoding) {
                    return Err(rewrite.refuse(
                        index + 1,
                        "ENCODE",
                        format!("`{encoding}` is no encoding; expected one of {}", ENCODINGS.join(", ")),
                    ));
                }
                index += 2;
                rewrite.remove(start..index);
            }
            "distkey" | "sortkey" => {
                let noted = (name.clone(), index);
                if word == "distkey" {
                    columns.distribution.push(noted)
                } else {
                    columns.sort.push(noted)
                }
                index += 1;
                rewrite.remove(start..index);
            }
            "references" => {
                index += 1;
                while index < item.end
                    && (rewrite.tokens[index].is_name() && !is_attribute(rewrite, index)
                        || rewrite.is_symbol(index, "."))
                {
                    index += 1;
                }
                if rewrite.is_symbol(index, "(") {
                    index = rewrite.partner(index) + 1;
                }
                rewrite.remove(start..index);
            }
            "identity" => {
                check_identity_type(rewrite, item.start + 1)?;
                index = rewrite_identity(rewrite, index, "generated always as identity")?;
            }
            "generated" if rewrite.are(index + 1, &["by", "default", "as", "identity"]) => {
                check_identity_type(rewrite, item.start + 1)?;
                rewrite.remove(start..start + 4);
                index = rewrite_identity(rewrite, start + 4, "generated by default as identity")?;
            }
            _ => {
                let reason = "here stand DEFAULT, IDENTITY, ENCODE, DISTKEY, SORTKEY, [NOT] NULL, PRIMARY KEY, UNIQUE or REFERENCES";
                return Err(rewrite.refuse(index, word.to_uppercase(), reason));
            }
        }
    }
    Ok(())
}

fn is_attribute(rewrite: &Rewrite<'_>, index: usize) -> bool {
    matches!(
        rewrite.tokens[index].text.as_str(),
        "not"
            | "null"
            | "unique"
            | "primary"
            | "encode"
            | "distkey"
            | "sortkey"
            | "references"
            | "identity"
            | "generated"
            | "default"
    )
}

fn check_identity_type(rewrite: &Rewrite<'_>, column_type: usize) -> Result<(), Refusal> {
    const INTEGERS: &[&str] = &["int", "integer", "int4", "bigint", "int8"];
    if rewrite.view().is_any(column_type, INTEGERS) {
        Ok(())
    } else {
        Err(rewrite.refuse(column_type, "IDENTITY", "an IDENTITY column is INTEGER or BIGINT"))
    }
}

/// `IDENTITY[(seed, step)]` at `index`, both 1 unless given; returns the index behind it.
fn rewrite_identity(rewrite: &mut Rewrite<'_>, index: usize, clause: &str) -> Result<usize, Refusal> {
    let has_numbers = rewrite.is_symbol(index + 1, "(");
    let close = if has_numbers { rewrite.partner(index + 1) } else { index };
    let (seed, step) = if has_numbers {
        let numbers = rewrite.split_at_commas(index + 2..close);
        let [seed, step] = numbers.as_slice() else {
            return Err(rewrite.refuse(index, "IDENTITY", "its form is IDENTITY(seed, step)"));
        };
        (rewrite.render(seed.clone()), rewrite.render(step.clone()))
    } else {
        ("1".to_owned(), "1".to_owned())
    };
    let number = |text: &str| text.parse::<i64>().ok();
    let (Some(seed), Some(step)) = (number(&seed), number(&step).filter(|step| *step != 0)) else {
        return Err(rewrite.refuse(index, "IDENTITY", "seed and step are integers, and the step is not 0"));
    };
    // PostgreSQL's sequences end at 1 unless told otherwise, on the side from which they start.
    let bound = if step > 0 { "minvalue" } else { "maxvalue" };
    let step = step.saturating_mul(IDENTITY_SLICES);
    let text = format!("{clause} (start with {seed} increment by {step} {bound} {seed})");
    rewrite.remove(index..close + 1);
    rewrite.replace(index, text);
    Ok(close + 1)
}
