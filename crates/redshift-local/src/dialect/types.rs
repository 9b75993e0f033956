//! Data types: which Redshift has, what a bare name means there, and how PostgreSQL spells the same.

use super::Refusal;
use super::lexer::{Token, TokenKind};

/// Longest VARCHAR, in bytes.
const VARCHAR_MAX_BYTES: u32 = 65_535;
/// Longest CHAR, in bytes.
const CHAR_MAX_BYTES: u32 = 4_096;
/// Length of VARCHAR and TEXT written without one.
const VARCHAR_DEFAULT_BYTES: u32 = 256;
const DECIMAL_MAX_PRECISION: u32 = 38;
/// Precision of DECIMAL written without one; its scale is 0.
const DECIMAL_DEFAULT_PRECISION: u32 = 18;

/// A type as it stands in a statement.
#[derive(Debug)]
pub(crate) struct TypeName {
    /// Index of the first token behind it.
    pub(crate) end: usize,
    /// How PostgreSQL spells it.
    pub(crate) postgres: String,
}

/// Reads the type that starts at token `at`.
///
/// # Errors
/// A type that Redshift does not have, one that this stand-in does not offer, or a length out of bounds.
pub(crate) fn read_type(sql: &str, tokens: &[Token], at: usize) -> Result<TypeName, Refusal> {
    let offset = tokens.get(at).map_or(sql.len(), |token| token.start);
    let word = |index: usize| {
        tokens
            .get(index)
            .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName))
            .map_or("", |token| token.text.as_str())
    };
    let refuse = |construct: &str, reason: String| Err(Refusal::at(sql, offset, construct.to_uppercase(), reason));
    let (name_end, name) = match (word(at), word(at + 1)) {
        ("double", "precision") => (at + 2, "float8"),
        ("character", "varying") => (at + 2, "varchar"),
        (name, _) => (at + 1, name),
    };
    let arguments = Arguments::read(sql, tokens, name_end)?;
    let plain = |postgres: &str| Ok((arguments.end, postgres.to_owned()));
    let (end, postgres) = match name {
        "smallint" | "int2" => plain("smallint"),
        "integer" | "int" | "int4" => plain("integer"),
        "bigint" | "int8" => plain("bigint"),
        "real" | "float4" => plain("real"),
        "float8" | "float" => plain("double precision"),
        "boolean" | "bool" => plain("boolean"),
        "date" => plain("date"),
        "timestamptz" => plain("timestamptz"),
        "timetz" => plain("timetz"),
        "refcursor" => plain("refcursor"),
        "record" => plain("record"),
        "timestamp" | "time" if !arguments.values.is_empty() => {
            refuse(name, "its precision is microseconds in Redshift; leave the number out".to_owned())
        }
        "timestamp" | "time" => {
            let (end, zoned) = match (word(arguments.end), word(arguments.end + 1), word(arguments.end + 2)) {
                ("without", "time", "zone") => (arguments.end + 3, ""),
                ("with", "time", "zone") => (arguments.end + 3, "tz"),
                _ => (arguments.end, ""),
            };
            Ok((end, format!("{name}{zoned}")))
        }
        "varchar" | "nvarchar" | "text" => {
            let bytes = arguments.one_of(VARCHAR_DEFAULT_BYTES, VARCHAR_MAX_BYTES);
            match bytes {
                Some(bytes) => Ok((arguments.end, format!("varchar({bytes})"))),
                None => refuse(name, format!("its length is a number of bytes from 1 to {VARCHAR_MAX_BYTES}, or MAX")),
            }
        }
        "char" | "character" | "nchar" => match arguments.one_of(1, CHAR_MAX_BYTES) {
            Some(bytes) => Ok((arguments.end, format!("char({bytes})"))),
            None => refuse(name, format!("its length is a number of bytes from 1 to {CHAR_MAX_BYTES}")),
        },
        "bpchar" => match arguments.one_of(VARCHAR_DEFAULT_BYTES, CHAR_MAX_BYTES) {
            Some(bytes) => Ok((arguments.end, format!("char({bytes})"))),
            None => refuse(name, format!("its length is a number of bytes from 1 to {CHAR_MAX_BYTES}")),
        },
        "decimal" | "numeric" | "dec" => {
            let (precision, scale) = match arguments.values.as_slice() {
                [] => (Some(DECIMAL_DEFAULT_PRECISION), Some(0)),
                [precision] => (precision.parse().ok(), Some(0)),
                [precision, scale] => (precision.parse().ok(), scale.parse().ok()),
                _ => (None, None),
            };
            match (precision, scale) {
                (Some(precision @ 1..=DECIMAL_MAX_PRECISION), Some(scale)) if scale <= precision => {
                    Ok((arguments.end, format!("numeric({precision},{scale})")))
                }
                _ => refuse(name, format!("precision is 1 to {DECIMAL_MAX_PRECISION}, scale 0 to the precision")),
            }
        }
        "super" | "varbyte" | "geometry" | "geography" | "hllsketch" | "interval" => {
            refuse(name, "Redshift has this type, the stand-in does not; choose another".to_owned())
                .map_err(Refusal::into_not_offered)
        }
        "bytea" => refuse(name, "Redshift has no such type; write VARBYTE".to_owned()),
        "json" | "jsonb" => refuse(name, "Redshift has no such type; write SUPER or VARCHAR(n)".to_owned()),
        "uuid" => refuse(name, "Redshift has no such type; write VARCHAR(36)".to_owned()),
        "serial" | "bigserial" | "smallserial" => {
            refuse(name, "Redshift has no such type; write BIGINT IDENTITY(1, 1)".to_owned())
        }
        "money" => refuse(name, "Redshift has no such type; write DECIMAL(p, s)".to_owned()),
        "" => refuse("type", "a type is expected here".to_owned()),
        other => refuse(other, "Redshift has no such type".to_owned()),
    }?;
    if tokens.get(end).is_some_and(|token| token.is_symbol("[")) || word(end) == "array" {
        let reason = "Redshift has no arrays; use rows, or text with SPLIT_PART";
        return Err(Refusal::at(sql, offset, "array type", reason));
    }
    Ok(TypeName { end, postgres })
}

/// The bracketed numbers behind a type's name.
struct Arguments {
    end: usize,
    values: Vec<String>,
}

impl Arguments {
    fn read(sql: &str, tokens: &[Token], at: usize) -> Result<Self, Refusal> {
        let Some(open) = tokens.get(at).filter(|token| token.is_symbol("(")) else {
            return Ok(Self { end: at, values: Vec::new() });
        };
        let close = open.partner.unwrap_or(at);
        let mut values = Vec::new();
        for token in &tokens[at + 1..close] {
            match token.kind {
                TokenKind::Number => values.push(token.text.clone()),
                TokenKind::Word if token.text == "max" => values.push(VARCHAR_MAX_BYTES.to_string()),
                TokenKind::Symbol if token.text == "," => {}
                _ => return Err(Refusal::at(sql, token.start, token.text.clone(), "a length is expected here")),
            }
        }
        Ok(Self { end: close + 1, values })
    }

    fn one_of(&self, default: u32, max: u32) -> Option<u32> {
        match self.values.as_slice() {
            [] => Some(default),
            [value] => value.parse().ok().filter(|bytes| (1..=max).contains(bytes)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_type;
    use crate::dialect::lexer::tokenize;

    #[test]
    fn bare_names_mean_what_redshift_means() {
        for (sql, expected) in [
            ("varchar", "varchar(256)"),
            ("text", "varchar(256)"),
            ("VARCHAR(MAX)", "varchar(65535)"),
            ("character varying(10)", "varchar(10)"),
            ("decimal", "numeric(18,0)"),
            ("numeric(12, 2)", "numeric(12,2)"),
            ("double precision", "double precision"),
            ("timestamp without time zone", "timestamp"),
            ("timestamp with time zone", "timestamptz"),
            ("char", "char(1)"),
        ] {
            let tokens = tokenize(sql).expect("tokens");
            let name = read_type(sql, &tokens, 0).expect(sql);
            assert_eq!((name.postgres.as_str(), name.end), (expected, tokens.len()), "{sql}");
        }
    }

    #[test]
    fn types_that_redshift_lacks_are_refused() {
        for sql in ["jsonb", "uuid", "int[]", "bigserial", "decimal(39,2)", "varchar(70000)", "numeric(5,6)"] {
            assert!(read_type(sql, &tokenize(sql).expect("tokens"), 0).is_err(), "{sql}");
        }
    }
}
