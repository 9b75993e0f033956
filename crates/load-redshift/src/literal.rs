//! SQL literals. The Data API takes no parameters in COPY, DDL and older batches, so values become text; this is the one
//! place where they do.

use chrono::{DateTime, NaiveDate, Utc};

/// A text as an SQL expression. A backslash escapes in Redshift and not in other engines, so it is written as `chr(92)`.
pub(crate) fn text(value: &str) -> String {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    if quoted.contains('\\') { format!("({})", quoted.replace('\\', "' || chr(92) || '")) } else { quoted }
}

/// A text or NULL.
pub(crate) fn optional_text(value: Option<&str>) -> String {
    value.map_or_else(|| "null".to_owned(), text)
}

pub(crate) fn date(value: NaiveDate) -> String {
    format!("'{}'::date", value.format("%Y-%m-%d"))
}

/// A timestamp without zone, in UTC, with microseconds.
pub(crate) fn timestamp(value: DateTime<Utc>) -> String {
    format!("'{}'::timestamp", value.format("%Y-%m-%d %H:%M:%S%.6f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        let cases = [
            ("plain", "'plain'"),
            ("it's", "'it''s'"),
            (r"a\b", r"('a' || chr(92) || 'b')"),
            (r"\'; drop table x; --", r"('' || chr(92) || '''; drop table x; --')"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn a_timestamp_keeps_its_microseconds() {
        let at = DateTime::from_timestamp_micros(1_739_664_000_000_007).unwrap();
        assert_eq!(timestamp(at), "'2025-02-16 00:00:00.000007'::timestamp");
    }
}
