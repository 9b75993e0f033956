//! What the log says of one table: in which manifest the rows of each chunk lie.
//!
//! The state's fingerprints are those of rows as MySQL sends them, rejected ones included; no row of the warehouse has that
//! form. But each was sealed together with the rows that were written: where the newest manifest with a chunk names the
//! fingerprint that the state has, its files hold the rows that should stand in the warehouse.

use crate::{
    chunk_rows::{ChunkRows, ParquetObject, add_rows},
    error::LoadError,
    ledger::Ledger,
    load_plan::expect_columns,
};
use rental_core::{Chunk, ChunkGrid, Fingerprint, Manifest, TableSpec, TableState, object_key};
use rental_task::Bucket;
use std::collections::{BTreeMap, BTreeSet};

/// The chunks of one table, by the manifest that holds their rows.
pub(crate) struct LogTable {
    spec: &'static TableSpec,
    pub(crate) grid: ChunkGrid,
    parts: Vec<Part>,
    /// Chunks of which the log lacks the rows that the state speaks of.
    pub(crate) unsealed: BTreeSet<Chunk>,
}

struct Part {
    manifest: Manifest,
    /// Rows written of each chunk that no later manifest replaced.
    written: BTreeMap<Chunk, u64>,
}

impl LogTable {
    /// Reads the state and as many manifests as it takes to find every chunk.
    ///
    /// # Errors
    /// When the ledger is not at the state's sequence, or the bucket fails.
    pub(crate) async fn read(bucket: &Bucket, spec: &'static TableSpec, ledger: &Ledger) -> Result<Self, LoadError> {
        let state = read_state(bucket, spec).await?;
        let loaded = ledger.last_sequence(&spec.name);
        if state.sequence != loaded {
            return Err(LoadError::OtherSequence { table: spec.name.clone(), sealed: state.sequence, loaded });
        }
        let grid = state.chunk_grid.unwrap_or_else(|| spec.chunk_grid.clone());
        let mut sought: BTreeMap<_, _> =
            state.chunks.into_iter().map(|(chunk, state)| (chunk, state.fingerprint)).collect();
        let mut log = Self { spec, grid, parts: Vec::new(), unsealed: BTreeSet::new() };
        let mut entries: Vec<_> = ledger.entries.iter().filter(|entry| entry.table == spec.name).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.sequence));
        for entry in entries {
            if sought.is_empty() {
                break;
            }
            let key = object_key::manifest(&spec.name, &entry.run_id);
            let Some(object) = bucket.read(&key).await? else { continue };
            let manifest = Manifest::from_json(&key, &object.content)?;
            let mut written = BTreeMap::new();
            for replaced in &manifest.replaced_chunks {
                match sought.remove(&replaced.chunk) {
                    Some(fingerprint) if fingerprint == replaced.fingerprint => {
                        written.insert(replaced.chunk, replaced.written);
                    }
                    Some(_) => drop(log.unsealed.insert(replaced.chunk)),
                    None => {}
                }
            }
            if !written.is_empty() {
                expect_columns(&key, &manifest, spec)?;
                log.parts.push(Part { manifest, written });
            }
        }
        log.unsealed.extend(sought.into_keys());
        Ok(log)
    }

    /// The rows that were written, without reading them: their hashes are zero.
    pub(crate) fn row_counts(&self) -> ChunkRows {
        let counts = self.parts.iter().flat_map(|part| &part.written).filter(|(_, count)| **count > 0);
        counts.map(|(chunk, count)| (*chunk, Fingerprint { row_count: *count, hash: 0 })).collect()
    }

    /// The rows in the data files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) async fn rows(&self, bucket: &Bucket) -> Result<ChunkRows, LoadError> {
        let mut rows = ChunkRows::new();
        for Part { manifest, written } in &self.parts {
            let mut of_part = ChunkRows::new();
            for file in &manifest.files {
                let object = ParquetObject {
                    bucket: bucket.clone(),
                    key: file.key.clone(),
                    size_in_bytes: file.file_size_in_bytes,
                };
                add_rows(&mut of_part, object, self.spec, &self.grid)
                    .await
                    .map_err(|source| LoadError::Parquet { key: file.key.clone(), source })?;
            }
            of_part.retain(|chunk, _| written.contains_key(chunk));
            rows.append(&mut of_part);
        }
        Ok(rows)
    }
}

async fn read_state(bucket: &Bucket, spec: &TableSpec) -> Result<TableState, LoadError> {
    let key = object_key::table_state(&spec.name);
    let Some(object) = bucket.read(&key).await? else { return Ok(TableState::new()) };
    let state: TableState =
        serde_json::from_slice(&object.content).map_err(|source| LoadError::Json { key: key.clone(), source })?;
    match state.format_version {
        TableState::FORMAT_VERSION => Ok(state),
        found => Err(LoadError::StateVersion { key, found, expected: TableState::FORMAT_VERSION }),
    }
}
