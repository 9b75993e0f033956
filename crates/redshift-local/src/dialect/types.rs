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

/// What a name of a type comes to.
#[derive(Clone, Copy)]
enum Rule {
    /// PostgreSQL's spelling; no length behind it.
    Is(&'static str),
    /// TIMESTAMP and TIME, with or without a zone.
    Time(&'static str),
    /// The length is in bytes.
    Varchar,
    /// With the length of the bare name.
    Char(u32),
    Decimal,
    /// Redshift has it.
    NotOffered,
    /// What to write instead.
    Refused(&'static str),
}

const IDENTITY: &str = "write BIGINT IDENTITY(1, 1)";
const COORDINATES: &str = "write two DOUBLE PRECISION columns, or GEOMETRY";
const NO_TEXT_SEARCH: &str = "write VARCHAR(n), and search by LIKE or REGEXP_INSTR";
const TWO_COLUMNS: &str = "write a column for each end";

/// The allow-list; a name that is not here is no type of Redshift.
const TYPES: &[(&str, Rule)] = &[
    ("smallint", Rule::Is("smallint")),
    ("int2", Rule::Is("smallint")),
    ("integer", Rule::Is("integer")),
    ("int", Rule::Is("integer")),
    ("int4", Rule::Is("integer")),
    ("bigint", Rule::Is("bigint")),
    ("int8", Rule::Is("bigint")),
    ("decimal", Rule::Decimal),
    ("numeric", Rule::Decimal),
    ("dec", Rule::Decimal),
    ("real", Rule::Is("real")),
    ("float4", Rule::Is("real")),
    ("double precision", Rule::Is("double precision")),
    ("float8", Rule::Is("double precision")),
    ("float", Rule::Is("double precision")),
    ("boolean", Rule::Is("boolean")),
    ("bool", Rule::Is("boolean")),
    ("varchar", Rule::Varchar),
    ("character varying", Rule::Varchar),
    ("nvarchar", Rule::Varchar),
    ("text", Rule::Varchar),
    ("char", Rule::Char(1)),
    ("character", Rule::Char(1)),
    ("nchar", Rule::Char(1)),
    ("bpchar", Rule::Char(256)),
    ("date", Rule::Is("date")),
    ("timestamp", Rule::Time("timestamp")),
    ("timestamptz", Rule::Is("timestamptz")),
    ("time", Rule::Time("time")),
    ("timetz", Rule::Is("timetz")),
    // In procedures only.
    ("refcursor", Rule::Is("refcursor")),
    ("record", Rule::Is("record")),
    ("super", Rule::NotOffered),
    ("varbyte", Rule::NotOffered),
    ("varbinary", Rule::NotOffered),
    ("binary", Rule::NotOffered),
    ("geometry", Rule::NotOffered),
    ("geography", Rule::NotOffered),
    ("hllsketch", Rule::NotOffered),
    ("interval", Rule::NotOffered),
    ("bytea", Rule::Refused("write VARBYTE")),
    ("json", Rule::Refused("write SUPER or VARCHAR(n)")),
    ("jsonb", Rule::Refused("write SUPER or VARCHAR(n)")),
    ("uuid", Rule::Refused("write VARCHAR(36)")),
    ("serial", Rule::Refused(IDENTITY)),
    ("serial2", Rule::Refused(IDENTITY)),
    ("serial4", Rule::Refused(IDENTITY)),
    ("serial8", Rule::Refused(IDENTITY)),
    ("bigserial", Rule::Refused(IDENTITY)),
    ("smallserial", Rule::Refused(IDENTITY)),
    ("money", Rule::Refused("write DECIMAL(p, s)")),
    ("citext", Rule::Refused("write VARCHAR(n) COLLATE CASE_INSENSITIVE")),
    ("hstore", Rule::Refused("write SUPER or VARCHAR(n)")),
    ("jsonpath", Rule::Refused("write VARCHAR(n)")),
    ("xml", Rule::Refused("write VARCHAR(n)")),
    ("inet", Rule::Refused("write VARCHAR(45)")),
    ("cidr", Rule::Refused("write VARCHAR(45)")),
    ("macaddr", Rule::Refused("write VARCHAR(17)")),
    ("macaddr8", Rule::Refused("write VARCHAR(23)")),
    ("bit", Rule::Refused("write a number, or VARBYTE")),
    ("varbit", Rule::Refused("write a number, or VARBYTE")),
    ("point", Rule::Refused(COORDINATES)),
    ("line", Rule::Refused(COORDINATES)),
    ("lseg", Rule::Refused(COORDINATES)),
    ("box", Rule::Refused(COORDINATES)),
    ("path", Rule::Refused(COORDINATES)),
    ("polygon", Rule::Refused(COORDINATES)),
    ("circle", Rule::Refused(COORDINATES)),
    ("tsvector", Rule::Refused(NO_TEXT_SEARCH)),
    ("tsquery", Rule::Refused(NO_TEXT_SEARCH)),
    ("int4range", Rule::Refused(TWO_COLUMNS)),
    ("int8range", Rule::Refused(TWO_COLUMNS)),
    ("numrange", Rule::Refused(TWO_COLUMNS)),
    ("daterange", Rule::Refused(TWO_COLUMNS)),
    ("tsrange", Rule::Refused(TWO_COLUMNS)),
    ("tstzrange", Rule::Refused(TWO_COLUMNS)),
    ("oid", Rule::Refused("write BIGINT")),
    ("regclass", Rule::Refused("look the name up in SVV_TABLES")),
    ("regproc", Rule::Refused("look the name up in PG_PROC_INFO")),
    ("regtype", Rule::Refused("write the type's name as a literal")),
    ("name", Rule::Refused("write VARCHAR(127)")),
];

/// Why Redshift has no type `name`, if it is one of those that PostgreSQL has beside it.
pub(super) fn why_refused(name: &str) -> Option<&'static str> {
    TYPES.iter().find_map(|(known, rule)| match rule {
        Rule::Refused(instead) if *known == name => Some(*instead),
        _ => None,
    })
}

/// Whether Redshift has a type `name` (one word).
pub(super) fn is_type(name: &str) -> bool {
    TYPES.iter().any(|(known, rule)| *known == name && !matches!(rule, Rule::Refused(_)))
}

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
    let two_words = format!("{} {}", word(at), word(at + 1));
    let rule_of = |name: &str| TYPES.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule);
    let (name, name_end, rule) = match rule_of(&two_words) {
        Some(rule) => (two_words.as_str(), at + 2, rule),
        None => match (word(at), rule_of(word(at))) {
            ("", _) => return refuse("type", "a type is expected here".to_owned()),
            (name, Some(rule)) => (name, at + 1, rule),
            (name, None) => {
                let reason = "Redshift has no such type; write for example BIGINT, DECIMAL(p, s), VARCHAR(n), DATE";
                return refuse(name, reason.to_owned());
            }
        },
    };
    let arguments = Arguments::read(sql, tokens, name_end)?;
    let (end, postgres) = match rule {
        Rule::Is(postgres) => (arguments.end, postgres.to_owned()),
        Rule::Time(_) if !arguments.values.is_empty() => {
            return refuse(name, "its precision is microseconds in Redshift; leave the number out".to_owned());
        }
        Rule::Time(postgres) => match [0, 1, 2].map(|offset| word(arguments.end + offset)) {
            ["without", "time", "zone"] => (arguments.end + 3, postgres.to_owned()),
            ["with", "time", "zone"] => (arguments.end + 3, format!("{postgres}tz")),
            _ => (arguments.end, postgres.to_owned()),
        },
        Rule::Varchar => match arguments.one_of(VARCHAR_DEFAULT_BYTES, VARCHAR_MAX_BYTES) {
            Some(bytes) => (arguments.end, format!("varchar({bytes})")),
            None => {
                let reason = format!("its length is a number of bytes from 1 to {VARCHAR_MAX_BYTES}, or MAX");
                return refuse(name, reason);
            }
        },
        Rule::Char(default) => match arguments.one_of(default, CHAR_MAX_BYTES) {
            Some(bytes) => (arguments.end, format!("char({bytes})")),
            None => return refuse(name, format!("its length is a number of bytes from 1 to {CHAR_MAX_BYTES}")),
        },
        Rule::Decimal => match arguments.precision_and_scale() {
            Some((precision, scale)) => (arguments.end, format!("numeric({precision},{scale})")),
            None => {
                let reason = format!("precision is 1 to {DECIMAL_MAX_PRECISION}, scale 0 to the precision");
                return refuse(name, reason);
            }
        },
        Rule::NotOffered => {
            let refused = refuse(name, "Redshift has this type, the stand-in does not; choose another".to_owned());
            return refused.map_err(Refusal::into_not_offered);
        }
        Rule::Refused(instead) => return refuse(name, format!("Redshift has no such type; {instead}")),
    };
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

    fn precision_and_scale(&self) -> Option<(u32, u32)> {
        let (precision, scale) = match self.values.as_slice() {
            [] => (DECIMAL_DEFAULT_PRECISION, 0),
            [precision] => (precision.parse().ok()?, 0),
            [precision, scale] => (precision.parse().ok()?, scale.parse().ok()?),
            _ => return None,
        };
        ((1..=DECIMAL_MAX_PRECISION).contains(&precision) && scale <= precision).then_some((precision, scale))
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
