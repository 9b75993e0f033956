//! The row rules: what can be said about one row without looking at another. Which of them a table follows, in which
//! order, how bad a breach is and what happens to the row is the contract's to say.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A rule, named by its published id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum RowRule {
    /// No value in the primary key, or in the column that places the row in a chunk.
    KeyNull,
    /// A zero date (`0000-00-00`) or a date with a zero part.
    TsZero,
    /// A date or timestamp outside years 1 to 9999.
    TsRange,
    /// Text longer in UTF-8 bytes than its column.
    TxtBytes,
    /// A value that its column type cannot hold: invalid UTF-8, a number out of range.
    ValueUnreadable,
    AptPrice,
    BkgPrice,
    BkgUser,
    BkgDatesNull,
    BkgDatesReversed,
    BkgZeroNights,
    BkgTooLong,
    /// Not an ISO 4217 code after trimming and upper-casing.
    CurIso,
    BkgStatus,
    BkgPayment,
    BkgBookedAfterCheckin,
    BkgFuture,
    AptModifiedBeforeCreated,
    AptCreatedFuture,
    AptActiveNull,
    AptCreatedNull,
    AttGeo,
    ViewFuture,
    /// A local time that a clock change skips or repeats.
    TsDst,
}

/// Which breach of a price rule is meant; the other rules have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceCase {
    /// More decimals than the currency has.
    Decimals,
    Null,
    NotPositive,
}

/// How bad a breach is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warn,
    Info,
}

/// What happens to a row that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// The row goes to the quarantine file, not to the data file.
    Quarantine,
    /// The value becomes NULL, the row stays.
    Null,
    /// The row stays as it is and is counted.
    Keep,
}

/// One rule as a contract orders it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    #[serde(rename = "id")]
    pub rule: RowRule,
    #[serde(default)]
    pub case: Option<PriceCase>,
    pub severity: Severity,
    pub action: RuleAction,
    /// More rows of the table than this may not break the rule: what is above lands, but is not published.
    #[serde(default)]
    pub max_count: Option<u64>,
    /// The same as a share of all rows, 0 to 1.
    #[serde(default)]
    pub max_share: Option<f64>,
}

impl RuleSpec {
    /// What `count` of `row_count` rows say about the thresholds, if they are above one.
    #[must_use]
    pub fn breach(&self, count: u64, row_count: u64) -> Option<String> {
        let share = count as f64 / row_count.max(1) as f64;
        let above = match (self.max_count, self.max_share) {
            (Some(most), _) if count > most => most.to_string(),
            (_, Some(most)) if share > most => format!("{} %", most * 100.0),
            _ => return None,
        };
        Some(format!("{count} of {row_count} rows ({:.1} %) break the rule, at most {above} may", share * 100.0))
    }
}

impl RowRule {
    /// Whether the same row may break the rule on one run date and not on another.
    #[must_use]
    pub fn depends_on_run_date(self) -> bool {
        matches!(self, Self::BkgFuture | Self::AptCreatedFuture | Self::ViewFuture)
    }

    /// Raised when the rule's meaning changes, so that quarantined rows say which meaning rejected them.
    pub const VERSION: u32 = 1;
}

impl fmt::Display for RowRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl fmt::Display for PriceCase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_broken_from_the_next_row_on() {
        let spec = |max_count, max_share| RuleSpec {
            rule: RowRule::CurIso,
            case: None,
            severity: Severity::Error,
            action: RuleAction::Keep,
            max_count,
            max_share,
        };
        let cases = [
            (spec(None, None), 100, 100, false),
            (spec(Some(5), None), 5, 100, false),
            (spec(Some(5), None), 6, 100, true),
            (spec(None, Some(0.5)), 50, 100, false),
            (spec(None, Some(0.5)), 51, 100, true),
            (spec(Some(99), Some(0.0)), 1, 1_000_000, true),
            (spec(Some(0), Some(0.0)), 0, 0, false),
        ];
        for (spec, count, row_count, expected) in cases {
            assert_eq!(spec.breach(count, row_count).is_some(), expected, "{spec:?}: {count} of {row_count}");
        }
    }

    #[test]
    fn a_rule_prints_as_its_published_id() {
        assert_eq!(RowRule::BkgDatesReversed.to_string(), "BKG-DATES-REVERSED");
        assert_eq!(RowRule::TsDst.to_string(), "TS-DST");
    }
}
