//! ISO 4217: which texts name a currency, and how many decimals its amounts may have.

use std::sync::LazyLock;

/// One currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    pub code: &'static str,
    /// Decimals of the smallest unit; `None` where the standard gives none (metals, funds, test codes).
    pub minor_units: Option<u8>,
}

impl Currency {
    /// Every currency of the standard, in a fixed order.
    pub fn all() -> impl Iterator<Item = Self> {
        GROUPS.iter().flat_map(|(minor_units, codes)| {
            codes.split_ascii_whitespace().map(|code| Self { code, minor_units: *minor_units })
        })
    }

    /// The currency that a text names after trimming blanks and upper-casing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Nearly all are written without blanks.
        let code: [u8; 3] = text.as_bytes().try_into().or_else(|_| text.trim().as_bytes().try_into()).ok()?;
        let code = code.map(|byte| byte.to_ascii_uppercase());
        BY_LETTERS.get(letters(&code)?).copied().flatten()
    }
}

/// Every possible code: a price is looked up twice, so that a search would be felt.
static BY_LETTERS: LazyLock<Vec<Option<Currency>>> = LazyLock::new(|| {
    let mut table = vec![None; 26 * 26 * 26];
    for currency in Currency::all() {
        let place = currency.code.as_bytes().try_into().ok().and_then(letters);
        if let Some(entry) = place.and_then(|place| table.get_mut(place)) {
            *entry = Some(currency);
        }
    }
    table
});

/// The place of a code among all codes of three capital letters.
fn letters(code: &[u8; 3]) -> Option<usize> {
    code.iter().try_fold(0, |place, letter| {
        let letter = letter.checked_sub(b'A').filter(|letter| *letter < 26)?;
        Some(place * 26 + usize::from(letter))
    })
}

/// List one of the standard by number of decimals, the common ones first. Codes withdrawn since 2022 (ANG, BGN, CUC,
/// HRK, SLL, ZWL) stay: older bookings carry them.
const GROUPS: &[(Option<u8>, &str)] = &[
    (
        Some(2),
        "USD EUR INR GBP CAD AUD CHF CNY MXN BRL SEK NOK DKK PLN NZD ZAR TRY AED AFN ALL AMD ANG AOA ARS AWG AZN BAM \
         BBD BDT BGN BMD BND BOB BOV BSD BTN BWP BYN BZD CDF CHE CHW COP COU CRC CUC CUP CVE CZK DOP DZD EGP ERN ETB \
         FJD FKP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD \
         LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXV MYR MZN NAD NGN NIO NPR PAB PEN PGK PHP PKR QAR RON RSD \
         RUB SAR SBD SCR SDG SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TTD TWD TZS UAH USN UYU UZS \
         VED VES WST XAD XCD XCG YER ZMW ZWG ZWL",
    ),
    (Some(0), "JPY KRW BIF CLP DJF GNF ISK KMF PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (Some(3), "BHD IQD JOD KWD LYD OMR TND"),
    (Some(4), "CLF UYW"),
    (None, "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_whatever_its_case_and_blanks() {
        let cases = [
            ("USD", Some(Some(2))),
            (" eur ", Some(Some(2))),
            (" US", None),
            ("jpy", Some(Some(0))),
            ("KWD", Some(Some(3))),
            ("XAU", Some(None)),
            ("US", None),
            ("EURO", None),
            ("$", None),
            ("", None),
            ("€", None),
            ("ZZZ", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Currency::parse(text).map(|currency| currency.minor_units), expected, "{text:?}");
        }
    }

    #[test]
    fn every_code_stands_once() {
        let mut codes: Vec<_> = Currency::all().map(|currency| currency.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|code| code.len() == 3));
    }
}
