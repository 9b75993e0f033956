//! The statements that exist. What is not in this list is refused before it reaches PostgreSQL.

use super::Refusal;
use super::lexer::Token;

/// What a statement does, read from its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Copy,
    Unload,
    Truncate,
    Call,
    Grant,
    Revoke,
    Analyze,
    Vacuum,
    Lock,
    /// BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT.
    TransactionControl,
    Set,
    Reset,
    Show,
    Explain,
    /// DECLARE name CURSOR FOR query.
    DeclareCursor,
    Fetch,
    CloseCursor,
    CreateTable,
    CreateView,
    CreateMaterializedView,
    RefreshMaterializedView,
    CreateSchema,
    CreateProcedure,
    CreateFunction,
    Drop,
    AlterTable,
    Comment,
}

/// Objects that Redshift has and the stand-in lacks.
const OTHER_OBJECTS: &[&str] = &[
    "database",
    "datashare",
    "external",
    "group",
    "identity",
    "library",
    "masking",
    "model",
    "rls",
    "role",
    "template",
    "user",
];
/// Statements that Redshift has and the stand-in lacks.
const OTHER_STATEMENTS: &[&str] = &["attach", "cancel", "deallocate", "desc", "detach", "execute", "prepare", "use"];
const OTHER: &str = "the stand-in does not offer it";

/// What to write instead of objects that PostgreSQL has and Redshift lacks.
const INSTEAD_OF_OBJECTS: &[(&str, &str)] = &[
    ("access", "Redshift has no access methods"),
    ("aggregate", "Redshift has no aggregates of its users; write the expression"),
    ("cast", "Redshift has no casts of its users; write a function f_name(…)"),
    ("collation", "Redshift has COLLATE(text, 'case_insensitive') only"),
    ("domain", "Redshift has no domains; write the type at each column"),
    ("event", "Redshift has no triggers; call a procedure after the change"),
    ("extension", "Redshift has no extensions"),
    ("foreign", "Redshift reads files by CREATE EXTERNAL SCHEMA"),
    ("index", "Redshift has no indexes; choose SORTKEY and DISTKEY"),
    ("language", "Redshift's procedures are written in plpgsql, its functions in sql"),
    ("operator", "Redshift has no operators of its users; write a function f_name(…)"),
    ("policy", "write CREATE RLS POLICY"),
    ("publication", "Redshift replicates nothing; share data by CREATE DATASHARE"),
    ("recursive", "write CREATE VIEW … AS WITH RECURSIVE …"),
    ("routine", "name the PROCEDURE or FUNCTION"),
    ("rule", "Redshift has no rules; write a procedure"),
    ("sequence", "write a column BIGINT IDENTITY(1, 1)"),
    ("server", "Redshift reads files by CREATE EXTERNAL SCHEMA"),
    ("statistics", "write ANALYZE table (column, …)"),
    ("subscription", "Redshift replicates nothing; load by COPY"),
    ("tablespace", "Redshift places tables by itself; leave it out"),
    ("text", "Redshift has no text search; write LIKE or REGEXP_INSTR"),
    ("transform", "Redshift does not have it"),
    ("trigger", "Redshift has no triggers; call a procedure after the change"),
    ("type", "Redshift has no types of its users; write columns, VARCHAR(n) or SUPER"),
    ("unique", "Redshift has no indexes; choose SORTKEY and DISTKEY, and check for duplicates by a query"),
    ("unlogged", "write CREATE TEMP TABLE"),
    ("view", "only its owner and its name change, by ALTER TABLE view …; write CREATE OR REPLACE VIEW"),
];
/// The same for statements.
const INSTEAD_OF_STATEMENTS: &[(&str, &str)] = &[
    ("checkpoint", "Redshift writes by itself; leave it out"),
    ("cluster", "write VACUUM SORT ONLY table"),
    ("discard", "drop the temporary tables, or end the session"),
    ("do", "write a procedure and CALL it"),
    ("import", "Redshift reads files by CREATE EXTERNAL SCHEMA"),
    ("listen", "Redshift sends no notifications; poll a table"),
    ("load", "Redshift loads no libraries into the server"),
    ("notify", "Redshift sends no notifications; poll a table"),
    ("perform", "write SELECT …, or CALL"),
    ("reindex", "Redshift has no indexes; write VACUUM REINDEX table for interleaved sort keys"),
    ("release", "Redshift has no savepoints; a transaction is rolled back as a whole"),
    ("savepoint", "Redshift has no savepoints; a transaction is rolled back as a whole"),
    ("table", "write SELECT * FROM table"),
    ("unlisten", "Redshift sends no notifications; poll a table"),
];

fn instead_of(list: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == word).map(|(_, instead)| *instead)
}

const DROPPABLE: &str = "Redshift drops tables, views, schemas, procedures, functions and users";
const CREATABLE: &str = "only TABLE, VIEW, MATERIALIZED VIEW, SCHEMA, PROCEDURE and FUNCTION can be created here";

impl StatementKind {
    /// Reads the kind of the statement that `tokens` hold.
    ///
    /// # Errors
    /// Statements that Redshift does not have, or that this stand-in does not offer.
    pub(crate) fn of(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        let word =
            |index: usize| tokens.get(index).filter(|token| token.is_name()).map_or("", |token| token.text.as_str());
        let refuse = |construct: String, reason: &str| {
            Err(Refusal::at(sql, tokens.first().map_or(0, |token| token.start), construct, reason))
        };
        let not_offered = |construct: String| refuse(construct, OTHER).map_err(Refusal::into_not_offered);
        if tokens.first().is_some_and(|token| token.is_symbol("(")) {
            return Ok(Self::Select);
        }
        let kind = match word(0) {
            "select" => Self::Select,
            "with" => return Self::after_common_table_expressions(sql, tokens),
            "insert" => Self::Insert,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "merge" => Self::Merge,
            "copy" => Self::Copy,
            "unload" => Self::Unload,
            "truncate" => Self::Truncate,
            "call" => Self::Call,
            "grant" => Self::Grant,
            "revoke" => Self::Revoke,
            "analyze" => Self::Analyze,
            "vacuum" => Self::Vacuum,
            "lock" => Self::Lock,
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" => Self::TransactionControl,
            "set" => Self::Set,
            "reset" => Self::Reset,
            "show" => Self::Show,
            "explain" if word(1) == "analyze" => {
                return refuse("EXPLAIN ANALYZE".into(), "Redshift explains without running; write EXPLAIN");
            }
            "explain"
                if tokens.get(1).is_some_and(|token| token.is_symbol("(")) && !matches!(word(2), "select" | "with") =>
            {
                return refuse("EXPLAIN (…)".into(), "its form is EXPLAIN [VERBOSE] query");
            }
            "explain" => Self::Explain,
            "declare" if word(2) == "cursor" => Self::DeclareCursor,
            "fetch" => Self::Fetch,
            "close" => Self::CloseCursor,
            "refresh" if word(1) == "materialized" && word(2) == "view" => Self::RefreshMaterializedView,
            "comment" => match word(2) {
                "table" | "column" | "view" | "schema" | "procedure" => Self::Comment,
                other => {
                    let reason = "Redshift comments on TABLE, COLUMN, VIEW, SCHEMA and PROCEDURE";
                    return refuse(format!("COMMENT ON {}", other.to_uppercase()), reason);
                }
            },
            "drop" => match (word(1), word(2)) {
                ("table" | "view" | "schema" | "procedure" | "function", _) | ("materialized", "view") => Self::Drop,
                (other, _) if OTHER_OBJECTS.contains(&other) => {
                    return not_offered(format!("DROP {}", other.to_uppercase()));
                }
                (other, _) => {
                    return refuse(
                        format!("DROP {}", other.to_uppercase()),
                        instead_of(INSTEAD_OF_OBJECTS, other).unwrap_or(DROPPABLE),
                    );
                }
            },
            "alter" => match word(1) {
                "table" => Self::AlterTable,
                other
                    if OTHER_OBJECTS.contains(&other)
                        || matches!(other, "schema" | "procedure" | "default" | "system" | "materialized") =>
                {
                    return not_offered(format!("ALTER {}", other.to_uppercase()));
                }
                other => {
                    let reason = instead_of(INSTEAD_OF_OBJECTS, other)
                        .unwrap_or("Redshift alters tables, schemas, procedures and users");
                    return refuse(format!("ALTER {}", other.to_uppercase()), reason);
                }
            },
            "create" => return Self::of_create(sql, tokens),
            "values" => {
                return refuse(
                    "VALUES".into(),
                    "Redshift has VALUES only in INSERT and MERGE; write SELECT … UNION ALL SELECT …",
                );
            }
            "prepare" if word(1) == "transaction" => {
                return refuse("PREPARE TRANSACTION".into(), "Redshift does not have it");
            }
            other if OTHER_STATEMENTS.contains(&other) => return not_offered(other.to_uppercase()),
            "" => {
                let construct = tokens.first().map_or("", |token| token.text.as_str()).to_owned();
                return refuse(construct, "a statement starts with a word, for example SELECT");
            }
            other => {
                let reason = instead_of(INSTEAD_OF_STATEMENTS, other).unwrap_or("it starts no Redshift statement");
                return refuse(other.to_uppercase(), reason);
            }
        };
        Ok(kind)
    }

    fn of_create(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        let words: Vec<&str> = tokens.iter().skip(1).take(5).map(|token| token.text.as_str()).collect();
        let significant: &[&str] = match words.as_slice() {
            ["or", "replace", rest @ ..] => rest,
            ["temp" | "temporary", rest @ ..] => rest,
            ["local", "temp" | "temporary", rest @ ..] => rest,
            all => all,
        };
        match significant {
            ["table", ..] => Ok(Self::CreateTable),
            ["view", ..] => Ok(Self::CreateView),
            ["materialized", "view", ..] => Ok(Self::CreateMaterializedView),
            ["schema", ..] => Ok(Self::CreateSchema),
            ["procedure", ..] => Ok(Self::CreateProcedure),
            ["function", ..] => Ok(Self::CreateFunction),
            [first, ..] if OTHER_OBJECTS.contains(first) => {
                let construct = format!("CREATE {}", first.to_uppercase());
                Err(Refusal::at(sql, tokens[0].start, construct, OTHER).into_not_offered())
            }
            [first, ..] => {
                let reason = instead_of(INSTEAD_OF_OBJECTS, first).unwrap_or(CREATABLE);
                Err(Refusal::at(sql, tokens[0].start, format!("CREATE {}", first.to_uppercase()), reason))
            }
            [] => Err(Refusal::at(sql, tokens[0].start, "CREATE", CREATABLE)),
        }
    }

    /// `WITH … SELECT | UPDATE | DELETE`: the kind is that of the statement behind the common table expressions.
    fn after_common_table_expressions(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        let mut index = 1;
        while let Some(token) = tokens.get(index) {
            match token.text.as_str() {
                "select" => return Ok(Self::Select),
                "update" => return Ok(Self::Update),
                "delete" => return Ok(Self::Delete),
                "insert" => {
                    let reason = "Redshift puts the expressions behind it; write INSERT INTO t WITH … SELECT …";
                    return Err(Refusal::at(sql, token.start, "WITH … INSERT", reason));
                }
                "merge" => {
                    let reason = "Redshift's MERGE reads a table; fill a temporary table first";
                    return Err(Refusal::at(sql, token.start, "WITH … MERGE", reason));
                }
                _ => index = token.partner.filter(|&partner| partner > index).unwrap_or(index) + 1,
            }
        }
        Err(Refusal::at(sql, tokens[0].start, "WITH", "no statement follows its expressions"))
    }
}

#[cfg(test)]
mod tests {
    use super::StatementKind;
    use crate::dialect::lexer::tokenize;

    fn kind(sql: &str) -> Result<StatementKind, super::Refusal> {
        StatementKind::of(sql, &tokenize(sql).expect("tokens"))
    }

    #[test]
    fn statements_are_known_by_their_first_words() {
        for (sql, expected) in [
            ("with a as (select 1) delete from t using a", StatementKind::Delete),
            ("create or replace procedure p() as $$ $$", StatementKind::CreateProcedure),
            ("create local temp table t (a int)", StatementKind::CreateTable),
            ("drop materialized view v", StatementKind::Drop),
            ("(select 1)", StatementKind::Select),
        ] {
            assert_eq!(kind(sql).expect(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_no_redshift_statement_is_refused() {
        for sql in [
            "create index i on t (a)",
            "savepoint x",
            "do $$ $$",
            "values (1)",
            "with a as (select 1) insert into t select 1",
        ] {
            assert!(kind(sql).is_err(), "{sql}");
        }
    }
}
