//! Everything that can end an extract, what each means for whoever started it, and the way out.

use crate::{
    config::ConfigError,
    source_error::{AUTHORITIES_HINT, SourceError},
    source_schema::Drift,
};
use rental_core::{Chunk, ContractFault, ManifestError, RunDate, RunId, env::EnvError};
use rental_task::{BucketError, ReceiptError, TaskError};
use std::{borrow::Cow, collections::BTreeMap};

/// Why an extract ended without sealing all its tables.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("the source breaks the contracts: {}", drifts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Drift { drifts: Vec<Drift> },
    #[error(transparent)]
    Contract(#[from] ContractFault),
    #[error("read table `{table}`")]
    Read { table: String, source: SourceError },
    #[error("table `{table}` changed within one snapshot: {chunk} was another one when it was read again")]
    SnapshotMoved { table: String, chunk: Chunk },
    #[error("table `{table}` is kept by the engine {engine}, which has no snapshots")]
    Engine { table: String, engine: String },
    #[error("encode rows of table `{table}`")]
    Encode { table: String, source: arrow::error::ArrowError },
    #[error("write Parquet file `{key}`")]
    Parquet { key: String, source: parquet::errors::ParquetError },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the new manifest of table `{table}` does not balance: {what}")]
    Imbalance { table: String, what: String },
    #[error("parse `{key}`")]
    Json { key: String, source: serde_json::Error },
    #[error("`{key}` has format version {found}, this program reads {expected}")]
    StateVersion { key: String, found: u32, expected: u32 },
    #[error("the contract of table `{table}` cuts it {found}, its log is cut {known}")]
    OtherGrid { table: String, found: String, known: String },
    #[error("run `{run_id}` was abandoned for table `{table}`: a later run found it unfinished and closed it")]
    Abandoned { table: String, run_id: RunId },
    #[error("another run sealed table `{table}` while this one was reading")]
    LostRace { table: String },
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error("run `{run_id}` was started for {sealed}, not for {asked}")]
    RunDate { run_id: RunId, sealed: RunDate, asked: RunDate },
    #[error("bucket `{bucket}` has no sealed run")]
    NoRun { bucket: String },
    #[error("no run `{run_id}` sealed a table in bucket `{bucket}`, whose runs are {}", known_runs(known, *count))]
    UnknownRun { run_id: RunId, bucket: String, known: Vec<String>, count: usize },
    #[error("run `{run_id}` has no plan")]
    NoPlan { run_id: RunId },
    #[error("the plan of run `{run_id}` has no item {item} of table `{table}`")]
    Unplanned { run_id: RunId, table: String, item: usize },
    #[error("table `{table}` or the configuration changed since run `{run_id}` was planned")]
    OtherBasis { table: String, run_id: RunId },
    #[error("another run sealed table `{table}` after run `{run_id}` was planned")]
    StalePlan { table: String, run_id: RunId },
    #[error("not sealed, since work items are not captured yet: {}", listed(missing))]
    MissingParts { run_id: RunId, missing: BTreeMap<String, Vec<usize>> },
    #[error("the bucket has no file `{key}` any more, which a manifest names")]
    MissingFile { key: String },
    #[error("stopped by a signal")]
    Interrupted,
    #[error("write to standard output")]
    Output { source: std::io::Error },
}

/// Work items by table, as in `table `bookings`: 0, 3`.
fn listed(missing: &BTreeMap<String, Vec<usize>>) -> String {
    let table = |(table, items): (&String, &Vec<usize>)| {
        let items = items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("table `{table}`: {items}")
    };
    missing.iter().map(table).collect::<Vec<_>>().join("; ")
}

fn known_runs(known: &[String], count: usize) -> String {
    match count - known.len() {
        0 if known.is_empty() => "none at all".to_owned(),
        0 => known.join(", "),
        others => format!("{} and {others} more", known.join(", ")),
    }
}

impl ExtractError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Config(ConfigError::Aws(error)) => error.is_retryable(),
            Self::Source(error) => error.is_retryable(),
            Self::Bucket(error) => error.is_retryable(),
            Self::Receipt(error) => error.is_retryable(),
            Self::Read { source, .. } => source.is_retryable(),
            Self::SnapshotMoved { .. }
            | Self::Encode { .. }
            | Self::Parquet { .. }
            | Self::LostRace { .. }
            | Self::MissingParts { .. }
            | Self::Interrupted
            | Self::Output { .. } => true,
            Self::Config(_)
            | Self::Engine { .. }
            | Self::Drift { .. }
            | Self::Contract(_)
            | Self::Manifest(_)
            | Self::Imbalance { .. }
            | Self::Json { .. }
            | Self::StateVersion { .. }
            | Self::OtherGrid { .. }
            | Self::Abandoned { .. }
            | Self::NoRun { .. }
            | Self::UnknownRun { .. }
            | Self::NoPlan { .. }
            | Self::Unplanned { .. }
            | Self::OtherBasis { .. }
            | Self::StalePlan { .. }
            | Self::MissingFile { .. }
            | Self::RunDate { .. } => false,
        }
    }
}

impl TaskError for ExtractError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Drift { .. } | Self::Imbalance { .. } => 3,
            Self::Config(_)
            | Self::Source(_)
            | Self::Bucket(_)
            | Self::Receipt(_)
            | Self::Contract(_)
            | Self::Read { .. }
            | Self::SnapshotMoved { .. }
            | Self::Engine { .. }
            | Self::Encode { .. }
            | Self::Parquet { .. }
            | Self::Manifest(_)
            | Self::Json { .. }
            | Self::StateVersion { .. }
            | Self::Abandoned { .. }
            | Self::LostRace { .. }
            | Self::NoRun { .. }
            | Self::UnknownRun { .. }
            | Self::NoPlan { .. }
            | Self::Unplanned { .. }
            | Self::OtherBasis { .. }
            | Self::OtherGrid { .. }
            | Self::StalePlan { .. }
            | Self::MissingFile { .. }
            | Self::MissingParts { .. }
            | Self::RunDate { .. }
            | Self::Interrupted
            | Self::Output { .. } => {
                if self.is_retryable() {
                    1
                } else {
                    2
                }
            }
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Config(ConfigError::Env(EnvError::Missing(_) | EnvError::NotUnicode(_))) => {
                "set it in the environment or in `.env`; `.env.example` explains every variable"
            }
            Self::Config(ConfigError::Env(EnvError::Invalid { .. }) | ConfigError::OutOfRange { .. }) => {
                "correct it in the environment or in `.env`; `.env.example` explains every variable"
            }
            Self::Config(ConfigError::UnknownRule { .. }) => {
                "a rule with cases is all of them together, or one, for example BKG-PRICE:decimals"
            }
            Self::Config(ConfigError::UnknownTable(_)) => {
                "correct `--tables` or `TABLES`; without them all tables are taken"
            }
            Self::Config(ConfigError::NoAuthentication) => {
                "`RDS_PASSWORD` is the user's password, `RDS_SECRET_ARN` a secret that holds it, `RDS_IAM_AUTH=true` takes the task's own role; `.env.example` explains every variable"
            }
            Self::Config(ConfigError::TwoAuthentications(..)) => {
                "keep one of them and leave the other empty: they are two ways to enter the source"
            }
            Self::Config(ConfigError::TokenInTheOpen(_)) => {
                "leave `RDS_SSL_MODE` at VERIFY_IDENTITY; Amazon RDS's authorities are trusted as it is"
            }
            Self::Config(ConfigError::SslCa(_)) => AUTHORITIES_HINT,
            Self::Config(ConfigError::Aws(error)) => error.hint(),
            Self::Source(error) | Self::Read { source: error, .. } => return error.hint().map(Cow::Borrowed),
            Self::Bucket(error) => return error.hint(),
            Self::Receipt(error) => return error.hint(),
            Self::Engine { .. } => "convert it: alter table … engine = InnoDB",
            Self::Drift { .. } => {
                "nothing was read; change the source back, or the contract in `crates/core/tables`; a column that the user may not read is missing as well: grant select on the table to the user"
            }
            Self::Abandoned { .. } => {
                "start a new run with another run id; this one holds nothing and can never be sealed"
            }
            Self::LostRace { .. } => "nothing of this table was sealed by this run; starting it again reads it anew",
            Self::RunDate { sealed, .. } => {
                return Some(format!("repeat the run with `--as-of {sealed}`, or take a new run id").into());
            }
            Self::NoRun { .. } => "start one: extract-rds; or set `S3_BUCKET` to the bucket that has it",
            Self::UnknownRun { bucket, .. } => {
                return Some(
                    format!(
                        "take one of these, or leave out `--run-id` for the latest; s3://{bucket}/runs/ has them all"
                    )
                    .into(),
                );
            }
            Self::NoPlan { .. } => "make one: extract-rds plan, with the same run id",
            Self::Unplanned { .. } => "take table and item from the plan, `runs/<run id>/plan.json` in the bucket",
            Self::OtherBasis { .. } | Self::StalePlan { .. } => {
                "start a new run with another run id; what was captured for this one does not fit"
            }
            Self::MissingParts { run_id, missing } => {
                let (table, items) = missing.first_key_value()?;
                let item = items.first()?;
                return Some(
                    format!(
                        "capture each of them, for example: extract-rds chunk --run-id {run_id} --table {table} --item {item}; then seal again, the other tables are sealed"
                    )
                    .into(),
                );
            }
            Self::OtherGrid { .. } => {
                "a table keeps its grid: change the contract back, or begin a new log in an empty bucket and an empty warehouse"
            }
            Self::StateVersion { .. } => "use the release that wrote it, or a newer one",
            Self::Contract(_)
            | Self::SnapshotMoved { .. }
            | Self::Encode { .. }
            | Self::Parquet { .. }
            | Self::Manifest(_)
            | Self::Imbalance { .. }
            | Self::Json { .. }
            | Self::MissingFile { .. }
            | Self::Interrupted
            | Self::Output { .. } => return None,
        };
        Some(hint.into())
    }
}
