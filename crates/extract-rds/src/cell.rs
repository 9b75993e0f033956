//! One value of the source into a column of Arrow. A value that cannot be taken over becomes NULL with the rule that it
//! breaks; nothing is rounded, cut or guessed.

use crate::{
    source_row::{NoDate, SourceTime, SourceValue},
    source_schema::Zone,
};
use arrow::{
    array::{
        Array as _, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder,
        Int64Builder, PrimitiveBuilder, StringBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::ArrowPrimitiveType,
};
use chrono::{Datelike as _, Duration, LocalResult, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use rental_core::{ColumnType, RowRule, SteadyOffsets};
use std::{borrow::Cow, ops::RangeInclusive, sync::Arc};

/// Longer than any clock change (a zone that crosses the date line skips a whole day), so that this much earlier the offset before it holds.
const BEFORE_A_CLOCK_CHANGE: Duration = Duration::hours(25);
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days since 1970-01-01 that no offset takes out of the years 1 to 9999.
const SAFE_DAYS: RangeInclusive<i32> = -700_000..=2_900_000;

/// As many digits as are sure to fit a number of 64 bits, whose arithmetic costs a fraction of that of 128.
const DIGITS_AT_A_TIME: u32 = 18;

/// What is wrong with a value. Boxed, since nearly all values have none.
pub(crate) type Fault = Box<(RowRule, Cow<'static, str>)>;

/// The zone of the source's DATETIME values.
#[derive(Debug, Clone)]
pub(crate) struct SourceZone {
    timezone: Tz,
    offsets: SteadyOffsets,
}

/// The values of one column of a batch.
pub(crate) enum CellBuilder {
    BigInt(Int64Builder),
    Integer(Int32Builder),
    Decimal { builder: Decimal128Builder, form: DecimalForm },
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp { builder: TimestampMicrosecondBuilder, zone: Zone },
    Text(StringBuilder),
}

/// What an exact number has to fit into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecimalForm {
    precision: u8,
    places: u32,
    /// The smallest number with too many digits, in units of the last place.
    limit: u128,
}

impl CellBuilder {
    /// `zone` says how the column's times are to be understood.
    pub(crate) fn new(column_type: ColumnType, zone: Zone) -> Self {
        match column_type {
            ColumnType::BigInt => Self::BigInt(Int64Builder::new()),
            ColumnType::Integer => Self::Integer(Int32Builder::new()),
            ColumnType::Decimal { precision, scale } => Self::Decimal {
                builder: Decimal128Builder::new().with_data_type(column_type.arrow()),
                form: DecimalForm {
                    precision,
                    // Contracts have no negative scale.
                    places: scale.unsigned_abs().into(),
                    limit: 10_u128.pow(precision.into()),
                },
            },
            ColumnType::Double => Self::Double(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp { builder: TimestampMicrosecondBuilder::new(), zone },
            ColumnType::Varchar { .. } => Self::Text(StringBuilder::new()),
        }
    }

    /// Appends one value; a faulty one is NULL.
    pub(crate) fn append(&mut self, value: SourceValue<'_>, source_zone: &SourceZone) -> Option<Fault> {
        let mut fault = None;
        match (self, value) {
            (cells, SourceValue::Null) => cells.append_constant(None),
            (Self::BigInt(builder), SourceValue::Int(number)) => builder.append_value(number),
            (Self::BigInt(builder), value) => builder.append_option(keep(integer(value), &mut fault)),
            (Self::Integer(builder), value) => {
                let number = integer(value).and_then(|number| i32::try_from(number).map_err(|_| out_of_range()));
                builder.append_option(keep(number, &mut fault));
            }
            (Self::Decimal { builder, form }, value) => builder.append_option(keep(form.read(value), &mut fault)),
            (Self::Double(builder), value) => builder.append_option(keep(double(value), &mut fault)),
            (Self::Boolean(builder), value) => builder.append_option(keep(flag(value), &mut fault)),
            (Self::Date(builder), value) => {
                let day = time(value).and_then(|time| time.day_number().map_err(no_date));
                builder.append_option(keep(day, &mut fault));
            }
            (Self::Timestamp { builder, zone }, value) => {
                let instant = time(value).and_then(|time| instant(time, *zone, source_zone));
                builder.append_option(keep(instant, &mut fault).map(|(micros, moved)| {
                    fault = moved.map(|reason| Box::new((RowRule::TsDst, reason.into())));
                    micros
                }));
            }
            (Self::Text(builder), SourceValue::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => builder.append_value(text),
                Err(_) => {
                    builder.append_null();
                    fault = Some(unreadable("not valid UTF-8"));
                }
            },
            // Text of the contract, a flag at the source.
            (Self::Text(builder), value) => {
                let text = flag(value).map(|flag| if flag { "true" } else { "false" });
                builder.append_option(keep(text, &mut fault));
            }
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

    /// The column so far; the builder starts anew, with as much room as this time.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::BigInt(builder) => primitive(builder),
            Self::Integer(builder) => primitive(builder),
            Self::Decimal { builder, .. } => {
                let values = builder.finish();
                *builder = Decimal128Builder::with_capacity(values.len()).with_data_type(values.data_type().clone());
                Arc::new(values)
            }
            Self::Double(builder) => primitive(builder),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => primitive(builder),
            Self::Timestamp { builder, .. } => primitive(builder),
            Self::Text(builder) => {
                let texts = builder.finish();
                // Of as long texts a few more bytes may come.
                *builder = StringBuilder::with_capacity(texts.len(), texts.values().len() + texts.values().len() / 16);
                Arc::new(texts)
            }
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>) -> ArrayRef {
    let values = builder.finish();
    *builder = PrimitiveBuilder::with_capacity(values.len());
    Arc::new(values)
}

impl SourceZone {
    pub(crate) fn new(timezone: Tz) -> Self {
        Self { timezone, offsets: SteadyOffsets::new(timezone) }
    }

    pub(crate) fn timezone(&self) -> Tz {
        self.timezone
    }

    /// Days since 1970-01-01 of the UTC day of a time of the source, if it can be read.
    pub(crate) fn utc_day(&self, time: SourceTime, zone: Zone) -> Option<i32> {
        let (micros, _) = instant(time, zone, self).ok()?;
        i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()
    }
}

fn keep<T>(value: Result<T, Fault>, fault: &mut Option<Fault>) -> Option<T> {
    value.map_err(|found| *fault = Some(found)).ok()
}

fn unreadable(reason: impl Into<Cow<'static, str>>) -> Fault {
    Box::new((RowRule::ValueUnreadable, reason.into()))
}

fn out_of_range() -> Fault {
    unreadable("the number is out of range")
}

/// A value of a type that the drift check would not have let through.
fn unexpected() -> Fault {
    unreadable("the value has another type than its column")
}

fn integer(value: SourceValue<'_>) -> Result<i64, Fault> {
    match value {
        SourceValue::Int(number) => Ok(number),
        SourceValue::BigUnsigned(_) => Err(out_of_range()),
        _ => Err(unexpected()),
    }
}

fn double(value: SourceValue<'_>) -> Result<f64, Fault> {
    match value {
        SourceValue::Double(number) => Ok(number),
        SourceValue::Float(number) => Ok(f64::from(number)),
        SourceValue::Bytes(digits) => {
            let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            number.ok_or_else(unexpected)
        }
        _ => Err(unexpected()),
    }
}

/// A flag is 0 or 1. What another number meant to say, nobody can know.
fn flag(value: SourceValue<'_>) -> Result<bool, Fault> {
    let number = match value {
        SourceValue::Int(number) => Some(number),
        // A BIT column: its bits, the highest first.
        SourceValue::Bytes(bits) => {
            bits.iter().try_fold(0_i64, |number, byte| Some(number.checked_mul(256)? + i64::from(*byte)))
        }
        _ => None,
    };
    match number {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(unreadable("a flag that is neither 0 nor 1")),
    }
}

impl DecimalForm {
    /// An exact number in units of its last place.
    fn read(self, value: SourceValue<'_>) -> Result<i128, Fault> {
        let whole = |number: i128| 10_i128.checked_pow(self.places).and_then(|unit| unit.checked_mul(number));
        let units = match value {
            SourceValue::Bytes(digits) => unscaled(digits, self.places),
            SourceValue::Int(number) => whole(number.into()),
            SourceValue::BigUnsigned(number) => whole(number.into()),
            _ => return Err(unexpected()),
        };
        units.filter(|units| units.unsigned_abs() < self.limit).ok_or_else(|| self.too_wide())
    }

    #[cold]
    fn too_wide(self) -> Fault {
        unreadable(format!("the value does not fit decimal({},{})", self.precision, self.places))
    }
}

/// `-12.5` with two places is -1250; `None` for more places than there are, or digits than fit.
fn unscaled(text: &[u8], places: u32) -> Option<i128> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // The digits so far: those of `high`, then `low_digits` of `low`.
    let (mut high, mut low, mut low_digits) = (0_i128, 0_u64, 0);
    let mut missing: Option<u32> = None;
    for byte in digits {
        match (byte, missing) {
            (b'.', None) => {
                missing = Some(places);
                continue;
            }
            (b'0', Some(0)) => continue,
            (b'0'..=b'9', None) => {}
            (b'0'..=b'9', Some(left)) => missing = Some(left.checked_sub(1)?),
            _ => return None,
        }
        if low_digits == DIGITS_AT_A_TIME {
            high = with_digits(high, low, low_digits)?;
            (low, low_digits) = (0, 0);
        }
        low = low * 10 + u64::from(byte - b'0');
        low_digits += 1;
    }
    let units = if high == 0 { i128::from(low) } else { with_digits(high, low, low_digits)? };
    let units = match missing.unwrap_or(places) {
        0 => units,
        zeros => units.checked_mul(10_i128.checked_pow(zeros)?)?,
    };
    Some(if is_negative { -units } else { units })
}

fn with_digits(high: i128, low: u64, low_digits: u32) -> Option<i128> {
    high.checked_mul(10_i128.pow(low_digits))?.checked_add(low.into())
}

fn time(value: SourceValue<'_>) -> Result<SourceTime, Fault> {
    if let SourceValue::Time(time) = value { Ok(time) } else { Err(unexpected()) }
}

fn no_date(found: NoDate) -> Fault {
    let rule = match found {
        NoDate::ZeroPart => RowRule::TsZero,
        NoDate::NotInCalendar => RowRule::ValueUnreadable,
    };
    Box::new((rule, found.reason()))
}

/// The instant of a time of the source in microseconds since 1970, and what had to be decided about it: a time that a clock
/// change skips is moved forward by as much, of one that occurs twice the earlier is taken.
fn instant(time: SourceTime, zone: Zone, source_zone: &SourceZone) -> Result<(i64, Option<&'static str>), Fault> {
    let day = time.day_number().map_err(no_date)?;
    let offset = match zone {
        Zone::Utc => Some(0),
        Zone::Stated => source_zone.offsets.on(day),
    };
    if let Some(seconds) = offset.filter(|_| SAFE_DAYS.contains(&day)) {
        let seconds =
            i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second) - i64::from(seconds);
        return Ok((i64::from(day) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + i64::from(time.micros), None));
    }
    let local = time.local().map_err(no_date)?;
    let (utc, moved) = match offset {
        Some(seconds) => (local - Duration::seconds(seconds.into()), None),
        None => by_the_rules(local, source_zone.timezone)?,
    };
    in_range(utc)?;
    Ok((utc.and_utc().timestamp_micros(), moved))
}

fn by_the_rules(local: NaiveDateTime, timezone: Tz) -> Result<(NaiveDateTime, Option<&'static str>), Fault> {
    match timezone.from_local_datetime(&local) {
        LocalResult::Single(time) => Ok((time.naive_utc(), None)),
        LocalResult::Ambiguous(earlier, _) => {
            Ok((earlier.naive_utc(), Some("the local time occurs twice; the earlier one was taken")))
        }
        LocalResult::None => {
            let before = timezone.from_local_datetime(&(local - BEFORE_A_CLOCK_CHANGE)).earliest();
            let before = before.ok_or_else(|| unreadable("the local time does not exist"))?;
            Ok((before.naive_utc() + BEFORE_A_CLOCK_CHANGE, Some("the local time was skipped; moved forward")))
        }
    }
}

fn in_range(time: NaiveDateTime) -> Result<(), Fault> {
    if (1..=9999).contains(&time.year()) {
        Ok(())
    } else {
        Err(Box::new((RowRule::TsRange, "outside the years 1 to 9999".into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn source_time(text: &str) -> SourceTime {
        let numbers: Vec<u32> = text.split(['-', ' ', ':', '.']).map(|part| part.parse().unwrap()).collect();
        let part = |index: usize| numbers.get(index).copied().unwrap_or_default();
        SourceTime {
            year: part(0) as u16,
            month: part(1) as u8,
            day: part(2) as u8,
            hour: part(3) as u8,
            minute: part(4) as u8,
            second: part(5) as u8,
            micros: part(6),
        }
    }

    #[test]
    fn a_local_time_becomes_the_instant_it_names() {
        let berlin = chrono_tz::Europe::Berlin;
        let cases = [
            ("2025-01-31 12:00:00", Tz::UTC, "2025-01-31 12:00:00 UTC", false),
            ("2025-01-31 12:00:00.123456", berlin, "2025-01-31 11:00:00.123456 UTC", false),
            ("2025-07-31 00:30:00", berlin, "2025-07-30 22:30:00 UTC", false),
            ("2025-03-30 02:30:00", berlin, "2025-03-30 01:30:00 UTC", true),
            ("2025-10-26 02:30:00", berlin, "2025-10-26 00:30:00 UTC", true),
            ("2011-12-30 12:00:00", chrono_tz::Pacific::Apia, "2011-12-30 22:00:00 UTC", true),
            ("1960-01-01 00:00:00", Tz::UTC, "1960-01-01 00:00:00 UTC", false),
            ("1960-01-01 00:00:00", berlin, "1959-12-31 23:00:00 UTC", false),
        ];
        for (text, timezone, expected, expects_move) in cases {
            let (micros, moved) = instant(source_time(text), Zone::Stated, &SourceZone::new(timezone)).unwrap();
            let found = DateTime::from_timestamp_micros(micros).unwrap().to_string();
            assert_eq!((found.as_str(), moved.is_some()), (expected, expects_move), "{text}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_rule() {
        let rule = |column_type: &str, value: SourceValue<'_>| {
            let mut builder = CellBuilder::new(column_type.parse().unwrap(), Zone::Stated);
            let fault = builder.append(value, &SourceZone::new(Tz::UTC)).map(|fault| fault.0);
            assert_eq!(builder.finish().null_count() == 1, fault.is_some(), "{column_type} {value:?}");
            fault
        };
        let digits = |text: &'static str| SourceValue::Bytes(text.as_bytes());
        let time = |text: &str| SourceValue::Time(source_time(text));
        let cases = [
            ("bigint", SourceValue::BigUnsigned(9_223_372_036_854_775_808), Some(RowRule::ValueUnreadable)),
            ("bigint", SourceValue::Int(i64::MIN), None),
            ("integer", SourceValue::Int(2_147_483_648), Some(RowRule::ValueUnreadable)),
            ("date", time("0000-00-00"), Some(RowRule::TsZero)),
            ("date", time("2025-00-10"), Some(RowRule::TsZero)),
            ("date", time("2025-02-30"), Some(RowRule::ValueUnreadable)),
            ("date", time("9999-12-31"), None),
            ("timestamp", time("0000-00-00 00:00:00"), Some(RowRule::TsZero)),
            ("decimal(4,2)", digits("99.99"), None),
            ("decimal(4,2)", digits("-99.990"), None),
            ("decimal(4,2)", digits("100.00"), Some(RowRule::ValueUnreadable)),
            ("decimal(4,2)", digits("1.001"), Some(RowRule::ValueUnreadable)),
            ("decimal(4,2)", SourceValue::Int(99), None),
            ("decimal(4,2)", SourceValue::Int(100), Some(RowRule::ValueUnreadable)),
            ("boolean", SourceValue::Int(1), None),
            ("boolean", SourceValue::Int(2), Some(RowRule::ValueUnreadable)),
            ("boolean", SourceValue::Bytes(&[0]), None),
            ("boolean", SourceValue::Bytes(&[1, 0]), Some(RowRule::ValueUnreadable)),
            ("varchar(9)", SourceValue::Bytes("🏠".as_bytes()), None),
            ("varchar(9)", SourceValue::Bytes(&[0xc3, 0x28]), Some(RowRule::ValueUnreadable)),
            ("varchar(9)", SourceValue::Int(1), None),
            ("varchar(9)", SourceValue::Int(7), Some(RowRule::ValueUnreadable)),
        ];
        for (column_type, value, expected) in cases {
            assert_eq!(rule(column_type, value), expected, "{column_type} {value:?}");
        }
    }

    #[test]
    fn a_time_near_the_end_of_the_calendar_stays_in_it() {
        let west = SourceZone::new(chrono_tz::America::New_York);
        let fault = instant(source_time("9999-12-31 23:00:00"), Zone::Stated, &west).unwrap_err();
        assert_eq!(fault.0, RowRule::TsRange);
    }

    #[test]
    fn decimals_keep_every_digit() {
        let longest = "99999999999999999999999999999999999999";
        let cases = [
            ("0.10", 2, Some(10)),
            ("-0.01", 2, Some(-1)),
            ("12345678.90", 2, Some(1_234_567_890)),
            ("7", 2, Some(700)),
            ("1.5000", 1, Some(15)),
            ("1.51", 1, None),
            ("", 0, Some(0)),
            ("1e3", 0, None),
            (longest, 0, longest.parse().ok()),
            (longest, 2, None),
        ];
        for (text, places, expected) in cases {
            assert_eq!(unscaled(text.as_bytes(), places), expected, "{text}");
        }
    }
}
