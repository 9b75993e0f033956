//! Everything that can end a load, what each means for whoever started it, and the way out.

use crate::{
    check::CheckFault, config::ConfigError, data_api::DataApiError, explain::UnknownRows, footer::DataFileFault,
    fx_rates::FxRatesError, metric::MetricFault, metric::UnknownMetric, preflight::Misfit,
    result_rows::UnexpectedValue, sql_tree::ProcedureCycle,
};
use parquet::errors::ParquetError;
use rental_core::{Finding, Imbalance, ManifestError, RunId, UnknownTable};
use rental_task::{BucketError, ReceiptError, TaskError};
use std::borrow::Cow;

/// Why a step did not end as asked.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataApi(#[from] DataApiError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    UnknownTable(#[from] UnknownTable),
    #[error(transparent)]
    UnknownMetric(#[from] UnknownMetric),
    #[error(transparent)]
    UnknownRows(#[from] UnknownRows),
    #[error(transparent)]
    MetricFault(#[from] MetricFault),
    #[error(transparent)]
    CheckFault(#[from] CheckFault),
    #[error(transparent)]
    ProcedureCycle(#[from] ProcedureCycle),
    #[error("the warehouse has no ledger")]
    NotMigrated { source: DataApiError },
    #[error("the warehouse is not up to date: objects to migrate: {count}")]
    MigrationPending { count: usize },
    #[error("the warehouse has no table `presentation.{name}`")]
    NoMetricTable { name: &'static str },
    #[error("no run is loaded")]
    NothingLoaded,
    #[error("run `{run_id}` is not loaded")]
    NotLoaded { run_id: RunId },
    #[error("run `{run_id}` has no sealed manifest in bucket `{bucket}`")]
    NotSealed { run_id: RunId, bucket: String },
    #[error("manifest `{key}` says it is of table `{table}` and run `{run_id}`")]
    Misplaced { key: String, table: String, run_id: RunId },
    #[error("manifest `{key}` has the sequence {found}, but the table's last loaded one is {loaded}")]
    OutOfSequence { key: String, found: u64, loaded: u64 },
    #[error("the files of manifest `{key}` have other columns than the contract: found {found}; expected {expected}")]
    OtherColumns { key: String, found: String, expected: String },
    #[error("the warehouse is behind the log, it lacks {}", .manifests.join(", "))]
    Behind { manifests: Vec<String> },
    #[error("table `{table}` is sealed up to sequence {sealed} and loaded up to {loaded}")]
    OtherSequence { table: String, sealed: u64, loaded: u64 },
    #[error("not ready for a run: what fails: {count}")]
    Unhealthy { count: usize },
    #[error("`{key}` has format version {found}, this program reads {expected}; use a matching release")]
    StateVersion { key: String, found: u32, expected: u32 },
    #[error("read the rows of `{key}`")]
    Parquet { key: String, source: ParquetError },
    #[error("the warehouse does not hold the rows of the source: chunks that differ: {chunk_count}, in {}", .tables.join(", "))]
    Differs { chunk_count: usize, tables: Vec<String> },
    #[error(transparent)]
    DataFile(#[from] DataFileFault),
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error("the rows of manifest `{key}` are not those that were copied")]
    RowsDiffer { key: String, source: DataApiError },
    #[error("refuse the exchange rates `{key}` of bucket `{bucket}`")]
    FxRates { key: String, bucket: String, source: FxRatesError },
    #[error("read {what}")]
    Result { what: &'static str, source: UnexpectedValue },
    #[error("read the findings of `{check}`")]
    Check { check: String, source: UnexpectedValue },
    #[error("run `{run_id}` is not published, its receipt does not balance: {}", listed(imbalances))]
    Unbalanced { run_id: RunId, imbalances: Vec<Imbalance> },
    #[error("run `{run_id}` is not published, checks found errors: {}", described(findings))]
    Refused { run_id: RunId, findings: Vec<Finding> },
    #[error("run `{run_id}` is not verified since it was transformed")]
    NotVerified { run_id: RunId },
    #[error("no row breaks rule `{rule}`{}", of_keys(keys))]
    NothingToRequeue { rule: String, keys: Vec<String> },
    #[error("run `{run_id}` is not transformed")]
    NotTransformed { run_id: RunId },
    #[error("parse `{key}`")]
    Json { key: String, source: serde_json::Error },
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error("stopped by a signal")]
    Interrupted,
    #[error("write to standard output")]
    Output { source: std::io::Error },
}

fn of_keys(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" with the keys {}", keys.join(", ")) }
}

fn listed(imbalances: &[Imbalance]) -> String {
    imbalances.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn described(findings: &[Finding]) -> String {
    let describe = |finding: &Finding| format!("{} ({}): {}", finding.rule, finding.check, finding.detail);
    findings.iter().map(describe).collect::<Vec<_>>().join("; ")
}

impl TaskError for LoadError {
    fn exit_code(&self) -> u8 {
        let by_retry = |is_retryable| if is_retryable { 1 } else { 2 };
        match self {
            Self::Config(ConfigError::Aws(error)) => by_retry(error.is_retryable()),
            Self::DataApi(error) => by_retry(error.is_retryable()),
            Self::Bucket(error) => by_retry(error.is_retryable()),
            Self::Receipt(error) => by_retry(error.is_retryable()),
            Self::Manifest(ManifestError::Balance { .. })
            | Self::DataFile(_)
            | Self::Misfit(_)
            | Self::RowsDiffer { .. }
            | Self::Differs { .. }
            | Self::FxRates { .. }
            | Self::Unbalanced { .. }
            | Self::Refused { .. } => 3,
            // What the bucket did not give may be there the next time.
            Self::Parquet { source: ParquetError::External(_), .. }
            | Self::OtherSequence { .. }
            | Self::Interrupted
            | Self::Output { .. } => 1,
            Self::Config(_)
            | Self::Manifest(ManifestError::Parse { .. } | ManifestError::FormatVersion { .. })
            | Self::UnknownTable(_)
            | Self::UnknownMetric(_)
            | Self::UnknownRows(_)
            | Self::MetricFault(_)
            | Self::CheckFault(_)
            | Self::ProcedureCycle(_)
            | Self::NotMigrated { .. }
            | Self::MigrationPending { .. }
            | Self::NoMetricTable { .. }
            | Self::NothingLoaded
            | Self::NotLoaded { .. }
            | Self::NotSealed { .. }
            | Self::Misplaced { .. }
            | Self::OutOfSequence { .. }
            | Self::OtherColumns { .. }
            | Self::Behind { .. }
            | Self::Unhealthy { .. }
            | Self::StateVersion { .. }
            | Self::Parquet { .. }
            | Self::Result { .. }
            | Self::Check { .. }
            | Self::NotVerified { .. }
            | Self::NotTransformed { .. }
            | Self::NothingToRequeue { .. }
            | Self::Json { .. } => 2,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Config(ConfigError::Aws(error)) => error.hint(),
            Self::Config(ConfigError::UnknownTable(_)) => {
                "correct `--tables` or `TABLES`; without them all tables are taken"
            }
            Self::Config(ConfigError::SqlFolder(_)) => {
                "name a copy of the project's `sql/` by `--sql-dir` or `SQL_DIR`, or leave it out for the SQL in this program"
            }
            Self::Config(ConfigError::NoDays { .. }) => {
                "name the earlier day by `--from`; both days belong to the period"
            }
            Self::Config(_) => "set it in the environment or in `.env`; `.env.example` explains every variable",
            Self::DataApi(error) => return error.hint().map(Cow::Borrowed),
            Self::Bucket(error) => return error.hint(),
            Self::Receipt(error) => return error.hint(),
            Self::UnknownMetric(_) => "`load-redshift metric list` says what each of them is",
            Self::UnknownRows(_) => "`load-redshift metric show` prints what is published",
            Self::NotMigrated { .. } | Self::MigrationPending { .. } | Self::NoMetricTable { .. } => {
                "run `load-redshift migrate`, or `load --migrate`"
            }
            Self::NothingLoaded | Self::NotLoaded { .. } | Self::Behind { .. } => "run `load-redshift load` first",
            Self::NotSealed { .. } => "extract-rds seals a run by its manifests; name a run that it finished, or none",
            Self::OutOfSequence { .. } => {
                "a manifest in between is missing in the bucket, or this one was replaced; restore it, or load the log into an empty database"
            }
            Self::OtherColumns { .. } => "use the release of load-redshift that has the contract of that time",
            Self::DataFile(_) => {
                "restore the object's earlier version, which a versioned bucket keeps; where there is none, remove the table's objects \
                 under `raw/` and `state/`, run `extract-rds` under a new run id, and load into an empty database"
            }
            Self::Misfit(_) => {
                "nothing of this table was loaded; use the release of load-redshift that has the contract of that time, or restore \
                 the object's earlier version if it was replaced"
            }
            Self::RowsDiffer { .. } => {
                "nothing of this table was loaded; the data files were changed after they were sealed"
            }
            Self::Unhealthy { .. } => "each of them says the way out",
            Self::OtherSequence { .. } => {
                "a run is being sealed or loaded, or was killed meanwhile; repeat it, after the next extract if that does not help"
            }
            Self::Differs { .. } => {
                "replay a chunk: take it out of `chunks` in `state/<table>.json`, then `extract-rds --sweep` writes it and `load-redshift run` loads it; delete rows of chunks that the source does not have"
            }
            Self::FxRates { .. } => "correct the file; nothing was transformed",
            Self::Unbalanced { .. } => {
                "readers still see the numbers of the last published run; the receipt under `runs/` holds all counts"
            }
            Self::Refused { .. } => {
                "readers still see the numbers of the last published run; the receipt under `runs/` holds all findings. What is as it should be, `load-redshift verify --accept RULE` lets pass for this run"
            }
            Self::NotVerified { .. } => "run `load-redshift transform --verify --publish`",
            Self::NotTransformed { .. } => "run `load-redshift transform`",
            Self::NothingToRequeue { .. } => {
                "`load-redshift quarantine list --all` names the rules that are broken; row rules are judged by extract-rds"
            }
            Self::Interrupted => "running it again is safe: what is loaded is not loaded twice",
            Self::Manifest(_)
            | Self::UnknownTable(_)
            | Self::MetricFault(_)
            | Self::CheckFault(_)
            | Self::ProcedureCycle(_)
            | Self::Misplaced { .. }
            | Self::StateVersion { .. }
            | Self::Parquet { .. }
            | Self::Result { .. }
            | Self::Check { .. }
            | Self::Json { .. }
            | Self::Output { .. } => return None,
        };
        Some(hint.into())
    }
}
