//! The functions that may be called: those that Redshift documents for use with user tables. Anything else is refused, as
//! PostgreSQL knows many more. What Redshift has and the stand-in lacks is then PostgreSQL's "does not exist".

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;

const AGGREGATES: &[&str] = &[
    "any_value", "approximate", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "grouping", "grouping_id", "listagg",
    "max", "median", "min", "percentile_cont", "percentile_disc", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop",
    "var_samp", "variance",
];

const WINDOW: &[&str] = &[
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank", "rank",
    "ratio_to_report", "row_number",
];

const CONDITIONAL: &[&str] = &["coalesce", "decode", "greatest", "isnull", "least", "nullif", "nvl", "nvl2"];

const DATE_AND_TIME: &[&str] = &[
    "add_months", "convert_timezone", "current_date", "date_add", "date_cmp", "date_cmp_timestamp", "date_cmp_timestamptz",
    "date_diff", "date_part", "date_part_year", "date_trunc", "dateadd", "datediff", "extract", "getdate",
    "interval_cmp", "last_day", "months_between", "next_day", "sysdate", "timeofday", "timestamp_cmp", "timestamp_cmp_date",
    "timestamp_cmp_timestamptz", "timestamptz_cmp", "timestamptz_cmp_date", "timestamptz_cmp_timestamp", "timezone",
    "to_timestamp", "trunc",
];

const MATH: &[&str] = &[
    "abs", "acos", "asin", "atan", "atan2", "cbrt", "ceil", "ceiling", "cos", "cot", "degrees", "dexp", "dlog1", "dlog10", "exp",
    "floor", "ln", "log", "mod", "pi", "power", "pow", "radians", "random", "round", "sign", "sin", "sqrt", "tan", "to_hex",
];

const TEXT: &[&str] = &[
    "ascii", "bpcharcmp", "bttext_pattern_cmp", "btrim", "char_length", "character_length", "charindex", "chr", "collate",
    "concat", "crc32", "difference", "initcap", "left", "len", "length", "lower", "lpad", "ltrim", "octet_length",
    "octetindex", "position", "quote_ident", "quote_literal", "regexp_count", "regexp_instr", "regexp_replace",
    "regexp_substr", "repeat", "replace", "replicate", "reverse", "right", "rpad", "rtrim", "soundex", "split_part", "strpos",
    "strtol", "substr", "substring", "text", "textlen", "translate", "trim", "upper", "urldecode", "urlencode",
];

const CONVERSION: &[&str] =
    &["cast", "convert", "text_to_int_alt", "text_to_numeric_alt", "to_char", "to_date", "to_number", "try_cast"];

const HASHES: &[&str] = &[
    "checksum", "farmfingerprint64", "farmhash64", "fnv_hash", "func_sha1", "md5", "md5_digest", "murmur3_32_hash", "sha",
    "sha1", "sha2",
];

const SUPER_AND_BYTES: &[&str] = &[
    "array", "array_concat", "array_flatten", "from_hex", "from_varbyte", "get_array_length", "get_number_attributes", "getbit",
    "hll", "hll_cardinality", "hll_combine", "hll_create_sketch", "is_array", "is_bigint", "is_boolean", "is_char",
    "is_decimal", "is_float", "is_integer", "is_object", "is_scalar", "is_smallint", "is_valid_json", "is_valid_json_array",
    "is_varchar", "json_array_length", "json_extract_array_element_text", "json_extract_path_text", "json_parse",
    "json_serialize", "json_serialize_to_varbyte", "json_size", "json_typeof", "object", "split_to_array", "subarray",
    "to_varbyte", "can_json_parse",
];

const SYSTEM: &[&str] = &[
    "current_aws_account", "current_database", "current_namespace", "current_setting", "current_user", "current_user_id",
    "pg_backend_pid", "pg_get_cols", "pg_get_late_binding_view_cols", "pg_last_copy_count", "pg_last_copy_id",
    "pg_last_query_id", "pg_last_unload_count", "pg_last_unload_id", "pg_sleep", "pg_terminate_backend", "session_user",
    "set_config", "user", "version",
];

const ALL: &[&[&str]] = &[
    AGGREGATES, WINDOW, CONDITIONAL, DATE_AND_TIME, MATH, TEXT, CONVERSION, HASHES, SUPER_AND_BYTES, SYSTEM,
];

/// Words before a bracket that are no function.
const KEYWORDS: &[&str] = &[
    "add", "all", "and", "any", "as", "between", "by", "case", "cube", "default", "delete", "distinct", "distkey",
    "else", "elsif", "except", "execute", "exists", "exit", "filter", "foreign", "from", "group", "having",
    "identity", "if", "ilike", "in", "inout", "insert", "intersect", "into", "is", "join", "key", "like", "limit", "loop", "minus",
    "not", "null", "offset", "on", "or", "out", "over", "partition", "primary", "qualify", "return", "rollup", "select", "set",
    "sets", "similar", "some", "sortkey", "table", "then", "to", "top", "union", "unique", "using", "values", "when", "where",
    "while", "with", "within", "exclude", "pivot", "unpivot", "for", "options",
];

/// Types before a bracket that holds their length.
const TYPES: &[&str] = &[
    "bpchar", "char", "character", "dec", "decimal", "nchar", "numeric", "nvarchar", "time", "timestamp", "timestamptz",
    "timetz", "varbyte", "varchar", "varying", "float", "interval",
];

/// Words behind which a name with a bracket is a relation or procedure and its columns, not a call.
const NAMERS: &[&str] = &[
    "call", "copy", "exists", "into", "procedure", "recursive", "references", "table", "view", "update", "analyze", "function",
    "vacuum",
];

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

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    for index in 0..view.len() {
        let token = &view.tokens[index];
        if token.is_name() && token.kind != TokenKind::TempName && view.is_symbol(index + 1, "(") {
            check_call(view, index)?;
        }
    }
    Ok(())
}

fn check_call(view: TokenView<'_>, index: usize) -> Result<(), Refusal> {
    let name = view.tokens[index].text.as_str();
    let start = view.name_start(index);
    let is_qualified = start < index;
    if !is_qualified && view.tokens[index].kind == TokenKind::Word && (KEYWORDS.contains(&name) || TYPES.contains(&name)) {
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
    if ALL.iter().any(|group| group.contains(&name)) {
        return Ok(());
    }
    let instead = INSTEAD.iter().find(|(function, _)| *function == name).map_or(
        "it is not among the functions that Redshift documents",
        |(_, instead)| instead,
    );
    Err(view.refuse(index, format!("{}()", name.to_uppercase()), instead))
}

/// `INSERT INTO t (…)`, `WITH x (…) AS (…)`, `FROM … AS x (…)`, `CREATE TABLE t (…)`: a name with columns behind it.
fn names_columns(view: TokenView<'_>, start: usize, index: usize) -> bool {
    let behind = view.partner(index + 1) + 1;
    let is_common_table = view.are(behind, &["as", "("]);
    let is_alias = start > 0 && view.is(start - 1, "as") || start > 0 && view.is_symbol(start - 1, ")");
    let is_named = start > 0 && view.is_any(start - 1, NAMERS);
    is_common_table || is_alias || is_named || is_grant(view, start)
}

/// `GRANT EXECUTE ON PROCEDURE p(int)` and `ALTER TABLE … ADD CONSTRAINT x PRIMARY KEY (…)` are known by their words above;
/// `COMMENT ON …` and column lists of GRANT here.
fn is_grant(view: TokenView<'_>, start: usize) -> bool {
    start > 0 && view.is_any(0, &["grant", "revoke", "comment"])
}
