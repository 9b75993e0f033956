//! What is known of a table from its sealed runs: kept beside the manifests and replaced by compare-and-swap.

use crate::{
    chunk::{Chunk, ChunkGrid, Fingerprint},
    manifest::{ChunkViolations, Manifest},
    run::{RunDate, RunId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The fingerprints of every chunk as of the last sealed run.
///
/// Sealing takes three conditional writes: the state names the run that is about to seal (`sealing`); the manifest is
/// created; the state takes over the manifest's chunks. A run that finds `sealing` of another run finishes that step
/// when its manifest exists, and otherwise creates an abandoned manifest in its place, so that a run that was merely
/// slow can no longer seal. Thus two runs never seal on the same state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableState {
    pub format_version: u32,
    /// Count of sealed runs so far.
    pub sequence: u64,
    pub last_run_id: Option<RunId>,
    pub sealing: Option<RunId>,
    pub chunk_grid: Option<ChunkGrid>,
    /// What decided, beside the rows, what was written for them: contract, source columns, zones. Under another basis every
    /// fingerprint is another one.
    pub basis: String,
    /// When the last snapshot was taken, by the source's clock.
    pub snapshot_at: Option<DateTime<Utc>>,
    #[serde(with = "as_list")]
    pub chunks: BTreeMap<Chunk, ChunkState>,
}

/// One chunk as of the run that last wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkState {
    pub fingerprint: Fingerprint,
    /// The run date for which its rows were checked.
    pub checked_for: RunDate,
    /// Rules that its rows break, so that a run that finds it unchanged need not check them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ChunkViolations>,
}

impl ChunkState {
    /// Whether the counts of `violations` stand for a run of that date, as long as the rows are the same.
    #[must_use]
    pub fn holds_for(&self, run_date: RunDate) -> bool {
        let moves = |violations: &ChunkViolations| violations.rule.depends_on_run_date();
        run_date == self.checked_for || (run_date > self.checked_for && !self.violations.iter().any(moves))
    }
}

impl TableState {
    pub const FORMAT_VERSION: u32 = 1;

    /// The state before the first run.
    #[must_use]
    pub fn new() -> Self {
        Self { format_version: Self::FORMAT_VERSION, ..Self::default() }
    }

    /// The state after `manifest` was sealed on this one.
    #[must_use]
    pub fn after(mut self, manifest: &Manifest) -> Self {
        if self.chunk_grid.as_ref().is_some_and(|grid| *grid != manifest.chunk_grid) {
            // All of it was captured in another grid.
            self.chunks.clear();
        }
        for replaced in &manifest.replaced_chunks {
            if replaced.fingerprint.row_count == 0 {
                self.chunks.remove(&replaced.chunk);
            } else {
                let chunk = ChunkState {
                    fingerprint: replaced.fingerprint,
                    checked_for: manifest.run_date,
                    violations: replaced.violations.clone(),
                };
                self.chunks.insert(replaced.chunk, chunk);
            }
        }
        for rechecked in &manifest.rechecked_chunks {
            if let Some(chunk) = self.chunks.get_mut(&rechecked.chunk) {
                chunk.checked_for = manifest.run_date;
                chunk.violations.clone_from(&rechecked.violations);
            }
        }
        self.sequence = manifest.sequence;
        self.last_run_id = Some(manifest.run_id.clone());
        self.sealing = None;
        self.chunk_grid = Some(manifest.chunk_grid.clone());
        self.basis.clone_from(&manifest.basis);
        self.snapshot_at = Some(manifest.snapshot.at);
        self
    }
}

/// JSON has no maps with such keys.
mod as_list {
    use super::{BTreeMap, Chunk, ChunkState};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Entry {
        chunk: Chunk,
        #[serde(flatten)]
        state: ChunkState,
    }

    pub(super) fn serialize<S: Serializer>(
        chunks: &BTreeMap<Chunk, ChunkState>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(chunks.iter().map(|(chunk, state)| Entry { chunk: *chunk, state: state.clone() }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Chunk, ChunkState>, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        Ok(entries.into_iter().map(|entry| (entry.chunk, entry.state)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row_rule::{RowRule, RuleAction, Severity};

    #[test]
    fn the_state_reads_back_as_it_was_written() {
        let mut state = TableState::new();
        state.sealing = "r2".parse().ok();
        let fingerprint = Fingerprint { row_count: 1, hash: u128::MAX };
        state.chunks.insert(Chunk::of_key(5, 10), ChunkState { fingerprint, ..ChunkState::default() });
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<TableState>(&text).unwrap(), state);
    }

    #[test]
    fn counts_hold_until_time_can_change_them() {
        let date = |text: &str| text.parse::<RunDate>().unwrap();
        let of = |rule| ChunkViolations {
            rule,
            case: None,
            severity: Severity::Warn,
            action: RuleAction::Keep,
            count: 1,
            sample_keys: vec![],
        };
        let state = |violations| ChunkState { checked_for: date("2025-02-16"), violations, ..ChunkState::default() };
        let cases = [
            (vec![], "2025-02-16", true),
            (vec![], "2025-02-17", true),
            // A row that was not in the future then may be so for an earlier run date.
            (vec![], "2025-02-15", false),
            (vec![of(RowRule::CurIso)], "2025-02-17", true),
            (vec![of(RowRule::BkgFuture)], "2025-02-16", true),
            (vec![of(RowRule::BkgFuture)], "2025-02-17", false),
        ];
        for (violations, run_date, expected) in cases {
            assert_eq!(state(violations.clone()).holds_for(date(run_date)), expected, "{violations:?} on {run_date}");
        }
    }
}
