//! Sample data: some years of a rental marketplace, the same bytes for the same seed, with a known number of defects per rule.

mod bookings;
mod chance;
mod city;
mod defects;
mod fx_rates;
mod listings;
mod rows;
mod viewings;

use anyhow::{Context as _, ensure};
use chance::Chance;
use chrono::{Days, NaiveDate};
use defects::Defects;
use rows::{Apartment, ApartmentAttributes, Booking, UserViewing};
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path};

/// The seed of the committed sample.
pub const SAMPLE_SEED: u64 = 20_251_231;
/// The last day of all sample data.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 12, 31).unwrap();
const TWO_YEARS_AGO: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
/// Rates are known from before the first listing, so that every listed day has one.
const RATES_BEFORE_PERIOD_DAYS: u64 = 200;

/// How many rows to make, defects beside them, and of which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSize {
    pub apartments: usize,
    pub viewings: usize,
    pub bookings: usize,
    pub first_day: NaiveDate,
}

impl SampleSize {
    /// The committed sample.
    pub const COMMITTED: Self =
        Self { apartments: 2_000, viewings: 20_000, bookings: 10_000, first_day: TWO_YEARS_AGO };
    /// Enough for every rule, small enough to be loaded in a moment.
    pub const SMALL: Self = Self { apartments: 120, viewings: 800, bookings: 500, first_day: TWO_YEARS_AGO };
}

/// The days that the sample is about.
#[derive(Debug, Clone, Copy)]
struct Period {
    first: NaiveDate,
    /// The run date: the last day on which anything has happened.
    last: NaiveDate,
}

impl Period {
    fn days(&self) -> i64 {
        (self.last - self.first).num_days()
    }

    fn holds(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }
}

/// Rows of the source's tables.
struct Tables {
    apartments: Vec<Apartment>,
    apartment_attributes: Vec<ApartmentAttributes>,
    user_viewing: Vec<UserViewing>,
    bookings: Vec<Booking>,
}

/// What `planted.json` says.
#[derive(Serialize)]
struct Description<'a> {
    as_of: NaiveDate,
    seed: u64,
    rows: BTreeMap<&'static str, usize>,
    /// Number of defects by rule, counted as the rule counts.
    planted: &'a BTreeMap<&'static str, u64>,
}

/// Writes one CSV file per source table, `fx_rates.csv` and `planted.json` to `folder`.
///
/// # Errors
/// When a file cannot be written, or the first day is none before the last one.
pub fn generate(folder: &Path, seed: u64, size: SampleSize) -> anyhow::Result<()> {
    ensure!(size.first_day < LAST_DAY, "the data is to begin before {LAST_DAY}");
    let period = Period { first: size.first_day, last: LAST_DAY };
    let mut defects = Defects::new(size);
    let mut listings = listings::make_listings(size.apartments, period, &mut Chance::new(seed, 1));
    defects.plant_in_listings(&mut listings, period, &mut Chance::new(seed, 2));
    let bookings = bookings::make_bookings(size.bookings, &listings, period, &mut Chance::new(seed, 3));
    let user_viewing = viewings::make_viewings(size.viewings, &listings, &bookings, period, &mut Chance::new(seed, 4));
    let mut tables = Tables {
        apartments: listings.iter().map(|listing| listing.apartment.clone()).collect(),
        apartment_attributes: listings.iter().filter_map(|listing| listing.attributes.clone()).collect(),
        user_viewing,
        bookings,
    };
    defects.plant_in_tables(&mut tables, &listings, period, &mut Chance::new(seed, 5));
    let rates_from = period.first - Days::new(RATES_BEFORE_PERIOD_DAYS);
    let fx_rates = fx_rates::make_fx_rates(rates_from, period.last, &mut Chance::new(seed, 6));

    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    write_csv(folder, "apartments", &tables.apartments)?;
    write_csv(folder, "apartment_attributes", &tables.apartment_attributes)?;
    write_csv(folder, "user_viewing", &tables.user_viewing)?;
    write_csv(folder, "bookings", &tables.bookings)?;
    write_csv(folder, "fx_rates", &fx_rates)?;
    let rows = BTreeMap::from([
        ("apartments", tables.apartments.len()),
        ("apartment_attributes", tables.apartment_attributes.len()),
        ("user_viewing", tables.user_viewing.len()),
        ("bookings", tables.bookings.len()),
    ]);
    let description = Description { as_of: period.last, seed, rows, planted: &defects.planted };
    let file = folder.join("planted.json");
    let text = serde_json::to_string_pretty(&description)? + "\n";
    fs::write(&file, text).with_context(|| format!("write {}", file.display()))
}

fn write_csv<T: Serialize>(folder: &Path, table: &str, rows: &[T]) -> anyhow::Result<()> {
    let file = folder.join(format!("{table}.csv"));
    let writing = || -> csv::Result<()> {
        let mut writer = csv::Writer::from_path(&file)?;
        rows.iter().try_for_each(|row| writer.serialize(row))?;
        Ok(writer.flush()?)
    };
    writing().with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_sample_is_what_its_seed_gives() {
        let folder = tempfile::tempdir().unwrap();
        generate(folder.path(), SAMPLE_SEED, SampleSize::COMMITTED).unwrap();
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
        for name in [
            "apartments.csv",
            "apartment_attributes.csv",
            "user_viewing.csv",
            "bookings.csv",
            "fx_rates.csv",
            "planted.json",
        ] {
            let (made, kept) = (fs::read(folder.path().join(name)).unwrap(), fs::read(committed.join(name)).unwrap());
            assert!(made == kept, "data/{name} differs; `rental-local generate data` makes it anew");
        }
    }

    #[test]
    fn another_seed_gives_other_rows() {
        let make = |seed| {
            let folder = tempfile::tempdir().unwrap();
            generate(folder.path(), seed, SampleSize::SMALL).unwrap();
            fs::read(folder.path().join("bookings.csv")).unwrap()
        };
        assert_ne!(make(1), make(2));
        assert_eq!(make(3), make(3));
    }
}
