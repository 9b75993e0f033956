//! One row as the server sent it: which value stands where, and how each reads as text.
//!
//! The form is that of the binary protocol: a bitmap of NULLs, then the other values, numbers with the width of their type and
//! everything else with its length in front. It tells any two rows apart once the types of the columns are known, so that
//! fingerprints are taken over these bytes.
//! https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html

use crate::wire::{WireColumn, WireError};
use chrono::{NaiveDate, NaiveDateTime};
use mysql_common::constants::ColumnType as WireType;
use std::{borrow::Cow, fmt::Write as _, slice, sync::LazyLock};

/// The years around now, in which nearly all dates lie: asking the calendar for each would be felt.
const FIRST_YEAR: u16 = 1950;
const LAST_YEAR: u16 = 2100;
/// Days since 1970-01-01 of the first day of each month, and of the one after the last.
static MONTH_STARTS: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let months = (FIRST_YEAR..=LAST_YEAR).flat_map(|year| (1..=12).map(move |month| (i32::from(year), month)));
    let start = |(year, month)| NaiveDate::from_ymd_opt(year, month, 1);
    let starts = months.chain([(i32::from(LAST_YEAR) + 1, 1)]).filter_map(start);
    starts.map(|start| (start - NaiveDate::default()).num_days() as i32).collect()
});

/// The bitmap's first two bits belong to nobody.
const BITMAP_OFFSET: usize = 2;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SourceValue<'a> {
    Null,
    Int(i64),
    /// Beyond the largest signed number.
    BigUnsigned(u64),
    Float(f32),
    Double(f64),
    Time(SourceTime),
    /// Text, an exact decimal as text, or the bits of a BIT column.
    Bytes(&'a [u8]),
}

/// A date or a date with a time, of the calendar or not: MySQL keeps zero parts, and days that no month has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SourceTime {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) micros: u32,
}

/// The values of one row that are still to be read.
#[derive(Clone, Copy)]
pub(crate) struct SourceRow<'a> {
    bitmap: &'a [u8],
    values: &'a [u8],
}

/// The values of one column in rows whose earlier columns have been read.
pub(crate) struct SourceColumn<'rows, 'a> {
    pub(crate) rows: &'rows mut [SourceRow<'a>],
    /// Position of the column among the selected ones.
    pub(crate) position: usize,
    pub(crate) definition: WireColumn,
}

impl<'a> SourceRow<'a> {
    /// A row of so many columns.
    ///
    /// # Errors
    /// When the bytes end too early.
    pub(crate) fn new(column_count: usize, bytes: &'a [u8]) -> Result<Self, WireError> {
        let bitmap_length = (column_count + BITMAP_OFFSET).div_ceil(8);
        let (bitmap, values) = bytes.split_at_checked(bitmap_length).ok_or(CUT_OFF)?;
        Ok(Self { bitmap, values })
    }

    /// The values of these columns, which must be all that were selected. Where the bytes end too early, an error comes.
    pub(crate) fn values(mut self, columns: &[WireColumn]) -> impl Iterator<Item = Result<SourceValue<'a>, WireError>> {
        columns.iter().enumerate().map(move |(position, definition)| self.value(position, *definition))
    }

    /// The value of the first column.
    ///
    /// # Errors
    /// When the bytes end too early.
    #[inline]
    pub(crate) fn first_value(mut self, definition: WireColumn) -> Result<SourceValue<'a>, WireError> {
        self.value(0, definition)
    }

    #[inline]
    fn value(&mut self, position: usize, definition: WireColumn) -> Result<SourceValue<'a>, WireError> {
        let mut found = SourceValue::Null;
        SourceColumn { rows: slice::from_mut(self), position, definition }.each(|_, value| found = value)?;
        Ok(found)
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.values.split_first_chunk::<N>()?;
        self.values = rest;
        Some(*taken)
    }

    /// Parts that are zero are left out from the end.
    #[inline]
    fn time(&mut self) -> Option<SourceTime> {
        let mut time = SourceTime::default();
        let [length] = self.take()?;
        if length >= 4 {
            let [low, high, month, day] = self.take()?;
            time = SourceTime { year: u16::from_le_bytes([low, high]), month, day, ..time };
        }
        if length >= 7 {
            let [hour, minute, second] = self.take()?;
            time = SourceTime { hour, minute, second, ..time };
        }
        if length >= 11 {
            time.micros = u32::from_le_bytes(self.take()?);
        }
        Some(time)
    }

    #[inline]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let [first] = self.take()?;
        let length = match first {
            0xfc => u64::from(u16::from_le_bytes(self.take()?)),
            0xfd => {
                let [a, b, c] = self.take()?;
                u64::from(u32::from_le_bytes([a, b, c, 0]))
            }
            0xfe => u64::from_le_bytes(self.take()?),
            _ => u64::from(first),
        };
        let (bytes, rest) = self.values.split_at_checked(usize::try_from(length).ok()?)?;
        self.values = rest;
        Some(bytes)
    }

    #[inline]
    fn big_unsigned(&mut self) -> Option<SourceValue<'a>> {
        let number = u64::from_le_bytes(self.take()?);
        Some(i64::try_from(number).map_or(SourceValue::BigUnsigned(number), SourceValue::Int))
    }
}

impl<'a> SourceColumn<'_, 'a> {
    /// Hands on each value with the position of its row. The loop is another one for every type, so that nothing is decided
    /// again for each value.
    ///
    /// # Errors
    /// When the bytes of a row end too early.
    #[inline]
    pub(crate) fn each(self, take: impl FnMut(usize, SourceValue<'a>)) -> Result<(), WireError> {
        let is_unsigned = self.definition.is_unsigned;
        let read = match self.definition.wire_type {
            WireType::MYSQL_TYPE_LONGLONG if is_unsigned => self.each_by(SourceRow::big_unsigned, take),
            WireType::MYSQL_TYPE_LONGLONG => {
                self.each_by(|row| Some(SourceValue::Int(i64::from_le_bytes(row.take()?))), take)
            }
            WireType::MYSQL_TYPE_DATE | WireType::MYSQL_TYPE_DATETIME | WireType::MYSQL_TYPE_TIMESTAMP => {
                self.each_by(|row| row.time().map(SourceValue::Time), take)
            }
            WireType::MYSQL_TYPE_TINY if is_unsigned => {
                self.each_by(|row| Some(SourceValue::Int(u8::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_TINY => {
                self.each_by(|row| Some(SourceValue::Int(i8::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_SHORT | WireType::MYSQL_TYPE_YEAR if is_unsigned => {
                self.each_by(|row| Some(SourceValue::Int(u16::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_SHORT | WireType::MYSQL_TYPE_YEAR => {
                self.each_by(|row| Some(SourceValue::Int(i16::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_LONG | WireType::MYSQL_TYPE_INT24 if is_unsigned => {
                self.each_by(|row| Some(SourceValue::Int(u32::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_LONG | WireType::MYSQL_TYPE_INT24 => {
                self.each_by(|row| Some(SourceValue::Int(i32::from_le_bytes(row.take()?).into())), take)
            }
            WireType::MYSQL_TYPE_FLOAT => {
                self.each_by(|row| Some(SourceValue::Float(f32::from_le_bytes(row.take()?))), take)
            }
            WireType::MYSQL_TYPE_DOUBLE => {
                self.each_by(|row| Some(SourceValue::Double(f64::from_le_bytes(row.take()?))), take)
            }
            WireType::MYSQL_TYPE_NULL => self.each_by(|_| Some(SourceValue::Null), take),
            // Every other type that a table can have comes with its length in front.
            _ => self.each_by(|row| row.bytes().map(SourceValue::Bytes), take),
        };
        read.ok_or(CUT_OFF)
    }

    #[inline(always)]
    fn each_by(
        self,
        read: impl Fn(&mut SourceRow<'a>) -> Option<SourceValue<'a>>,
        mut take: impl FnMut(usize, SourceValue<'a>),
    ) -> Option<()> {
        let bit = self.position + BITMAP_OFFSET;
        let (byte, mask) = (bit / 8, 1 << (bit % 8));
        for (index, row) in self.rows.iter_mut().enumerate() {
            let is_null = row.bitmap.get(byte)? & mask != 0;
            take(index, if is_null { SourceValue::Null } else { read(row)? });
        }
        Some(())
    }
}

pub(crate) const CUT_OFF: WireError = WireError::Protocol("a row that is cut off");

impl SourceValue<'_> {
    /// The value as MySQL would print it; bytes that are no text in hexadecimal, after `0x`.
    pub(crate) fn to_text(self, column: &WireColumn) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Int(number) => number.to_string(),
            Self::BigUnsigned(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Time(time) => time.to_text(column),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if column.wire_type != WireType::MYSQL_TYPE_BIT => text.to_owned(),
                _ => bytes.iter().fold("0x".to_owned(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                }),
            },
        };
        Some(text)
    }
}

impl SourceTime {
    /// The date, or why there is none.
    pub(crate) fn date(self) -> Result<NaiveDate, NoDate> {
        if self.year == 0 || self.month == 0 || self.day == 0 {
            return Err(NoDate::ZeroPart);
        }
        let date = NaiveDate::from_ymd_opt(i32::from(self.year), u32::from(self.month), u32::from(self.day));
        date.ok_or(NoDate::NotInCalendar)
    }

    /// The date as days since 1970-01-01.
    pub(crate) fn day_number(self) -> Result<i32, NoDate> {
        self.near_day_number().map_or_else(|| Ok((self.date()? - NaiveDate::default()).num_days() as i32), Ok)
    }

    fn near_day_number(self) -> Option<i32> {
        let year = usize::from(self.year.checked_sub(FIRST_YEAR)?);
        let month = usize::from(self.month.checked_sub(1).filter(|month| *month < 12)?);
        let [start, end] = *MONTH_STARTS.get(year * 12 + month..)?.first_chunk()?;
        let day = start + i32::from(self.day) - 1;
        (start..end).contains(&day).then_some(day)
    }

    /// The date with its time of day.
    pub(crate) fn local(self) -> Result<NaiveDateTime, NoDate> {
        let [hour, minute, second] = [self.hour, self.minute, self.second].map(u32::from);
        self.date()?.and_hms_micro_opt(hour, minute, second, self.micros).ok_or(NoDate::NotInCalendar)
    }

    fn to_text(self, column: &WireColumn) -> String {
        let Self { year, month, day, hour, minute, second, micros } = self;
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        if column.wire_type != WireType::MYSQL_TYPE_DATE {
            let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
            let digits = format!("{micros:06}");
            if let Some(digits) = digits.get(..usize::from(column.decimals)).filter(|digits| !digits.is_empty()) {
                let _ = write!(text, ".{digits}");
            }
        }
        text
    }
}

/// Why a date of the source is none of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDate {
    ZeroPart,
    NotInCalendar,
}

impl NoDate {
    pub(crate) fn reason(self) -> Cow<'static, str> {
        match self {
            Self::ZeroPart => "a date with a zero part".into(),
            Self::NotInCalendar => "not a day of the calendar".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike as _;

    fn column(wire_type: WireType, is_unsigned: bool, decimals: u8) -> WireColumn {
        WireColumn { wire_type, is_unsigned, decimals }
    }

    fn texts(columns: &[WireColumn], bytes: &[u8]) -> Vec<Option<String>> {
        let values = SourceRow::new(columns.len(), bytes).unwrap().values(columns);
        values.zip(columns).map(|(value, column)| value.unwrap().to_text(column)).collect()
    }

    #[test]
    fn every_type_reads_as_mysql_prints_it() {
        let columns = [
            column(WireType::MYSQL_TYPE_TINY, false, 0),
            column(WireType::MYSQL_TYPE_TINY, true, 0),
            column(WireType::MYSQL_TYPE_LONGLONG, true, 0),
            column(WireType::MYSQL_TYPE_DATE, false, 0),
            column(WireType::MYSQL_TYPE_DATETIME, false, 6),
            column(WireType::MYSQL_TYPE_DATETIME, false, 0),
            column(WireType::MYSQL_TYPE_VAR_STRING, false, 0),
            column(WireType::MYSQL_TYPE_BIT, false, 0),
            column(WireType::MYSQL_TYPE_NEWDECIMAL, false, 2),
        ];
        let mut bytes = vec![0, 0, 0xff, 0xff];
        bytes.extend_from_slice(&u64::MAX.to_le_bytes());
        bytes.extend_from_slice(&[4, 0xe9, 7, 1, 31]);
        bytes.extend_from_slice(&[11, 0xe9, 7, 1, 31, 12, 0, 5, 0x40, 0xe2, 1, 0]);
        bytes.extend_from_slice(&[0, 2, 0xc3, 0x28, 1, 1, 5]);
        bytes.extend_from_slice(b"12.50");
        let expected = [
            "-1",
            "255",
            "18446744073709551615",
            "2025-01-31",
            "2025-01-31 12:00:05.123456",
            "0000-00-00 00:00:00",
            "0xc328",
            "0x01",
            "12.50",
        ];
        assert_eq!(texts(&columns, &bytes), expected.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = (-10_000..60_000).step_by(7).chain([-7306, -7305, 47_846, 47_847]);
        for day in days {
            let date = NaiveDate::default() + chrono::Duration::days(day.into());
            let time = SourceTime {
                year: date.year() as u16,
                month: date.month() as u8,
                day: date.day() as u8,
                ..SourceTime::default()
            };
            assert_eq!(time.day_number(), Ok(day), "{date}");
        }
        let no_date = |year, month, day| SourceTime { year, month, day, ..SourceTime::default() }.day_number();
        for (year, month, day) in [(0, 0, 0), (2025, 0, 10), (2025, 1, 0), (0, 1, 1)] {
            assert_eq!(no_date(year, month, day), Err(NoDate::ZeroPart), "{year}-{month}-{day}");
        }
        for (year, month, day) in [(2025, 2, 29), (2025, 4, 31), (2025, 13, 1), (2100, 12, 32), (9999, 2, 30)] {
            assert_eq!(no_date(year, month, day), Err(NoDate::NotInCalendar), "{year}-{month}-{day}");
        }
    }

    #[test]
    fn nulls_take_no_room() {
        let columns = [column(WireType::MYSQL_TYPE_LONG, false, 0), column(WireType::MYSQL_TYPE_LONG, false, 0)];
        assert_eq!(texts(&columns, &[0b0100, 7, 0, 0, 0]), [None, Some("7".to_owned())]);
    }

    #[test]
    fn a_row_that_is_cut_off_is_an_error() {
        let columns = [column(WireType::MYSQL_TYPE_LONGLONG, false, 0), column(WireType::MYSQL_TYPE_BLOB, false, 0)];
        for bytes in [
            &[][..],
            &[0],
            &[0, 1, 2],
            &[0b0100],
            &[0b0100, 9, 1],
            &[0b0100, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            let row = SourceRow::new(columns.len(), bytes);
            let read = row.and_then(|row| row.values(&columns).try_for_each(|value| value.map(drop)));
            assert!(read.is_err(), "{bytes:?}");
        }
    }
}
