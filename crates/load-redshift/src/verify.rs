//! The audit between transformation and publication: every check file, and the balance of the receipt.

use crate::{
    data_api::{BATCH_MAX_STATEMENTS, DataApi, Statement},
    error::LoadError,
    job::Job,
    receipt,
    result_rows::{ResultRows, Row, UnexpectedValue},
    sql_script::split_statements,
    sql_tree::check_files,
};
use chrono::Utc;
use rental_core::{CheckReceipt, Finding, RunDate, RunId, Severity};

/// Runs all checks and notes their findings in the receipt.
///
/// # Errors
/// When a check finds an error or the receipt does not balance; also when bucket or warehouse fail.
pub(crate) async fn verify_run(job: &Job<'_>, run_id: &RunId, run_date: RunDate) -> Result<(), LoadError> {
    let checks = checks();
    let findings = run_checks(&job.api, &checks).await?;
    for finding in &findings {
        match finding.severity {
            Severity::Error => tracing::error!(check = finding.check, rule = finding.rule, "{}", finding.detail),
            Severity::Warn => tracing::warn!(check = finding.check, rule = finding.rule, "{}", finding.detail),
            Severity::Info => tracing::info!(check = finding.check, rule = finding.rule, "{}", finding.detail),
        }
    }
    let part = CheckReceipt { finished_at: Utc::now(), checks_run: checks.len() as u64, findings };
    let receipt = receipt::update(&job.bucket, run_id, run_date, |receipt| receipt.verify = Some(part.clone())).await?;
    let imbalances = receipt.imbalances();
    if !imbalances.is_empty() {
        return Err(LoadError::Unbalanced { run_id: run_id.clone(), imbalances });
    }
    let errors: Vec<_> = part.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Err(LoadError::Refused { run_id: run_id.clone(), findings: errors });
    }
    tracing::info!(%run_id, check_count = part.checks_run, "verified: no check found an error and the receipt balances");
    Ok(())
}

/// Every statement of every check file, named by the file.
fn checks() -> Vec<Statement> {
    let of_file = |file: crate::sql_tree::SqlFile| {
        split_statements(file.text).into_iter().map(move |sql| Statement::new(format!("sql/{}", file.path), sql))
    };
    check_files().into_iter().flat_map(of_file).collect()
}

async fn run_checks(api: &DataApi, checks: &[Statement]) -> Result<Vec<Finding>, LoadError> {
    let mut findings = Vec::new();
    for part in checks.chunks(BATCH_MAX_STATEMENTS) {
        let results = api.query_all(part).await?;
        for (check, result) in part.iter().zip(&results) {
            let found = findings_of(&check.origin, result);
            findings.extend(found.map_err(|source| LoadError::Check { check: check.origin.clone(), source })?);
        }
    }
    Ok(findings)
}

fn findings_of(check: &str, result: &ResultRows) -> Result<Vec<Finding>, UnexpectedValue> {
    let finding = |cells: &Vec<_>| {
        let row = Row(cells);
        // A severity that is not known must not let numbers pass.
        let severity = match row.text(1)?.as_str() {
            "warn" => Severity::Warn,
            "info" => Severity::Info,
            _ => Severity::Error,
        };
        Ok(Finding {
            check: check.to_owned(),
            rule: row.text(0)?,
            severity,
            detail: row.optional_text(2).unwrap_or_default(),
        })
    };
    result.rows.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result_rows::Cell;

    #[test]
    fn every_check_file_is_one_query() {
        for file in check_files() {
            assert_eq!(split_statements(file.text).len(), 1, "{}", file.path);
        }
    }

    #[test]
    fn an_unknown_severity_counts_as_an_error() {
        let row = |severity: &str| ["R1", severity, "d"].map(|text| Cell::Text(text.to_owned())).to_vec();
        let result = ResultRows { columns: vec![], rows: vec![row("warn"), row("error"), row("fatal")] };
        let severities: Vec<_> = findings_of("c", &result).unwrap().into_iter().map(|found| found.severity).collect();
        assert_eq!(severities, [Severity::Warn, Severity::Error, Severity::Error]);
    }
}
