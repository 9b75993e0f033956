//! Why a metric says what it says: the published rows of a period with what they are a quotient of, and the rows behind them,
//! with what keeps some from counting.

use crate::{
    data_api::{DataApi, DataApiError, Statement},
    error::LoadError,
    literal,
    metric::{Metric, Period, find, metrics},
    output::row_order,
    relation::{RelationColumn, columns_of},
    result_rows::{ResultRows, Row, UnexpectedValue},
};
use chrono::NaiveDate;
use std::str::FromStr;

/// Of which published rows the reason is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) metric: String,
    /// A day of the period; without one it is the newest complete period.
    pub(crate) day: Option<NaiveDate>,
    pub(crate) keys: Vec<KeyValue>,
    /// Rows to read, of the published ones and of those behind them; all where there is none.
    pub(crate) limit: Option<u32>,
}

/// A column that tells the rows of a period apart, and what it has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    column: String,
    value: String,
}

/// Not `column=value`.
#[derive(Debug, thiserror::Error)]
#[error("no `column=value`")]
pub struct NoKeyValue;

/// What is asked for is not there.
#[derive(Debug, thiserror::Error)]
pub enum UnknownRows {
    #[error("`{metric}` has no key column `{column}`, {known}")]
    Column { metric: &'static str, column: String, known: String },
    #[error("no file `sql/metrics/{metric}.rows.sql` lists the rows behind `{metric}`")]
    NoRowsFile { metric: &'static str },
    #[error("`{metric}` has no periods, so none holds {day}")]
    NoPeriods { metric: &'static str, day: NaiveDate },
    #[error("`presentation.{metric}` has no row{of_keys}")]
    NoRow { metric: &'static str, of_keys: String },
    #[error("`presentation.{metric}` has no row{of_keys} whose period holds {day}; they begin from {first} to {last}")]
    NoRowOfDay { metric: &'static str, of_keys: String, day: NaiveDate, first: NaiveDate, last: NaiveDate },
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) metric: Metric,
    /// How many published rows there are.
    pub(crate) published_count: u64,
    pub(crate) published: ResultRows,
    /// None where no file lists the rows behind the metric.
    pub(crate) behind: Option<RowsBehind>,
    /// The run for which the rows behind stand.
    pub(crate) run_id: String,
    /// Whether readers see that run.
    pub(crate) is_published: bool,
    /// Values of these periods that are kept back because they are closed.
    pub(crate) kept_back: u64,
}

/// The rows behind the published ones.
#[derive(Debug)]
pub(crate) struct RowsBehind {
    /// How many of them count.
    pub(crate) counted: u64,
    /// How many do not: `left_out`, the reason, and `row_count`.
    pub(crate) left_out: ResultRows,
    pub(crate) rows: ResultRows,
}

impl FromStr for KeyValue {
    type Err = NoKeyValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((column, value)) if !column.is_empty() => Ok(Self { column: column.into(), value: value.into() }),
            _ => Err(NoKeyValue),
        }
    }
}

/// Explains published rows.
///
/// # Errors
/// When nothing is published that is asked for, or the warehouse fails.
pub(crate) async fn explain(api: &DataApi, question: &Question) -> Result<Explanation, LoadError> {
    let mut metrics = metrics()?;
    let name = find(&metrics, &question.metric)?.name;
    metrics.retain(|metric| metric.name == name);
    let Some(metric) = metrics.pop() else { return Err(LoadError::NoMetricTable { name }) };
    let columns = columns_of(api, "presentation").await?.remove(name).ok_or(LoadError::NoMetricTable { name })?;
    let chosen = match metric.period() {
        Some(period) => Chosen::find(api, &metric, period, question, &columns).await?,
        None => Chosen::all(api, &metric, question).await?,
    };
    let limit = question.limit.map_or_else(String::new, |rows| format!(" limit {rows}"));
    let order = row_order(&columns);
    let Chosen { condition, days, row_count } = chosen;
    let closed = days.map_or_else(
        || "true".to_owned(),
        |(first, end)| format!("period_start >= {} and period_start < {}", literal::date(first), literal::date(end)),
    );
    let mut queries = vec![
        Statement::new(
            format!("read presentation.{name}"),
            format!(
                "select shown.* from (select * from presentation.{name} where {condition}) as shown \
                 cross join curated.run_context order by {order}{limit}"
            ),
        ),
        Statement::new(
            "read which run stands",
            "select run_context.run_id, case when runs.published_at is not null then 1 else 0 end \
             from curated.run_context left join etl.runs on run_context.run_id = runs.run_id",
        ),
        Statement::new(
            "count what is kept back",
            format!(
                "select count(*) from etl.metric_restatements where not is_applied and metric = {} and {closed}",
                literal::text(name)
            ),
        ),
    ];
    let rows_behind = metric.rows_behind(days);
    if let Some(rows) = &rows_behind {
        let behind = format!("from (\n{rows}\n) as behind where {condition}");
        let origin = format!("sql/metrics/{name}.rows.sql");
        let counts = format!("select left_out, count(*) as row_count {behind} group by left_out order by 2 desc, 1");
        let first = "case when left_out is null then 0 else 1 end";
        let shown = format!("select * {behind} order by {first}, 1, 2{limit}");
        queries.extend([counts, shown].map(|sql| Statement::new(origin.clone(), sql)));
    }
    let mut results = api.query_all(&queries).await?.into_iter();
    let mut next = || results.next().ok_or(DataApiError::Incomplete("a result"));
    let published = next()?;
    let run = read(&next()?, |row| Ok((row.text(0)?, row.integer(1)? > 0)))?;
    let (run_id, is_published) = run.ok_or(LoadError::NothingLoaded)?;
    let kept_back = read(&next()?, |row| row.count(0))?.unwrap_or_default();
    let behind = rows_behind.map(|_| RowsBehind::new(next()?, next()?)).transpose()?;
    Ok(Explanation { metric, published_count: row_count, published, behind, run_id, is_published, kept_back })
}

impl Explanation {
    /// The columns of the published rows that say most: period and key, rank, value, what it is the quotient of, and how far it
    /// can be trusted. All of them where the header does not name the value.
    pub(crate) fn telling_columns(&self) -> Vec<&str> {
        const TRUST: [&str; 3] = ["unconverted_rows", "basis", "is_complete"];
        let names = || self.published.columns.iter().map(|column| column.name.as_str());
        if self.metric.value.is_none() {
            return names().collect();
        }
        let ranks = names().filter(|name| name.ends_with("_rank"));
        let period = self.metric.period().into_iter();
        let keys =
            period.flat_map(|period| [period.column()].into_iter().chain(period.key().iter().map(String::as_str)));
        let value = self.metric.value.iter().flat_map(|value| value.columns());
        keys.chain(ranks).chain(value).chain(TRUST).collect()
    }
}

impl RowsBehind {
    fn new(mut counts: ResultRows, rows: ResultRows) -> Result<Self, LoadError> {
        let what = "how many rows are left out";
        let mut counted = 0;
        let mut left_out = Vec::new();
        for cells in counts.rows {
            match Row(&cells).optional_text(0) {
                Some(_) => left_out.push(cells),
                None => counted = Row(&cells).count(1).map_err(|source| LoadError::Result { what, source })?,
            }
        }
        counts.rows = left_out;
        Ok(Self { counted, left_out: counts, rows })
    }
}

/// The rows that a question is about.
struct Chosen {
    /// Holds for the published rows and for the rows behind them.
    condition: String,
    /// The days of their periods, end not included; none where the metric has no periods.
    days: Option<(NaiveDate, NaiveDate)>,
    row_count: u64,
}

impl Chosen {
    async fn all(api: &DataApi, metric: &Metric, question: &Question) -> Result<Self, LoadError> {
        let Metric { name, .. } = metric;
        if let Some(day) = question.day {
            return Err(UnknownRows::NoPeriods { metric: name, day }.into());
        }
        if let Some(key) = question.keys.first() {
            let known = "nor any other".to_owned();
            return Err(UnknownRows::Column { metric: name, column: key.column.clone(), known }.into());
        }
        let counted = api.query("count published rows", &format!("select count(*) from presentation.{name}")).await?;
        let row_count = read(&counted, |row| row.count(0))?.unwrap_or_default();
        if row_count == 0 {
            return Err(UnknownRows::NoRow { metric: name, of_keys: String::new() }.into());
        }
        Ok(Self { condition: "1 = 1".to_owned(), days: None, row_count })
    }

    async fn find(
        api: &DataApi,
        metric: &Metric,
        period: &Period,
        question: &Question,
        columns: &[RelationColumn],
    ) -> Result<Self, LoadError> {
        let Metric { name, .. } = metric;
        let mut of_keys = String::new();
        let mut keys_hold = "1 = 1".to_owned();
        for KeyValue { column, value } in &question.keys {
            if !period.key().contains(column) {
                let known = match period.key() {
                    _ if column == period.column() => "its period is chosen by `--period`".to_owned(),
                    [] => "nor any other".to_owned(),
                    key => format!("only {}", key.join(", ")),
                };
                return Err(UnknownRows::Column { metric: name, column: column.clone(), known }.into());
            }
            keys_hold += &format!(" and nvl({column}::varchar(1024), '') = {}", literal::text(value));
            of_keys += &format!("{} {column}={value}", if of_keys.is_empty() { " with" } else { "," });
        }
        let (column, last_day) = (period.column(), period.last_day());
        let is_complete =
            if columns.iter().any(|column| column.name == "is_complete") { "is_complete" } else { "true" };
        let sql = format!(
            "select min({column})::varchar(10), max({column})::varchar(10), \
             max(case when {is_complete} then {column} end)::varchar(10) from presentation.{name} where {keys_hold}"
        );
        let known = api.query("read which periods are published", &sql).await?;
        let known = read(&known, |row| {
            let complete = row.optional_text(2).is_some().then(|| row.date(2)).transpose()?;
            Ok(match row.optional_text(0) {
                Some(_) => Some((row.date(0)?, row.date(1)?, complete)),
                None => None,
            })
        })?;
        let Some((first, last, newest_complete)) = known.flatten() else {
            return Err(UnknownRows::NoRow { metric: name, of_keys }.into());
        };
        let day = question.day.or(newest_complete).unwrap_or(last);
        let text = literal::date(day);
        let condition = format!("{keys_hold} and {column} <= {text} and {text} <= {last_day}");
        let sql = format!(
            "select count(*), min({column})::varchar(10), dateadd(day, 1, max({last_day}))::date::varchar(10) \
             from presentation.{name} where {condition}"
        );
        let days = api.query("read the days of the period", &sql).await?;
        let days = read(&days, |row| match row.count(0)? {
            0 => Ok(None),
            count => Ok(Some((count, row.date(1)?, row.date(2)?))),
        })?;
        let Some((row_count, first_day, end_day)) = days.flatten() else {
            return Err(UnknownRows::NoRowOfDay { metric: name, of_keys, day, first, last }.into());
        };
        Ok(Self { condition, days: Some((first_day, end_day)), row_count })
    }
}

/// The first row of a result; none where it has none.
fn read<T>(
    result: &ResultRows,
    values: impl FnOnce(Row<'_>) -> Result<T, UnexpectedValue>,
) -> Result<Option<T>, LoadError> {
    let values = result.rows.first().map(|cells| values(Row(cells))).transpose();
    values.map_err(|source| LoadError::Result { what: "the periods of a metric", source })
}
