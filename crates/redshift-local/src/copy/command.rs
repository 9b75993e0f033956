//! The text of a COPY. The dialect's rules have refused what Redshift refuses; of the rest the stand-in reads Parquet by
//! manifest.

use crate::command_parser::CommandParser;
use crate::dialect::Refusal;
use crate::dialect::lexer::Token;
use crate::translate::quote_identifier;

const FORM: &str = "its form is COPY table (columns) FROM 's3://…' IAM_ROLE '…' FORMAT AS PARQUET MANIFEST";

/// A COPY that may run.
#[derive(Debug)]
pub(crate) struct CopyCommand {
    /// Schema, if named, and table.
    table: Vec<String>,
    /// Empty: all columns of the table.
    pub(super) columns: Vec<String>,
    pub(super) manifest: String,
    /// FILLRECORD: trailing columns that a file lacks are NULL.
    pub(super) fills_record: bool,
}

impl CopyCommand {
    /// # Errors
    /// Anything that is not a COPY of Parquet by manifest.
    pub(crate) fn parse(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        CommandParser { sql, tokens, at: 1 }.copy_command()
    }

    pub(super) fn quoted_table(&self) -> String {
        self.table.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".")
    }

    pub(super) fn table_name(&self) -> String {
        self.table.join(".")
    }
}

impl CommandParser<'_> {
    fn copy_command(mut self) -> Result<CopyCommand, Refusal> {
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
        let manifest = self.text("FROM")?;
        if !manifest.starts_with("s3://") {
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
        if !options.has_manifest {
            let reason = "without it FROM is a prefix, which takes in whatever else begins like it and loads nothing \
                          without a word when nothing does; the stand-in wants a manifest";
            return Err(self.not_offered("COPY without MANIFEST", reason));
        }
        Ok(CopyCommand { table, columns, manifest, fills_record: options.fills_record })
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
            "fillrecord" => {
                self.at += 1;
                options.fills_record = true;
            }
            // Statistics have no counterpart that anyone could see here.
            "statupdate" => {
                self.at += 1;
                let _ = self.takes("on") || self.takes("off");
            }
            "acceptinvchars" | "serializetojson" | "credentials" | "access_key_id" => {
                return Err(self.not_offered(&word.to_uppercase(), "the stand-in does not offer it with COPY"));
            }
            _ => return Err(self.refuse(&word.to_uppercase(), FORM)),
        }
        Ok(())
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
    fills_record: bool,
}

#[cfg(test)]
mod tests {
    use super::CopyCommand;
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
        ] {
            let command = parse(tail).expect(tail);
            assert_eq!((command.quoted_table().as_str(), command.manifest.as_str()), ("\"stage\".\"b\"", "s3://b/m"));
            assert_eq!(command.columns, ["id", "name"]);
        }
    }

    #[test]
    fn what_is_no_copy_of_parquet_by_manifest_is_refused() {
        for tail in [
            "format as parquet manifest",
            "iam_role default format as parquet",
            "iam_role default format as parquet manifest region 'eu-west-1'",
            "iam_role default format as parquet manifest maxerror 5",
            "iam_role default manifest csv",
            "iam_role 'someone' format as parquet manifest",
            "iam_role :role format as parquet manifest",
        ] {
            assert!(parse(tail).is_err(), "{tail}");
        }
    }
}
