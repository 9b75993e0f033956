//! Defects: rows that break exactly one rule each, and how many of them there are. Whoever reads the sample must find
//! these numbers, no more and no fewer.

use super::{
    Period, SampleSize, Tables,
    chance::Chance,
    listings::{Listing, time_on},
    rows::{ApartmentAttributes, Booking, Cents, Moment},
};
use chrono::{Days, NaiveDate, TimeDelta};
use std::collections::{BTreeMap, BTreeSet};

/// Apartments that no table holds.
const FIRST_UNKNOWN_APARTMENT_ID: i64 = 7_000_001;
/// One set of defects for this many bookings, up to as many as the committed sample has: each looks through all rows for a place.
const BOOKINGS_PER_SET: usize = 2_000;
const MAX_SETS: usize = SampleSize::COMMITTED.bookings / BOOKINGS_PER_SET;
/// Wider than `user_viewing.call_to_action` in bytes, not in the source's characters.
const WIDE_TEXT: &str = "मकान देखें और तुरंत संपर्क करें, यह सुविधा केवल आज उपलब्ध है और केवल आपके लिए ही है";

/// Plants defects and counts them.
pub(super) struct Defects {
    pub(super) planted: BTreeMap<&'static str, u64>,
    sets: usize,
    used_bookings: BTreeSet<i64>,
}

impl Defects {
    pub(super) fn new(size: SampleSize) -> Self {
        let sets = (size.bookings / BOOKINGS_PER_SET).clamp(1, MAX_SETS);
        Self { planted: BTreeMap::new(), sets, used_bookings: BTreeSet::new() }
    }

    fn count(&mut self, rule: &'static str, rows: usize) {
        *self.planted.entry(rule).or_default() += rows as u64;
    }

    /// Defects of listings, before anything refers to them.
    pub(super) fn plant_in_listings(&mut self, listings: &mut [Listing], period: Period, chance: &mut Chance) {
        let in_future = period.last + Days::new(30);
        let hide = |listing: &mut Listing| {
            // Not bookable and not looked at: whatever referred to it would break a rule of its own.
            listing.is_bookable = false;
            listing.listed_from = period.last + Days::new(1);
        };
        for _ in 0..self.sets {
            self.plant(listings, "APT-PRICE", 2, chance, |listing| listing.apartment.price = None);
            self.plant(listings, "APT-PRICE", 1, chance, |listing| listing.apartment.price = Some(Cents(0)));
            self.plant(listings, "APT-PRICE", 1, chance, |listing| {
                // The yen has no decimals. The row is rejected, so nothing may refer to it.
                listing.apartment.price = Some(Cents(1_234_550));
                listing.apartment.currency = "JPY";
                listing.attributes = None;
                hide(listing);
            });
            self.plant(listings, "CUR-ISO", 1, chance, |listing| {
                listing.apartment.currency = "EURO";
                listing.is_bookable = false;
            });
            // The only one with a rule that its bookings break as well: there are no rates for its currency.
            self.plant(listings, "CUR-RATE", 1, chance, |listing| listing.apartment.currency = "GBP");
            self.plant(listings, "TS-ZERO", 1, chance, |listing| {
                listing.apartment.last_modified_timestamp = Moment::Zero;
            });
            self.plant(listings, "APT-MODIFIED-BEFORE-CREATED", 2, chance, |listing| {
                let before = listing.listed_from - Days::new(10);
                listing.apartment.last_modified_timestamp = Moment::At(before.and_time(chrono::NaiveTime::MIN));
            });
            self.plant(listings, "APT-CREATED-FUTURE", 1, chance, |listing| {
                listing.apartment.listing_created_on = Moment::At(in_future);
                listing.apartment.last_modified_timestamp = Moment::Null;
                listing.is_bookable = false;
                listing.listed_from = in_future;
            });
            self.plant(listings, "APT-CREATED-NULL", 1, chance, |listing| {
                listing.apartment.listing_created_on = Moment::Null;
                listing.is_bookable = false;
            });
            self.plant(listings, "APT-ACTIVE-NULL", 2, chance, |listing| {
                listing.apartment.is_active = None;
                listing.is_bookable = false;
            });
            self.plant(listings, "APT-NO-ATTRIBUTES", 2, chance, |listing| listing.attributes = None);
            self.plant(listings, "ATT-GEO", 1, chance, |listing| with_attributes(listing, |row| row.state = None));
            self.plant(listings, "ATT-GEO", 1, chance, |listing| {
                with_attributes(listing, |row| row.latitude = 123.4567)
            });
            self.plant(listings, "ATT-GEO", 1, chance, |listing| {
                with_attributes(listing, |row| row.longitude = -201.5)
            });
        }
    }

    /// Applies `defect` to listings that are active and have none yet.
    fn plant(
        &mut self,
        listings: &mut [Listing],
        rule: &'static str,
        count: usize,
        chance: &mut Chance,
        defect: impl Fn(&mut Listing),
    ) {
        for _ in 0..count {
            let candidates: Vec<usize> = (0..listings.len())
                .filter(|&index| !listings[index].is_defective && listings[index].listed_until.is_none())
                .collect();
            let listing = &mut listings[*chance.pick(&candidates)];
            listing.is_defective = true;
            defect(listing);
            self.count(rule, 1);
        }
    }

    /// Defects of rows that refer to listings, and of pairs of rows.
    pub(super) fn plant_in_tables(
        &mut self,
        tables: &mut Tables,
        listings: &[Listing],
        period: Period,
        chance: &mut Chance,
    ) {
        let without_rates: BTreeSet<i64> =
            listings.iter().filter(|listing| listing.apartment.currency == "GBP").map(Listing::id).collect();
        let unrated = tables.bookings.iter().filter(|booking| without_rates.contains(&booking.apartment_id)).count();
        self.count("CUR-RATE", unrated);
        let sound: BTreeMap<i64, &Listing> = listings
            .iter()
            .filter(|listing| !listing.is_defective && listing.apartment.currency == "USD")
            .map(|listing| (listing.id(), listing))
            .collect();
        for _ in 0..self.sets {
            self.plant_in_bookings(&mut tables.bookings, &sound, period, chance);
            self.plant_new_bookings(&mut tables.bookings, &sound, period, chance);
            self.plant_in_viewings(tables, period, chance);
            self.plant_in_attributes(tables, chance);
        }
    }

    /// Breaks bookings of sound listings, each in one way.
    fn plant_in_bookings(
        &mut self,
        bookings: &mut [Booking],
        sound: &BTreeMap<i64, &Listing>,
        period: Period,
        chance: &mut Chance,
    ) {
        let last = period.last;
        let reversed = |booking: &mut Booking| std::mem::swap(&mut booking.checkin_date, &mut booking.checkout_date);
        type Defect<'a> = (&'static str, usize, Box<dyn Fn(&mut Booking) + 'a>);
        let defects: [Defect<'_>; 19] = [
            ("BKG-USER", 2, Box::new(|booking| booking.user_id = None)),
            ("BKG-DATES-NULL", 1, Box::new(|booking| booking.checkin_date = Moment::Null)),
            ("BKG-DATES-NULL", 1, Box::new(|booking| booking.checkout_date = Moment::Null)),
            ("BKG-DATES-REVERSED", 5, Box::new(reversed)),
            ("BKG-ZERO-NIGHTS", 3, Box::new(|booking| booking.checkout_date = booking.checkin_date)),
            ("BKG-TOO-LONG", 1, Box::new(|booking| booking.checkout_date = days_after(booking.checkin_date, 400))),
            ("TS-ZERO", 1, Box::new(|booking| booking.checkout_date = Moment::Zero)),
            ("TS-ZERO", 1, Box::new(|booking| booking.booking_date = Moment::Zero)),
            ("BKG-PRICE", 2, Box::new(|booking| booking.total_price = None)),
            ("BKG-PRICE", 1, Box::new(|booking| booking.total_price = Some(Cents(0)))),
            ("BKG-PRICE", 1, Box::new(|booking| booking.total_price = Some(Cents(-12_000)))),
            (
                "BKG-PRICE",
                1,
                Box::new(|booking| {
                    booking.total_price = Some(Cents(1_050_050));
                    booking.currency = "JPY";
                }),
            ),
            ("CUR-ISO", 2, Box::new(|booking| booking.currency = "US$")),
            ("BKG-STATUS", 1, Box::new(|booking| booking.booking_status = None)),
            ("BKG-STATUS", 2, Box::new(|booking| booking.booking_status = Some("on hold"))),
            ("BKG-PAYMENT", 1, Box::new(|booking| booking.payment_status = None)),
            ("BKG-PAYMENT", 1, Box::new(|booking| booking.payment_status = Some("charged"))),
            ("BKG-CUR-DIFFERS", 3, Box::new(|booking| booking.currency = "EUR")),
            ("BKG-REF-APARTMENT", 3, Box::new(|booking| booking.apartment_id += FIRST_UNKNOWN_APARTMENT_ID)),
        ];
        for (rule, count, defect) in defects {
            for _ in 0..count {
                let candidates: Vec<usize> = (0..bookings.len())
                    .filter(|&index| {
                        let booking = &bookings[index];
                        let is_past = booking.checkout_date.at().is_some_and(|day| day < last);
                        is_past
                            && sound.contains_key(&booking.apartment_id)
                            && !self.used_bookings.contains(&booking.booking_id)
                    })
                    .collect();
                let booking = &mut bookings[*chance.pick(&candidates)];
                self.used_bookings.insert(booking.booking_id);
                defect(booking);
                self.count(rule, 1);
            }
        }
    }

    /// Adds bookings whose defect lies in how they stand to others or to the calendar.
    fn plant_new_bookings(
        &mut self,
        bookings: &mut Vec<Booking>,
        sound: &BTreeMap<i64, &Listing>,
        period: Period,
        chance: &mut Chance,
    ) {
        let last = period.last;
        let listings: Vec<&Listing> =
            sound.values().copied().filter(|listing| listing.listed_until.is_none()).collect();
        let is_realised = |booking: &Booking| {
            let is_confirmed =
                booking.booking_status.is_some_and(|status| status.trim().eq_ignore_ascii_case("confirmed"));
            is_confirmed && booking.payment_status == Some("paid")
        };
        for _ in 0..2 {
            let candidates: Vec<usize> = (0..bookings.len())
                .filter(|&index| {
                    let booking = &bookings[index];
                    let is_past = booking.checkout_date.at().is_some_and(|day| day < last);
                    let is_sound = sound.contains_key(&booking.apartment_id);
                    is_past && is_sound && is_realised(booking) && !self.used_bookings.contains(&booking.booking_id)
                })
                .collect();
            let twice = bookings[*chance.pick(&candidates)].clone();
            // The same nights sold twice: both bookings break the rule.
            self.used_bookings.insert(twice.booking_id);
            let sold_again = Booking { user_id: twice.user_id.map(|user| user + 1), ..twice };
            self.add(bookings, sold_again);
            self.count("BKG-OVERLAP", 2);
        }
        let sample = bookings[0].clone();
        let booking =
            |listing: &Listing, booked_on: NaiveDate, checkin: NaiveDate, status: &'static str, time: &mut Chance| {
                Booking {
                    user_id: sample.user_id,
                    apartment_id: listing.id(),
                    booking_date: Moment::At(time_on(booked_on, time)),
                    checkin_date: Moment::At(checkin),
                    checkout_date: Moment::At(checkin + Days::new(3)),
                    total_price: Some(Cents(listing.nightly_price.0 * 3)),
                    currency: listing.apartment.currency,
                    booking_status: Some(status),
                    payment_status: Some(if status == "confirmed" { "paid" } else { "pending" }),
                    ..sample.clone()
                }
            };
        for _ in 0..2 {
            let listing = *chance.pick(&listings);
            let row = booking(listing, last + Days::new(3), last + Days::new(30), "pending", chance);
            self.add(bookings, row);
            self.count("BKG-FUTURE", 1);

            let listing = *chance.pick(&listings);
            let row = booking(listing, last - Days::new(1), last - Days::new(5), "canceled", chance);
            self.add(bookings, row);
            self.count("BKG-BOOKED-AFTER-CHECKIN", 1);
        }
        // A night before the listing was created; long enough before that none of them meet.
        let listing = *chance.pick(&listings);
        let created = listing.listed_from;
        let days_before = 20 + 10 * self.planted.get("NIGHT-NOT-LISTED").copied().unwrap_or(0);
        let row = booking(
            listing,
            created - Days::new(days_before + 5),
            created - Days::new(days_before),
            "confirmed",
            chance,
        );
        self.add(bookings, row);
        self.count("NIGHT-NOT-LISTED", 1);

        // The same key twice, all else equal.
        let candidates: Vec<usize> = (0..bookings.len())
            .filter(|&index| {
                let booking = &bookings[index];
                sound.contains_key(&booking.apartment_id) && !self.used_bookings.contains(&booking.booking_id)
            })
            .collect();
        let again = bookings[*chance.pick(&candidates)].clone();
        self.used_bookings.insert(again.booking_id);
        bookings.push(again);
        self.count("KEY-DUP", 1);
    }

    fn add(&mut self, bookings: &mut Vec<Booking>, booking: Booking) {
        let booking_id = bookings.iter().map(|booking| booking.booking_id).max().unwrap_or(0) + 1;
        self.used_bookings.insert(booking_id);
        bookings.push(Booking { booking_id, ..booking });
    }

    fn plant_in_viewings(&mut self, tables: &mut Tables, period: Period, chance: &mut Chance) {
        let viewings = &mut tables.user_viewing;
        let copy_count = 4;
        for _ in 0..copy_count {
            let copy = chance.pick(viewings).clone();
            viewings.push(copy);
        }
        self.count("VIEW-EXACT-DUP", copy_count);
        let mut add = |rule, change: &dyn Fn(&mut super::rows::UserViewing)| {
            let mut viewing = chance.pick(viewings).clone();
            // A second of its own, so that no two are equal.
            let second = TimeDelta::seconds(i64::try_from(viewings.len()).unwrap_or(0) % 86_400);
            viewing.viewed_at = Moment::At(period.last.and_time(chrono::NaiveTime::MIN) + second);
            change(&mut viewing);
            viewings.push(viewing);
            *self.planted.entry(rule).or_default() += 1;
        };
        add("KEY-NULL", &|viewing| viewing.viewed_at = Moment::Null);
        add("TS-ZERO", &|viewing| viewing.viewed_at = Moment::Zero);
        add("TXT-BYTES", &|viewing| viewing.call_to_action = Some(WIDE_TEXT.to_owned()));
        for _ in 0..3 {
            add("VIEW-REF-APARTMENT", &|viewing| viewing.apartment_id += FIRST_UNKNOWN_APARTMENT_ID);
        }
        for _ in 0..2 {
            add("VIEW-FUTURE", &|viewing| {
                if let Moment::At(time) = viewing.viewed_at {
                    viewing.viewed_at = Moment::At(time + TimeDelta::days(2));
                }
            });
        }
    }

    fn plant_in_attributes(&mut self, tables: &mut Tables, chance: &mut Chance) {
        let orphan_count = 2;
        for _ in 0..orphan_count {
            let orphan = chance.pick(&tables.apartment_attributes).clone();
            let id = FIRST_UNKNOWN_APARTMENT_ID + tables.apartment_attributes.len() as i64;
            let state = orphan.state.or(Some("TX"));
            tables.apartment_attributes.push(ApartmentAttributes {
                id,
                state,
                latitude: 30.0,
                longitude: -97.0,
                ..orphan
            });
        }
        self.count("ATT-NO-APARTMENT", orphan_count);
        // A row that is rejected, beside the apartment's sound one.
        let unreadable = chance.pick(&tables.apartment_attributes).clone();
        tables.apartment_attributes.push(ApartmentAttributes { square_feet: 5_000_000_000, ..unreadable });
        self.count("VALUE-UNREADABLE", 1);
    }
}

fn with_attributes(listing: &mut Listing, change: impl Fn(&mut ApartmentAttributes)) {
    if let Some(attributes) = &mut listing.attributes {
        change(attributes);
    }
}

fn days_after(day: Moment<NaiveDate>, days: u64) -> Moment<NaiveDate> {
    day.at().map_or(day, |day| Moment::At(day + Days::new(days)))
}
