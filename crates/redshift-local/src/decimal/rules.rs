//! Precision and scale of computed DECIMAL values (Database Developer Guide, pages r_numeric_computations201, r_SUM, r_AVG).

const PRECISION_MAX: i32 = 38;
/// What a quotient keeps behind the point at least.
const QUOTIENT_SCALE_MIN: i32 = 4;
/// DECIMAL of up to so many digits is stored in 64 bits.
const SHORT_PRECISION_MAX: i32 = 19;

/// DECIMAL(precision, scale).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) precision: i32,
    pub(super) scale: i32,
}

impl Decimal {
    pub(super) const SMALLINT: Self = Self { precision: 5, scale: 0 };
    pub(super) const INTEGER: Self = Self { precision: 10, scale: 0 };
    pub(super) const BIGINT: Self = Self { precision: 19, scale: 0 };

    pub(super) fn new(precision: i32, scale: i32) -> Self {
        Self { precision, scale }
    }

    /// From a modifier of PostgreSQL's NUMERIC; a negative one says nothing.
    pub(super) fn from_modifier(modifier: i32) -> Option<Self> {
        let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
        Some(Self::new(packed >> 16, packed & 0x7ff))
    }

    /// Of a literal: as many digits as are written.
    pub(super) fn of_literal(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(whole) || !is_plain(fraction) {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()?;
        let digits = i32::try_from(whole.trim_start_matches('0').len()).ok()? + scale;
        (digits <= PRECISION_MAX).then(|| Self::new(digits.max(1), scale))
    }

    /// Sum and difference.
    pub(super) fn plus(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self::new(self.whole().max(other.whole()) + 1 + scale, scale).bounded()
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self::new(self.precision + other.precision + 1, self.scale + other.scale).bounded()
    }

    /// Where the precision would be too large, digits behind the point give way, down to four.
    pub(super) fn divided_by(self, other: Self) -> Self {
        let scale = QUOTIENT_SCALE_MIN.max(self.scale + other.precision - other.scale + 1);
        let precision = self.whole() + other.scale + scale;
        if precision <= PRECISION_MAX {
            return Self::new(precision, scale);
        }
        Self::new(PRECISION_MAX, (PRECISION_MAX + scale - precision).max(QUOTIENT_SCALE_MIN))
    }

    pub(super) fn modulo(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self::new(self.whole().max(other.whole()) + scale, scale).bounded()
    }

    /// COALESCE, CASE, UNION: room for either.
    pub(super) fn or(self, other: Self) -> Self {
        self.modulo(other)
    }

    pub(super) fn sum(self) -> Self {
        Self::new(PRECISION_MAX, self.scale)
    }

    pub(super) fn average(self) -> Self {
        let is_short = self.precision <= SHORT_PRECISION_MAX;
        Self::new(if is_short { SHORT_PRECISION_MAX } else { PRECISION_MAX }, self.scale)
    }

    /// Digits in front of the point.
    fn whole(self) -> i32 {
        self.precision - self.scale
    }

    fn bounded(self) -> Self {
        Self::new(self.precision.min(PRECISION_MAX), self.scale.min(PRECISION_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    fn decimal(precision: i32, scale: i32) -> Decimal {
        Decimal::new(precision, scale)
    }

    #[test]
    fn quotients_have_the_scale_of_the_guide() {
        // The guide divides two DECIMAL(8,2); the others are what users met.
        for (dividend, divisor, expected) in [
            (decimal(8, 2), decimal(8, 2), decimal(17, 9)),
            (decimal(2, 1), decimal(2, 1), decimal(6, 4)),
            (Decimal::BIGINT, Decimal::BIGINT, decimal(38, 19)),
            (decimal(19, 2), decimal(38, 19), decimal(38, 4)),
            (decimal(38, 2), Decimal::INTEGER, decimal(38, 4)),
        ] {
            assert_eq!(dividend.divided_by(divisor), expected, "{dividend:?} / {divisor:?}");
        }
    }

    #[test]
    fn sums_and_products_grow() {
        assert_eq!(decimal(8, 2).plus(decimal(10, 4)), decimal(11, 4));
        assert_eq!(decimal(8, 2).times(Decimal::SMALLINT), decimal(14, 2));
        assert_eq!(decimal(19, 2).times(decimal(38, 19)), decimal(38, 21));
        assert_eq!(decimal(7, 2).or(decimal(15, 3)), decimal(15, 3));
        assert_eq!(decimal(5, 2).sum(), decimal(38, 2));
        assert_eq!(decimal(5, 2).average(), decimal(19, 2));
        assert_eq!(decimal(20, 2).average(), decimal(38, 2));
    }

    #[test]
    fn literals_have_the_digits_that_are_written() {
        for (text, expected) in [
            ("100.0", Some(decimal(4, 1))),
            ("0.05", Some(decimal(2, 2))),
            (".5", Some(decimal(1, 1))),
            ("0.0", Some(decimal(1, 1))),
            ("12345678901234567890", Some(decimal(20, 0))),
            ("1e3", None),
        ] {
            assert_eq!(Decimal::of_literal(text), expected, "{text}");
        }
    }

    #[test]
    fn modifiers_are_postgresqls() {
        assert_eq!(Decimal::from_modifier(524_294), Some(decimal(8, 2)));
        assert_eq!(Decimal::from_modifier(-1), None);
    }
}
