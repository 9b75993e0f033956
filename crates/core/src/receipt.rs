//! The receipt of a whole run: what was read, written, quarantined, loaded, checked and published, by table. Both
//! binaries add their part. A run whose receipt does not balance is not published.

use crate::{
    manifest::{RowCounts, Scope, ViolationCount},
    row_rule::Severity,
    run::{RunDate, RunId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// One run, as far as it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub run_id: RunId,
    pub run_date: RunDate,
    pub extract: Option<ExtractReceipt>,
    pub load: Option<LoadReceipt>,
    pub transform: Option<TransformReceipt>,
    pub verify: Option<CheckReceipt>,
    pub publish: Option<PublishReceipt>,
}

/// The part of `extract-rds`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtractReceipt {
    pub finished_at: DateTime<Utc>,
    pub duration_ms: u64,
    pub tables: BTreeMap<String, ExtractedTable>,
}

/// What was captured of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtractedTable {
    pub rows: RowCounts,
    pub replaced_chunk_count: u64,
    pub unchanged_chunk_count: u64,
    /// What of the table was looked at; a hinted run cannot see what changed in the chunks that it did not read.
    pub scope: Scope,
    pub unread_chunk_count: u64,
    pub file_count: u64,
    pub byte_count: u64,
    pub violations: Vec<ViolationCount>,
}

/// The part of `load-redshift load`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadReceipt {
    pub finished_at: DateTime<Utc>,
    pub duration_ms: u64,
    pub tables: BTreeMap<String, LoadedTable>,
}

/// What of one table's manifest is in the raw layer, as its ledger entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedTable {
    /// Rows that the manifest promises.
    pub manifest_rows: u64,
    /// Rows of this run in the raw table, counted inside the loading transaction.
    pub raw_rows: u64,
    pub chunk_count: u64,
    pub file_count: u64,
}

/// The part of `load-redshift transform`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformReceipt {
    pub finished_at: DateTime<Utc>,
    pub duration_ms: u64,
    /// Warehouse rules and the rows that break them.
    pub rule_counts: Vec<RuleCount>,
}

/// How many rows break a warehouse rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    pub rule: String,
    pub table: String,
    pub severity: String,
    /// Those that break it now.
    pub standing: u64,
    /// Those of them that this run found.
    #[serde(default)]
    pub found: u64,
}

/// The part of `load-redshift verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReceipt {
    pub finished_at: DateTime<Utc>,
    pub checks_run: u64,
    /// Rules whose findings somebody looked at and lets pass, for this run.
    #[serde(default)]
    pub accepted: Vec<String>,
    pub findings: Vec<Finding>,
}

/// One row that a check returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub check: String,
    pub rule: String,
    pub severity: Severity,
    pub detail: String,
}

/// The part of `load-redshift publish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishReceipt {
    pub finished_at: DateTime<Utc>,
    pub metrics: Vec<String>,
    /// Values that changed in periods that readers had seen complete.
    #[serde(default)]
    pub restated: u64,
    /// Values of closed periods that would be other ones, and were kept as readers see them.
    #[serde(default)]
    pub kept_back: u64,
}

/// Two counts that must be equal and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imbalance {
    pub table: String,
    pub what: &'static str,
    pub left: u64,
    pub right: u64,
}

impl fmt::Display for Imbalance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "table `{}`: {} differ: {} and {}", self.table, self.what, self.left, self.right)
    }
}

impl Receipt {
    #[must_use]
    pub fn new(run_id: RunId, run_date: RunDate) -> Self {
        Self { run_id, run_date, extract: None, load: None, transform: None, verify: None, publish: None }
    }

    /// The rules that more rows break than their contracts accept.
    #[must_use]
    pub fn breaches(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (table, part) in self.extract.iter().flat_map(|extract| &extract.tables) {
            for violation in &part.violations {
                let Some(breach) = &violation.breach else { continue };
                findings.push(Finding {
                    check: format!("contract of {table}"),
                    rule: violation.rule.to_string(),
                    severity: Severity::Error,
                    detail: format!("table `{table}`: {breach}"),
                });
            }
        }
        findings
    }

    /// Everything that does not add up so far; empty for a receipt that balances.
    #[must_use]
    pub fn imbalances(&self) -> Vec<Imbalance> {
        let mut found = Vec::new();
        let mut check = |table: &str, what, left, right| {
            if left != right {
                found.push(Imbalance { table: table.to_owned(), what, left, right });
            }
        };
        let extracted = self.extract.as_ref().map(|extract| &extract.tables);
        for (table, part) in extracted.into_iter().flatten() {
            let rows = part.rows;
            let accounted = rows.unchanged + rows.written + rows.quarantined;
            check(table, "rows read and rows accounted for", rows.read, accounted);
            if let Some(loaded) = &self.load {
                let manifest_rows = loaded.tables.get(table).map_or(0, |loaded| loaded.manifest_rows);
                check(table, "rows written and rows of the manifest", rows.written, manifest_rows);
            }
        }
        for (table, part) in self.load.iter().flat_map(|load| &load.tables) {
            check(table, "rows of the manifest and raw rows", part.manifest_rows, part.raw_rows);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        let extracted = ExtractedTable {
            rows: RowCounts { read: 10, unchanged: 5, written: 4, quarantined: 1, unread: 0 },
            replaced_chunk_count: 1,
            unchanged_chunk_count: 1,
            scope: Scope::Sweep,
            unread_chunk_count: 0,
            file_count: 1,
            byte_count: 100,
            violations: vec![],
        };
        let loaded = LoadedTable { manifest_rows: 4, raw_rows: 4, chunk_count: 1, file_count: 1 };
        let at = DateTime::UNIX_EPOCH;
        let mut receipt = Receipt::new("r1".parse().unwrap(), "2025-02-16".parse().unwrap());
        receipt.extract = Some(ExtractReceipt {
            finished_at: at,
            duration_ms: 1,
            tables: BTreeMap::from([("bookings".into(), extracted)]),
        });
        receipt.load = Some(LoadReceipt {
            finished_at: at,
            duration_ms: 1,
            tables: BTreeMap::from([("bookings".into(), loaded)]),
        });
        receipt
    }

    #[test]
    fn a_full_receipt_balances_and_reads_back() {
        assert_eq!(receipt().imbalances(), []);
        let text = serde_json::to_string(&receipt()).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt());
    }

    #[test]
    fn every_lost_row_is_named() {
        type Break = (fn(&mut Receipt), &'static str);
        let breaks: [Break; 4] = [
            (|receipt| table(receipt).rows.read += 1, "accounted"),
            (|receipt| loaded(receipt).raw_rows -= 1, "raw rows"),
            (|receipt| loaded(receipt).manifest_rows -= 1, "rows of the manifest"),
            (|receipt| receipt.load.as_mut().unwrap().tables.clear(), "rows of the manifest"),
        ];
        for (break_it, expected) in breaks {
            let mut broken = receipt();
            break_it(&mut broken);
            let found = broken.imbalances();
            assert!(found.iter().any(|imbalance| imbalance.what.contains(expected)), "{expected}: {found:?}");
        }
    }

    fn table(receipt: &mut Receipt) -> &mut ExtractedTable {
        receipt.extract.as_mut().unwrap().tables.get_mut("bookings").unwrap()
    }

    fn loaded(receipt: &mut Receipt) -> &mut LoadedTable {
        receipt.load.as_mut().unwrap().tables.get_mut("bookings").unwrap()
    }
}
