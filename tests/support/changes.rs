//! Random changes of a source, and of its exchange rates.

use super::{
    Pipeline,
    cases::{execute, insert},
    cloud,
};
use chrono::{Days, NaiveDate};
use rand::{RngExt as _, rngs::StdRng};
use sqlx::MySqlPool;
use std::fmt::Write as _;

const CURRENCIES: [&str; 5] = ["'USD'", "'EUR'", "' eur '", "'JPY'", "null"];

/// What a run lets pass after such changes: small tables lose all their rows, and most bookings wait for a listing.
pub(crate) const ACCEPTED: [&str; 4] = ["--accept", "TBL-EMPTY", "--accept", "BKG-REF-APARTMENT"];

/// Some days with rates, and gaps between them that are too long for a rate to hold.
pub(crate) async fn put_rates(random: &mut StdRng, pipeline: &Pipeline, day: NaiveDate, log: &mut Vec<String>) {
    let mut rates = String::from("currency,rate_date,rate_to_reporting\n");
    for currency in ["EUR", "JPY"] {
        let mut rate_day = day - Days::new(90);
        while rate_day < day + Days::new(60) {
            let _ = writeln!(rates, "{currency},{rate_day},1.{:02}", random.random_range(1..90));
            rate_day = rate_day + Days::new(random.random_range(1..25));
        }
    }
    log.push(format!("rates: {}", rates.replace('\n', " ")));
    cloud().put_text(&pipeline.bucket, "reference/fx_rates.csv", rates).await;
}

/// Random statements at the source, at most `count`, about days near `day`. Keys are few, so that they meet: bookings of listings
/// that come, go and come again. They are multiples of `key_step`.
pub(crate) async fn change(
    random: &mut StdRng,
    source: &MySqlPool,
    day: NaiveDate,
    count: u32,
    key_step: i64,
    log: &mut Vec<String>,
) {
    for _ in 0..random.random_range(1..=count) {
        let listing = random.random_range(1..=12_i64) * key_step;
        let booking = random.random_range(1..=60_i64) * key_step;
        let near = |random: &mut StdRng, before: u64, after: u64| {
            day - Days::new(before) + Days::new(random.random_range(0..=before + after))
        };
        let statement = match random.random_range(0..14) {
            0 => {
                let created = near(random, 60, 5);
                execute(source, &format!("delete from apartments where id = {listing}")).await;
                insert(
                    source,
                    "apartments",
                    &[
                        ("id", &listing.to_string()),
                        ("price", &format!("{}.50", random.random_range(-2..300))),
                        ("currency", CURRENCIES[random.random_range(0..5)]),
                        ("listing_created_on", &format!("'{created}'")),
                        ("is_active", ["1", "1", "1", "0", "null"][random.random_range(0..5)]),
                        ("last_modified_timestamp", &format!("'{} 02:30:00'", near(random, 30, 0))),
                    ],
                )
                .await;
                format!("apartment {listing}")
            }
            1 => format!("update apartments set price = price + 1 where id = {listing}"),
            2 => format!("update apartments set is_active = not is_active where id = {listing}"),
            3 => format!("delete from apartments where id = {listing} and {} = 0", random.random_range(0..3)),
            4 => {
                execute(source, &format!("delete from apartment_attributes where id = {listing}")).await;
                insert(
                    source,
                    "apartment_attributes",
                    &[
                        ("id", &listing.to_string()),
                        ("cityname", ["'Austin'", "'austin '", "'Berlin'", "' '", "null"][random.random_range(0..5)]),
                        ("state", ["'TX'", "'tx'", "null"][random.random_range(0..3)]),
                        ("price_type", ["'night'", "' Night'", "'month'", "null"][random.random_range(0..4)]),
                    ],
                )
                .await;
                format!("attributes {listing}")
            }
            5 => format!("delete from apartment_attributes where id = {listing} and {} = 0", random.random_range(0..3)),
            6..9 => {
                let checkin = near(random, 70, 30);
                let checkout = checkin + Days::new([1, 2, 3, 7, 30][random.random_range(0..5)]);
                execute(source, &format!("delete from bookings where booking_id = {booking}")).await;
                insert(
                    source,
                    "bookings",
                    &[
                        ("booking_id", &booking.to_string()),
                        ("user_id", &random.random_range(1..8).to_string()),
                        ("apartment_id", &(random.random_range(1..=14_i64) * key_step).to_string()),
                        ("booking_date", &format!("'{} 03:00:00'", near(random, 80, 0))),
                        ("checkin_date", &format!("'{checkin}'")),
                        ("checkout_date", &format!("'{checkout}'")),
                        ("total_price", ["100", "99.99", "0", "-7", "null"][random.random_range(0..5)]),
                        ("currency", CURRENCIES[random.random_range(0..5)]),
                        ("booking_status", ["'confirmed'", "' Confirmed'", "'pending'"][random.random_range(0..3)]),
                    ],
                )
                .await;
                format!("booking {booking}")
            }
            9 => format!("update bookings set booking_status = 'canceled' where booking_id = {booking}"),
            10 => format!("update bookings set booking_date = null where booking_id = {booking}"),
            11 => format!("delete from bookings where booking_id = {booking}"),
            12 => {
                let viewed = format!("'{} 23:30:00'", near(random, 20, 0));
                insert(source, "user_viewing", &[("apartment_id", &listing.to_string()), ("viewed_at", &viewed)]).await;
                format!("viewing {viewed}")
            }
            _ => format!("delete from user_viewing where apartment_id = {listing} limit 1"),
        };
        if statement.contains(" from ") || statement.starts_with("update") {
            execute(source, &statement).await;
        }
        log.push(statement);
    }
}
