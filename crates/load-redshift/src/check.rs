//! The checks of `sql/**/*.checks.sql`: one SELECT each, whose rows are findings. One that follows days of facts looks at the days
//! that changed since the last publication, so that its cost follows the change.

use crate::{
    data_api::{DataApi, Statement},
    error::LoadError,
    fact_days::{moved_by, names_a_range, within},
    literal,
    result_rows::Row,
    sql_script::split_statements,
    sql_tree::{SqlFile, check_files},
};
use chrono::{Days, NaiveDate};
use std::collections::BTreeMap;

/// The fact that stands for all of them.
const EVERYTHING: &str = "everything";
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
const END_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 1).unwrap();

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    path: &'static str,
    select: String,
    /// The days of facts that it follows; none where it always looks at everything.
    moved_by: Vec<String>,
}

/// A file of checks that is none. The files are part of the program: a faulty one fails every test.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`sql/{path}` {fault}")]
pub struct CheckFault {
    path: &'static str,
    fault: &'static str,
}

/// Which days the checks look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckedDays {
    All,
    /// The first and the last of those that changed, by fact.
    Changed(BTreeMap<String, (NaiveDate, NaiveDate)>),
}

/// All checks, by path.
///
/// # Errors
/// When a file is not one SELECT, or follows days of which nobody records changes.
pub(crate) fn checks() -> Result<Vec<Check>, CheckFault> {
    check_files().into_iter().map(Check::parse).collect()
}

impl Check {
    fn parse(file: SqlFile) -> Result<Self, CheckFault> {
        let faulty = |fault| CheckFault { path: file.path, fault };
        let statements = split_statements(file.text);
        let [select] = statements.as_slice() else { return Err(faulty("is not exactly one SELECT")) };
        let moved_by = moved_by(file.text).map_err(faulty)?;
        if moved_by.is_some() != names_a_range(select) {
            return Err(faulty("needs both: `Moved by:` in its header, and range_start and range_end in its SELECT"));
        }
        Ok(Self { path: file.path, select: select.clone(), moved_by: moved_by.unwrap_or_default() })
    }

    pub(crate) fn statement(&self, days: &CheckedDays) -> Statement {
        let (start, end) = days.range(&self.moved_by);
        Statement::new(format!("sql/{}", self.path), within(&self.select, &literal::date(start), &literal::date(end)))
    }
}

impl CheckedDays {
    /// Those that changed since the last publication.
    ///
    /// # Errors
    /// When the warehouse fails.
    pub(crate) async fn changed(api: &DataApi) -> Result<Self, LoadError> {
        const TABLE: &str = "etl.unverified_days";
        let sql =
            format!("select fact, min(first_day)::varchar(10), max(last_day)::varchar(10) from {TABLE} group by fact");
        let result = api.query(&format!("read {TABLE}"), &sql).await?;
        let days = |cells: &Vec<_>| Ok((Row(cells).text(0)?, (Row(cells).date(1)?, Row(cells).date(2)?)));
        let days: Result<BTreeMap<_, _>, _> = result.rows.iter().map(days).collect();
        let days = days.map_err(|source| LoadError::Result { what: TABLE, source })?;
        Ok(if days.contains_key(EVERYTHING) { Self::All } else { Self::Changed(days) })
    }

    /// The days to look at for these facts, end not included; none where nothing changed.
    fn range(&self, facts: &[String]) -> (NaiveDate, NaiveDate) {
        let Self::Changed(days) = self else { return (FIRST_DAY, END_DAY) };
        let changed = || facts.iter().filter_map(|fact| days.get(fact));
        let first = changed().map(|(first, _)| *first).min();
        let last = changed().map(|(_, last)| *last).max();
        match (first, last) {
            (Some(first), Some(last)) => (first, last.checked_add_days(Days::new(1)).unwrap_or(END_DAY)),
            _ => (FIRST_DAY, FIRST_DAY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_file_in_the_tree_is_a_check() {
        assert!(!checks().unwrap().is_empty());
    }

    #[test]
    fn a_check_looks_at_the_days_that_changed() {
        let parse = |text| Check::parse(SqlFile { path: "curated/stay.checks.sql", text });
        let text = "-- Moved by: stay.booked_on, stay_night.night.\nselect 'A' where range_start < range_end";
        let check = parse(text).unwrap();
        let sql = |days: &CheckedDays| check.statement(days).sql;
        let days = |first: &str, last: &str| (day(first), day(last));
        let changed = CheckedDays::Changed(BTreeMap::from([
            ("stay.booked_on".to_owned(), days("2025-02-03", "2025-02-03")),
            ("stay_night.night".to_owned(), days("2025-02-07", "2025-02-28")),
            ("user_viewing.viewed_on".to_owned(), days("2020-01-01", "2030-01-01")),
        ]));
        let of = |start: &str, end: &str| within(text, &format!("'{start}'::date"), &format!("'{end}'::date"));
        assert_eq!(sql(&changed), of("2025-02-03", "2025-03-01"));
        assert_eq!(sql(&CheckedDays::All), of("0001-01-01", "9999-12-01"));
        assert_eq!(sql(&CheckedDays::Changed(BTreeMap::new())), of("0001-01-01", "0001-01-01"));
        assert!(
            parse("-- Sums.\nselect 'A' where range_start < range_end").unwrap_err().to_string().contains("Moved by:")
        );
        assert!(parse("-- Sums.\nselect 1; select 2").unwrap_err().to_string().contains("exactly one"));
    }
}
