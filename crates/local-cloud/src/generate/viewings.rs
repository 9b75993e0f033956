//! Viewings: who looked at which listing. Some lead to a booking, most do not. No two are equal unless planted so.

use super::{
    Period,
    bookings::{FIRST_USER_ID, booking_user_count},
    chance::Chance,
    listings::{Listing, time_on},
    rows::{Booking, Moment, UserViewing},
};
use chrono::{Days, NaiveDateTime, TimeDelta};
use std::collections::HashSet;

/// Makes `count` viewings in order of time.
pub(super) fn make_viewings(
    count: usize,
    listings: &[Listing],
    bookings: &[Booking],
    period: Period,
    chance: &mut Chance,
) -> Vec<UserViewing> {
    let visible: Vec<&Listing> = listings.iter().filter(|listing| listing.listed_from <= period.last).collect();
    let mut total = 0;
    let interest: Vec<u64> = visible
        .iter()
        .map(|listing| {
            let until = listing.listed_until.unwrap_or(period.last);
            let days = (until - listing.listed_from.max(period.first)).num_days().max(0) + 1;
            total += u64::from(listing.popularity) * days.unsigned_abs();
            total
        })
        .collect();
    if visible.is_empty() {
        return Vec::new();
    }
    // Many look, fewer book.
    let visitor_count = booking_user_count(bookings.len()) * 3;
    let mut viewings = HashSet::with_capacity(count);
    while viewings.len() < count {
        let before_booking =
            if bookings.is_empty() || chance.percent(70) { None } else { seen_before(chance.pick(bookings), chance) };
        let (user_id, apartment_id, viewed_at) = before_booking.unwrap_or_else(|| {
            let listing = visible[chance.position(&interest)];
            let first = listing.listed_from.max(period.first);
            let last = listing.listed_until.unwrap_or(period.last).max(first);
            let day = first + Days::new(chance.between(0..=(last - first).num_days()).unsigned_abs());
            (FIRST_USER_ID + chance.below(visitor_count) as i64, listing.id(), time_on(day, chance))
        });
        if period.holds(viewed_at.date()) {
            viewings.insert(UserViewing {
                user_id,
                apartment_id,
                viewed_at: Moment::At(viewed_at),
                is_wishlisted: chance.percent(14),
                call_to_action: call_to_action(chance),
            });
        }
    }
    let mut viewings: Vec<UserViewing> = viewings.into_iter().collect();
    viewings.sort_unstable_by(|one, other| (one.viewed_at, one).cmp(&(other.viewed_at, other)));
    viewings
}

/// The user of a booking, looking at its apartment some minutes to two weeks before.
fn seen_before(booking: &Booking, chance: &mut Chance) -> Option<(i64, i64, NaiveDateTime)> {
    let booked_at = booking.booking_date.at()?;
    let earlier = TimeDelta::seconds(chance.between(120..=1_200) * chance.between(1..=1_000));
    Some((booking.user_id?, booking.apartment_id, booked_at - earlier))
}

fn call_to_action(chance: &mut Chance) -> Option<String> {
    let action = chance.weighted(&[
        (52, None),
        (18, Some("view_photos")),
        (12, Some("check_availability")),
        (9, Some("contact_host")),
        (6, Some("book_now")),
        (3, Some("share")),
    ]);
    action.map(str::to_owned)
}
