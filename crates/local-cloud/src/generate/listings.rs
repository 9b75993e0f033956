//! Listings: an apartment and its attributes, with what the other tables need to know about them.

use super::{
    Period,
    chance::Chance,
    city::{CITIES, City},
    rows::{Apartment, ApartmentAttributes, Cents, Moment},
};
use chrono::{Days, NaiveDate, NaiveDateTime};

/// Keys of apartments start here, so that the table spreads over two chunks of 65,536 keys.
const FIRST_APARTMENT_ID: i64 = 64_501;

/// How the price of a listing is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PriceType {
    Monthly,
    Weekly,
    Nightly,
}

/// One listing.
pub(super) struct Listing {
    pub(super) apartment: Apartment,
    /// None where the source has lost them.
    pub(super) attributes: Option<ApartmentAttributes>,
    pub(super) city: &'static City,
    pub(super) price_type: PriceType,
    pub(super) nightly_price: Cents,
    /// First day on which it can be booked.
    pub(super) listed_from: NaiveDate,
    /// First day on which it cannot be booked any more.
    pub(super) listed_until: Option<NaiveDate>,
    /// How often it is looked at and booked, compared with others.
    pub(super) popularity: u32,
    /// Planted with a defect: no other one is planted in it.
    pub(super) is_defective: bool,
    /// False where a booking would break a rule of its own, because the listing is never available.
    pub(super) is_bookable: bool,
}

impl Listing {
    pub(super) fn id(&self) -> i64 {
        self.apartment.id
    }
}

impl PriceType {
    fn name(self) -> &'static str {
        match self {
            Self::Monthly => "Monthly",
            Self::Weekly => "Weekly",
            Self::Nightly => "Nightly",
        }
    }

    /// The listed price for a nightly one; longer terms are cheaper by the night.
    fn price(self, nightly: Cents) -> Cents {
        let Cents(cents) = nightly;
        let exact = match self {
            Self::Monthly => cents * 30 * 55 / 100,
            Self::Weekly => cents * 7 * 85 / 100,
            Self::Nightly => cents,
        };
        Cents(exact / 100 * 100)
    }
}

/// Makes `count` listings, created from half a year before the period to its end.
pub(super) fn make_listings(count: usize, period: Period, chance: &mut Chance) -> Vec<Listing> {
    let city_totals: Vec<u64> = CITIES
        .iter()
        .scan(0, |sum, city| {
            *sum += u64::from(city.weight);
            Some(*sum)
        })
        .collect();
    (FIRST_APARTMENT_ID..)
        .take(count)
        .map(|id| make_listing(id, &CITIES[chance.position(&city_totals)], period, chance))
        .collect()
}

fn make_listing(id: i64, city: &'static City, period: Period, chance: &mut Chance) -> Listing {
    let bedrooms = *chance.weighted(&[(18, 0), (38, 1), (28, 2), (12, 3), (4, 4)]);
    let price_type = *chance.weighted(&[(40, PriceType::Monthly), (15, PriceType::Weekly), (45, PriceType::Nightly)]);
    let size_percent = 80 + 25 * bedrooms;
    let spread_percent = chance.between(60..=130) + chance.between(0..=30);
    let nightly = city.nightly_price * size_percent * spread_percent / 10_000;
    let nightly_price = Cents(nightly.max(9) * 100);

    let listed_from = if chance.percent(45) {
        period.first - Days::new(chance.between(1..=184).unsigned_abs())
    } else {
        period.first + Days::new(chance.between(0..=period.days() - 2).unsigned_abs())
    };
    let delisted = listed_from + Days::new((chance.between(60..=320) + chance.between(0..=320)).unsigned_abs());
    let listed_until = Some(delisted).filter(|day| chance.percent(60) && *day <= period.last);
    let modified_on = match listed_until {
        Some(day) => Some(day),
        None if chance.percent(4) => None,
        None => {
            let age = (period.last - listed_from).num_days();
            Some(listed_from + Days::new(chance.between(0..=age).unsigned_abs()))
        }
    };

    let apartment = Apartment {
        id,
        title: title(city, bedrooms, chance),
        source: chance.weighted::<&str>(&[(55, "direct"), (25, "partner feed"), (15, "agency"), (5, "import")]),
        price: Some(price_type.price(nightly_price)),
        currency: city.currency,
        listing_created_on: Moment::At(listed_from),
        is_active: Some(listed_until.is_none()),
        last_modified_timestamp: modified_on.map_or(Moment::Null, |day| Moment::At(time_on(day, chance))),
    };
    let attributes = make_attributes(&apartment, city, bedrooms, price_type, chance);
    Listing {
        apartment,
        attributes: Some(attributes),
        city,
        price_type,
        nightly_price,
        listed_from,
        listed_until,
        popularity: *chance.weighted(&[(45, 2), (30, 5), (18, 12), (7, 30)]),
        is_defective: false,
        is_bookable: true,
    }
}

/// A time of that day, in the waking hours mostly.
pub(super) fn time_on(day: NaiveDate, chance: &mut Chance) -> NaiveDateTime {
    let hours = chance.weighted(&[(4, 0..=6), (22, 7..=11), (34, 12..=17), (40, 18..=23)]).clone();
    let hour = chance.between(hours);
    let second = chance.between(0..=3599);
    day.and_time(chrono::NaiveTime::MIN) + chrono::TimeDelta::seconds(hour * 3600 + second)
}

fn title(city: &City, bedrooms: i64, chance: &mut Chance) -> String {
    let mood =
        chance.pick(&["Sunny", "Quiet", "Bright", "Cosy", "Modern", "Spacious", "Renovated", "Charming", "Airy"]);
    let size = match bedrooms {
        0 => "studio".to_owned(),
        1 => "one-bedroom flat".to_owned(),
        count => format!("{count}-bedroom apartment"),
    };
    let place =
        chance.pick(&["near the station", "in the old town", "by the park", "with a view", "close to the centre"]);
    format!("{mood} {size} {place}, {}", city.name)
}

fn make_attributes(
    apartment: &Apartment,
    city: &'static City,
    bedrooms: i64,
    price_type: PriceType,
    chance: &mut Chance,
) -> ApartmentAttributes {
    let symbol = match city.currency {
        "EUR" => "€",
        "INR" => "₹",
        _ => "$",
    };
    let whole_price = apartment.price.map_or(0, |price| price.0 / 100);
    // What people type: most names are clean, some are not, and grouping has to fold them.
    let cityname = match chance.between(1..=1000) {
        1..=4 => None,
        5..=12 => Some(city.name.to_lowercase()),
        13..=18 => Some(format!("{} ", city.name)),
        19..=22 => Some(city.name.to_uppercase()),
        _ => Some(city.name.to_owned()),
    };
    ApartmentAttributes {
        id: apartment.id,
        category: chance.weighted::<&str>(&[
            (70, "housing/rent/apartment"),
            (22, "housing/rent/short_term"),
            (8, "housing/rent/home"),
        ]),
        body: body(chance),
        amenities: amenities(chance),
        bathrooms: 1 + bedrooms / 2,
        bedrooms,
        fee: if chance.percent(70) { Some(Cents(chance.between(0..=12) * 1000)) } else { None },
        has_photo: chance.percent(93),
        pets_allowed: *chance.weighted(&[
            (40, None),
            (25, Some("None")),
            (20, Some("Cats,Dogs")),
            (10, Some("Cats")),
            (5, Some("Dogs")),
        ]),
        price_display: format!("{symbol}{whole_price} {}", price_type.name()),
        price_type: if chance.permille(12) { None } else { Some(price_type.name()) },
        square_feet: 330 + 260 * bedrooms + chance.between(0..=240),
        address: chance.percent(92).then(|| format!("{} {}", chance.between(1..=399), chance.pick(city.streets))),
        cityname,
        state: Some(city.state),
        latitude: near(city.latitude, chance),
        longitude: near(city.longitude, chance),
    }
}

fn body(chance: &mut Chance) -> String {
    let first = chance.pick(&[
        "Freshly painted rooms and a fully equipped kitchen.",
        "On the third floor, with a lift and a small balcony.",
        "A calm place to work or to rest, five minutes from the shops.",
        "Fast internet, a proper desk and a comfortable bed.",
        "Ground floor with its own entrance and a shared garden.",
    ]);
    let second = chance.pick(&[
        "Guests praise the hot shower.",
        "The tram stops at the corner.",
        "Heating and water are included.",
        "Parking on request.",
        "Self check-in at any hour.",
        "Linen and towels are provided.",
    ]);
    format!("{first} {second}")
}

fn amenities(chance: &mut Chance) -> Option<String> {
    const AMENITIES: &[&str] =
        &["AC", "Dishwasher", "Elevator", "Gym", "Internet Access", "Parking", "Patio/Deck", "Pool", "Washer Dryer"];
    let chosen: Vec<&str> = AMENITIES.iter().filter(|_| chance.percent(35)).copied().collect();
    (!chosen.is_empty()).then(|| chosen.join(","))
}

/// Within a few kilometres, to four decimals as maps give it.
fn near(degrees: f64, chance: &mut Chance) -> f64 {
    let ten_thousandths = (degrees * 10_000.0).round() as i64 + chance.between(-450..=450);
    ten_thousandths as f64 / 10_000.0
}
