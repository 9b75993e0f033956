//! SET, RESET and SHOW: session settings under their PostgreSQL names.

use super::rewrite::Rewrite;
use crate::dialect::Refusal;

/// Settings that mean the same in PostgreSQL.
const SHARED: &[&str] = &["statement_timeout", "timezone", "client_encoding", "datestyle", "extra_float_digits"];

/// Settings that steer Redshift's queues, caches and optimizer, not its results. They are kept, so that SHOW answers,
/// and have no effect.
const WITHOUT_EFFECT_ON_RESULTS: &[&str] = &[
    "query_group",
    "wlm_query_slot_count",
    "enable_result_cache_for_session",
    "analyze_threshold_percent",
    "mv_enable_aqmv_for_session",
];

pub(super) fn rewrite_setting(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let name_at = if rewrite.is(1, "session") && !rewrite.is(2, "authorization") { 2 } else { 1 };
    let name = rewrite.tokens.get(name_at).map_or("", |token| token.text.as_str()).to_owned();
    if rewrite.is(1, "local") {
        return Err(rewrite.refuse(1, "SET LOCAL", "Redshift has SET only"));
    }
    if rewrite.is(0, "set") && rewrite.tokens.len() < name_at + 3 {
        return Err(rewrite.refuse(name_at, "SET", "its form is SET name TO value"));
    }
    match name.as_str() {
        "search_path" => {
            if rewrite.is(0, "set") {
                // Behind the shims and the catalog, which stay in front.
                rewrite.after(name_at + 1, " redshift_local, pg_catalog,");
            }
            Ok(())
        }
        name if SHARED.contains(&name) => Ok(()),
        "enable_case_sensitive_identifier" => {
            Err(rewrite.not_offered(name_at, name, "names are folded to lower case here, as is Redshift's default"))
        }
        name if WITHOUT_EFFECT_ON_RESULTS.contains(&name) => {
            rewrite.replace(name_at, format!("redshift_local.{name}"));
            Ok(())
        }
        name => Err(rewrite.not_offered(name_at, name, "the stand-in does not know this setting")),
    }
}
