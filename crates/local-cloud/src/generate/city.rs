//! Where the listings are: real cities with their coordinates, currency, price level and season.

/// A city of the marketplace.
pub(super) struct City {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) currency: &'static str,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// Usual price of a night in a one-bedroom flat, in whole units of the currency.
    pub(super) nightly_price: i64,
    /// How likely a check-in is in each month, January first.
    pub(super) season: &'static [u32; 12],
    /// Share of all listings.
    pub(super) weight: u32,
    pub(super) streets: &'static [&'static str],
}

const SUMMER: [u32; 12] = [35, 40, 55, 70, 80, 95, 100, 100, 75, 60, 45, 65];
const WINTER_SUN: [u32; 12] = [95, 100, 100, 75, 55, 50, 55, 50, 45, 60, 75, 100];
const MONSOON: [u32; 12] = [95, 90, 75, 60, 55, 40, 35, 40, 55, 85, 95, 100];
const BUSINESS: [u32; 12] = [65, 75, 85, 90, 90, 85, 70, 65, 95, 100, 85, 60];

const AMERICAN: &[&str] =
    &["Oak St", "Maple Ave", "2nd St", "Cedar Ln", "Lakeview Dr", "Main St", "Park Ave", "Elm St"];
const GERMAN: &[&str] = &["Lindenstr.", "Gartenweg", "Hauptstr.", "Am Markt", "Schillerstr.", "Kastanienallee"];
const FRENCH: &[&str] = &["rue des Lilas", "rue Victor Hugo", "quai de la Gare", "avenue Foch", "rue du Moulin"];
const SPANISH: &[&str] = &["Calle Mayor", "Carrer de Mallorca", "Calle del Sol", "Plaza Nueva", "Rua Augusta"];
const ITALIAN: &[&str] = &["Via Garibaldi", "Via Roma", "Viale Mazzini", "Piazza Verdi"];
const DUTCH: &[&str] = &["Prinsengracht", "Dorpsstraat", "Kerkstraat", "Molenweg"];
const INDIAN: &[&str] = &["MG Road", "Station Road", "Lake View Road", "Gandhi Nagar", "Temple Street", "Ring Road"];

#[rustfmt::skip]
pub(super) const CITIES: &[City] = &[
    City { name: "Austin", state: "TX", currency: "USD", latitude: 30.2672, longitude: -97.7431, nightly_price: 118, season: &BUSINESS, weight: 9, streets: AMERICAN },
    City { name: "Denver", state: "CO", currency: "USD", latitude: 39.7392, longitude: -104.9903, nightly_price: 109, season: &SUMMER, weight: 6, streets: AMERICAN },
    City { name: "Chicago", state: "IL", currency: "USD", latitude: 41.8781, longitude: -87.6298, nightly_price: 124, season: &BUSINESS, weight: 7, streets: AMERICAN },
    City { name: "Miami", state: "FL", currency: "USD", latitude: 25.7617, longitude: -80.1918, nightly_price: 158, season: &WINTER_SUN, weight: 8, streets: AMERICAN },
    City { name: "Seattle", state: "WA", currency: "USD", latitude: 47.6062, longitude: -122.3321, nightly_price: 139, season: &SUMMER, weight: 5, streets: AMERICAN },
    City { name: "San Diego", state: "CA", currency: "USD", latitude: 32.7157, longitude: -117.1611, nightly_price: 164, season: &SUMMER, weight: 6, streets: AMERICAN },
    City { name: "Nashville", state: "TN", currency: "USD", latitude: 36.1627, longitude: -86.7816, nightly_price: 121, season: &BUSINESS, weight: 4, streets: AMERICAN },
    City { name: "New York", state: "NY", currency: "USD", latitude: 40.7128, longitude: -74.0060, nightly_price: 212, season: &BUSINESS, weight: 9, streets: AMERICAN },
    City { name: "Portland", state: "OR", currency: "USD", latitude: 45.5152, longitude: -122.6784, nightly_price: 101, season: &SUMMER, weight: 3, streets: AMERICAN },
    City { name: "Portland", state: "ME", currency: "USD", latitude: 43.6591, longitude: -70.2568, nightly_price: 128, season: &SUMMER, weight: 2, streets: AMERICAN },
    City { name: "Boston", state: "MA", currency: "USD", latitude: 42.3601, longitude: -71.0589, nightly_price: 171, season: &BUSINESS, weight: 4, streets: AMERICAN },
    City { name: "Berlin", state: "BE", currency: "EUR", latitude: 52.5200, longitude: 13.4050, nightly_price: 89, season: &SUMMER, weight: 5, streets: GERMAN },
    City { name: "München", state: "BY", currency: "EUR", latitude: 48.1351, longitude: 11.5820, nightly_price: 121, season: &BUSINESS, weight: 3, streets: GERMAN },
    City { name: "Paris", state: "IDF", currency: "EUR", latitude: 48.8566, longitude: 2.3522, nightly_price: 142, season: &SUMMER, weight: 6, streets: FRENCH },
    City { name: "Barcelona", state: "CT", currency: "EUR", latitude: 41.3874, longitude: 2.1686, nightly_price: 112, season: &SUMMER, weight: 5, streets: SPANISH },
    City { name: "Lisboa", state: "LX", currency: "EUR", latitude: 38.7223, longitude: -9.1393, nightly_price: 93, season: &SUMMER, weight: 3, streets: SPANISH },
    City { name: "Roma", state: "LAZ", currency: "EUR", latitude: 41.9028, longitude: 12.4964, nightly_price: 104, season: &SUMMER, weight: 3, streets: ITALIAN },
    City { name: "Amsterdam", state: "NH", currency: "EUR", latitude: 52.3676, longitude: 4.9041, nightly_price: 151, season: &SUMMER, weight: 2, streets: DUTCH },
    City { name: "Mumbai", state: "MH", currency: "INR", latitude: 19.0760, longitude: 72.8777, nightly_price: 5200, season: &MONSOON, weight: 4, streets: INDIAN },
    City { name: "Pune", state: "MH", currency: "INR", latitude: 18.5204, longitude: 73.8567, nightly_price: 3100, season: &BUSINESS, weight: 3, streets: INDIAN },
    City { name: "Bengaluru", state: "KA", currency: "INR", latitude: 12.9716, longitude: 77.5946, nightly_price: 3900, season: &BUSINESS, weight: 4, streets: INDIAN },
    City { name: "Panaji", state: "GA", currency: "INR", latitude: 15.4909, longitude: 73.8278, nightly_price: 4600, season: &MONSOON, weight: 3, streets: INDIAN },
    City { name: "Jaipur", state: "RJ", currency: "INR", latitude: 26.9124, longitude: 75.7873, nightly_price: 2800, season: &MONSOON, weight: 2, streets: INDIAN },
];
