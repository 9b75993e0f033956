//! Takes the marketplace's tables from a MySQL-protocol server to S3: one consistent snapshot, every row checked against its
//! contract, changed chunks as Parquet, and last a manifest that seals the table.

mod arguments;
mod authorities;
mod capture;
mod cell;
pub mod commands;
mod config;
mod connection;
mod credentials;
mod data_files;
mod error;
mod extract;
mod extract_plan;
mod extract_table;
mod fan_out;
mod iam_token;
mod json;
mod output;
mod progress;
mod quarantine;
mod reader;
mod row_batch;
mod row_group;
mod seal;
mod snapshot;
mod source;
mod source_config;
mod source_error;
mod source_row;
mod source_schema;
mod table_writer;
mod throttle;
mod wire;

pub use arguments::{Arguments, Command};
pub use config::{Config, ConfigError};
pub use connection::Connector;
pub use credentials::Authentication;
pub use error::ExtractError;
pub use extract::{chunk_until, run_until, seal_until};
pub use source_config::{SourceConfig, SslMode};
pub use source_error::{Denial, SourceError, TlsFault};
pub use wire::WireConnection;
