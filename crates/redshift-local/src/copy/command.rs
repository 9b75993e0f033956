//! The text of a COPY. The dialect's rules have refused what Redshift refuses; of the rest the stand-in reads Parquet.

use crate::command_parser::CommandParser;
use crate::dialect::Refusal;
use crate::dialect::lexer::{Token, TokenKind};
use crate::translate::quote_identifier;

const FORM: &str =
    "its form is COPY table (columns) FROM 's3://…' IAM_ROLE '…' FORMAT AS PARQUET [MANIFEST] [FILLRECORD]";

/// A COPY that may run.
#[derive(Debug)]
pub(crate) struct CopyCommand {
    /// Schema, if named, and table.
    table: Vec<String>,
    /// Empty: all columns of the table.
    pub(super) columns: Vec<String>,
    pub(super) source: Source,
    /// EXPLICIT_IDS: values of IDENTITY columns come from the files.
    pub(super) has_explicit_ids: bool,
    pub(super) leniency: Leniency,
}

/// What of a file is put right instead of refused.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Leniency {
    /// FILLRECORD: trailing columns that a file lacks are NULL.
    pub(super) fills_record: bool,
    /// ACCEPTINVCHARS: what stands in place of each byte that is not UTF-8.
    pub(super) replacement: Option<char>,
}

/// What FROM names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The URL of a manifest.
    Manifest(String),
    /// What the URLs of all files begin with.
    Prefix(String),
}

impl Source {
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Manifest(url) | Self::Prefix(url) => url,
        }
    }
}

impl CopyCommand {
    /// # Errors
    /// Anything that is not a COPY of Parquet from S3.
    pub(crate) fn parse(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        CommandParser { sql, tokens, at: 1 }.copy_command()
    }

    pub(crate) fn quoted_table(&self) -> String {
        self.table.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".")
    }

    pub(super) fn table_name(&self) -> String {
        self.table.join(".")
    }
}

impl CommandParser<'_> {
    fn copy_command(mut self) -> Result<CopyCommand, Refusal> {
        if !self.tokens.iter().any(|token| token.is("parquet")) {
            return Err(self.not_offered("COPY", "the stand-in reads FORMAT AS PARQUET only"));
        }
        let mut table = vec![self.name("a table")?];
        while self.takes_symbol(".") {
            table.push(self.name("a table")?);
        }
        let mut columns = Vec::new();
        if self.takes_symbol("(") {
            loop {
                columns.push(self.name("a column")?);
                if self.takes_symbol(")") {
                    break;
                }
                if !self.takes_symbol(",") {
                    return Err(self.refuse("COPY", "columns between commas are expected here"));
                }
            }
        }
        if !self.takes("from") {
            return Err(self.refuse("COPY", FORM));
        }
        let url = self.text("FROM")?;
        if !url.starts_with("s3://") {
            return Err(self.refuse("COPY FROM", "Redshift's source for Parquet is S3; write FROM 's3://bucket/key'"));
        }
        let mut options = Options::default();
        while self.at < self.tokens.len() {
            self.copy_option(&mut options)?;
        }
        if !options.has_role {
            return Err(self.refuse("COPY", "IAM_ROLE '…' or IAM_ROLE DEFAULT is missing"));
        }
        if !options.is_parquet {
            return Err(self.not_offered("COPY", "the stand-in reads FORMAT AS PARQUET only"));
        }
        let source = if options.has_manifest { Source::Manifest(url) } else { Source::Prefix(url) };
        Ok(CopyCommand {
            table,
            columns,
            source,
            has_explicit_ids: options.has_explicit_ids,
            leniency: options.leniency,
        })
    }

    fn copy_option(&mut self, options: &mut Options) -> Result<(), Refusal> {
        let word = self.tokens[self.at].text.clone();
        match word.as_str() {
            "iam_role" => {
                self.at += 1;
                self.role()?;
                options.has_role = true;
            }
            "format" | "parquet" => {
                if self.takes("format") {
                    self.takes("as");
                }
                if !self.takes("parquet") {
                    return Err(self.not_offered("COPY FORMAT", "the stand-in reads FORMAT AS PARQUET only"));
                }
                options.is_parquet = true;
            }
            "manifest" => {
                self.at += 1;
                options.has_manifest = true;
            }
            "credentials" | "with" => {
                // The older form is WITH CREDENTIALS AS '…'.
                self.takes("with");
                if !self.takes("credentials") {
                    return Err(self.refuse("WITH", FORM));
                }
                self.takes("as");
                self.text("CREDENTIALS")?;
                options.has_role = true;
            }
            "fillrecord" => {
                self.at += 1;
                options.leniency.fills_record = true;
            }
            "acceptinvchars" => {
                self.at += 1;
                options.leniency.replacement = Some(self.replacement()?);
            }
            "explicit_ids" => {
                self.at += 1;
                options.has_explicit_ids = true;
            }
            // Statistics have no counterpart that anyone could see here.
            "statupdate" => {
                self.at += 1;
                let _ = self.takes("on") || self.takes("off");
            }
            "serializetojson" | "access_key_id" => {
                return Err(self.not_offered(&word.to_uppercase(), "the stand-in does not offer it with COPY"));
            }
            _ => return Err(self.refuse(&word.to_uppercase(), FORM)),
        }
        Ok(())
    }

    /// `ACCEPTINVCHARS [[AS] 'c']`: one ASCII character but NUL, `?` unless given.
    fn replacement(&mut self) -> Result<char, Refusal> {
        let is_named = self.takes("as");
        if !is_named && !self.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Text) {
            return Ok('?');
        }
        let text = self.text("ACCEPTINVCHARS")?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii() && c != '\0' => Ok(c),
            _ => Err(self.refuse("ACCEPTINVCHARS", "it replaces by one ASCII character; write ACCEPTINVCHARS AS '?'")),
        }
    }

    fn name(&mut self, what: &str) -> Result<String, Refusal> {
        match self.tokens.get(self.at).filter(|token| token.is_name()) {
            Some(token) => {
                self.at += 1;
                Ok(token.text.clone())
            }
            None => Err(self.refuse("COPY", &format!("{what} is expected here; {FORM}"))),
        }
    }
}

#[derive(Default)]
struct Options {
    has_role: bool,
    is_parquet: bool,
    has_manifest: bool,
    has_explicit_ids: bool,
    leniency: Leniency,
}

#[cfg(test)]
mod tests {
    use super::{CopyCommand, Source};
    use crate::dialect::Verdict;
    use crate::dialect::lexer::tokenize;

    fn parse(tail: &str) -> Result<CopyCommand, super::Refusal> {
        let sql = format!("copy stage.b (id, \"Name\") from 's3://b/m' {tail}");
        CopyCommand::parse(&sql, &tokenize(&sql).expect("tokens"))
    }

    #[test]
    fn options_come_in_any_order() {
        for tail in [
            "iam_role 'arn:aws:iam::123456789012:role/r' format as parquet manifest",
            "manifest format parquet statupdate on iam_role default fillrecord",
            "iam_role default parquet manifest",
            "credentials 'aws_iam_role=arn:aws:iam::123456789012:role/r' acceptinvchars as '#' explicit_ids parquet manifest",
            "iam_role default acceptinvchars parquet manifest",
        ] {
            let command = parse(tail).expect(tail);
            assert_eq!(command.quoted_table(), "\"stage\".\"b\"");
            assert_eq!(command.source, Source::Manifest("s3://b/m".to_owned()));
            assert_eq!(command.columns, ["id", "name"]);
        }
        let command = parse("iam_role default format as parquet").expect("a prefix");
        assert_eq!(command.source, Source::Prefix("s3://b/m".to_owned()));
    }

    #[test]
    fn what_is_no_copy_of_parquet_is_refused() {
        for (tail, verdict) in [
            ("format as parquet manifest", Verdict::NotRedshift),
            ("iam_role default format as parquet manifest surprise", Verdict::NotRedshift),
            ("iam_role 'someone' format as parquet manifest", Verdict::NotRedshift),
            ("iam_role :role format as parquet manifest", Verdict::NotRedshift),
            ("iam_role default manifest csv", Verdict::NotOffered),
            ("iam_role default delimiter '|'", Verdict::NotOffered),
            ("iam_role default parquet acceptinvchars 'é'", Verdict::NotRedshift),
            ("iam_role default parquet serializetojson", Verdict::NotOffered),
        ] {
            assert_eq!(parse(tail).expect_err(tail).verdict, verdict, "{tail}");
        }
    }
}
