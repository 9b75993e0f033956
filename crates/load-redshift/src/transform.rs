//! The transformation of a run: one transaction of procedure calls that fills the curated layer and computes the metrics
//! where readers do not see them yet. Repeating it gives the same tables.

use crate::{
    config::ReportingConfig,
    data_api::{DataApi, Statement},
    error::LoadError,
    fx_rates::load_fx_rates,
    job::Job,
    ledger::Ledger,
    literal,
    metric::{Metric, metrics},
    result_rows::Row,
    sha256::sha256_hex,
    sql_tree::{CuratedProcedure, curated_procedures, object_files},
};
use chrono::{NaiveDate, Utc};
use rental_core::{RuleCount, RunDate, RunId, TransformReceipt};
use rental_task::update_receipt;
use std::time::Instant;

/// Which run the step is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    Run(RunId),
    /// A newer run is loaded: the curated layer cannot stand for this one any more.
    Superseded {
        run_id: RunId,
        by: RunId,
    },
}

/// How much a transformation makes anew, or a verification looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What follows from rows that changed, from days that passed and from exchange rates.
    Changes,
    /// The same, and the rows of a period as if they had changed.
    Period(Backfill),
    Everything,
}

impl Extent {
    pub(crate) fn of(is_full: bool) -> Self {
        if is_full { Self::Everything } else { Self::Changes }
    }
}

/// A period that is made again from the raw layer, both days included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backfill {
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
}

/// The configured run, or the latest loaded one.
///
/// # Errors
/// When it is not loaded.
pub(crate) fn choose_run(job: &Job<'_>, ledger: &Ledger) -> Result<Chosen, LoadError> {
    let latest = ledger.latest_run().ok_or(LoadError::NothingLoaded)?.clone();
    let Some(run_id) = job.config.run_id.clone() else { return Ok(Chosen::Run(latest)) };
    if ledger.entries_of(&run_id).next().is_none() {
        return Err(LoadError::NotLoaded { run_id });
    }
    Ok(if run_id == latest { Chosen::Run(run_id) } else { Chosen::Superseded { run_id, by: latest } })
}

/// Transforms one loaded run. Without a run date it is that of the run's manifests.
///
/// # Errors
/// When the rates are refused, or bucket or warehouse fail; the curated layer is then as before.
pub(crate) async fn transform_run(
    job: &Job<'_>,
    run_id: &RunId,
    as_of: Option<RunDate>,
    extent: Extent,
) -> Result<(), LoadError> {
    let started_at = Instant::now();
    let run_date = match as_of {
        Some(run_date) => run_date,
        None => Ledger::read(&job.api)
            .await?
            .run_date(run_id)
            .ok_or_else(|| LoadError::NotLoaded { run_id: run_id.clone() })?,
    };
    load_fx_rates(job).await?;
    let reporting = &job.config.reporting;
    job.api.execute(&statements(run_id, run_date, reporting, extent, &curated_procedures()?, &metrics()?)).await?;
    let part = TransformReceipt {
        finished_at: Utc::now(),
        duration_ms: started_at.elapsed().as_millis() as u64,
        rule_counts: rule_counts(&job.api).await?,
    };
    tracing::info!(%run_id, %run_date, duration_ms = part.duration_ms, "transformed");
    update_receipt(&job.bucket, run_id, run_date, |receipt| {
        receipt.transform = Some(part.clone());
        // What was found before is about other numbers.
        receipt.verify = None;
        receipt.publish = None;
    })
    .await?;
    Ok(())
}

fn statements(
    run_id: &RunId,
    run_date: RunDate,
    reporting: &ReportingConfig,
    extent: Extent,
    procedures: &[CuratedProcedure],
    metrics: &[Metric],
) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut add = |step: &str, sql: String| {
        statements.push(Statement::new(format!("transform run {run_id}: {step}"), sql));
    };
    let run = literal::text(run_id.as_str());
    let date = literal::date(run_date);
    add("lock the guard", "lock etl.guard".to_owned());
    let is_full = extent == Extent::Everything;
    add("begin", format!("call etl.begin_transform({run}, {date}, '{}', {is_full})", basis(reporting)));
    let settings = [
        ("reporting_timezone", reporting.timezone.name().to_owned()),
        ("reporting_currency", reporting.currency.code.to_owned()),
        ("fx_max_age_days", reporting.fx_max_age_days.to_string()),
        ("freshness_max_days", reporting.freshness_max_days.map_or_else(String::new, |days| days.to_string())),
    ];
    for (name, value) in settings {
        add("settings", format!("call etl.set_setting('{name}', {})", literal::text(&value)));
    }
    if let Extent::Period(Backfill { from, to }) = extent {
        add("note the backfill", format!("call etl.note_backfill({}, {})", literal::date(from), literal::date(to)));
    }
    for procedure in procedures {
        add(&procedure.name, format!("call {}({date})", procedure.name));
    }
    for metric in metrics {
        add(metric.name, format!("call audit.refresh_{}()", metric.name));
    }
    add("record", format!("call etl.record_transform({run}, {date})"));
    statements
}

/// Identifies what the curated layer follows from beside the rows. Where it is another one, all of the layer is made anew.
pub(crate) fn basis(reporting: &ReportingConfig) -> String {
    let ReportingConfig { timezone, currency, fx_max_age_days, fx_rates_key: _, freshness_max_days: _ } = reporting;
    let settings = format!("{timezone} {} {fx_max_age_days}", currency.code);
    let texts = object_files().into_iter().map(|file| file.text);
    sha256_hex(texts.chain([settings.as_str()]))
}

async fn rule_counts(api: &DataApi) -> Result<Vec<RuleCount>, LoadError> {
    let sql = "select rule_id, table_name, severity, standing, found_by_run from curated.rule_counts order by rule_id, table_name";
    let result = api.query("read curated.rule_counts", sql).await?;
    let count = |cells: &Vec<_>| {
        let row = Row(cells);
        Ok(RuleCount {
            rule: row.text(0)?,
            table: row.text(1)?,
            severity: row.text(2)?,
            standing: row.count(3)?,
            found: row.count(4)?,
        })
    };
    let counts = result.rows.iter().map(count).collect::<Result<_, _>>();
    counts.map_err(|source| LoadError::Result { what: "curated.rule_counts", source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_api::BATCH_MAX_STATEMENTS;
    use rental_core::Currency;

    fn reporting() -> ReportingConfig {
        ReportingConfig {
            timezone: chrono_tz::Tz::Europe__Berlin,
            currency: Currency::parse("USD").unwrap(),
            fx_max_age_days: 7,
            fx_rates_key: "unused".into(),
            freshness_max_days: None,
        }
    }

    fn batch(extent: Extent) -> Vec<String> {
        let (procedures, metrics) = (curated_procedures().unwrap(), metrics().unwrap());
        let (run_id, run_date) = ("r1".parse().unwrap(), "2025-02-16".parse().unwrap());
        let all = statements(&run_id, run_date, &reporting(), extent, &procedures, &metrics);
        all.into_iter().map(|statement| statement.sql).collect()
    }

    #[test]
    fn a_backfill_is_noted_after_the_settings_and_before_what_follows_from_it() {
        let backfill = Backfill { from: "2025-01-01".parse().unwrap(), to: "2025-01-31".parse().unwrap() };
        let texts = batch(Extent::Period(backfill));
        let place = |text: &str| texts.iter().position(|sql| sql.starts_with(text)).unwrap();
        let noted = place("call etl.note_backfill('2025-01-01'::date, '2025-01-31'::date)");
        assert!(place("call etl.set_setting('reporting_timezone'") < noted && noted < place("call curated.load_"));
        assert!(texts[1].ends_with(", false)"), "{}", texts[1]);
    }

    #[test]
    fn a_transformation_is_one_transaction_from_the_guard_to_the_record() {
        let texts = batch(Extent::Changes);
        assert!(texts.len() <= BATCH_MAX_STATEMENTS, "{} statements", texts.len());
        assert_eq!(
            texts[..3],
            [
                "lock etl.guard",
                &format!("call etl.begin_transform('r1', '2025-02-16'::date, '{}', false)", basis(&reporting())),
                "call etl.set_setting('reporting_timezone', 'Europe/Berlin')",
            ]
        );
        assert_eq!(texts.last().map(String::as_str), Some("call etl.record_transform('r1', '2025-02-16'::date)"));
        let place = |text: &str| texts.iter().position(|sql| sql.starts_with(text)).unwrap();
        assert!(place("call curated.load_apartments(") < place("call curated.load_bookings("));
        assert!(place("call curated.load_bookings(") < place("call curated.load_stay("));
        assert!(place("call curated.load_listing_day(") < place("call curated.load_stay_violations("));
        assert!(place("call curated.load_stay_violations(") < place("call audit.refresh_"));
    }
}
