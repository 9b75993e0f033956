//! Results on standard output.

use std::{
    fmt::Display,
    io::{ErrorKind, Write as _, stdout},
};

/// Prints a line or several. A reader that went away, such as `head`, has what it wanted.
///
/// # Errors
/// When standard output cannot be written, for instance on a full disk.
pub(crate) fn print(text: impl Display) -> anyhow::Result<()> {
    let mut output = stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
