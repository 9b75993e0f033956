//! One value of the source, as text, into a column of Arrow. A value that cannot be taken over becomes NULL with the rule
//! that it breaks; nothing is rounded, cut or guessed.

use crate::source_schema::Zone;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use chrono::{DateTime, Datelike as _, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use rental_core::{ColumnType, RowRule};
use std::{borrow::Cow, sync::Arc};

/// Longer than any clock change (a zone that crosses the date line skips a whole day), so that this much earlier the offset before it holds.
const BEFORE_A_CLOCK_CHANGE: Duration = Duration::hours(25);

/// What is wrong with a value.
pub(crate) type Fault = (RowRule, Cow<'static, str>);

/// The values of one column of a batch.
pub(crate) enum CellBuilder {
    BigInt(Int64Builder),
    Integer(Int32Builder),
    Decimal { builder: Decimal128Builder, precision: u8, scale: i8 },
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp { builder: TimestampMicrosecondBuilder, timezone: Tz },
    Text(StringBuilder),
}

impl CellBuilder {
    /// `timezone` is the one that the column's times of day are in.
    pub(crate) fn new(column_type: ColumnType, timezone: Tz) -> Self {
        match column_type {
            ColumnType::BigInt => Self::BigInt(Int64Builder::new()),
            ColumnType::Integer => Self::Integer(Int32Builder::new()),
            ColumnType::Decimal { precision, scale } => Self::Decimal {
                builder: Decimal128Builder::new().with_data_type(column_type.arrow()),
                precision,
                scale,
            },
            ColumnType::Double => Self::Double(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp { builder: TimestampMicrosecondBuilder::new(), timezone },
            ColumnType::Varchar { .. } => Self::Text(StringBuilder::new()),
        }
    }

    /// Appends one value.
    pub(crate) fn append(&mut self, text: Option<&str>, zone: Zone) -> Option<Fault> {
        let mut fault = None;
        match self {
            Self::BigInt(builder) => builder.append_option(text.and_then(|text| keep(parse(text), &mut fault))),
            Self::Integer(builder) => builder.append_option(text.and_then(|text| keep(parse(text), &mut fault))),
            Self::Decimal { builder, precision, scale } => {
                let value = text.map(|text| decimal(text, *precision, *scale));
                builder.append_option(value.and_then(|value| keep(value, &mut fault)));
            }
            Self::Double(builder) => builder.append_option(text.and_then(|text| keep(parse(text), &mut fault))),
            Self::Boolean(builder) => builder.append_option(text.map(|text| text != "0")),
            Self::Date(builder) => {
                let value = text.map(|text| local_time(text).map(|time| days_since_1970(time.date())));
                builder.append_option(value.and_then(|value| keep(value, &mut fault)));
            }
            Self::Timestamp { builder, timezone } => {
                let timezone =
                    if zone == Zone::Stated && text.is_some_and(|text| text.len() > 10) { *timezone } else { Tz::UTC };
                let value = text.map(|text| local_time(text).and_then(|time| instant(time, timezone)));
                let value = value.and_then(|value| keep(value, &mut fault));
                builder.append_option(value.map(|(micros, moved)| {
                    fault = moved.map(|reason| (RowRule::TsDst, reason.into()));
                    micros
                }));
            }
            Self::Text(builder) => builder.append_option(text),
        }
        fault
    }

    /// Appends a value that the source does not have.
    pub(crate) fn append_constant(&mut self, value: Option<bool>) {
        match self {
            Self::Boolean(builder) => builder.append_option(value),
            Self::BigInt(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Decimal { builder, .. } => builder.append_null(),
            Self::Double(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Timestamp { builder, .. } => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    /// The column so far; the builder starts anew.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::BigInt(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Decimal { builder, .. } => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp { builder, .. } => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The UTC day of a time of the source, if it can be read.
pub(crate) fn utc_day(text: &str, zone: Zone, timezone: Tz) -> Option<NaiveDate> {
    let timezone = if zone == Zone::Stated { timezone } else { Tz::UTC };
    let (micros, _) = instant(local_time(text).ok()?, timezone).ok()?;
    Some(DateTime::from_timestamp_micros(micros)?.date_naive())
}

fn keep<T>(value: Result<T, Fault>, fault: &mut Option<Fault>) -> Option<T> {
    value.map_err(|found| *fault = Some(found)).ok()
}

fn unreadable(reason: impl Into<Cow<'static, str>>) -> Fault {
    (RowRule::ValueUnreadable, reason.into())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| unreadable("the number is out of range"))
}

/// The digits of an exact decimal, in units of its last place.
fn decimal(text: &str, precision: u8, scale: i8) -> Result<i128, Fault> {
    let too_wide = || unreadable(format!("the value does not fit decimal({precision},{scale})"));
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let places = usize::try_from(scale).map_err(|_| too_wide())?;
    if fraction.len() > places {
        return Err(too_wide());
    }
    let units = format!("{whole}{fraction:0<places$}");
    let units: i128 = units.parse().map_err(|_| too_wide())?;
    if units >= 10_i128.pow(u32::from(precision)) { Err(too_wide()) } else { Ok(sign * units) }
}

/// A date or a date with a time, as MySQL prints it: `2025-01-31` or `2025-01-31 12:00:00.000000`.
fn local_time(text: &str) -> Result<NaiveDateTime, Fault> {
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let parts: Vec<i32> = date.split('-').filter_map(|part| part.parse().ok()).collect();
    let &[year, month, day] = parts.as_slice() else { return Err(unreadable("not a date")) };
    if year == 0 || month == 0 || day == 0 {
        return Err((RowRule::TsZero, "a date with a zero part".into()));
    }
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| unreadable("not a day of the calendar"))?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f").map_err(|_| unreadable("not a time of day"))?;
    in_range(date.and_time(time))
}

/// The instant of a local time in microseconds since 1970, and what had to be decided about it: a time that a clock change
/// skips is moved forward by as much, of one that occurs twice the earlier is taken.
fn instant(local: NaiveDateTime, timezone: Tz) -> Result<(i64, Option<&'static str>), Fault> {
    let (utc, moved) = match timezone.from_local_datetime(&local) {
        LocalResult::Single(time) => (time.naive_utc(), None),
        LocalResult::Ambiguous(earlier, _) => {
            (earlier.naive_utc(), Some("the local time occurs twice; the earlier one was taken"))
        }
        LocalResult::None => {
            let before = timezone.from_local_datetime(&(local - BEFORE_A_CLOCK_CHANGE)).earliest();
            let before = before.ok_or_else(|| unreadable("the local time does not exist"))?;
            (before.naive_utc() + BEFORE_A_CLOCK_CHANGE, Some("the local time was skipped; moved forward"))
        }
    };
    Ok((in_range(utc)?.and_utc().timestamp_micros(), moved))
}

fn in_range(time: NaiveDateTime) -> Result<NaiveDateTime, Fault> {
    if (1..=9999).contains(&time.year()) {
        Ok(time)
    } else {
        Err((RowRule::TsRange, "outside the years 1 to 9999".into()))
    }
}

fn days_since_1970(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::from_ymd_opt(1970, 1, 1).map_or(0, |epoch| epoch.num_days_from_ce())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str, timezone: Tz) -> (String, bool) {
        let (micros, moved) = instant(local_time(text).unwrap(), timezone).unwrap();
        (DateTime::from_timestamp_micros(micros).unwrap().to_string(), moved.is_some())
    }

    #[test]
    fn a_local_time_becomes_the_instant_it_names() {
        let berlin = chrono_tz::Europe::Berlin;
        let cases = [
            ("2025-01-31 12:00:00", Tz::UTC, "2025-01-31 12:00:00 UTC", false),
            ("2025-01-31 12:00:00.123456", berlin, "2025-01-31 11:00:00.123456 UTC", false),
            ("2025-03-30 02:30:00", berlin, "2025-03-30 01:30:00 UTC", true),
            ("2025-10-26 02:30:00", berlin, "2025-10-26 00:30:00 UTC", true),
            ("2011-12-30 12:00:00", chrono_tz::Pacific::Apia, "2011-12-30 22:00:00 UTC", true),
            ("1960-01-01 00:00:00", Tz::UTC, "1960-01-01 00:00:00 UTC", false),
        ];
        for (text, timezone, expected, moved) in cases {
            assert_eq!(micros(text, timezone), (expected.to_owned(), moved), "{text}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_rule() {
        let rule = |column_type: &str, text: &str| {
            let mut builder = CellBuilder::new(column_type.parse().unwrap(), Tz::UTC);
            builder.append(Some(text), Zone::Stated).map(|(rule, _)| rule)
        };
        let cases = [
            ("bigint", "9223372036854775808", Some(RowRule::ValueUnreadable)),
            ("bigint", "-9223372036854775808", None),
            ("integer", "2147483648", Some(RowRule::ValueUnreadable)),
            ("date", "0000-00-00", Some(RowRule::TsZero)),
            ("date", "2025-00-10", Some(RowRule::TsZero)),
            ("date", "2025-02-30", Some(RowRule::ValueUnreadable)),
            ("date", "9999-12-31", None),
            ("timestamp", "0000-00-00 00:00:00", Some(RowRule::TsZero)),
            ("decimal(4,2)", "99.99", None),
            ("decimal(4,2)", "-99.990", None),
            ("decimal(4,2)", "100.00", Some(RowRule::ValueUnreadable)),
            ("decimal(4,2)", "1.001", Some(RowRule::ValueUnreadable)),
        ];
        for (column_type, text, expected) in cases {
            assert_eq!(rule(column_type, text), expected, "{column_type} {text}");
        }
    }

    #[test]
    fn a_time_near_the_end_of_the_calendar_stays_in_it() {
        let west = chrono_tz::America::New_York;
        assert_eq!(instant(local_time("9999-12-31 23:00:00").unwrap(), west).unwrap_err().0, RowRule::TsRange);
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (text, expected) in [("0.10", 10), ("-0.01", -1), ("12345678.90", 1_234_567_890), ("7", 700)] {
            assert_eq!(decimal(text, 10, 2).unwrap(), expected, "{text}");
        }
    }
}
