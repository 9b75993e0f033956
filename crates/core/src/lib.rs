//! What both binaries of rental-analytics agree on, without any driver, SDK or runtime.
//!
//! The flow of one run: a [`TableSpec`] says how a source table looks; `extract-rds` reads it in [`Chunk`]s, compares
//! their [`Fingerprint`]s with the [`TableState`] of the last sealed run, validates rows against the [`RowRule`]s, writes
//! Parquet files and seals them with a [`Manifest`] at the place that [`object_key`] names; `load-redshift` reads that
//! manifest and nothing else of the extract. Both add their part to the run's [`Receipt`], which must balance.

pub mod env;
pub mod expected;
pub mod object_key;

mod chunk;
mod column_type;
mod currency;
mod manifest;
mod receipt;
mod row_rule;
mod run;
mod steady_offsets;
mod table_spec;
mod table_state;
mod validation;

pub use chunk::{Chunk, ChunkGrid, Fingerprint};
pub use column_type::{ColumnType, ColumnTypeError};
pub use currency::Currency;
pub use manifest::{
    ChunkViolations, CopyManifest, DataFile, Manifest, ManifestError, RecheckedChunk, ReplacedChunk, RowCounts, Scope,
    SealStatus, Snapshot, ViolationCount,
};
pub use receipt::{
    CheckReceipt, ExtractReceipt, ExtractedTable, Finding, Imbalance, LoadReceipt, LoadedTable, PublishReceipt,
    Receipt, RuleCount, TransformReceipt,
};
pub use row_rule::{PriceCase, RowRule, RuleAction, RuleSpec, Severity};
pub use run::{RunDate, RunId, RunIdError};
pub use steady_offsets::SteadyOffsets;
pub use table_spec::{
    Classification, ColumnSpec, Hint, SpecError, TableSpec, UnknownColumns, UnknownTable, table_spec, table_specs,
};
pub use table_state::{ChunkState, TableState};
pub use validation::{ContractFault, RowValidator, RuleContext, ValueFault, Violation, unchecked_schema};
