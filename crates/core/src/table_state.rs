//! What is known of a table from its sealed runs: kept beside the manifests and replaced by compare-and-swap.

use crate::{
    chunk::{Chunk, ChunkGrid, Fingerprint},
    manifest::Manifest,
    run::RunId,
};
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
    #[serde(with = "as_list")]
    pub chunks: BTreeMap<Chunk, Fingerprint>,
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
        for replaced in &manifest.replaced_chunks {
            if replaced.fingerprint.row_count == 0 {
                self.chunks.remove(&replaced.chunk);
            } else {
                self.chunks.insert(replaced.chunk, replaced.fingerprint);
            }
        }
        self.sequence = manifest.sequence;
        self.last_run_id = Some(manifest.run_id.clone());
        self.sealing = None;
        self.chunk_grid = Some(manifest.chunk_grid.clone());
        self
    }
}

/// JSON has no maps with such keys.
mod as_list {
    use super::{BTreeMap, Chunk, Fingerprint};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Entry {
        chunk: Chunk,
        fingerprint: Fingerprint,
    }

    pub(super) fn serialize<S: Serializer>(
        chunks: &BTreeMap<Chunk, Fingerprint>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(chunks.iter().map(|(chunk, fingerprint)| Entry { chunk: *chunk, fingerprint: *fingerprint }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Chunk, Fingerprint>, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        Ok(entries.into_iter().map(|entry| (entry.chunk, entry.fingerprint)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_reads_back_as_it_was_written() {
        let mut state = TableState::new();
        state.sealing = "r2".parse().ok();
        state.chunks.insert(Chunk::of_key(5, 10), Fingerprint { row_count: 1, hash: u128::MAX });
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<TableState>(&text).unwrap(), state);
    }
}
