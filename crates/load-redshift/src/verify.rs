//! The audit between transformation and publication: every check file, and the balance of the receipt.

use crate::{
    check::{CheckedDays, checks},
    data_api::{DataApi, Statement},
    error::LoadError,
    job::Job,
    result_rows::{ResultRows, Row, UnexpectedValue},
    transform::Extent,
};
use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rental_core::{CheckReceipt, Finding, Receipt, RunDate, RunId, Severity};
use rental_task::update_receipt;
use std::collections::BTreeMap;

/// More of them would leave each other little memory in a small warehouse.
const CHECKS_AT_ONCE: usize = 2;

/// What is looked at, and what is let pass.
#[derive(Debug, Clone)]
pub(crate) struct Verification {
    pub(crate) extent: Extent,
    /// Rules whose findings do not keep the run from being published.
    pub(crate) accepted: Vec<String>,
}

/// Runs all checks, over the days that changed since the last publication or over all of them, and notes their findings in the
/// receipt.
///
/// # Errors
/// When a check finds an error or the receipt does not balance; also when bucket or warehouse fail.
pub(crate) async fn verify_run(
    job: &Job<'_>,
    run_id: &RunId,
    run_date: RunDate,
    Verification { extent, accepted }: &Verification,
) -> Result<(), LoadError> {
    let days = match extent {
        Extent::Changes | Extent::Period(_) => CheckedDays::changed(&job.api).await?,
        Extent::Everything => CheckedDays::All,
    };
    let checks: Vec<_> = checks()?.iter().map(|check| check.statement(&days)).collect();
    let findings = run_checks(&job.api, &checks).await?;
    for finding in &findings {
        match finding.severity {
            Severity::Error => tracing::error!(check = finding.check, rule = finding.rule, "{}", finding.detail),
            Severity::Warn => tracing::warn!(check = finding.check, rule = finding.rule, "{}", finding.detail),
            Severity::Info => tracing::info!(check = finding.check, rule = finding.rule, "{}", finding.detail),
        }
    }
    let part =
        CheckReceipt { finished_at: Utc::now(), checks_run: checks.len() as u64, accepted: accepted.clone(), findings };
    let receipt = update_receipt(&job.bucket, run_id, run_date, |receipt| receipt.verify = Some(part.clone())).await?;
    judge(&receipt)?;
    tracing::info!(%run_id, check_count = part.checks_run, "verified: no check found an error and the receipt balances");
    Ok(())
}

/// Whether what the receipt says may be published. A transformation takes the findings before it out of the receipt, so
/// those in it are about the numbers that stand.
///
/// # Errors
/// When it is not verified, does not balance, or a check found an error.
pub(crate) fn judge(receipt: &Receipt) -> Result<(), LoadError> {
    let run_id = || receipt.run_id.clone();
    let verify = receipt.verify.as_ref().ok_or_else(|| LoadError::NotVerified { run_id: run_id() })?;
    let imbalances = receipt.imbalances();
    if !imbalances.is_empty() {
        return Err(LoadError::Unbalanced { run_id: run_id(), imbalances });
    }
    let refuses = |finding: &Finding| finding.severity == Severity::Error && !verify.accepted.contains(&finding.rule);
    let findings: Vec<_> = verify.findings.iter().cloned().chain(receipt.breaches()).filter(refuses).collect();
    if !findings.is_empty() {
        return Err(LoadError::Refused { run_id: run_id(), findings });
    }
    Ok(())
}

/// Each is a transaction of its own, and a long one holds up no other.
async fn run_checks(api: &DataApi, checks: &[Statement]) -> Result<Vec<Finding>, LoadError> {
    let run = |(position, check): (usize, &Statement)| {
        let Statement { origin, sql } = check.clone();
        async move {
            let result = api.query(&origin, &sql).await?;
            let findings = findings_of(&origin, &result);
            Ok((position, findings.map_err(|source| LoadError::Check { check: origin, source })?))
        }
    };
    let running = stream::iter(checks.iter().enumerate().map(run)).buffer_unordered(CHECKS_AT_ONCE);
    let results: Result<BTreeMap<usize, Vec<Finding>>, LoadError> = running.try_collect().await;
    if results.is_err() {
        api.cancel_running().await;
    }
    Ok(results?.into_values().flatten().collect())
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
    use rental_core::{LoadReceipt, LoadedTable};
    use rental_task::TaskError as _;

    #[test]
    fn an_unknown_severity_counts_as_an_error() {
        let row = |severity: &str| ["R1", severity, "d"].map(|text| Cell::Text(text.to_owned())).to_vec();
        let result = ResultRows { columns: vec![], rows: vec![row("warn"), row("error"), row("fatal")] };
        let severities: Vec<_> = findings_of("c", &result).unwrap().into_iter().map(|found| found.severity).collect();
        assert_eq!(severities, [Severity::Warn, Severity::Error, Severity::Error]);
    }

    #[test]
    fn only_a_verified_receipt_that_balances_may_be_published() {
        let mut receipt = Receipt::new("r1".parse().unwrap(), "2025-02-16".parse().unwrap());
        assert!(matches!(judge(&receipt), Err(LoadError::NotVerified { .. })));
        let finding = |severity| Finding { check: "c".into(), rule: "R1".into(), severity, detail: "d".into() };
        let verified =
            |findings| CheckReceipt { finished_at: Utc::now(), checks_run: 1, accepted: Vec::new(), findings };
        receipt.verify = Some(verified(vec![finding(Severity::Warn)]));
        judge(&receipt).unwrap();
        receipt.verify = Some(verified(vec![finding(Severity::Warn), finding(Severity::Error)]));
        assert_eq!(judge(&receipt).map_err(|error| error.exit_code()), Err(3));
        receipt.verify.as_mut().unwrap().accepted = vec!["R1".into()];
        judge(&receipt).unwrap();
        receipt.verify = Some(verified(vec![]));
        let lost = LoadedTable { manifest_rows: 2, raw_rows: 1, chunk_count: 1, file_count: 1 };
        let tables = BTreeMap::from([("bookings".to_owned(), lost)]);
        receipt.load = Some(LoadReceipt { finished_at: Utc::now(), duration_ms: 1, tables });
        assert_eq!(judge(&receipt).map_err(|error| error.exit_code()), Err(3));
    }
}
