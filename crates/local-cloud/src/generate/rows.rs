//! The rows of the four source tables and their CSV form. Field order is column order; an empty field is NULL.

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Serialize, Serializer};
use std::fmt::Display;

/// A date or a time as the source may hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Moment<T> {
    Null,
    /// MySQL's `0000-00-00`, which no calendar has.
    Zero,
    At(T),
}

impl<T: Copy> Moment<T> {
    pub(super) fn at(&self) -> Option<T> {
        match self {
            Self::At(moment) => Some(*moment),
            Self::Null | Self::Zero => None,
        }
    }
}

impl<T: Display> Serialize for Moment<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Zero => serializer.serialize_str("0000-00-00"),
            Self::At(moment) => serializer.collect_str(moment),
        }
    }
}

/// An amount in hundredths of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cents(pub(super) i64);

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sign = if self.0 < 0 { "-" } else { "" };
        let absolute = self.0.unsigned_abs();
        serializer.collect_str(&format_args!("{sign}{}.{:02}", absolute / 100, absolute % 100))
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Apartment {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) source: &'static str,
    pub(super) price: Option<Cents>,
    pub(super) currency: &'static str,
    pub(super) listing_created_on: Moment<NaiveDate>,
    pub(super) is_active: Option<bool>,
    pub(super) last_modified_timestamp: Moment<NaiveDateTime>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ApartmentAttributes {
    pub(super) id: i64,
    pub(super) category: &'static str,
    pub(super) body: String,
    pub(super) amenities: Option<String>,
    pub(super) bathrooms: i64,
    pub(super) bedrooms: i64,
    pub(super) fee: Option<Cents>,
    pub(super) has_photo: bool,
    pub(super) pets_allowed: Option<&'static str>,
    pub(super) price_display: String,
    pub(super) price_type: Option<&'static str>,
    pub(super) square_feet: i64,
    pub(super) address: Option<String>,
    pub(super) cityname: Option<String>,
    pub(super) state: Option<&'static str>,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(super) struct UserViewing {
    pub(super) user_id: i64,
    pub(super) apartment_id: i64,
    pub(super) viewed_at: Moment<NaiveDateTime>,
    pub(super) is_wishlisted: bool,
    pub(super) call_to_action: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Booking {
    pub(super) booking_id: i64,
    pub(super) user_id: Option<i64>,
    pub(super) apartment_id: i64,
    pub(super) booking_date: Moment<NaiveDateTime>,
    pub(super) checkin_date: Moment<NaiveDate>,
    pub(super) checkout_date: Moment<NaiveDate>,
    pub(super) total_price: Option<Cents>,
    pub(super) currency: &'static str,
    pub(super) booking_status: Option<&'static str>,
    pub(super) payment_status: Option<&'static str>,
    pub(super) num_guests: i64,
}

/// One exchange rate: reporting currency (USD) for one unit of `currency`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FxRate {
    pub(super) currency: &'static str,
    pub(super) rate_date: NaiveDate,
    pub(super) rate_to_reporting: String,
    pub(super) source: &'static str,
}
