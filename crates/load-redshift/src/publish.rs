//! Publication: readers see the audited metrics of a verified run, all in one transaction.

use crate::{
    data_api::{DataApi, Statement},
    error::LoadError,
    job::Job,
    literal,
    metric::{Metric, metrics},
    relation::columns_of,
    sql_script::split_statements,
    sql_tree::presentation_files,
    verify::judge,
};
use chrono::Utc;
use rental_core::{PublishReceipt, RunDate, RunId};
use rental_task::{read_receipt, update_receipt};
use std::collections::BTreeMap;

/// Publishes one run.
///
/// # Errors
/// When the run was not transformed and verified, in this order and without errors; also when bucket or warehouse fail.
pub(crate) async fn publish_run(job: &Job<'_>, run_id: &RunId, run_date: RunDate) -> Result<(), LoadError> {
    let verified = read_receipt(&job.bucket, run_id).await?;
    judge(&verified.ok_or_else(|| LoadError::NotVerified { run_id: run_id.clone() })?)?;
    let metrics = metrics()?;
    let published = published_sha256(&job.api).await?;
    let reshaped = reshaped(&job.api, &metrics).await?;
    job.api.execute(&statements(run_id, &metrics, &reshaped, &published)).await?;
    let names: Vec<_> = metrics.iter().map(|metric| metric.name.to_owned()).collect();
    let part = PublishReceipt { finished_at: Utc::now(), metrics: names };
    update_receipt(&job.bucket, run_id, run_date, |receipt| receipt.publish = Some(part.clone())).await?;
    tracing::info!(%run_id, metric_count = metrics.len(), "published");
    Ok(())
}

/// Which version of each metric readers see.
async fn published_sha256(api: &DataApi) -> Result<BTreeMap<String, String>, LoadError> {
    let sql = "select metric, sql_sha256 from presentation.metric_catalog";
    Ok(api.query("read presentation.metric_catalog", sql).await?.text_pairs())
}

/// The metrics whose audited table has other columns than the published one.
async fn reshaped<'a>(api: &DataApi, metrics: &'a [Metric]) -> Result<Vec<&'a Metric>, LoadError> {
    let audited = columns_of(api, "audit").await?;
    let published = columns_of(api, "presentation").await?;
    Ok(metrics.iter().filter(|metric| audited.get(metric.name) != published.get(metric.name)).collect())
}

fn statements(
    run_id: &RunId,
    metrics: &[Metric],
    reshaped: &[&Metric],
    published: &BTreeMap<String, String>,
) -> Vec<Statement> {
    let mut statements = vec![Statement::new(format!("publish run {run_id}: lock the guard"), "lock etl.guard")];
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
        let sql = format!("call etl.publish_metric('{}', '{}')", metric.name, metric.period_column());
        Statement::new(format!("publish run {run_id}: {}", metric.name), sql)
    };
    statements.extend(metrics.iter().map(publish));
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
    let record = format!("call etl.record_publish({})", literal::text(run_id.as_str()));
    statements.push(Statement::new(format!("publish run {run_id}: record"), record));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_api::{BATCH_MAX_BYTES, BATCH_MAX_STATEMENTS};

    fn batch(reshaped: &[&Metric], published: &BTreeMap<String, String>) -> Vec<Statement> {
        statements(&"r1".parse().unwrap(), &metrics().unwrap(), reshaped, published)
    }

    #[test]
    fn publishing_everything_anew_fits_one_transaction() {
        let metrics = metrics().unwrap();
        let all = batch(&metrics.iter().collect::<Vec<_>>(), &BTreeMap::new());
        assert!(all.len() <= BATCH_MAX_STATEMENTS, "{} statements", all.len());
        assert!(all.iter().map(|statement| statement.sql.len()).sum::<usize>() <= BATCH_MAX_BYTES);
    }

    #[test]
    fn what_readers_see_keeps_its_tables_when_no_metric_changed() {
        let published =
            metrics().unwrap().iter().map(|metric| (metric.name.to_owned(), metric.sha256.clone())).collect();
        let texts: Vec<_> = batch(&[], &published).into_iter().map(|statement| statement.sql).collect();
        assert!(texts.iter().all(|sql| sql.starts_with("call ") || sql == "lock etl.guard"), "{texts:?}");
    }
}
