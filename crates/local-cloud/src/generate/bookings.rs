//! Bookings: stays that follow season, weekday and lead time. Confirmed stays of one listing do not overlap.

use super::{
    Period,
    chance::Chance,
    listings::{Listing, PriceType, time_on},
    rows::{Booking, Cents, Moment},
};
use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Just below 2^31: keys outgrow a 32-bit integer within the sample, and the table spreads over two chunks.
const FIRST_BOOKING_ID: i64 = 2_147_480_000;
pub(super) const FIRST_USER_ID: i64 = 900_001;
/// How far ahead of the last day people book at most.
const HORIZON_DAYS: u64 = 150;
/// How often a listing is tried again with another stay before the booking goes to another one.
const TRIES_PER_LISTING: usize = 8;
/// When so many listings had no free nights, the stay is refused by the host: a canceled booking.
const LISTINGS_TRIED: usize = 25;

/// How many users have booked at all.
pub(super) fn booking_user_count(booking_count: usize) -> usize {
    (booking_count * 45 / 100).max(1)
}

/// One stay before it has a user and a number.
struct Stay {
    listing: usize,
    booked_on: NaiveDate,
    checkin: NaiveDate,
    nights: i64,
    is_refused: bool,
}

/// Makes `count` bookings of the bookable listings, in order of booking date.
pub(super) fn make_bookings(count: usize, listings: &[Listing], period: Period, chance: &mut Chance) -> Vec<Booking> {
    let mut taken: Vec<Vec<(NaiveDate, NaiveDate)>> = vec![Vec::new(); listings.len()];
    let demand = demand(listings, period);
    if demand.last().is_none_or(|total| *total == 0) {
        return Vec::new();
    }
    let mut bookings: Vec<Booking> = (0..count)
        .map(|_| {
            let stay = find_stay(listings, &demand, &mut taken, period, chance);
            make_booking(&stay, &listings[stay.listing], &mut taken[stay.listing], period, chance)
        })
        .collect();
    bookings.sort_by_key(|booking| booking.booking_date);
    give_users(&mut bookings, chance);
    for (booking, id) in bookings.iter_mut().zip(FIRST_BOOKING_ID..) {
        booking.booking_id = id;
    }
    bookings
}

/// Running totals of how much each listing is wanted: popularity times the days it is listed.
fn demand(listings: &[Listing], period: Period) -> Vec<u64> {
    let mut total = 0;
    let wanted = listings.iter().map(|listing| {
        let until = listing.listed_until.unwrap_or(period.last);
        let days = (until - listing.listed_from.max(period.first)).num_days().max(0).unsigned_abs();
        total += if listing.is_bookable { u64::from(listing.popularity) * days } else { 0 };
        total
    });
    wanted.collect()
}

fn find_stay(
    listings: &[Listing],
    demand: &[u64],
    taken: &mut [Vec<(NaiveDate, NaiveDate)>],
    period: Period,
    chance: &mut Chance,
) -> Stay {
    let mut refused = None;
    for _ in 0..LISTINGS_TRIED {
        let index = chance.position(demand);
        for _ in 0..TRIES_PER_LISTING {
            let Some(stay) = propose_stay(index, &listings[index], period, chance) else { continue };
            let checkout = stay.checkin + Days::new(stay.nights.unsigned_abs());
            if taken[index].iter().all(|(from, until)| checkout <= *from || *until <= stay.checkin) {
                return stay;
            }
            refused = Some(stay);
        }
    }
    match refused {
        Some(stay) => Stay { is_refused: true, ..stay },
        None => find_stay(listings, demand, taken, period, chance),
    }
}

/// A stay that fits the listing's listed days and the period, if the dice give one.
fn propose_stay(index: usize, listing: &Listing, period: Period, chance: &mut Chance) -> Option<Stay> {
    let first = listing.listed_from.max(period.first);
    let end = listing.listed_until.unwrap_or(period.last + Days::new(HORIZON_DAYS));
    let checkin = first + Days::new(chance.between(0..=(end - first).num_days().max(1) - 1).unsigned_abs());
    let day_percent = match checkin.weekday() {
        Weekday::Fri => 100,
        Weekday::Sat => 85,
        Weekday::Thu => 65,
        Weekday::Sun | Weekday::Mon => 50,
        Weekday::Tue | Weekday::Wed => 42,
    };
    let season_percent = listing.city.season[checkin.month0() as usize];
    if !chance.percent(day_percent) || !chance.percent(season_percent) {
        return None;
    }
    let is_long = chance.percent(if listing.price_type == PriceType::Monthly { 9 } else { 1 });
    let nights = if is_long {
        chance.between(28..=75)
    } else {
        *chance.weighted(&[
            (13, 1),
            (20, 2),
            (18, 3),
            (12, 4),
            (9, 5),
            (6, 6),
            (10, 7),
            (3, 8),
            (2, 9),
            (3, 10),
            (1, 11),
            (1, 12),
            (1, 13),
            (5, 14),
        ])
    };
    let lead = chance.weighted(&[(7, 0..=1), (25, 2..=7), (30, 8..=21), (24, 22..=60), (12, 61..=120), (2, 121..=240)]);
    let lead_days = chance.between(lead.clone()).min((checkin - listing.listed_from).num_days());
    let booked_on = checkin - Days::new(lead_days.unsigned_abs());
    let fits = checkin + Days::new(nights.unsigned_abs()) <= end && period.holds(booked_on);
    fits.then_some(Stay { listing: index, booked_on, checkin, nights, is_refused: false })
}

fn make_booking(
    stay: &Stay,
    listing: &Listing,
    taken: &mut Vec<(NaiveDate, NaiveDate)>,
    period: Period,
    chance: &mut Chance,
) -> Booking {
    let checkout = stay.checkin + Days::new(stay.nights.unsigned_abs());
    let open_weight = if stay.checkin > period.last { 120 } else { 15 };
    // Spelling varies at the source: case and blanks do not make another status.
    let status = *chance.weighted(&[
        (770, "confirmed"),
        (8, "Confirmed"),
        (4, " confirmed"),
        (open_weight, "pending"),
        (160, "canceled"),
        (14, "cancelled"),
    ]);
    let status = if stay.is_refused { "canceled" } else { status };
    let is_confirmed = status.trim().eq_ignore_ascii_case("confirmed");
    if is_confirmed {
        taken.push((stay.checkin, checkout));
    }
    let payment = match status {
        "pending" => "pending",
        _ if is_confirmed => chance.weighted(&[(93, "paid"), (5, "pending"), (2, "failed")]),
        _ => chance.weighted(&[(65, "refunded"), (20, "pending"), (15, "failed")]),
    };
    Booking {
        booking_id: 0,
        user_id: None,
        apartment_id: listing.id(),
        booking_date: Moment::At(time_on(stay.booked_on, chance)),
        checkin_date: Moment::At(stay.checkin),
        checkout_date: Moment::At(checkout),
        total_price: Some(stay_price(listing, stay.checkin, stay.nights, chance)),
        currency: listing.apartment.currency,
        booking_status: Some(status),
        payment_status: Some(payment),
        num_guests: chance.between(1..=listing.attributes.as_ref().map_or(2, |attributes| 2 + attributes.bedrooms)),
    }
}

/// The sum over the nights: dearer in season and at weekends, cheaper for long stays.
pub(super) fn stay_price(listing: &Listing, checkin: NaiveDate, nights: i64, chance: &mut Chance) -> Cents {
    let nightly = |day: NaiveDate| {
        let weekend_percent = if matches!(day.weekday(), Weekday::Fri | Weekday::Sat) { 118 } else { 100 };
        let season_percent = 80 + i64::from(listing.city.season[day.month0() as usize]) * 2 / 5;
        listing.nightly_price.0 * weekend_percent * season_percent / 10_000
    };
    let sum: i64 = checkin.iter_days().take(nights.unsigned_abs() as usize).map(nightly).sum();
    let long_stay_percent = match nights {
        28.. => 62,
        7.. => 90,
        _ => 100,
    };
    let total = sum * long_stay_percent / 100 * chance.between(97..=103) / 100;
    Cents(if listing.apartment.currency == "INR" { total / 100 * 100 } else { total }.max(100))
}

/// Users book again: some soon after, a few all the time, most once or twice.
fn give_users(bookings: &mut [Booking], chance: &mut Chance) {
    let user_count = booking_user_count(bookings.len());
    let regular_count = (user_count / 20).max(1);
    // About the bookings of thirty days, in a sample of two years.
    let recent_count = (bookings.len() / 24).max(1);
    for index in 0..bookings.len() {
        let user = match chance.between(1..=100) {
            1..=8 if index > 0 => bookings[index - 1 - chance.below(recent_count.min(index))].user_id,
            9..=22 => Some(FIRST_USER_ID + chance.below(regular_count) as i64),
            _ => Some(FIRST_USER_ID + chance.below(user_count) as i64),
        };
        bookings[index].user_id = user;
    }
}
