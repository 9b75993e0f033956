//! Results on standard output.

use crate::error::ExtractError;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::HumanCount;
use std::io::{ErrorKind, Write as _, stdout};

/// Columns of a table where no terminal says how many it has.
const USUAL_WIDTH: u16 = 100;

/// A table that fits the terminal; names to the left, counts from the column `counts_from` on to the right.
pub(crate) fn new_table(heads: &[&str], counts_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heads);
    if table.width().is_none() {
        table.set_width(USUAL_WIDTH);
    }
    for column in table.column_iter_mut().skip(counts_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A count as people read it: 1,234,567.
pub(crate) fn grouped(count: u64) -> String {
    HumanCount(count).to_string()
}

/// Prints a line or several. A reader that went away, such as `head`, has what it wanted.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print(text: &str) -> Result<(), ExtractError> {
    match writeln!(stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|source| ExtractError::Output { source }),
    }
}
