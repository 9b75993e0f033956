//! Takes the marketplace's tables from a MySQL-protocol server to S3: one consistent snapshot, every row checked against its
//! contract, changed chunks as Parquet, and last a manifest that seals the table.

mod capture;
mod cell;
pub mod commands;
mod config;
mod data_files;
mod error;
mod extract;
mod extract_plan;
mod extract_table;
mod fan_out;
mod json;
mod progress;
mod quarantine;
mod reader;
mod row_batch;
mod row_group;
mod seal;
mod snapshot;
mod source;
mod source_row;
mod source_schema;
mod table_writer;
mod throttle;
mod wire;

pub use config::{Arguments, Command, Config, ConfigError, QuarantineConfig};
pub use error::ExtractError;
pub use extract::{chunk_until, run_until, seal_until};
