//! Takes the marketplace's tables from a MySQL-protocol server to S3: one consistent snapshot, every row checked against its
//! contract, changed chunks as Parquet, and last a manifest that seals the table.

mod cell;
mod chunk_buffer;
pub mod commands;
mod config;
mod data_files;
mod error;
mod extract;
mod extract_table;
mod quarantine;
mod seal;
mod source;
mod source_schema;

pub use config::{Arguments, Command, Config, ConfigError, QuarantineConfig};
pub use error::ExtractError;
pub use extract::run_until;
