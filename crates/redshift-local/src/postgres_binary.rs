//! Values in PostgreSQL's binary format, where both directions need the same knowledge.

/// PostgreSQL counts from 2000-01-01.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
pub(crate) const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

const DECIMAL_BASE: u128 = 10_000;
/// Digits to the base 10 in one digit to that base.
const DECIMAL_WIDTH: i32 = 4;
const DECIMAL_POSITIVE: u16 = 0;
const DECIMAL_NEGATIVE: u16 = 0x4000;

/// PostgreSQL's NUMERIC: digits to the base 10,000 on both sides of the point.
pub(crate) fn encode_decimal(value: i128, scale: u8) -> Vec<u8> {
    let unit = 10_u128.pow(u32::from(scale));
    let (mut whole, mut fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let mut digits: Vec<u16> = Vec::with_capacity(20);
    while whole > 0 {
        digits.push((whole % DECIMAL_BASE) as u16);
        whole /= DECIMAL_BASE;
    }
    digits.reverse();
    let weight = digits.len() as i16 - 1;
    let mut left = i32::from(scale);
    while left > 0 {
        left -= DECIMAL_WIDTH;
        if left >= 0 {
            let below = 10_u128.pow(left.unsigned_abs());
            digits.push((fraction / below) as u16);
            fraction %= below;
        } else {
            digits.push((fraction * 10_u128.pow(left.unsigned_abs())) as u16);
        }
    }
    let sign = if value < 0 { DECIMAL_NEGATIVE } else { DECIMAL_POSITIVE };
    let mut field = Vec::with_capacity(8 + 2 * digits.len());
    field.extend_from_slice(&(digits.len() as i16).to_be_bytes());
    field.extend_from_slice(&weight.to_be_bytes());
    field.extend_from_slice(&sign.to_be_bytes());
    field.extend_from_slice(&i16::from(scale).to_be_bytes());
    for digit in digits {
        field.extend_from_slice(&digit.to_be_bytes());
    }
    field
}

/// A NUMERIC as a whole number of `10^-scale`; `None` when it is none (NaN, infinity, finer digits, too large).
pub(crate) fn decode_decimal(field: &[u8], scale: u8) -> Option<i128> {
    let word = |index: usize| Some(u16::from_be_bytes(field.get(2 * index..2 * index + 2)?.try_into().ok()?));
    let count = usize::from(word(0)?);
    let weight = i32::from(word(1)? as i16);
    let is_negative = match word(2)? {
        DECIMAL_POSITIVE => false,
        DECIMAL_NEGATIVE => true,
        _ => return None,
    };
    let mut value: i128 = 0;
    for index in 0..count {
        let digit = i128::from(word(4 + index)?);
        if digit == 0 {
            continue;
        }
        let exponent = DECIMAL_WIDTH * (weight - i32::try_from(index).ok()?) + i32::from(scale);
        let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
        let part = if exponent >= 0 {
            digit.checked_mul(power)?
        } else if digit % power == 0 {
            digit / power
        } else {
            return None;
        };
        value = value.checked_add(part)?;
    }
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::{decode_decimal, encode_decimal};

    /// What the encoding stands for, read as PostgreSQL reads it.
    fn text(value: i128, scale: u8) -> String {
        let field = encode_decimal(value, scale);
        let word = |index: usize| i16::from_be_bytes([field[2 * index], field[2 * index + 1]]);
        let (count, weight, sign) = (word(0), word(1), word(2));
        let groups = (0..count).map(|index| format!("{:04}", word(4 + index as usize)));
        let text: String = groups.collect();
        let whole = 4 * (weight + 1) as usize;
        let whole_digits = text[..whole].trim_start_matches('0');
        let fraction = &text[whole..][..usize::from(scale)];
        format!("{}{whole_digits}.{fraction}", if sign == 0 { "" } else { "-" })
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (value, scale, expected) in [
            (123_456_789_i128, 2, "1234567.89"),
            (-5, 2, "-.05"),
            (10_000, 0, "10000."),
            (0, 4, ".0000"),
            (99_999, 5, ".99999"),
            (10_i128.pow(37) + 7, 37, "1.0000000000000000000000000000000000007"),
        ] {
            assert_eq!(text(value, scale), expected);
            assert_eq!(decode_decimal(&encode_decimal(value, scale), scale), Some(value), "{expected}");
        }
    }

    #[test]
    fn only_decimals_of_the_scale_are_read() {
        // PostgreSQL leaves out zeros on both sides: 20000 is one digit of weight 1, 0.0001 one of weight -1.
        let field = |weight: i16, sign: u16, digits: &[u16]| {
            let head = [digits.len() as u16, weight as u16, sign, 0];
            head.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()
        };
        assert_eq!(decode_decimal(&field(1, 0, &[2]), 2), Some(2_000_000));
        assert_eq!(decode_decimal(&field(-1, 0x4000, &[1]), 4), Some(-1));
        assert_eq!(decode_decimal(&field(-1, 0, &[1]), 3), None);
        assert_eq!(decode_decimal(&field(9, 0, &[9_999]), 4), None);
        assert_eq!(decode_decimal(&field(0, 0xc000, &[]), 2), None);
        assert_eq!(decode_decimal(&[0, 1], 2), None);
    }
}
