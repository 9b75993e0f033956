//! The manifest of one table and run: the only thing the two binaries share. It is written once, last, by a conditional
//! write; its presence seals the extract.

use crate::{
    chunk::{Chunk, ChunkGrid, Fingerprint},
    row_rule::{PriceCase, RowRule, RuleAction, Severity},
    run::{RunDate, RunId},
    table_spec::TableSpec,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a run captured of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format_version: u32,
    pub status: SealStatus,
    pub run_id: RunId,
    pub run_date: RunDate,
    pub table: String,
    pub contract_version: u32,
    pub contract_hash: String,
    /// See [`TableState::basis`](crate::TableState::basis).
    pub basis: String,
    /// One more than that of the table's last sealed run: the order in which manifests are loaded.
    pub sequence: u64,
    pub snapshot: Snapshot,
    /// The columns of every data file, in their order.
    pub columns: Vec<String>,
    /// Optional columns that the source lacks: NULL in every row.
    pub absent_columns: Vec<String>,
    pub chunk_grid: ChunkGrid,
    /// The chunks whose rows these files replace, emptied ones (row count 0) included. All others stand as they are.
    pub replaced_chunks: Vec<ReplacedChunk>,
    pub unchanged_chunk_count: u64,
    /// What of the table this run looked at.
    pub scope: Scope,
    /// Chunks that a hinted run did not read: they stand as they were last seen, whatever happened to them since.
    pub unread_chunk_count: u64,
    /// Chunks that were not replaced although time changed what their rows break: what counts for them now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rechecked_chunks: Vec<RecheckedChunk>,
    pub files: Vec<DataFile>,
    /// Key of the same list in the form that COPY reads.
    pub copy_manifest: String,
    pub quarantine_files: Vec<DataFile>,
    pub rows: RowCounts,
    pub violations: Vec<ViolationCount>,
}

/// What of a table a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every chunk: nothing can have been missed.
    Sweep,
    /// The chunks that the contract's hints name, and those beyond the last known one.
    Hinted,
}

/// Whether the run stands or was given up before it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SealStatus {
    Sealed,
    /// A later run found this one unfinished and closed it: it holds nothing and can never be sealed.
    Abandoned,
}

/// The consistent read point of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The source server's clock when the snapshot was opened.
    pub at: DateTime<Utc>,
    /// How consistency was reached, for example `consistent snapshot, one connection`.
    pub mode: String,
    pub server_version: String,
    pub source_timezone: String,
}

/// One chunk that the run replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedChunk {
    pub chunk: Chunk,
    /// Over all rows read, the quarantined ones included.
    pub fingerprint: Fingerprint,
    pub written: u64,
    pub quarantined: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ChunkViolations>,
}

/// One chunk whose rows are the same and were checked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecheckedChunk {
    pub chunk: Chunk,
    pub violations: Vec<ChunkViolations>,
}

/// How many rows of a chunk count under a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkViolations {
    pub rule: RowRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<PriceCase>,
    pub severity: Severity,
    pub action: RuleAction,
    pub count: u64,
    /// Up to three keys of such rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample_keys: Vec<String>,
}

/// One Parquet object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    pub key: String,
    pub record_count: u64,
    pub file_size_in_bytes: u64,
    /// CRC64NVME of the object in base64, computed while it was written and equal to what S3 says of it.
    pub checksum_crc64nvme: String,
}

/// Rows of one table and run. `read = unchanged + written + quarantined`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    pub read: u64,
    /// Rows of chunks that did not change: read, hashed and dropped.
    pub unchanged: u64,
    pub written: u64,
    pub quarantined: u64,
    /// Rows that the unread chunks of a hinted run had when they were last seen.
    #[serde(default)]
    pub unread: u64,
}

/// How often a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationCount {
    pub rule: RowRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<PriceCase>,
    pub rule_version: u32,
    pub severity: Severity,
    pub action: RuleAction,
    /// In the source as it stands, unchanged chunks included, unread ones as they were last seen.
    pub standing: u64,
    /// In the chunks that this run replaces.
    pub found: u64,
    /// Up to three keys of such rows.
    pub sample_keys: Vec<String>,
    /// The contract's threshold that the standing rows are above, if any: such numbers are not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach: Option<String>,
}

/// The form of the file list that COPY reads.
#[derive(Debug, Serialize)]
pub struct CopyManifest {
    entries: Vec<CopyEntry>,
}

#[derive(Debug, Serialize)]
struct CopyEntry {
    url: String,
    mandatory: bool,
    meta: CopyMeta,
}

#[derive(Debug, Serialize)]
struct CopyMeta {
    content_length: u64,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("parse manifest `{key}`")]
    Parse { key: String, source: serde_json::Error },
    #[error("manifest `{key}` has format version {found}, this program reads {expected}; use a matching release")]
    FormatVersion { key: String, found: u32, expected: u32 },
    #[error("manifest `{key}` does not balance: {what}")]
    Balance { key: String, what: String },
}

impl Manifest {
    pub const FORMAT_VERSION: u32 = 1;

    /// What closes a run that was never sealed: it holds nothing.
    #[must_use]
    pub fn abandoned(spec: &TableSpec, run_id: RunId, sequence: u64) -> Self {
        Self {
            format_version: Self::FORMAT_VERSION,
            status: SealStatus::Abandoned,
            run_id,
            run_date: RunDate::default(),
            table: spec.name.clone(),
            contract_version: spec.contract_version,
            contract_hash: spec.contract_hash.clone(),
            basis: String::new(),
            sequence,
            snapshot: Snapshot {
                at: DateTime::UNIX_EPOCH,
                mode: "none".to_owned(),
                server_version: String::new(),
                source_timezone: String::new(),
            },
            columns: Vec::new(),
            absent_columns: Vec::new(),
            chunk_grid: spec.chunk_grid.clone(),
            replaced_chunks: Vec::new(),
            unchanged_chunk_count: 0,
            scope: Scope::Hinted,
            unread_chunk_count: 0,
            rechecked_chunks: Vec::new(),
            files: Vec::new(),
            copy_manifest: String::new(),
            quarantine_files: Vec::new(),
            rows: RowCounts::default(),
            violations: Vec::new(),
        }
    }

    /// Reads a manifest and checks that its own numbers agree.
    ///
    /// # Errors
    /// A text that is no manifest, one of another format version, or one whose sums differ.
    pub fn from_json(key: &str, text: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_slice(text).map_err(|source| ManifestError::Parse { key: key.to_owned(), source })?;
        if manifest.format_version != Self::FORMAT_VERSION {
            return Err(ManifestError::FormatVersion {
                key: key.to_owned(),
                found: manifest.format_version,
                expected: Self::FORMAT_VERSION,
            });
        }
        match manifest.imbalance() {
            Some(what) => Err(ManifestError::Balance { key: key.to_owned(), what }),
            None => Ok(manifest),
        }
    }

    /// What does not add up, if anything: rows against chunks, rows against files.
    #[must_use]
    pub fn imbalance(&self) -> Option<String> {
        let rows = &self.rows;
        let sum = |part: fn(&ReplacedChunk) -> u64| self.replaced_chunks.iter().map(part).sum::<u64>();
        let records = |files: &[DataFile]| files.iter().map(|file| file.record_count).sum::<u64>();
        let pairs = [
            (
                "rows read and rows unchanged, written and quarantined",
                rows.read,
                rows.unchanged + rows.written + rows.quarantined,
            ),
            (
                "rows of the replaced chunks and rows written and quarantined",
                sum(|chunk| chunk.fingerprint.row_count),
                rows.written + rows.quarantined,
            ),
            ("rows written by chunk and in total", sum(|chunk| chunk.written), rows.written),
            ("rows quarantined by chunk and in total", sum(|chunk| chunk.quarantined), rows.quarantined),
            ("records of the data files and rows written", records(&self.files), rows.written),
            ("records of the quarantine files and rows quarantined", records(&self.quarantine_files), rows.quarantined),
        ];
        let off = pairs.into_iter().find(|(_, left, right)| left != right);
        off.map(|(what, left, right)| format!("{what} differ: {left} and {right}"))
    }

    /// The manifest that COPY reads: every file mandatory, with its size, as Parquet requires.
    #[must_use]
    pub fn copy_manifest(&self, bucket: &str) -> CopyManifest {
        let entry = |file: &DataFile| CopyEntry {
            url: format!("s3://{bucket}/{}", file.key),
            mandatory: true,
            meta: CopyMeta { content_length: file.file_size_in_bytes },
        };
        CopyManifest { entries: self.files.iter().map(entry).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format_version: Manifest::FORMAT_VERSION,
            status: SealStatus::Sealed,
            run_id: "r1".parse().unwrap(),
            run_date: "2025-02-16".parse().unwrap(),
            table: "bookings".into(),
            contract_version: 1,
            contract_hash: "0".repeat(32),
            basis: "0".repeat(16),
            sequence: 1,
            snapshot: Snapshot {
                at: DateTime::UNIX_EPOCH,
                mode: "consistent snapshot".into(),
                server_version: "8.0".into(),
                source_timezone: "UTC".into(),
            },
            columns: vec!["booking_id".into()],
            absent_columns: vec![],
            chunk_grid: ChunkGrid::Key { column: "booking_id".into(), width: 10 },
            replaced_chunks: vec![ReplacedChunk {
                chunk: Chunk::of_key(0, 10),
                fingerprint: Fingerprint { row_count: 3, hash: 1 },
                written: 2,
                quarantined: 1,
                violations: vec![],
            }],
            unchanged_chunk_count: 1,
            scope: Scope::Sweep,
            unread_chunk_count: 0,
            rechecked_chunks: vec![],
            copy_manifest: "raw/bookings/run=r1/copy-1f00cafe.manifest".into(),
            files: vec![DataFile {
                key: "raw/x".into(),
                record_count: 2,
                file_size_in_bytes: 99,
                checksum_crc64nvme: "AAAAAAAAAAA=".into(),
            }],
            quarantine_files: vec![DataFile {
                key: "quarantine/x".into(),
                record_count: 1,
                file_size_in_bytes: 9,
                checksum_crc64nvme: "AAAAAAAAAAA=".into(),
            }],
            rows: RowCounts { read: 7, unchanged: 4, written: 2, quarantined: 1, unread: 0 },
            violations: vec![],
        }
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let text = serde_json::to_vec(&manifest()).unwrap();
        assert_eq!(Manifest::from_json("k", &text).unwrap(), manifest());
    }

    #[test]
    fn a_manifest_that_lost_a_row_is_refused() {
        let breaks: [fn(&mut Manifest); 5] = [
            |manifest| manifest.rows.read += 1,
            |manifest| manifest.files[0].record_count -= 1,
            |manifest| manifest.quarantine_files.clear(),
            |manifest| manifest.replaced_chunks[0].written -= 1,
            |manifest| manifest.replaced_chunks.clear(),
        ];
        for (case, break_it) in breaks.into_iter().enumerate() {
            let mut broken = manifest();
            break_it(&mut broken);
            let text = serde_json::to_vec(&broken).unwrap();
            let refused = Manifest::from_json("k", &text);
            assert!(matches!(refused, Err(ManifestError::Balance { .. })), "case {case}");
        }
    }

    #[test]
    fn the_copy_manifest_names_size_and_duty_of_every_file() {
        let text = serde_json::to_string(&manifest().copy_manifest("b")).unwrap();
        assert_eq!(text, r#"{"entries":[{"url":"s3://b/raw/x","mandatory":true,"meta":{"content_length":99}}]}"#);
    }
}
