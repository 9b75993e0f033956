//! What breaks rules across rows and tables, and the queue of rows that such a rule keeps out of the curated layer. Every run
//! judges those again whose row or awaited row changed; requeued ones are judged by the next run whatever changed.

use crate::{
    data_api::{DataApi, Statement},
    error::LoadError,
    literal,
    output::print_rows,
    result_rows::Row,
};
use rental_task::OutputFormat;

const TABLE: &str = "curated.violations";

/// Counts by rule, with the three lowest keys: of quarantined rows, or also of those that were kept.
pub(crate) async fn list(api: &DataApi, with_kept: bool, format: OutputFormat) -> Result<(), LoadError> {
    let chosen = if with_kept { "" } else { "where is_quarantined" };
    let sql = format!(
        "select rule_id, severity, table_name, case when is_quarantined then 'quarantined' else 'kept' end as action,\n\
         sum(row_count)::bigint as row_count, min(first_seen) as first_seen,\n\
         listagg(case when place <= 3 then row_key end, ', ') within group (order by place) as sample_keys\n\
         from (\n    select *, row_number() over (partition by rule_id, table_name order by len(row_key), row_key) as place\n    \
         from {TABLE} {chosen}\n) as numbered\n\
         group by rule_id, severity, table_name, is_quarantined\norder by is_quarantined desc, rule_id, table_name"
    );
    print_rows(&api.query(&format!("read {TABLE}"), &sql).await?, format)
}

/// The rows that break a rule, longest known first.
pub(crate) async fn show(api: &DataApi, rule: &str, format: OutputFormat, limit: Option<u32>) -> Result<(), LoadError> {
    let limit = limit.map_or_else(String::new, |rows| format!(" limit {rows}"));
    let sql = format!(
        "select table_name, row_key, row_count, case when is_quarantined then 'quarantined' else 'kept' end as action,\n\
         awaited_key, reason, first_seen, first_run_id, run_context.run_date as last_seen, rule_version\n\
         from {TABLE} cross join curated.run_context where rule_id = {}\n\
         order by first_seen, table_name, len(row_key), row_key{limit}",
        literal::text(rule)
    );
    print_rows(&api.query(&format!("read {TABLE}"), &sql).await?, format)
}

/// Has the next transformation judge rows of a rule again; all of them, or those with these keys. Returns how many they are.
///
/// # Errors
/// When none of them breaks the rule, or the warehouse fails.
pub(crate) async fn requeue(api: &DataApi, rule: &str, keys: &[String]) -> Result<u64, LoadError> {
    let texts: Vec<_> = keys.iter().map(|key| literal::text(key)).collect();
    let of_keys = if keys.is_empty() { String::new() } else { format!(" and row_key in ({})", texts.join(", ")) };
    let chosen = format!("from {TABLE} where rule_id = {}{of_keys}", literal::text(rule));
    let counted = api.query(&format!("count rows of {TABLE}"), &format!("select count(*) {chosen}")).await?;
    let count = counted.rows.first().map_or(Ok(0), |cells| Row(cells).count(0));
    let count = count.map_err(|source| LoadError::Result { what: TABLE, source })?;
    if count == 0 {
        return Err(LoadError::NothingToRequeue { rule: rule.to_owned(), keys: keys.to_vec() });
    }
    // Viewings are followed by day, all other tables by key.
    let note = format!(
        "insert into etl.changed_rows (table_name, row_key, row_day)\n\
         select distinct table_name, case when row_day is null then row_key::bigint end, row_day {chosen}"
    );
    let statements =
        [Statement::new("requeue: lock the guard", "lock etl.guard"), Statement::new("requeue: note rows", note)];
    api.execute(&statements).await?;
    Ok(count)
}
