//! The offset of a time zone by day, for the many days on which no clock changes: looking it up costs a fraction of asking
//! the zone's rules for every row.

use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

/// Days since 1970-01-01 for which offsets are kept: 1970 to 2099.
const DAYS: i32 = 47_482;
const SECONDS_PER_DAY: i64 = 86_400;
/// A local day and the UTC day of the same date begin less than this many days apart, and a zone that crosses the date
/// line skips one more.
const NEIGHBOURS: i32 = 2;

/// Offsets from UTC of one zone.
#[derive(Debug, Clone)]
pub struct SteadyOffsets {
    /// Seconds east of UTC by day; `None` near a clock change. Empty for UTC itself.
    by_day: Vec<Option<i32>>,
    is_utc: bool,
}

impl SteadyOffsets {
    #[must_use]
    pub fn new(timezone: Tz) -> Self {
        if timezone == Tz::UTC {
            return Self { by_day: Vec::new(), is_utc: true };
        }
        let offset = |day: i32| {
            let midnight = DateTime::from_timestamp(i64::from(day) * SECONDS_PER_DAY, 0)?;
            Some(timezone.offset_from_utc_datetime(&midnight.naive_utc()).fix().local_minus_utc())
        };
        let offsets: Vec<_> = (-NEIGHBOURS..=DAYS + NEIGHBOURS).map(offset).collect();
        let window = 2 * NEIGHBOURS as usize + 1;
        let steady = |around: &[Option<i32>]| around[0].filter(|_| around.iter().all(|other| *other == around[0]));
        Self { by_day: offsets.windows(window).map(steady).collect(), is_utc: false }
    }

    /// Seconds east of UTC on the day with that number since 1970-01-01, a day of UTC or of the zone; `None` where a clock
    /// change is near or the day is outside the table, and the zone's rules have to be asked.
    #[must_use]
    pub fn on(&self, day: i32) -> Option<i32> {
        if self.is_utc {
            return Some(0);
        }
        *self.by_day.get(usize::try_from(day).ok()?)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn an_offset_is_given_away_from_clock_changes_only() {
        let day = |text: &str| (text.parse::<NaiveDate>().unwrap() - NaiveDate::default()).num_days() as i32;
        let berlin = SteadyOffsets::new(chrono_tz::Europe::Berlin);
        let apia = SteadyOffsets::new(chrono_tz::Pacific::Apia);
        let cases = [
            (&berlin, "2025-01-15", Some(3600)),
            (&berlin, "2025-07-15", Some(7200)),
            (&berlin, "2025-03-29", None),
            (&berlin, "2025-03-30", None),
            (&berlin, "2025-10-26", None),
            (&berlin, "1969-12-31", None),
            (&berlin, "2150-01-01", None),
            (&apia, "2011-12-30", None),
            (&apia, "2012-01-15", Some(14 * 3600)),
        ];
        for (offsets, date, expected) in cases {
            assert_eq!(offsets.on(day(date)), expected, "{date}");
        }
        assert_eq!(SteadyOffsets::new(Tz::UTC).on(day("2150-01-01")), Some(0));
    }
}
