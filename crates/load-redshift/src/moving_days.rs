//! What is known of pending manifests, as literals in front of `sql/plan/moving_periods.sql`.

use crate::{
    copy::key,
    footer::{FileDays, Footer},
    literal,
    metric::Period,
};
use chrono::NaiveDate;
use rental_core::RunDate;
use std::collections::BTreeMap;

/// Never deployed, so it is that of this program also where a folder stands in for the warehouse's SQL.
const MOVING_PERIODS: &str = include_str!("../../../sql/plan/moving_periods.sql");

/// Ranges of one kind in a statement, so that its text stays below what the Data API takes.
const MAX_RANGES: usize = 300;

/// From the first to the last key or day, both included.
pub(crate) type Range<T> = (T, T);

/// The run dates of the transformations to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunDates {
    pub(crate) first_day: RunDate,
    pub(crate) last_day: RunDate,
}

/// Which rows and days may change.
#[derive(Debug)]
pub(crate) struct MovingDays {
    run_dates: RunDates,
    /// Days on which exchange rates may be other ones.
    rate_days: Vec<Range<NaiveDate>>,
    /// Of replaced chunks, by table.
    keys: BTreeMap<String, Vec<Range<i64>>>,
    /// On which days the dates of new rows lie, by table and column.
    files: BTreeMap<(String, String), FileDays>,
}

impl MovingDays {
    pub(crate) fn new(run_dates: RunDates, rate_days: Vec<Range<NaiveDate>>) -> Self {
        Self { run_dates, rate_days, keys: BTreeMap::new(), files: BTreeMap::new() }
    }

    /// Adds a manifest of a table: the keys that it replaces, and its files.
    pub(crate) fn add(&mut self, table: &str, keys: Vec<Range<i64>>, footers: &[Footer]) {
        self.keys.entry(table.to_owned()).or_default().extend(keys);
        for column in footers.iter().flat_map(|footer| &footer.columns).filter(|column| column.is_dated()) {
            let days = self.files.entry((table.to_owned(), column.name.clone())).or_insert(FileDays::None);
            *days = days.with(column.days);
        }
    }

    /// The query for the periods of these metrics: metric, first day, end day, fact.
    pub(crate) fn query(&self, metrics: &[(&str, &Period)]) -> String {
        let keys = self.keys.iter().flat_map(|(table, keys)| {
            let row = |(first, last): Range<i64>| format!("{}, {}, {}", literal::text(table), key(first), key(last));
            coarse(keys.clone()).into_iter().map(row).collect::<Vec<_>>()
        });
        let files = self.files.iter().filter_map(|((table, column), days)| {
            let (first, last) = match *days {
                FileDays::None => return None,
                FileDays::Range(first, last) => (first, last),
                FileDays::Unknown => (far_day(2), far_day(9998)),
            };
            let (table, column) = (literal::text(table), literal::text(column));
            Some(format!("{table}, {column}, {}, {}", literal::date(first), literal::date(last)))
        });
        let days = |(first, last): Range<NaiveDate>| format!("{}, {}", literal::date(first), literal::date(last));
        let rates = coarse(self.rate_days.clone()).into_iter().map(days);
        let RunDates { first_day, last_day } = self.run_dates;
        let metrics = metrics.iter().map(|(name, period)| format!("'{name}', {}", period.stale_arguments()));
        let relations = [
            relation("replaced_keys", "table_name varchar(64), first_key bigint, last_key bigint", keys),
            relation(
                "file_days",
                "table_name varchar(64), column_name varchar(64), first_day date, last_day date",
                files,
            ),
            relation("rate_days", "first_day date, last_day date", rates),
            relation("run_dates", "first_day date, last_day date", [days((first_day, last_day))]),
            relation(
                "metric_periods",
                "metric varchar(128), period_unit varchar(32), window_days integer, facts varchar(1024)",
                metrics,
            ),
        ];
        // The file is one SELECT that begins with WITH, after its header.
        let (_, query) = MOVING_PERIODS.split_once("\nwith\n").unwrap_or_default();
        format!("with\n{},\n{query}", relations.join(",\n"))
    }
}

/// A relation of literals as a part of WITH; its columns have their types also where it has no rows.
fn relation(name: &str, columns: &str, rows: impl IntoIterator<Item = String>) -> String {
    let typed = columns.split(", ").map(|column| {
        let (name, type_name) = column.split_once(' ').unwrap_or_default();
        format!("null::{type_name} as {name}")
    });
    let rows: String = rows.into_iter().map(|row| format!("\n    union all select {row}")).collect();
    format!("{name} as (\n    select {} where 1 = 0{rows}\n)", typed.collect::<Vec<_>>().join(", "))
}

/// Sorted ranges, neighbours taken together until they are few enough: that only widens them.
fn coarse<T: Copy + Ord>(mut ranges: Vec<Range<T>>) -> Vec<Range<T>> {
    ranges.sort_unstable();
    while ranges.len() > MAX_RANGES {
        let together = |pair: &[Range<T>]| {
            let ends = pair.iter().map(|(_, last)| *last);
            (pair[0].0, ends.max().unwrap_or(pair[0].1))
        };
        ranges = ranges.chunks(2).map(together).collect();
    }
    ranges
}

fn far_day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).expect("a day of the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data_api::BATCH_MAX_BYTES, metric::metrics};

    const RUN_DATES: RunDates = RunDates { first_day: NaiveDate::MIN, last_day: NaiveDate::MAX };

    #[test]
    fn what_is_known_stands_before_the_query_as_typed_rows() {
        let mut days = MovingDays::new(RUN_DATES, Vec::new());
        days.add("bookings", vec![(0, 9), (i64::MIN, -5)], &[]);
        let sql = days.query(&[]);
        let expected = "with\nreplaced_keys as (\n    select null::varchar(64) as table_name, null::bigint as first_key, \
                        null::bigint as last_key where 1 = 0\n    union all select 'bookings', (-9223372036854775807 - 1), -5\n    \
                        union all select 'bookings', 0, 9\n),\nfile_days as (";
        assert!(sql.starts_with(expected), "{sql}");
        assert!(sql.contains("\n),\n-- Listings known so far whose row is replaced.\nreplaced_listings as ("), "{sql}");
    }

    #[test]
    fn however_much_is_replaced_the_query_fits_the_data_api() {
        let mut days = MovingDays::new(RUN_DATES, vec![(far_day(1999), far_day(2000)); 9000]);
        for table in ["apartment_attributes", "apartments", "bookings"] {
            days.add(table, (0..9000).map(|place| (i64::MAX - 2 * place - 1, i64::MAX - 2 * place)).collect(), &[]);
        }
        let metrics = metrics().unwrap();
        let periods: Vec<_> = metrics.iter().filter_map(|metric| Some((metric.name, metric.period()?))).collect();
        let sql = days.query(&periods);
        assert!(sql.len() < BATCH_MAX_BYTES, "{} bytes", sql.len());
        assert!(sql.contains(&i64::MAX.to_string()));
    }

    #[test]
    fn ranges_that_are_too_many_are_widened_and_lose_nothing() {
        let ranges: Vec<_> = (0..1001).map(|place| (place * 10, place * 10 + 3)).collect();
        let coarse = coarse(ranges.clone());
        assert!(coarse.len() <= MAX_RANGES, "{}", coarse.len());
        for (first, last) in ranges {
            assert!(coarse.iter().any(|(start, end)| *start <= first && last <= *end), "{first} to {last}");
        }
    }
}
