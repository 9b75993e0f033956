//! A refusal: what is not Redshift SQL, where it stands, and what to write instead.

use std::fmt;

/// Whose refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Redshift refuses it too.
    NotRedshift,
    /// Redshift has it, this stand-in does not.
    NotOffered,
}

/// Why a statement was refused. `Display` is one line: `3:14: ON CONFLICT: why; write … instead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub verdict: Verdict,
    /// The construct as the author would call it, for example `ON CONFLICT`.
    pub construct: String,
    /// Why it is refused and what to write instead.
    pub reason: String,
    /// Line in the checked text, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl Refusal {
    /// What Redshift refuses, at byte `offset` of `sql`.
    pub(crate) fn at(sql: &str, offset: usize, construct: impl Into<String>, reason: impl Into<String>) -> Self {
        let before = sql.get(..offset).unwrap_or(sql);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            verdict: Verdict::NotRedshift,
            construct: construct.into(),
            reason: reason.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Where in `sql`, the checked text, the refusal stands, in bytes.
    pub(crate) fn offset_in(&self, sql: &str) -> usize {
        let line_start: usize = sql.split_inclusive('\n').take(self.line - 1).map(str::len).sum();
        let line = &sql[line_start..];
        line_start + line.char_indices().nth(self.column - 1).map_or(line.len(), |(offset, _)| offset)
    }

    /// The same place, for what Redshift has and the stand-in lacks.
    pub(crate) fn into_not_offered(mut self) -> Self {
        self.verdict = Verdict::NotOffered;
        self
    }

    /// The same refusal when `prefix` was put in front of the text.
    pub(crate) fn without_prefix(mut self, prefix: &str) -> Self {
        if self.line == 1 {
            self.column = self.column.saturating_sub(prefix.chars().count()).max(1);
        }
        self
    }

    /// The same refusal when `sql` is itself a part of a larger text that starts `offset` bytes into it (the body of a
    /// procedure inside its statement, a statement inside a file).
    pub(crate) fn within(self, outer: &str, offset: usize) -> Self {
        let start = Self::at(outer, offset, "", "");
        self.behind(start.line, start.column)
    }

    /// The same refusal when its text starts at this place of a larger one.
    pub(crate) fn behind(mut self, line: usize, column: usize) -> Self {
        if self.line == 1 {
            self.column += column - 1;
        }
        self.line += line - 1;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.line, self.column, self.construct, self.reason)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::Refusal;

    #[test]
    fn a_refusal_inside_a_body_is_placed_in_the_statement() {
        let statement = "create procedure p() as $$\nbegin\n  x\nend$$";
        let body_offset = statement.find("\nbegin").expect("body");
        let body = &statement[body_offset..];
        let refusal = Refusal::at(body, body.find('x').expect("x"), "x", "why").within(statement, body_offset);
        assert_eq!((refusal.line, refusal.column), (3, 3));
    }
}
