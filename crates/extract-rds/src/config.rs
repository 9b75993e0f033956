//! What the program needs to know, from flags and environment. Everything that can be wrong with it is found here,
//! before the first connection.

use crate::{
    authorities::AuthoritiesError,
    data_files::FileLayout,
    source_config::{SourceConfig, SslMode},
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Parser, Subcommand};
use rental_core::{
    RunDate, RunId, TableSpec, UnknownTable,
    env::{EnvError, required_var, var, var_parsed},
    table_spec, table_specs,
};
use rental_task::NoRegion;
use std::{fmt, num::NonZero, str::FromStr};

const DEFAULT_MAX_NIGHTS: u32 = 365;
/// Reading so many rows takes seconds: nothing to save, and nothing missed.
const DEFAULT_HINT_MIN_ROWS: u64 = 1_000_000;
/// Few enough that all connections have to do until the end.
const DEFAULT_ROWS_PER_RANGE: u64 = 500_000;
const DEFAULT_CONNECTIONS: NonZero<usize> = NonZero::new(2).unwrap();
/// The slices of the smallest clusters; COPY into larger ones takes a multiple as well.
const DEFAULT_FILES_PER_TABLE: NonZero<usize> = NonZero::new(4).unwrap();
const DEFAULT_FILE_SIZE_MIB: u32 = 128;

/// Reads the marketplace's tables from Aurora MySQL, checks every row, and writes Parquet and manifests to S3.
///
/// Connections and secrets come from the environment, or from a `.env` file; the flags below override it.
#[derive(Debug, Parser)]
#[command(name = "extract-rds", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Id of this run [env: RUN_ID] [default: a new time-ordered id]
    #[arg(long, global = true)]
    run_id: Option<RunId>,
    /// Run date, YYYY-MM-DD [env: AS_OF] [default: today in REPORTING_TIMEZONE]
    #[arg(long, global = true, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// Tables, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, global = true, value_delimiter = ',')]
    tables: Vec<String>,
    /// Read every chunk, not only those that the contracts' hints name [env: SWEEP]
    #[arg(long, global = true)]
    sweep: bool,
    /// Rows per second to take from the source at most [env: MAX_ROWS_PER_SECOND] [default, and 0: no limit]
    #[arg(long, global = true, value_name = "ROWS")]
    max_rows_per_second: Option<u32>,
    /// Connections to read over [env: CONNECTIONS] [default: 2]
    #[arg(long, global = true, value_name = "COUNT")]
    connections: Option<NonZero<usize>>,
    /// `quarantine`: only rows that count under this rule, for example BKG-PRICE
    #[arg(long, global = true)]
    rule: Option<String>,
    /// `quarantine show`: rows to show at most
    #[arg(long, global = true, value_name = "ROWS", default_value_t = 100)]
    limit: u64,
    /// What is asked of TLS: VERIFY_IDENTITY, VERIFY_CA, REQUIRED or DISABLED [env: RDS_SSL_MODE] [default: VERIFY_IDENTITY]
    #[arg(long, global = true, value_name = "MODE")]
    ssl_mode: Option<SslMode>,
    /// Seconds after which the source ends a statement, 0 for never [env: STATEMENT_TIMEOUT_S] [default: 3600]
    #[arg(long, global = true, value_name = "SECONDS")]
    statement_timeout_s: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Extract and seal (the default)
    Run,
    /// Cut the tables into work items for many tasks and print them
    Plan,
    /// Capture one work item of the run's plan
    Chunk {
        #[arg(long)]
        table: String,
        #[arg(long)]
        item: usize,
    },
    /// Seal the tables whose work items are all captured
    Seal,
    /// Check connection, grants, and the contracts against the source's columns; read no rows
    Check,
    /// Look at the rows that a run rejected
    #[command(subcommand)]
    Quarantine(QuarantineAction),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum QuarantineAction {
    /// Count the run's rejected rows by table and rule
    List,
    /// Show rejected rows: rule, key, reason and the row as it stood at the source
    Show,
}

/// One extract.
#[derive(Debug, Clone)]
pub struct Config {
    pub run_id: RunId,
    /// The run date as asked for. Without one it is that of an earlier attempt of the run, else today.
    pub as_of: Option<RunDate>,
    pub reporting_timezone: Tz,
    pub bucket: String,
    pub source: SourceConfig,
    pub tables: Vec<&'static TableSpec>,
    pub max_nights: u32,
    pub is_sweep: bool,
    /// Tables of fewer rows are read whole by every run.
    pub hint_min_rows: u64,
    /// Rows that one connection or task reads at a time.
    pub rows_per_range: u64,
    pub max_rows_per_second: Option<u32>,
    pub connections: NonZero<usize>,
    pub layout: FileLayout,
    /// Key of AWS KMS to encrypt objects with; without one the bucket's default holds.
    pub kms_key: Option<String>,
}

/// Where to look for rejected rows.
#[derive(Debug, Clone)]
pub struct QuarantineConfig {
    pub bucket: String,
    pub run_id: RunId,
    /// Only rows that count under this rule.
    pub rule: Option<String>,
    /// Rows to show at most.
    pub limit: u64,
    pub tables: Vec<&'static TableSpec>,
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Env(#[from] EnvError),
    #[error(transparent)]
    UnknownTable(#[from] UnknownTable),
    #[error("missing variable `RDS_PASSWORD`, or `RDS_SECRET_ARN` or `RDS_IAM_AUTH` in its place")]
    NoAuthentication,
    #[error("`{0}` and `{1}` are both set")]
    TwoAuthentications(&'static str, &'static str),
    #[error("`RDS_IAM_AUTH` sends a token as it is, which `RDS_SSL_MODE` {0} may show to others than the server")]
    TokenInTheOpen(SslMode),
    #[error(transparent)]
    SslCa(#[from] AuthoritiesError),
    #[error("variable `{name}` has the value `{value}`: {reason}")]
    OutOfRange { name: &'static str, value: u32, reason: &'static str },
    #[error(transparent)]
    NoRegion(#[from] NoRegion),
}

impl Config {
    /// # Errors
    /// A variable that is missing or cannot be understood, a table without a contract.
    pub fn from_arguments(arguments: &Arguments) -> Result<Self, ConfigError> {
        let source = SourceConfig::from_env(arguments.ssl_mode, arguments.statement_timeout_s)?;
        Ok(Self {
            bucket: required_var("S3_BUCKET")?,
            run_id: run_id(arguments)?.unwrap_or_else(RunId::now),
            as_of: arguments.as_of.map_or_else(|| var_parsed("AS_OF"), |date| Ok(Some(date)))?,
            reporting_timezone: var_parsed("REPORTING_TIMEZONE")?.unwrap_or(Tz::UTC),
            source,
            tables: tables(arguments)?,
            max_nights: max_nights()?,
            is_sweep: arguments.sweep || var_parsed("SWEEP")?.unwrap_or(false),
            hint_min_rows: var_parsed("HINT_MIN_ROWS")?.unwrap_or(DEFAULT_HINT_MIN_ROWS),
            rows_per_range: var_parsed::<NonZero<u64>>("ROWS_PER_RANGE")?.map_or(DEFAULT_ROWS_PER_RANGE, NonZero::get),
            max_rows_per_second: given_or(arguments.max_rows_per_second, "MAX_ROWS_PER_SECOND")?,
            connections: given_or(arguments.connections, "CONNECTIONS")?.unwrap_or(DEFAULT_CONNECTIONS),
            layout: FileLayout {
                slices: var_parsed("FILES_PER_TABLE")?.unwrap_or(DEFAULT_FILES_PER_TABLE),
                file_bytes: file_bytes()?,
            },
            kms_key: var("S3_KMS_KEY_ID")?,
        })
    }
}

impl QuarantineConfig {
    /// # Errors
    /// As for [`Config::from_arguments`]; here the run id has no default.
    pub fn from_arguments(arguments: &Arguments) -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: required_var("S3_BUCKET")?,
            run_id: run_id(arguments)?.ok_or(EnvError::Missing("RUN_ID"))?,
            rule: arguments.rule.clone(),
            limit: arguments.limit,
            tables: tables(arguments)?,
        })
    }
}

fn run_id(arguments: &Arguments) -> Result<Option<RunId>, EnvError> {
    arguments.run_id.clone().map_or_else(|| var_parsed("RUN_ID"), |run_id| Ok(Some(run_id)))
}

fn tables(arguments: &Arguments) -> Result<Vec<&'static TableSpec>, ConfigError> {
    let names = match arguments.tables.as_slice() {
        [] => var("TABLES")?.unwrap_or_default().split(',').map(str::to_owned).collect(),
        names => names.to_vec(),
    };
    let mut names: Vec<_> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(table_specs().iter().collect());
    }
    Ok(names.into_iter().map(table_spec).collect::<Result<_, _>>()?)
}

/// What the flag says, else the variable.
pub(crate) fn given_or<T>(given: Option<T>, name: &'static str) -> Result<Option<T>, EnvError>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    given.map_or_else(|| var_parsed(name), |given| Ok(Some(given)))
}

fn file_bytes() -> Result<u64, ConfigError> {
    match var_parsed("FILE_SIZE_MIB")?.unwrap_or(DEFAULT_FILE_SIZE_MIB) {
        mebibytes @ 64..=256 => Ok(u64::from(mebibytes) << 20),
        value => Err(ConfigError::OutOfRange { name: "FILE_SIZE_MIB", value, reason: "expected 64 to 256 MiB" }),
    }
}

fn max_nights() -> Result<u32, ConfigError> {
    match var_parsed("MAX_NIGHTS")?.unwrap_or(DEFAULT_MAX_NIGHTS) {
        0 => Err(ConfigError::OutOfRange { name: "MAX_NIGHTS", value: 0, reason: "expected 1 or more nights" }),
        nights => Ok(nights),
    }
}
