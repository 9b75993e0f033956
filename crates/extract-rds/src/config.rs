//! What the program needs to know, from flags and environment. Everything that can be wrong with it is found here,
//! before the first connection.

use crate::{
    arguments::{Flags, QuarantineFlags},
    authorities::AuthoritiesError,
    data_files::FileLayout,
    quarantine::rule_name,
    source_config::{SourceConfig, SslMode},
};
use chrono_tz::Tz;
use rental_core::{
    RunDate, RunId, TableSpec, UnknownTable,
    env::{EnvError, required_var, var, var_parsed},
    expected::{COUNT, DATE, NUMBER, RUN_ID, SWITCH, TIMEZONE},
    table_spec, table_specs,
};
use rental_task::{AwsError, OutputFormat};
use std::{collections::BTreeSet, num::NonZero, str::FromStr};

const DEFAULT_MAX_NIGHTS: u32 = 365;
/// Reading so many rows takes seconds: nothing to save, and nothing missed.
const DEFAULT_HINT_MIN_ROWS: u64 = 1_000_000;
/// Few enough that all connections have to do until the end.
const DEFAULT_ROWS_PER_RANGE: u64 = 500_000;
const DEFAULT_CONNECTIONS: NonZero<usize> = NonZero::new(2).unwrap();
/// The slices of the smallest clusters; COPY into larger ones takes a multiple as well.
const DEFAULT_FILES_PER_TABLE: NonZero<usize> = NonZero::new(4).unwrap();
const DEFAULT_FILE_SIZE_MIB: u32 = 128;

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
    /// The latest of the bucket without one.
    pub run_id: Option<RunId>,
    /// Only rows that count under this rule, or under this case of one.
    pub rule: Option<String>,
    pub format: OutputFormat,
    pub tables: Vec<&'static TableSpec>,
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Env(#[from] EnvError),
    #[error(transparent)]
    UnknownTable(#[from] UnknownTable),
    #[error("unknown rule `{rule}`, expected one of {known}")]
    UnknownRule { rule: String, known: String },
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
    Aws(#[from] AwsError),
}

impl Config {
    /// # Errors
    /// A variable that is missing or cannot be understood, a table without a contract.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, ConfigError> {
        let Flags { run, pace, connection } = flags;
        Ok(Self {
            source: SourceConfig::from_env(connection)?,
            bucket: required_var("S3_BUCKET")?,
            run_id: run_id(run.run_id.as_ref())?.unwrap_or_else(RunId::now),
            as_of: given_or(run.as_of, "AS_OF", DATE)?,
            reporting_timezone: var_parsed("REPORTING_TIMEZONE", TIMEZONE)?.unwrap_or(Tz::UTC),
            tables: tables(&run.tables)?,
            max_nights: var_parsed("MAX_NIGHTS", COUNT)?.map_or(DEFAULT_MAX_NIGHTS, NonZero::get),
            is_sweep: run.sweep || var_parsed("SWEEP", SWITCH)?.unwrap_or(false),
            hint_min_rows: var_parsed("HINT_MIN_ROWS", NUMBER)?.unwrap_or(DEFAULT_HINT_MIN_ROWS),
            rows_per_range: var_parsed("ROWS_PER_RANGE", COUNT)?.map_or(DEFAULT_ROWS_PER_RANGE, NonZero::get),
            max_rows_per_second: given_or(pace.max_rows_per_second, "MAX_ROWS_PER_SECOND", NUMBER)?,
            connections: given_or(pace.connections, "CONNECTIONS", COUNT)?.unwrap_or(DEFAULT_CONNECTIONS),
            layout: FileLayout {
                slices: var_parsed("FILES_PER_TABLE", COUNT)?.unwrap_or(DEFAULT_FILES_PER_TABLE),
                file_bytes: file_bytes()?,
            },
            kms_key: var("S3_KMS_KEY_ID")?,
        })
    }
}

impl QuarantineConfig {
    /// # Errors
    /// As for an extract, and a rule that no contract has.
    pub(crate) fn from_flags(flags: &QuarantineFlags) -> Result<Self, ConfigError> {
        let tables = tables(&flags.tables)?;
        if let Some(rule) = &flags.rule {
            known_rule(rule, &tables)?;
        }
        Ok(Self {
            bucket: required_var("S3_BUCKET")?,
            run_id: run_id(flags.run_id.as_ref())?,
            rule: flags.rule.clone(),
            format: flags.format,
            tables,
        })
    }
}

/// The run that is asked for, if one is.
pub(crate) fn run_id(given: Option<&RunId>) -> Result<Option<RunId>, EnvError> {
    given_or(given.cloned(), "RUN_ID", RUN_ID)
}

fn known_rule(rule: &str, tables: &[&TableSpec]) -> Result<(), ConfigError> {
    let names = tables.iter().flat_map(|spec| &spec.rules).flat_map(|known| {
        let name = known.rule.to_string();
        known.case.map(|case| rule_name(&name, Some(&case.to_string()))).into_iter().chain([name])
    });
    let known: BTreeSet<_> = names.collect();
    if known.contains(rule) {
        return Ok(());
    }
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Err(ConfigError::UnknownRule { rule: rule.to_owned(), known })
}

fn tables(given: &[String]) -> Result<Vec<&'static TableSpec>, ConfigError> {
    let names = match given {
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
pub(crate) fn given_or<T: FromStr>(
    given: Option<T>,
    name: &'static str,
    expected: &'static str,
) -> Result<Option<T>, EnvError> {
    given.map_or_else(|| var_parsed(name, expected), |given| Ok(Some(given)))
}

fn file_bytes() -> Result<u64, ConfigError> {
    match var_parsed("FILE_SIZE_MIB", NUMBER)?.unwrap_or(DEFAULT_FILE_SIZE_MIB) {
        mebibytes @ 64..=256 => Ok(u64::from(mebibytes) << 20),
        value => Err(ConfigError::OutOfRange { name: "FILE_SIZE_MIB", value, reason: "expected 64 to 256 MiB" }),
    }
}
