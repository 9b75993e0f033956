//! The metrics of `sql/metrics`: a header and one SELECT each. Tables, refresh procedure and catalog row follow from them.

use crate::{
    data_api::Statement,
    fact_days::{moved_by, names_a_range, one_line, sentence_after, within},
    literal,
    relation::RelationColumn,
    sha256::sha256_hex,
    sql_script::split_statements,
    sql_tree::{SqlFile, header, metric_files, relations_after, rows_files},
};
use chrono::NaiveDate;
use rental_core::RunId;

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Name of the file and of the relation in `audit` and `presentation`.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) description: String,
    /// What counts and what does not, in sentences.
    pub(crate) rules: String,
    pub(crate) grain: String,
    pub(crate) unit: String,
    pub(crate) reads: Vec<String>,
    /// By which its rows are computed again; all of them are, where it has none.
    period: Option<Period>,
    /// The column that the metric is about, where its header tells.
    pub(crate) value: Option<MetricValue>,
    select: String,
    /// The SELECT for the rows behind it, where there is a file `<name>.rows.sql`.
    rows: Option<String>,
    /// Of the file's text, in hex.
    pub(crate) sha256: String,
}

/// The column that a metric is about, and the columns that it is the quotient of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricValue {
    pub(crate) column: String,
    /// Numerator and denominator.
    pub(crate) quotient: Option<(String, String)>,
}

/// What the header of a metric tells, each behind its label.
const LABELS: [&str; 8] = ["Grain:", "Unit:", "Reads:", "Period:", "Key:", "Moved by:", "Window:", "Value:"];

/// Says of each row of a metric by week and month which of both it is.
const PERIOD_TYPE: &str = "period_type";

/// How the rows of a metric fall into periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    /// The column with the first day of the period.
    column: String,
    unit: PeriodUnit,
    /// The columns that tell the rows of a period apart.
    key: Vec<String>,
    /// The days of facts that count in it.
    moved_by: Vec<String>,
    /// Days that a period looks back over, its own last one included.
    window_days: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeriodUnit {
    Day,
    Week,
    Month,
    WeekAndMonth,
}

/// A file of `sql/metrics` that is no metric. The files are part of the program: a faulty one fails every test.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`sql/{path}` {fault}")]
pub struct MetricFault {
    path: &'static str,
    fault: &'static str,
}

/// A name that no file in `sql/metrics` has.
#[derive(Debug, thiserror::Error)]
#[error("unknown metric `{name}`; known metrics: {known}")]
pub struct UnknownMetric {
    name: String,
    known: String,
}

/// All metrics, by name.
///
/// # Errors
/// When a file is not one header and one SELECT.
pub(crate) fn metrics() -> Result<Vec<Metric>, MetricFault> {
    let mut rows_files = rows_files();
    let metrics = metric_files().into_iter().map(|file| Metric::parse(file)?.with_rows(rows_files.remove(file.stem())));
    let metrics = metrics.collect::<Result<_, _>>()?;
    match rows_files.into_values().next() {
        Some(SqlFile { path, .. }) => Err(MetricFault { path, fault: "lists the rows of no metric in its folder" }),
        None => Ok(metrics),
    }
}

/// The metric of that name.
///
/// # Errors
/// When there is none; the message lists the known ones.
pub(crate) fn find<'a>(metrics: &'a [Metric], name: &str) -> Result<&'a Metric, UnknownMetric> {
    metrics.iter().find(|metric| metric.name == name).ok_or_else(|| UnknownMetric {
        name: name.to_owned(),
        known: metrics.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", "),
    })
}

impl Metric {
    fn parse(file: SqlFile) -> Result<Self, MetricFault> {
        let faulty = |fault| MetricFault { path: file.path, fault };
        let name = file.stem();
        let is_name = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !is_name || !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return Err(faulty("has a name other than lower case letters, digits and `_`"));
        }
        let header = header(file.text);
        let about = header.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
        let about = about.ok_or_else(|| faulty("does not open with `-- <name>: <what it says>`"))?;
        let labelled = |label| labelled(&header, label);
        let grain = labelled("Grain:").ok_or_else(|| faulty("has no `Grain:` in its header"))?;
        let unit = labelled("Unit:").ok_or_else(|| faulty("has no `Unit:` in its header"))?;
        let reads: Vec<_> = relations_after("Reads:", file.text).into_iter().collect();
        if reads.is_empty() {
            return Err(faulty("has no `Reads:` in its header"));
        }
        let moved_by = moved_by(file.text).map_err(faulty)?;
        let period = sentence_after("Period:", &header).map(|text| Period::parse(&header, &text, moved_by));
        let period = period.transpose().map_err(faulty)?;
        if period.is_some() != names_a_range(file.text) {
            return Err(faulty("needs both: `Period:` in its header, and range_start and range_end in its SELECT"));
        }
        if file.text.contains("$$") {
            return Err(faulty("holds `$$`, which would end the body of its refresh procedure"));
        }
        let value = sentence_after("Value:", &header).map(|text| MetricValue::parse(&text));
        let value = value.transpose().map_err(faulty)?;
        let statements = split_statements(file.text);
        let [select] = statements.as_slice() else { return Err(faulty("is not exactly one SELECT")) };
        let mut title = name.replace('_', " ");
        title[..1].make_ascii_uppercase();
        Ok(Self {
            name,
            title,
            description: one_line(about.split("Grain:").next().unwrap_or(about)),
            rules: rules(&header),
            grain,
            unit,
            reads,
            period,
            value,
            select: select.clone(),
            rows: None,
            sha256: sha256_hex([file.text]),
        })
    }

    fn with_rows(self, file: Option<SqlFile>) -> Result<Self, MetricFault> {
        let Some(SqlFile { path, text }) = file else { return Ok(self) };
        let faulty = |fault| MetricFault { path, fault };
        let statements = split_statements(text);
        let [select] = statements.as_slice() else { return Err(faulty("is not exactly one SELECT")) };
        if self.period.is_some() != names_a_range(text) {
            return Err(faulty("needs range_start and range_end exactly when its metric has a `Period:`"));
        }
        Ok(Self { rows: Some(select.clone()), ..self })
    }

    /// The query for the rows behind it, of periods within days whose end is not included; none where no file lists them.
    pub(crate) fn rows_behind(&self, days: Option<(NaiveDate, NaiveDate)>) -> Option<String> {
        let select = self.rows.as_ref()?;
        Some(match days {
            Some((first_day, end_day)) => within(select, &literal::date(first_day), &literal::date(end_day)),
            None => select.clone(),
        })
    }

    /// What makes the audited table, the published one where there is none, and the refresh procedure. A published table
    /// of another shape stays until the next publication, so that readers see numbers until then.
    pub(crate) fn definition(&self) -> Vec<Statement> {
        let Self { name, select, .. } = self;
        let sort_key = self.period.as_ref().map_or(String::new(), |period| format!(" sortkey ({})", period.column));
        let no_rows = within(select, "'0001-01-01'::date", "'0001-01-01'::date");
        let texts = [
            format!("drop table if exists audit.{name}"),
            format!("create table audit.{name}{sort_key} as\n{no_rows}"),
            format!("create table if not exists presentation.{name} (like audit.{name})"),
            format!("insert into etl.changed_metrics (metric) values ('{name}')"),
            format!(
                "create or replace procedure audit.refresh_{name}()\nas $$\n{}\n$$ language plpgsql",
                self.refresh_body()
            ),
        ];
        let place = |(position, sql)| Statement::new(format!("sql/metrics/{name}.sql, step {}", position + 1), sql);
        texts.into_iter().enumerate().map(place).collect()
    }

    /// By which its rows are computed again; all of them are, where it has none.
    pub(crate) fn period(&self) -> Option<&Period> {
        self.period.as_ref()
    }

    /// The rows go through a table of their own: PostgreSQL, under redshift-local, reads with several processes for such a one
    /// and with a single one for an INSERT.
    fn refresh_body(&self) -> String {
        let Self { name, select, .. } = self;
        let Some(period) = &self.period else {
            return format!(
                "begin\n    drop table if exists fresh_rows;\n    create temp table fresh_rows as\n{select};\n    \
                 delete from audit.{name};\n    insert into audit.{name} select * from fresh_rows;\nend;"
            );
        };
        let column = &period.column;
        format!(
            "declare\n    found record;\n    range_start date;\n    range_end date;\nbegin\n    \
             call etl.find_stale_periods('{name}', {});\n    \
             for found in select first_day, end_day from found_periods loop\n        \
             range_start := found.first_day;\n        range_end := found.end_day;\n        \
             drop table if exists fresh_rows;\n        create temp table fresh_rows as\n{select};\n        \
             delete from audit.{name} where {column} >= range_start and {column} < range_end;\n        \
             insert into audit.{name} select * from fresh_rows;\n    end loop;\nend;",
            period.stale_arguments(),
        )
    }

    /// Makes readers see the audited rows, and notes what that changes in periods that were complete. `columns` are those of
    /// the published table; none where it was made anew and holds no rows to compare.
    pub(crate) fn publication(&self, run_id: &RunId, columns: &[RelationColumn], restates: bool) -> Statement {
        let Self { name, .. } = self;
        let run = literal::text(run_id.as_str());
        let sql = match &self.period {
            None => format!("call etl.publish_metric('{name}', {run}, '', '', '', '', {restates})"),
            Some(period) => format!(
                "call etl.publish_metric('{name}', {run}, '{}', {}, {}, '{}', {restates})",
                period.column,
                literal::text(&period.last_day()),
                literal::text(&period.row_key()),
                period.compared(columns).join(","),
            ),
        };
        Statement::new(format!("publish run {run_id}: {name}"), sql)
    }

    /// Gives the published table the audited one's shape.
    pub(crate) fn reshape(&self) -> [Statement; 2] {
        let Self { name, .. } = self;
        let texts = [
            format!("drop table if exists presentation.{name}"),
            format!("create table presentation.{name} (like audit.{name})"),
        ];
        texts.map(|sql| Statement::new(format!("reshape presentation.{name}"), sql))
    }

    /// The metric's row of `presentation.metric_catalog`, as SQL values.
    pub(crate) fn catalog_row(&self) -> String {
        let values =
            [self.name, &self.title, &self.description, &self.grain, &self.unit, &self.reads.join(", "), &self.sha256];
        format!("({})", values.map(literal::text).join(", "))
    }
}

impl MetricValue {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (column, quotient) = text.split_once(" = ").map_or((text, None), |(column, rest)| (column, Some(rest)));
        let quotient = quotient.map(|rest| rest.split_once(" / ").ok_or("has a `Value:` that is no quotient"));
        let quotient = quotient.transpose()?.map(|(above, below)| (above.to_owned(), below.to_owned()));
        Ok(Self { column: column.to_owned(), quotient })
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let parts = self.quotient.iter().flat_map(|(above, below)| [above.as_str(), below]);
        [self.column.as_str()].into_iter().chain(parts)
    }
}

impl Period {
    fn parse(header: &str, text: &str, moved_by: Option<Vec<String>>) -> Result<Self, &'static str> {
        let (column, unit) = text.split_once(" by ").ok_or("has no `Period: <column> by <unit>`")?;
        let unit =
            PeriodUnit::parse(unit).ok_or("has a `Period:` that is not by day, week, month, or week and month")?;
        let moved_by = moved_by.ok_or("has a `Period:` and no `Moved by:` in its header")?;
        let key =
            sentence_after("Key:", header).map_or_else(Vec::new, |key| key.split(", ").map(str::to_owned).collect());
        if unit == PeriodUnit::WeekAndMonth && !key.iter().any(|column| column == PERIOD_TYPE) {
            return Err("has periods of two kinds and no `period_type` in its `Key:`");
        }
        let window_days = match sentence_after("Window:", header) {
            None => 1,
            Some(text) => {
                let days = text.strip_suffix(" days").and_then(|days| days.parse().ok()).filter(|days| *days > 0);
                days.ok_or("has a `Window:` that is not a number of days")?
            }
        };
        Ok(Self { column: column.to_owned(), unit, key, moved_by, window_days })
    }

    /// By which `etl.find_stale_periods` finds periods: unit, window in days, facts.
    pub(crate) fn stale_arguments(&self) -> String {
        format!("'{}', {}, '{}'", self.unit.as_str(), self.window_days, self.moved_by.join(", "))
    }

    /// The query for the published periods of a metric: first and last day. None where its table lacks the columns that tell
    /// periods apart.
    pub(crate) fn published(&self, metric: &str, columns: &[RelationColumn]) -> Option<Statement> {
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        if !has(&self.column) || (self.unit == PeriodUnit::WeekAndMonth && !has(PERIOD_TYPE)) {
            return None;
        }
        let (column, last_day) = (&self.column, self.last_day());
        let sql = format!(
            "select distinct {column}::varchar(10), ({last_day})::date::varchar(10) from presentation.{metric}"
        );
        Some(Statement::new(format!("read the periods of presentation.{metric}"), sql))
    }

    /// The column with the first day of the period.
    pub(crate) fn column(&self) -> &str {
        &self.column
    }

    /// The columns that tell the rows of a period apart.
    pub(crate) fn key(&self) -> &[String] {
        &self.key
    }

    /// The SQL of a period's last day.
    pub(crate) fn last_day(&self) -> String {
        let Self { column, unit, .. } = self;
        let (week, month) = (format!("dateadd(day, 6, {column})"), format!("last_day({column})"));
        match unit {
            PeriodUnit::Day => column.clone(),
            PeriodUnit::Week => week,
            PeriodUnit::Month => month,
            PeriodUnit::WeekAndMonth => format!("case {PERIOD_TYPE} when 'week' then {week}::date else {month} end"),
        }
    }

    /// The SQL of the text by which the rows of a period are told apart.
    fn row_key(&self) -> String {
        let texts: Vec<_> = self.key.iter().map(|column| format!("nvl({column}::varchar(1024), '')")).collect();
        if texts.is_empty() { "''::varchar(1)".to_owned() } else { texts.join(" || ', ' || ") }
    }

    /// The columns that hold values. Flags hold none: whether a period is complete changes with the days that pass.
    fn compared<'a>(&self, columns: &'a [RelationColumn]) -> Vec<&'a str> {
        let is_value = |column: &&RelationColumn| {
            column.name != self.column && !self.key.contains(&column.name) && column.type_name != "boolean"
        };
        columns.iter().filter(is_value).map(|column| column.name.as_str()).collect()
    }
}

impl PeriodUnit {
    const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::WeekAndMonth];

    fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::WeekAndMonth => "week and month",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }
}

/// The sentences after the last label's.
fn rules(header: &str) -> String {
    let last = LABELS.iter().filter_map(|label| header.find(label)).max().unwrap_or_default();
    let rest = header[last..].split_once(".\n").map_or("", |(_, rest)| rest);
    one_line(rest)
}

/// The text after a label, up to the next label or the end of the paragraph.
fn labelled(header: &str, label: &str) -> Option<String> {
    let rest = &header[header.find(label)? + label.len()..];
    let ends = LABELS.into_iter().chain(["\n\n"]).filter_map(|end| rest.find(end));
    let text = one_line(&rest[..ends.min().unwrap_or(rest.len())]);
    let text = text.trim_end_matches('.');
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "-- occupancy_rate: booked nights as a share of\n-- available nights.\n-- Grain: one row per month.  \
                        Unit: ratio from 0 to 1.  Reads: curated.stay_night, curated.listing_day.\n-- A month without \
                        nights is absent.\nwith a as (select 1) -- why\nselect * from a;\n";

    fn parsed(text: &'static str) -> Result<Metric, MetricFault> {
        Metric::parse(SqlFile { path: "metrics/occupancy_rate.sql", text })
    }

    #[test]
    fn the_header_says_what_the_catalog_holds() {
        let metric = parsed(TEXT).unwrap();
        assert_eq!(metric.title, "Occupancy rate");
        assert_eq!(metric.description, "booked nights as a share of available nights.");
        assert_eq!((metric.grain.as_str(), metric.unit.as_str()), ("one row per month", "ratio from 0 to 1"));
        assert_eq!(metric.reads, ["curated.listing_day", "curated.stay_night"]);
        assert!(!metric.select.ends_with(';'), "{}", metric.select);
    }

    #[test]
    fn the_header_says_what_the_metric_is_the_quotient_of() {
        let text = "-- occupancy_rate: x.\n-- Grain: a.  Unit: b.  Reads: c.d.\n-- Value: rate = booked / sellable.\n\
                    -- Nights count once.\n-- More.\nselect 1";
        let metric = parsed(text).unwrap();
        assert_eq!(metric.value.as_ref().unwrap().columns().collect::<Vec<_>>(), ["rate", "booked", "sellable"]);
        assert_eq!(metric.rules, "Nights count once. More.");
        let rows = |text| Some(SqlFile { path: "metrics/occupancy_rate.rows.sql", text });
        assert!(metric.clone().with_rows(rows("select 2")).unwrap().rows_behind(None).is_some());
        let message = metric.with_rows(rows("select range_start, range_end")).unwrap_err().to_string();
        assert!(message.contains("occupancy_rate.rows.sql"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_metric_is_refused() {
        let cases = [
            ("-- other: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect 1", "does not open"),
            ("-- occupancy_rate: x.\n-- Unit: b. Reads: c.d.\nselect 1", "Grain"),
            ("-- occupancy_rate: x.\n-- Grain: a. Reads: c.d.\nselect 1", "Unit"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b.\nselect 1", "Reads"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect 1; select 2", "exactly one"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect $$a$$", "$$"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b. Reads: c.d.\n-- Value: a = b.\nselect 1", "no quotient"),
        ];
        for (text, expected) in cases {
            let message = parsed(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_metric_with_periods_is_computed_for_ranges_of_days() {
        let text = "-- occupancy_rate: x.\n-- Grain: one row per month.  Unit: ratio.  Reads: curated.stay_night.\n\
                    -- Period: month_start by month.  Moved by: stay_night.night, stay.booked_on.  Window: 30 days.\n\
                    -- More. Text.\nselect * from curated.stay_night where night >= range_start and night < range_end";
        let metric = parsed(text).unwrap();
        let period = metric.period.clone().unwrap();
        assert_eq!((period.column.as_str(), period.unit, period.window_days), ("month_start", PeriodUnit::Month, 30));
        assert_eq!(period.moved_by, ["stay_night.night", "stay.booked_on"]);
        let body = metric.refresh_body();
        let call = "call etl.find_stale_periods('occupancy_rate', 'month', 30, 'stay_night.night, stay.booked_on')";
        assert!(body.contains(call), "{body}");
        // The empty table is made by the same SELECT for no day at all.
        let table = &metric.definition()[1].sql;
        assert!(!table.contains("range_"), "{table}");
    }

    #[test]
    fn a_period_that_cannot_be_followed_is_refused() {
        let header = "-- occupancy_rate: x.\n-- Grain: a.  Unit: b.  Reads: c.d.\n";
        let cases = [
            ("-- Period: month_start by month.  Moved by: stay_night.night.\nselect 1", "range_start"),
            ("select 1 where range_start < range_end", "Period:"),
            ("-- Period: a by year.  Moved by: stay_night.night.\nselect range_start, range_end", "by day, week"),
            ("-- Period: a by week.\nselect range_start, range_end", "Moved by:"),
            ("-- Period: a by week.  Moved by: stay.nights.\nselect range_start, range_end", "nobody records"),
            (
                "-- Period: a by day.  Moved by: stay.booked_on.  Window: 0 days.\nselect range_start, range_end",
                "Window:",
            ),
        ];
        for (rest, expected) in cases {
            let text: &'static str = Box::leak(format!("{header}{rest}").into_boxed_str());
            let message = parsed(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn every_file_in_the_tree_is_a_metric() {
        metrics().unwrap();
    }
}
