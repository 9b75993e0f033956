//! One value of the source into a column of Arrow. A value that cannot be taken over becomes NULL with the rule that it
//! breaks; nothing is rounded, cut or guessed.

use crate::{
    source_row::{NoDate, SourceColumn, SourceTime, SourceValue},
    source_schema::Zone,
    wire::WireError,
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

    /// Appends values; a faulty one is NULL, and `report` hears of it with its row.
    ///
    /// # Errors
    /// When the bytes of a row end too early.
    pub(crate) fn append(
        &mut self,
        values: SourceColumn<'_, '_>,
        source_zone: &SourceZone,
        mut report: impl FnMut(usize, Fault),
    ) -> Result<(), WireError> {
        match self {
            Self::BigInt(builder) => values.each(|row, value| {
                builder.append_option(keep(value, integer, |fault| report(row, fault)));
            }),
            Self::Integer(builder) => values.each(|row, value| {
                let read = |value| i32::try_from(integer(value)?).map_err(|_| out_of_range());
                builder.append_option(keep(value, read, |fault| report(row, fault)));
            }),
            Self::Decimal { builder, form } => values.each(|row, value| {
                builder.append_option(keep(value, |value| form.read(value), |fault| report(row, fault)));
            }),
            Self::Double(builder) => values.each(|row, value| {
                builder.append_option(keep(value, double, |fault| report(row, fault)));
            }),
            Self::Boolean(builder) => values.each(|row, value| {
                builder.append_option(keep(value, flag, |fault| report(row, fault)));
            }),
            Self::Date(builder) => values.each(|row, value| {
                let read = |value| time(value)?.day_number().map_err(no_date);
                builder.append_option(keep(value, read, |fault| report(row, fault)));
            }),
            Self::Timestamp { builder, zone } => values.each(|row, value| {
                let read = |value| instant(time(value)?, *zone, source_zone);
                let found = keep(value, read, |fault| report(row, fault));
                if let Some((_, Some(moved))) = found {
                    report(row, Box::new((RowRule::TsDst, moved.into())));
                }
                builder.append_option(found.map(|(micros, _)| micros));
            }),
            Self::Text(builder) => values.each(|row, value| {
                builder.append_option(keep(value, text, |fault| report(row, fault)));
            }),
        }
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

/// A value as it is read, `None` for NULL and for a fault, which is reported.
#[inline]
fn keep<'a, T>(
    value: SourceValue<'a>,
    read: impl FnOnce(SourceValue<'a>) -> Result<T, Fault>,
    report: impl FnOnce(Fault),
) -> Option<T> {
    match value {
        SourceValue::Null => None,
        value => read(value).map_err(report).ok(),
    }
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

/// Text, also where the source has a flag.
fn text(value: SourceValue<'_>) -> Result<&str, Fault> {
    match value {
        SourceValue::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| unreadable("not valid UTF-8")),
        value => flag(value).map(|flag| if flag { "true" } else { "false" }),
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
    use crate::{source_row::SourceRow, wire::WireColumn};
    use chrono::DateTime;
    use mysql_common::constants::ColumnType as WireType;

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

    /// A row with one value, as the server would send it.
    fn on_the_wire(value: SourceValue<'_>) -> (WireColumn, Vec<u8>) {
        let (wire_type, bytes) = match value {
            SourceValue::Int(number) => (WireType::MYSQL_TYPE_LONGLONG, number.to_le_bytes().to_vec()),
            SourceValue::BigUnsigned(number) => (WireType::MYSQL_TYPE_LONGLONG, number.to_le_bytes().to_vec()),
            SourceValue::Bytes(bytes) => {
                (WireType::MYSQL_TYPE_STRING, [&[u8::try_from(bytes.len()).unwrap()], bytes].concat())
            }
            SourceValue::Time(SourceTime { year, month, day, hour, minute, second, micros }) => {
                let [low, high] = year.to_le_bytes();
                let bytes = [11, low, high, month, day, hour, minute, second];
                (WireType::MYSQL_TYPE_DATETIME, [&bytes[..], &micros.to_le_bytes()].concat())
            }
            value => panic!("no case has {value:?}"),
        };
        let is_unsigned = matches!(value, SourceValue::BigUnsigned(_));
        (WireColumn { wire_type, is_unsigned, decimals: 6 }, [&[0], &bytes[..]].concat())
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
            let (definition, bytes) = on_the_wire(value);
            let rows = &mut [SourceRow::new(1, &bytes).unwrap()];
            let mut fault = None;
            let values = SourceColumn { rows, position: 0, definition };
            builder.append(values, &SourceZone::new(Tz::UTC), |_, found| fault = Some(found.0)).unwrap();
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
