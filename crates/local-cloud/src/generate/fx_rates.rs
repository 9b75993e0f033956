//! Exchange rates to the US dollar on business days: a slow walk around a level, as the rates of these years moved.

use super::{chance::Chance, rows::FxRate};
use chrono::{Datelike, NaiveDate, Weekday};

/// A currency with its level, step and bounds in units of its last decimal.
struct Walk {
    currency: &'static str,
    decimals: usize,
    start: i64,
    step: i64,
    bounds: (i64, i64),
}

const WALKS: [Walk; 2] = [
    Walk { currency: "EUR", decimals: 4, start: 10_920, step: 55, bounds: (10_250, 11_850) },
    Walk { currency: "INR", decimals: 6, start: 12_150, step: 32, bounds: (11_250, 12_250) },
];

/// The rates from `first` to `last`, both included.
pub(super) fn make_fx_rates(first: NaiveDate, last: NaiveDate, chance: &mut Chance) -> Vec<FxRate> {
    let is_business_day = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let mut rates = Vec::new();
    for walk in WALKS {
        let mut level = walk.start;
        for rate_date in first.iter_days().take_while(|day| *day <= last).filter(is_business_day) {
            let scale = 10_i64.pow(walk.decimals as u32);
            let rate_to_reporting = format!("{}.{:0width$}", level / scale, level % scale, width = walk.decimals);
            rates.push(FxRate { currency: walk.currency, rate_date, rate_to_reporting, source: "sample" });
            let (low, high) = walk.bounds;
            level = (level + chance.between(-walk.step..=walk.step)).clamp(low, high);
        }
    }
    rates
}
