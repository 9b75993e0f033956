//! Which published periods may move when pending manifests are loaded. An upper bound: a replaced chunk is taken to change in every
//! row, and a data file tells the days of its rows from the first to the last one only. So most often fewer periods move than
//! are named, and never others.

use crate::{
    copy::key_ranges,
    data_api::{DataApi, Statement},
    error::LoadError,
    footer::Footer,
    fx_rates::changed_rate_days,
    job::Job,
    ledger::Ledger,
    metric::{Metric, metrics},
    migrate::differences,
    moving_days::{MovingDays, RunDates},
    relation::columns_of,
    result_rows::{ResultRows, Row, UnexpectedValue},
    transform::basis,
};
use chrono::{Datelike as _, NaiveDate};
use rental_core::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// Periods of a metric that may move: those that begin from `first_day` to before `end_day`. Without a day they have no bound
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MovingPeriods {
    pub(crate) metric: &'static str,
    pub(crate) first_day: Option<NaiveDate>,
    pub(crate) end_day: Option<NaiveDate>,
    /// How many of them readers see now,
    pub(crate) published: usize,
    /// saw complete,
    pub(crate) complete: usize,
    /// and are closed: they stay as they are without `--restate`.
    pub(crate) closed: usize,
    /// The facts that may change, as in `etl.stale_periods`.
    pub(crate) reason: String,
}

/// A range of days, the end not included, and what moves it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StaleRange {
    first_day: NaiveDate,
    end_day: NaiveDate,
    reasons: BTreeSet<String>,
}

/// One published period.
struct PublishedPeriod {
    first_day: NaiveDate,
    last_day: NaiveDate,
}

/// What the warehouse says of itself beside the ledger.
#[derive(Default)]
struct WarehouseState {
    settings: BTreeMap<String, String>,
    run_date: Option<NaiveDate>,
    /// Metrics that are deployed in another version than they were computed in.
    changed_metrics: BTreeSet<String>,
    /// Ranges that wait for publication, by metric.
    stale: BTreeMap<String, Vec<StaleRange>>,
}

/// Why all periods of a metric move, as `etl.find_stale_periods` says it.
const WHOLE: &str = "SQL or settings";
const WITHOUT_PERIODS: &str = "computed whole by each run";

/// The periods that may move when these manifests are loaded and transformed, by metric and day.
///
/// # Errors
/// When exchange rates would be refused, or bucket or warehouse fail.
pub(crate) async fn moving_periods(
    job: &Job<'_>,
    ledger: &Ledger,
    pending: &[(&Manifest, Vec<Footer>)],
) -> Result<Vec<MovingPeriods>, LoadError> {
    let metrics = metrics()?;
    let state = WarehouseState::read(&job.api).await?;
    let ranges = stale_ranges(job, ledger, &state, &metrics, pending).await?;
    let published = published_periods(&job.api, &metrics).await?;
    let of_metric = |metric: &Metric| {
        let ranges = ranges.get(metric.name).into_iter().flatten();
        let published = published.get(metric.name).map_or(&[][..], Vec::as_slice);
        ranges.map(|range| state.look_at(metric.name, range, published)).collect::<Vec<_>>()
    };
    Ok(metrics.iter().flat_map(of_metric).collect())
}

/// The ranges of each metric whose periods may move, merged.
async fn stale_ranges(
    job: &Job<'_>,
    ledger: &Ledger,
    state: &WarehouseState,
    metrics: &[Metric],
    pending: &[(&Manifest, Vec<Footer>)],
) -> Result<BTreeMap<String, Vec<StaleRange>>, LoadError> {
    let undeployed = differences(&job.api).await?;
    let is_deployed = |metric: &Metric| {
        let object = format!("metrics/{}.sql", metric.name);
        undeployed.iter().all(|difference| !difference.is_pending() || difference.object != object)
    };
    let manifests: Vec<_> = pending.iter().map(|(manifest, _)| *manifest).collect();
    let run_dates = run_dates(job, ledger, &manifests);
    let all = makes_everything_anew(job, ledger, state, &manifests, run_dates);
    let mut ranges: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut partly = Vec::new();
    for metric in metrics {
        match metric.period() {
            None => ranges.entry(metric.name.to_owned()).or_default().push(StaleRange::whole(WITHOUT_PERIODS)),
            Some(_) if all || state.changed_metrics.contains(metric.name) || !is_deployed(metric) => {
                ranges.entry(metric.name.to_owned()).or_default().push(StaleRange::whole(WHOLE));
            }
            Some(period) => partly.push((metric.name, period)),
        }
    }
    if let Some(run_dates) = run_dates
        && !partly.is_empty()
    {
        let mut days = MovingDays::new(run_dates, changed_rate_days(job).await?);
        for (manifest, footers) in pending {
            days.add(&manifest.table, key_ranges(manifest), footers);
        }
        let rows = job.api.query("sql/plan/moving_periods.sql", &days.query(&partly)).await?;
        let found = found_ranges(&rows).map_err(|source| LoadError::Result { what: "the moving periods", source })?;
        found.into_iter().for_each(|(name, range)| ranges.entry(name).or_default().push(range));
    }
    state.stale.iter().for_each(|(name, waiting)| ranges.entry(name.clone()).or_default().extend(waiting.clone()));
    Ok(ranges.into_iter().map(|(name, ranges)| (name, merged(ranges))).collect())
}

/// The run dates of the transformations to come; none where nothing is loaded and nothing will be.
fn run_dates(job: &Job<'_>, ledger: &Ledger, manifests: &[&Manifest]) -> Option<RunDates> {
    let loaded = ledger.latest_run().and_then(|run_id| ledger.run_date(run_id));
    let pending = manifests.iter().map(|manifest| manifest.run_date);
    let last = job.config.as_of.or_else(|| manifests.last().map(|last| last.run_date)).or(loaded)?;
    let first = pending.clone().chain([last]).min()?;
    Some(RunDates { first_day: first, last_day: pending.chain([last]).max()? })
}

/// Whether the curated layer would not follow what changed, but be made anew, as `etl.begin_transform` decides.
fn makes_everything_anew(
    job: &Job<'_>,
    ledger: &Ledger,
    state: &WarehouseState,
    manifests: &[&Manifest],
    run_dates: Option<RunDates>,
) -> bool {
    let setting = |name: &str| state.settings.get(name).map_or("", String::as_str);
    let absent = manifests.iter().rfind(|manifest| {
        let is_noted = !manifest.absent_columns.is_empty() || !manifest.replaced_chunks.is_empty();
        manifest.table == "bookings" && is_noted
    });
    let absent =
        absent.map_or_else(|| setting("absent_columns.bookings").to_owned(), |found| found.absent_columns.join(" "));
    let is_other = setting("curated_basis") != format!("{} {absent}", basis(&job.config.reporting));
    let goes_back = run_dates.zip(state.run_date).is_some_and(|(dates, known)| dates.first_day < known);
    // What was loaded and not transformed stands in etl.changed_rows: rare enough to be taken for everything.
    let is_behind = ledger.latest_run().is_some_and(|run_id| !ledger.runs.contains_key(run_id));
    is_other || goes_back || is_behind
}

fn found_ranges(rows: &ResultRows) -> Result<Vec<(String, StaleRange)>, UnexpectedValue> {
    let range = |cells: &Vec<_>| {
        let row = Row(cells);
        let reasons = row.text(3)?.split(", ").map(str::to_owned).collect();
        Ok((row.text(0)?, StaleRange { first_day: row.date(1)?, end_day: row.date(2)?, reasons }))
    };
    rows.rows.iter().map(range).collect()
}

/// No two of them touch.
fn merged(mut ranges: Vec<StaleRange>) -> Vec<StaleRange> {
    ranges.sort_by_key(|range| (range.first_day, range.end_day));
    let mut merged: Vec<StaleRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.first_day <= last.end_day => {
                last.end_day = last.end_day.max(range.end_day);
                last.reasons.extend(range.reasons);
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// What readers see of each metric that has periods.
async fn published_periods(
    api: &DataApi,
    metrics: &[Metric],
) -> Result<BTreeMap<&'static str, Vec<PublishedPeriod>>, LoadError> {
    let relations = columns_of(api, "presentation").await?;
    // A table of another version may lack the columns by which periods are told apart.
    let readable = metrics.iter().filter_map(|metric| {
        let columns = relations.get(metric.name)?;
        Some((metric.name, metric.period()?.published(metric.name, columns)?))
    });
    let (names, queries): (Vec<_>, Vec<_>) = readable.unzip();
    if queries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let period = |cells: &Vec<_>| {
        let row = Row(cells);
        Ok(PublishedPeriod { first_day: row.date(0)?, last_day: row.date(1)? })
    };
    let of_metric = |(name, rows): (&'static str, ResultRows)| {
        Ok((name, rows.rows.iter().map(period).collect::<Result<_, UnexpectedValue>>()?))
    };
    let found: Result<_, UnexpectedValue> =
        names.into_iter().zip(api.query_all(&queries).await?).map(of_metric).collect();
    found.map_err(|source| LoadError::Result { what: "the published periods", source })
}

impl StaleRange {
    /// As `etl.find_stale_periods` has it.
    fn whole(reason: &str) -> Self {
        let day = |year, month| NaiveDate::from_ymd_opt(year, month, 1).expect("a day of the calendar");
        Self { first_day: day(1, 1), end_day: day(9999, 12), reasons: BTreeSet::from([reason.to_owned()]) }
    }
}

impl WarehouseState {
    async fn read(api: &DataApi) -> Result<Self, LoadError> {
        let queries = [
            ("read etl.settings", "select name, value from etl.settings"),
            ("read curated.run_context", "select max(run_date)::varchar(10) from curated.run_context"),
            ("read etl.changed_metrics", "select metric, metric from etl.changed_metrics"),
            (
                "read etl.stale_periods",
                "select metric, first_day::varchar(10), end_day::varchar(10), reason from etl.stale_periods",
            ),
        ];
        let results = api.query_all(&queries.map(|(origin, sql)| Statement::new(origin, sql))).await?;
        let [settings, run_context, changed_metrics, stale] = results.as_slice() else { return Ok(Self::default()) };
        let run_date = run_context.rows.first().and_then(|cells| Row(cells).optional_text(0));
        let mut waiting: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let ranges = found_ranges(stale).map_err(|source| LoadError::Result { what: "etl.stale_periods", source })?;
        for (metric, range) in ranges {
            waiting.entry(metric).or_default().push(range);
        }
        Ok(Self {
            settings: settings.text_pairs(),
            run_date: run_date.and_then(|text| text.parse().ok()),
            changed_metrics: changed_metrics.text_pairs().into_keys().collect(),
            stale: waiting,
        })
    }

    fn look_at(&self, metric: &'static str, range: &StaleRange, published: &[PublishedPeriod]) -> MovingPeriods {
        let day = |name: &str| self.settings.get(name).and_then(|text| text.parse::<NaiveDate>().ok());
        let ends_before =
            |day: Option<NaiveDate>| move |period: &&&PublishedPeriod| day.is_some_and(|day| period.last_day < day);
        let within =
            |period: &&PublishedPeriod| period.first_day >= range.first_day && period.first_day < range.end_day;
        let within: Vec<_> = published.iter().filter(within).collect();
        MovingPeriods {
            metric,
            first_day: Some(range.first_day).filter(|day| day.year() > 1),
            end_day: Some(range.end_day).filter(|day| day.year() < 9998),
            published: within.len(),
            complete: within.iter().filter(ends_before(day("published_run_date"))).count(),
            closed: within.iter().filter(ends_before(day("closed_before"))).count(),
            reason: range.reasons.iter().cloned().collect::<Vec<_>>().join(", "),
        }
    }
}
