//! The functions that may be called: those that Redshift documents for use with user tables. Anything else is refused, as
//! PostgreSQL knows many more. What Redshift has and the stand-in lacks is marked in the list and is not offered.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::lexer::TokenKind;
use super::token_view::TokenView;
use super::{Refusal, Verdict};

/// The allow-list, with whether the stand-in has the function; the file is the place to extend it.
static DOCUMENTED: LazyLock<HashMap<&str, bool>> = LazyLock::new(|| {
    let marked = words(include_str!("functions.txt")).into_iter();
    marked.map(|word| word.strip_suffix('!').map_or((word, true), |name| (name, false))).collect()
});

/// Words before a bracket that are no function.
static KEYWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "add all and any as between by case cube default delete distinct distkey else elsif except exclude execute exists explain
    exit filter for foreign from group having identity if ilike in inout insert intersect into is join key like limit
    loop minus not null nulls offset on options or out over partition pivot primary qualify return rollup select set sets
    similar some sortkey table then to top union unique unload unpivot using values when where while with within",
    )
});

/// Types before a bracket that holds their length.
static TYPES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "bpchar char character dec decimal float interval nchar numeric nvarchar time timestamp timestamptz timetz varbyte
    varchar varying",
    )
});

/// Words behind which a name with a bracket is a relation or procedure and its columns, not a call.
static NAMERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words("analyze call copy exists function into procedure recursive references table update vacuum view")
});

/// What to write instead of functions that are often missed.
const INSTEAD: &[(&str, &str)] = &[
    ("now", "it runs on the leader node only; write GETDATE() or SYSDATE"),
    ("age", "it runs on the leader node only; write DATEDIFF"),
    ("clock_timestamp", "write GETDATE()"),
    ("current_schema", "it runs on the leader node only"),
    ("generate_series", "it runs on the leader node only; join a table of numbers or dates"),
    ("string_agg", "write LISTAGG(value, ',') WITHIN GROUP (ORDER BY …)"),
    ("array_agg", "write LISTAGG, or keep rows"),
    ("unnest", "Redshift has no arrays; keep rows"),
    ("make_date", "write TO_DATE or DATEADD"),
    ("date_bin", "write DATE_TRUNC or DATEADD"),
    ("format", "write a || b"),
    ("concat_ws", "write a || ',' || b"),
    ("regexp_matches", "write REGEXP_SUBSTR"),
    ("gen_random_uuid", "write MD5(RANDOM()::VARCHAR(32) || …)"),
    ("overlay", "write LEFT, RIGHT and ||"),
    ("div", "write TRUNC(a / b)"),
    ("width_bucket", "write CASE or FLOOR"),
];

/// The words of a list; `#` starts a comment.
fn words(list: &'static str) -> HashSet<&'static str> {
    list.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace).collect()
}

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    let mut not_offered = None;
    for index in 0..view.len() {
        let token = &view.tokens[index];
        if !token.is_name() || token.kind == TokenKind::TempName || !view.is_symbol(index + 1, "(") {
            continue;
        }
        match check_call(view, index) {
            // A later call may be one that Redshift refuses, which weighs more.
            Err(refusal) if refusal.verdict == Verdict::NotOffered => not_offered = not_offered.or(Some(refusal)),
            other => other?,
        }
    }
    not_offered.map_or(Ok(()), Err)
}

fn check_call(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let name = view.tokens[index].text.as_str();
    let start = view.name_start(index);
    let is_qualified = start < index;
    if !is_qualified && view.tokens[index].kind == TokenKind::Word && (KEYWORDS.contains(name) || TYPES.contains(name))
    {
        return Ok(());
    }
    if names_columns(view, start, index) {
        return Ok(());
    }
    if is_qualified {
        // A function of the project; PostgreSQL's own are reached without a schema.
        return match view.tokens[start].text.as_str() {
            "pg_catalog" | "information_schema" | "redshift_local" => {
                Err(view.refuse(start, format!("{}.{name}()", view.tokens[start].text), "Redshift does not have it"))
            }
            _ => Ok(()),
        };
    }
    // Redshift keeps this prefix free for functions of its users.
    match DOCUMENTED.get(name) {
        Some(true) => return Ok(()),
        Some(false) => {
            let reason = "Redshift has this function, the stand-in does not";
            return Err(view.refuse(index, format!("{}()", name.to_uppercase()), reason).into_not_offered());
        }
        None if name.starts_with("f_") => return Ok(()),
        None if name.starts_with("st_") || name.starts_with("h3_") => {
            let reason = "Redshift's spatial functions are not offered here";
            return Err(view.refuse(index, format!("{}()", name.to_uppercase()), reason).into_not_offered());
        }
        None => {}
    }
    let instead = INSTEAD.iter().find(|(function, _)| *function == name).map_or(
        "it is not among the functions that Redshift documents; call your own as f_name or schema.name",
        |(_, instead)| instead,
    );
    Err(view.refuse(index, format!("{}()", name.to_uppercase()), instead))
}

/// `INSERT INTO t (…)`, `WITH x (…) AS (…)`, `FROM … AS x (…)`, `CREATE TABLE t (…)`: a name with columns behind it.
fn names_columns(view: TokenView<'_>, start: usize, index: usize) -> bool {
    let behind = view.partner(index + 1) + 1;
    let is_common_table = view.are(behind, &["as", "("]);
    let is_alias = start > 0 && (view.is(start - 1, "as") || view.is_symbol(start - 1, ")"));
    let is_named = start > 0 && NAMERS.contains(view.text(start - 1));
    is_common_table || is_alias || is_named || is_grant(view, start)
}

/// `GRANT EXECUTE ON PROCEDURE p(int)` and `ALTER TABLE … ADD CONSTRAINT x PRIMARY KEY (…)` are known by their words above;
/// `COMMENT ON …` and column lists of GRANT here.
fn is_grant(view: TokenView<'_>, start: usize) -> bool {
    start > 0 && view.is_any(0, &["grant", "revoke", "comment"])
}
