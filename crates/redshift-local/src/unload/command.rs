//! The text of an UNLOAD. The dialect's rules have refused what Redshift refuses; of the rest the stand-in writes Parquet.

use crate::command_parser::CommandParser;
use crate::dialect::Refusal;
use crate::dialect::lexer::{Token, TokenKind};
use crate::dialect::quoted_query::QuotedQuery;
use crate::translate::{Action, Values, translate};

const MEGABYTE: f64 = 1024.0 * 1024.0;
const GIGABYTE: f64 = 1024.0 * MEGABYTE;
const SMALLEST_FILE: f64 = 5.0 * MEGABYTE;
const LARGEST_FILE: f64 = 6.2 * GIGABYTE;
const SMALLEST_ROW_GROUP: f64 = 32.0 * MEGABYTE;
const LARGEST_ROW_GROUP: f64 = 128.0 * MEGABYTE;

/// An UNLOAD that may run.
#[derive(Debug)]
pub(crate) struct UnloadCommand {
    /// The query as PostgreSQL runs it.
    pub(crate) query: String,
    /// What the URL of every file begins with.
    pub(super) prefix: String,
    pub(super) manifest: Option<Detail>,
    pub(super) existing: Existing,
    /// Whether files are named as those of many slices.
    pub(super) is_parallel: bool,
    pub(super) max_file_bytes: usize,
    pub(super) row_group_bytes: usize,
}

/// How much a manifest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Files,
    /// Row counts and columns too.
    Verbose,
}

/// What becomes of files that are at the destination already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refused,
    /// Those of the same names.
    Overwritten,
    /// All.
    Deleted,
}

impl UnloadCommand {
    /// Reads the UNLOAD that `tokens` hold, which the gate has let through.
    ///
    /// # Errors
    /// Anything that is not an UNLOAD of Parquet, and a query that cannot be translated.
    pub(crate) fn parse(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        CommandParser { sql, tokens, at: 2 }.unload_command()
    }
}

impl CommandParser<'_> {
    fn unload_command(mut self) -> Result<UnloadCommand, Refusal> {
        let query = self.query()?;
        // The bracket, and TO.
        self.at += 2;
        let at = self.at;
        let prefix = self.text("TO")?;
        if prefix
            .strip_prefix("s3://")
            .and_then(|path| path.split_once('/'))
            .is_none_or(|(bucket, _)| bucket.is_empty())
        {
            self.at = at;
            return Err(self.refuse("UNLOAD TO", "Redshift unloads to S3; write TO 's3://bucket/prefix'"));
        }
        let mut options = Options::default();
        while self.at < self.tokens.len() {
            self.unload_option(&mut options)?;
        }
        if !options.is_parquet {
            return Err(self.not_offered("UNLOAD", "the stand-in writes FORMAT AS PARQUET only"));
        }
        Ok(UnloadCommand {
            query,
            prefix,
            manifest: options.manifest,
            existing: options.existing,
            is_parallel: !options.is_serial,
            max_file_bytes: options.max_file_bytes.unwrap_or(LARGEST_FILE) as usize,
            row_group_bytes: options.row_group_bytes.unwrap_or(SMALLEST_ROW_GROUP) as usize,
        })
    }

    /// The literal at hand, as SQL of PostgreSQL. Names in it are no parameters and no variables: it is a literal.
    fn query(&mut self) -> Result<String, Refusal> {
        let query = self.tokens.get(self.at).and_then(|token| QuotedQuery::read(self.sql, token));
        let Some(query) = query else { return Err(self.refuse("UNLOAD", "a query between quotes is expected here")) };
        let translation = translate(&query.text, Values::NONE).map_err(|refusal| query.place(self.sql, refusal))?;
        let Action::Sql(translated) = translation.action else {
            return Err(self.refuse("UNLOAD", "Redshift unloads what a SELECT gives"));
        };
        self.at += 1;
        Ok(translated)
    }

    fn unload_option(&mut self, options: &mut Options) -> Result<(), Refusal> {
        let word = self.tokens[self.at].text.clone();
        let construct = word.to_uppercase();
        match word.as_str() {
            "iam_role" => {
                self.at += 1;
                self.role()?;
            }
            "format" | "parquet" => {
                if self.takes("format") {
                    self.takes("as");
                }
                if !self.takes("parquet") {
                    return Err(self.not_offered("UNLOAD FORMAT", "the stand-in writes FORMAT AS PARQUET only"));
                }
                options.is_parquet = true;
            }
            "manifest" => {
                self.at += 1;
                let detail = if self.takes("verbose") { Detail::Verbose } else { Detail::Files };
                options.manifest = Some(detail);
            }
            "allowoverwrite" => {
                self.at += 1;
                options.existing = Existing::Overwritten;
            }
            "cleanpath" => {
                self.at += 1;
                options.existing = Existing::Deleted;
            }
            "parallel" => {
                self.at += 1;
                options.is_serial = self.takes("off") || self.takes("false");
                let _ = options.is_serial || self.takes("on") || self.takes("true");
            }
            "maxfilesize" => {
                let (at, bytes) = (self.at, self.size(&construct)?);
                if !(SMALLEST_FILE..=LARGEST_FILE).contains(&bytes) {
                    self.at = at;
                    return Err(self.refuse(&construct, "Redshift takes 5 MB to 6.2 GB"));
                }
                options.max_file_bytes = Some(bytes);
            }
            "rowgroupsize" => {
                let (at, bytes) = (self.at, self.size(&construct)?);
                if !(SMALLEST_ROW_GROUP..=LARGEST_ROW_GROUP).contains(&bytes) || bytes % MEGABYTE != 0.0 {
                    self.at = at;
                    return Err(self.refuse(&construct, "Redshift takes whole megabytes, 32 MB to 128 MB"));
                }
                options.row_group_bytes = Some(bytes);
            }
            "addquotes" | "bzip2" | "csv" | "delimiter" | "escape" | "fixedwidth" | "gzip" | "header" | "json"
            | "null" | "zstd" => {
                return Err(self.not_offered(&construct, "the stand-in writes FORMAT AS PARQUET only"));
            }
            "access_key_id"
            | "credentials"
            | "encrypted"
            | "extension"
            | "kms_key_id"
            | "master_symmetric_key"
            | "partition"
            | "region"
            | "secret_access_key"
            | "session_token" => {
                return Err(self.not_offered(&construct, "the stand-in does not offer it with UNLOAD"));
            }
            _ => {
                let reason = "no option of UNLOAD; those offered here are IAM_ROLE, FORMAT AS PARQUET, MANIFEST, \
                              ALLOWOVERWRITE, CLEANPATH, PARALLEL, MAXFILESIZE and ROWGROUPSIZE";
                return Err(self.refuse(&construct, reason));
            }
        }
        Ok(())
    }

    /// `OPTION [AS] number [MB | GB]` in bytes.
    fn size(&mut self, option: &str) -> Result<f64, Refusal> {
        self.at += 1;
        self.takes("as");
        let number = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Number);
        let Some(number) = number.and_then(|token| token.text.parse::<f64>().ok()) else {
            return Err(self.refuse(option, "a size is expected here, for example 64 MB"));
        };
        self.at += 1;
        if self.takes("gb") {
            return Ok(number * GIGABYTE);
        }
        self.takes("mb");
        Ok(number * MEGABYTE)
    }
}

struct Options {
    is_parquet: bool,
    manifest: Option<Detail>,
    existing: Existing,
    is_serial: bool,
    max_file_bytes: Option<f64>,
    row_group_bytes: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_parquet: false,
            manifest: None,
            existing: Existing::Refused,
            is_serial: false,
            max_file_bytes: None,
            row_group_bytes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Detail, Existing, UnloadCommand};
    use crate::dialect::lexer::tokenize;
    use crate::dialect::{Refusal, Verdict};

    fn parse(options: &str) -> Result<UnloadCommand, Refusal> {
        let sql = format!("unload ('select nvl(a, ''x'') from s.t') to 's3://b/p_' {options}");
        UnloadCommand::parse(&sql, &tokenize(&sql).expect("tokens"))
    }

    #[test]
    fn options_come_in_any_order() {
        let role = "iam_role 'arn:aws:iam::123456789012:role/r'";
        let command = parse(&format!("{role} format as parquet")).expect("plain");
        assert_eq!(
            (command.query.as_str(), command.prefix.as_str()),
            ("select coalesce(a, 'x') from s.t", "s3://b/p_")
        );
        assert_eq!((command.manifest, command.existing, command.is_parallel), (None, Existing::Refused, true));
        assert_eq!(command.row_group_bytes, 32 << 20);
        let tail = "rowgroupsize as 64 mb maxfilesize 0.5 GB manifest verbose parallel off allowoverwrite parquet";
        let command = parse(&format!("{tail} {role}")).expect(tail);
        assert_eq!((command.manifest, command.existing), (Some(Detail::Verbose), Existing::Overwritten));
        assert_eq!(
            (command.max_file_bytes, command.row_group_bytes, command.is_parallel),
            (512 << 20, 64 << 20, false)
        );
        let tail = "format parquet cleanpath manifest parallel maxfilesize as 5";
        let command = parse(&format!("{role} {tail}")).expect(tail);
        assert_eq!((command.manifest, command.existing), (Some(Detail::Files), Existing::Deleted));
        assert_eq!((command.max_file_bytes, command.is_parallel), (5 << 20, true));
    }

    #[test]
    fn what_redshift_has_and_the_stand_in_lacks_says_so() {
        for (tail, construct) in [
            ("iam_role default", "UNLOAD"),
            ("iam_role default csv", "CSV"),
            ("iam_role default format as json", "UNLOAD FORMAT"),
            ("iam_role default delimiter '|' addquotes", "DELIMITER"),
            ("iam_role default parquet partition by (a)", "PARTITION"),
            ("iam_role default parquet kms_key_id 'k' encrypted", "KMS_KEY_ID"),
            ("iam_role default parquet region 'eu-west-1'", "REGION"),
            ("iam_role default parquet extension 'pq'", "EXTENSION"),
            ("credentials 'aws_iam_role=r' parquet", "CREDENTIALS"),
        ] {
            let refusal = parse(tail).expect_err(tail);
            assert_eq!((refusal.construct.as_str(), refusal.verdict), (construct, Verdict::NotOffered), "{tail}");
        }
    }
}
