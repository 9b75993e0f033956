//! Publication: readers see the audited metrics of a verified run, all in one transaction.

use crate::{
    data_api::{DataApi, Statement},
    error::LoadError,
    job::Job,
    literal,
    metric::{Metric, metrics},
    relation::{RelationColumn, columns_of},
    result_rows::Row,
    sql_script::split_statements,
    sql_tree::presentation_files,
    verify::judge,
};
use chrono::{NaiveDate, Utc};
use rental_core::{PublishReceipt, RunDate, RunId};
use rental_task::{read_receipt, update_receipt};
use std::collections::BTreeMap;

/// Publishes one run.
///
/// # Errors
/// When the run was not transformed and verified, in this order and without errors; also when bucket or warehouse fail.
pub(crate) async fn publish_run(
    job: &Job<'_>,
    run_id: &RunId,
    run_date: RunDate,
    restatement: Restatement,
) -> Result<(), LoadError> {
    let verified = read_receipt(&job.bucket, run_id).await?;
    judge(&verified.ok_or_else(|| LoadError::NotVerified { run_id: run_id.clone() })?)?;
    let metrics = metrics()?;
    let published = published_sha256(&job.api).await?;
    let tables = MetricTables {
        audited: columns_of(&job.api, "audit").await?,
        published: columns_of(&job.api, "presentation").await?,
    };
    job.api.execute(&statements(run_id, &metrics, &tables, &published, restatement)).await?;
    let names: Vec<_> = metrics.iter().map(|metric| metric.name.to_owned()).collect();
    let (restated, kept_back) = restatements(&job.api, run_id).await?;
    if kept_back > 0 {
        tracing::warn!(%run_id, kept_back, "values of closed periods would be other ones; `--restate` applies them");
    }
    let part = PublishReceipt { finished_at: Utc::now(), metrics: names, restated, kept_back };
    update_receipt(&job.bucket, run_id, run_date, |receipt| receipt.publish = Some(part.clone())).await?;
    tracing::info!(%run_id, metric_count = metrics.len(), restated, "published");
    Ok(())
}

/// Which version of each metric readers see.
async fn published_sha256(api: &DataApi) -> Result<BTreeMap<String, String>, LoadError> {
    let sql = "select metric, sql_sha256 from presentation.metric_catalog";
    Ok(api.query("read presentation.metric_catalog", sql).await?.text_pairs())
}

/// How many values of complete periods the run changed, and how many it kept as readers see them.
async fn restatements(api: &DataApi, run_id: &RunId) -> Result<(u64, u64), LoadError> {
    const TABLE: &str = "etl.metric_restatements";
    let sql = format!(
        "select nvl(sum(case when is_applied then 1 else 0 end), 0)::bigint, \
         nvl(sum(case when is_applied then 0 else 1 end), 0)::bigint from {TABLE} where run_id = {}",
        literal::text(run_id.as_str())
    );
    let result = api.query("count the restatements", &sql).await?;
    let counts = result.rows.first().map_or(Ok((0, 0)), |cells| Ok((Row(cells).count(0)?, Row(cells).count(1)?)));
    counts.map_err(|source| LoadError::Result { what: TABLE, source })
}

/// What readers are to see of periods that were complete or closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Restatement {
    /// Periods that end before it are closed once this run is published.
    pub(crate) close_before: Option<NaiveDate>,
    /// Whether closed periods change as well.
    pub(crate) restates: bool,
}

/// The columns of all tables of metrics, by name.
#[derive(Default)]
struct MetricTables {
    audited: BTreeMap<String, Vec<RelationColumn>>,
    published: BTreeMap<String, Vec<RelationColumn>>,
}

impl MetricTables {
    /// Whether the published table is to have other columns.
    fn reshapes(&self, metric: &Metric) -> bool {
        self.audited.get(metric.name) != self.published.get(metric.name)
    }

    /// The columns of which published rows can be compared with the audited ones.
    fn shared(&self, metric: &Metric) -> &[RelationColumn] {
        let columns = self.published.get(metric.name).filter(|_| !self.reshapes(metric));
        columns.map_or(&[], Vec::as_slice)
    }
}

fn statements(
    run_id: &RunId,
    metrics: &[Metric],
    tables: &MetricTables,
    published: &BTreeMap<String, String>,
    restatement: Restatement,
) -> Vec<Statement> {
    let reshaped: Vec<_> = metrics.iter().filter(|metric| tables.reshapes(metric)).collect();
    let run = literal::text(run_id.as_str());
    let mut statements = vec![
        Statement::new(format!("publish run {run_id}: lock the guard"), "lock etl.guard"),
        Statement::new(format!("publish run {run_id}: begin"), format!("call etl.begin_publish({run})")),
    ];
    let views: Vec<_> =
        presentation_files().into_iter().filter(|file| file.makes_view() && !reshaped.is_empty()).collect();
    for view in &views {
        let sql = format!("drop view if exists presentation.{}", view.stem());
        statements.push(Statement::new(format!("drop presentation.{}", view.stem()), sql));
    }
    statements.extend(reshaped.iter().flat_map(|metric| metric.reshape()));
    for view in &views {
        let parts = split_statements(view.text).into_iter();
        statements.extend(parts.map(|sql| Statement::new(format!("sql/{}", view.path), sql)));
    }
    let publish = |metric: &Metric| {
        // A table that readers have seen no rows of takes all of them.
        let is_new = tables.reshapes(metric) || !published.contains_key(metric.name);
        metric.publication(run_id, tables.shared(metric), restatement.restates || is_new)
    };
    statements.extend(metrics.iter().map(publish));
    if let Some(day) = restatement.close_before {
        let sql = format!("call etl.close_periods({})", literal::date(day));
        statements.push(Statement::new(format!("publish run {run_id}: close periods"), sql));
    }
    let known: BTreeMap<_, _> = metrics.iter().map(|metric| (metric.name.to_owned(), metric.sha256.clone())).collect();
    if known != *published && !metrics.is_empty() {
        let rows: Vec<_> = metrics.iter().map(Metric::catalog_row).collect();
        let texts = [
            "delete from presentation.metric_catalog".to_owned(),
            format!(
                "insert into presentation.metric_catalog (metric, title, description, grain, unit, reads, sql_sha256) \
                 values\n{}",
                rows.join(",\n")
            ),
        ];
        statements.extend(texts.map(|sql| Statement::new("write presentation.metric_catalog", sql)));
    }
    let record = format!("call etl.record_publish({run})");
    statements.push(Statement::new(format!("publish run {run_id}: record"), record));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_api::{BATCH_MAX_BYTES, BATCH_MAX_STATEMENTS};

    fn batch(tables: &MetricTables, published: &BTreeMap<String, String>) -> Vec<Statement> {
        let restatement = Restatement { close_before: Some("2025-01-01".parse().unwrap()), restates: false };
        statements(&"r1".parse().unwrap(), &metrics().unwrap(), tables, published, restatement)
    }

    #[test]
    fn publishing_everything_anew_fits_one_transaction() {
        let audited = metrics().unwrap().iter().map(|metric| (metric.name.to_owned(), Vec::new())).collect();
        let all = batch(&MetricTables { audited, ..MetricTables::default() }, &BTreeMap::new());
        assert!(all.iter().any(|statement| statement.sql.starts_with("create table")), "{all:?}");
        assert!(all.len() <= BATCH_MAX_STATEMENTS, "{} statements", all.len());
        assert!(all.iter().map(|statement| statement.sql.len()).sum::<usize>() <= BATCH_MAX_BYTES);
    }

    #[test]
    fn what_readers_see_keeps_its_tables_when_no_metric_changed() {
        let published =
            metrics().unwrap().iter().map(|metric| (metric.name.to_owned(), metric.sha256.clone())).collect();
        let texts: Vec<_> =
            batch(&MetricTables::default(), &published).into_iter().map(|statement| statement.sql).collect();
        assert!(texts.iter().all(|sql| sql.starts_with("call ") || sql == "lock etl.guard"), "{texts:?}");
    }
}
