//! Which sealed manifests are loaded, and in which order. S3 is the log; the ledger is how far it is read.

use crate::{error::LoadError, ledger::Ledger};
use rental_core::{Manifest, RunId, TableSpec};
use std::collections::{BTreeMap, VecDeque};

/// A manifest as it lies in the bucket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SealedManifest {
    pub(crate) key: String,
    /// Of its text, in hex.
    pub(crate) sha256: String,
    pub(crate) manifest: Manifest,
}

/// Manifests of one run that are loaded before the curated layer is brought up to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunLoad {
    pub(crate) run_id: RunId,
    pub(crate) manifests: Vec<SealedManifest>,
}

/// # Errors
/// When the manifest's files have other columns than the contract.
pub(crate) fn expect_columns(key: &str, manifest: &Manifest, spec: &TableSpec) -> Result<(), LoadError> {
    if manifest.columns == spec.column_names() {
        return Ok(());
    }
    Err(LoadError::OtherColumns {
        key: key.to_owned(),
        found: manifest.columns.join(", "),
        expected: spec.column_names().join(", "),
    })
}

/// Puts manifests that the ledger does not hold into the order of their snapshots, those of one run together, and cuts
/// after `up_to`. The manifests of one table always follow each other by sequence, whatever the source's clock said.
///
/// # Errors
/// When a table's manifests do not continue what is loaded of it without a gap: loading them would lose or undo changes.
pub(crate) fn plan_load(
    manifests: Vec<SealedManifest>,
    ledger: &Ledger,
    up_to: Option<&RunId>,
) -> Result<Vec<RunLoad>, LoadError> {
    let mut queues: BTreeMap<String, VecDeque<SealedManifest>> = BTreeMap::new();
    for sealed in manifests {
        queues.entry(sealed.manifest.table.clone()).or_default().push_back(sealed);
    }
    for (table, queue) in &mut queues {
        queue.make_contiguous().sort_by_key(|sealed| sealed.manifest.sequence);
        let mut loaded = ledger.last_sequence(table);
        for sealed in queue.iter() {
            if sealed.manifest.sequence != loaded + 1 {
                return Err(LoadError::OutOfSequence {
                    key: sealed.key.clone(),
                    found: sealed.manifest.sequence,
                    loaded,
                });
            }
            loaded = sealed.manifest.sequence;
        }
    }
    let mut plan: Vec<RunLoad> = Vec::new();
    let by_snapshot = |queue: &VecDeque<SealedManifest>| {
        queue.front().map(|sealed| (sealed.manifest.snapshot.at, sealed.manifest.run_id.clone()))
    };
    while let Some(queue) = queues.values_mut().filter(|queue| !queue.is_empty()).min_by_key(|queue| by_snapshot(queue))
    {
        let Some(sealed) = queue.pop_front() else { break };
        match plan.last_mut() {
            Some(last) if last.run_id == sealed.manifest.run_id => last.manifests.push(sealed),
            _ => plan.push(RunLoad { run_id: sealed.manifest.run_id.clone(), manifests: vec![sealed] }),
        }
    }
    if let Some(run_id) = up_to {
        let end = plan.iter().rposition(|load| load.run_id == *run_id).map_or(0, |position| position + 1);
        plan.truncate(end);
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{copy::tests::manifest, ledger::LedgerEntry};

    fn sealed(table: &str, run_id: &str, sequence: u64, at: &str) -> SealedManifest {
        SealedManifest {
            key: format!("raw/{table}/run={run_id}/manifest.json"),
            sha256: "0".repeat(64),
            manifest: manifest(table, run_id, sequence, at, &[]),
        }
    }

    fn planned(manifests: Vec<SealedManifest>, ledger: &Ledger, up_to: Option<&str>) -> Vec<String> {
        let up_to: Option<RunId> = up_to.map(|run_id| run_id.parse().unwrap());
        let plan = plan_load(manifests, ledger, up_to.as_ref()).unwrap();
        let describe = |load: &RunLoad| {
            let tables: Vec<_> = load.manifests.iter().map(|sealed| sealed.manifest.table.as_str()).collect();
            format!("{}: {}", load.run_id, tables.join(" "))
        };
        plan.iter().map(describe).collect()
    }

    const FIRST: &str = "2025-02-16T03:00:00Z";
    const SECOND: &str = "2025-02-17T03:00:00Z";
    const THIRD: &str = "2025-02-18T03:00:00Z";

    #[test]
    fn runs_follow_their_snapshots_and_stay_together() {
        let manifests = vec![
            sealed("bookings", "a", 2, SECOND),
            sealed("apartments", "a", 2, SECOND),
            sealed("bookings", "z", 1, FIRST),
            sealed("apartments", "z", 1, FIRST),
        ];
        let all = ["z: apartments bookings", "a: apartments bookings"];
        assert_eq!(planned(manifests.clone(), &Ledger::default(), None), all);
        assert_eq!(planned(manifests.clone(), &Ledger::default(), Some("a")), all);
        assert_eq!(planned(manifests.clone(), &Ledger::default(), Some("z")), all[..1]);
        assert_eq!(planned(manifests, &Ledger::default(), Some("other")), Vec::<String>::new());
    }

    #[test]
    fn a_table_keeps_its_sequence_when_a_run_was_completed_late_or_the_clock_went_back() {
        let manifests = vec![
            sealed("apartments", "a", 1, FIRST),
            sealed("apartments", "b", 2, SECOND),
            sealed("bookings", "b", 1, SECOND),
            sealed("bookings", "a", 2, THIRD),
        ];
        let expected = ["a: apartments", "b: apartments bookings", "a: bookings"];
        assert_eq!(planned(manifests, &Ledger::default(), None), expected);
        let back = vec![sealed("bookings", "a", 1, SECOND), sealed("bookings", "b", 2, FIRST)];
        assert_eq!(planned(back, &Ledger::default(), None), ["a: bookings", "b: bookings"]);
    }

    #[test]
    fn a_gap_or_a_step_back_is_refused() {
        let entry = LedgerEntry {
            run_id: "r3".parse().unwrap(),
            table: "bookings".into(),
            sequence: 3,
            run_date: "2025-02-16".parse().unwrap(),
            snapshot_at: "2025-02-16T03:00:00".parse().unwrap(),
            chunk_count: 0,
            file_count: 0,
            row_count: 0,
        };
        let ledger = Ledger { entries: vec![entry], ..Ledger::default() };
        assert_eq!(planned(vec![sealed("bookings", "r4", 4, SECOND)], &ledger, None), ["r4: bookings"]);
        for sequence in [2, 3, 5] {
            let result = plan_load(vec![sealed("bookings", "x", sequence, SECOND)], &ledger, None);
            assert!(matches!(result, Err(LoadError::OutOfSequence { loaded: 3, .. })), "{sequence}");
        }
    }
}
