//! Sealed manifests on S3 to published metrics in Redshift, through the Data API.
//!
//! One run goes through four steps, each of which can be repeated: `load` brings every sealed manifest that the ledger
//! does not hold into the raw layer, one transaction per table; `transform` calls the procedures that fill the curated
//! layer and the audited metrics; `verify` runs the checks and looks whether the receipt balances; `publish` makes
//! readers see the audited metrics. `migrate` keeps the warehouse's tables and procedures as `sql/` has them, and
//! `reconcile` compares the raw layer with the source as it was last sealed; `doctor` looks at all of it and changes
//! nothing. All SQL that belongs to the warehouse is in `sql/`; here are only the statements of a load, whose text follows
//! from a manifest.

mod check;
mod chunk_rows;
mod commands;
mod config;
mod copy;
mod data_api;
mod definitions;
mod doctor;
mod error;
mod explain;
mod fact_days;
mod footer;
mod fx_rates;
mod job;
mod ledger;
mod literal;
mod load;
mod load_plan;
mod load_table;
mod log_table;
mod metric;
mod migrate;
mod moving_days;
mod moving_periods;
mod output;
mod plan;
mod preflight;
mod publish;
mod quarantine;
mod reconcile;
mod relation;
mod result_rows;
mod sha256;
mod sql_script;
mod sql_tree;
mod transform;
mod verify;

pub use commands::execute;
pub use config::{Arguments, Command, Config, ConfigError, MetricAction, QuarantineAction, WarehouseConfig};
pub use error::LoadError;
