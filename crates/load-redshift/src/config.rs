//! What the program needs to know, from flags and environment. Everything that can be wrong with it is found here,
//! before the first connection.

use crate::{
    explain::KeyValue,
    publish::Restatement,
    sql_tree::{SqlFolderError, use_folder},
    transform::Extent,
    verify::Verification,
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use rental_core::{
    Currency, RunDate, RunId, TableSpec, UnknownTable,
    env::{EnvError, required_var, var, var_parsed},
    expected::{DATE, NUMBER, RUN_ID, TIMEZONE, expecting},
    table_spec, table_specs,
};
use rental_task::{AwsError, OutputFormat};
use std::{fmt, path::PathBuf};

const DEFAULT_CURRENCY: &str = "USD";
const KEY_VALUE: &str = "a key column and its value, such as `apartment_id=4711`";
/// Weekends and holidays have no rates of their own.
const DEFAULT_FX_MAX_AGE_DAYS: u32 = 7;
const DEFAULT_FX_RATES_KEY: &str = "reference/fx_rates.csv";

/// Loads sealed manifests from S3 into Redshift, transforms, checks, and publishes the metrics.
///
/// Connections come from the environment, or from a `.env` file; the flags below override it.
#[derive(Debug, Parser)]
#[command(name = "load-redshift", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Id of the run; earlier sealed runs are loaded before it [env: RUN_ID] [default: all sealed runs, and after loading the newest one]
    #[arg(long, global = true, value_parser = expecting::<RunId>(RUN_ID))]
    run_id: Option<RunId>,
    /// Run date of the transformation, YYYY-MM-DD [env: AS_OF] [default: the run date in the run's manifests]
    #[arg(long, global = true, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
    as_of: Option<NaiveDate>,
    /// Tables to load or reconcile, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, global = true, value_delimiter = ',')]
    tables: Vec<String>,
    /// Folder to take the warehouse's SQL from, a copy of `sql/` with metrics of your own [env: SQL_DIR] [default: the SQL in this program]
    #[arg(long, global = true, value_name = "FOLDER")]
    sql_dir: Option<PathBuf>,
}

impl Arguments {
    /// Takes the SQL from where it is asked for.
    pub(crate) fn choose_sql(&self) -> Result<(), ConfigError> {
        let folder = match &self.sql_dir {
            Some(folder) => Some(folder.clone()),
            None => var("SQL_DIR")?.map(PathBuf::from),
        };
        if let Some(folder) = folder {
            use_folder(&folder)?;
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Migrate, load, transform, verify and publish
    Run {
        #[command(flatten)]
        acceptance: AcceptanceArguments,
        #[command(flatten)]
        restatement: RestatementArguments,
    },
    /// Show what `run` would load, and which published periods may move by it; changes nothing. The periods are an upper bound:
    /// most often fewer of them move, and never others
    Plan {
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
    },
    /// Bring the warehouse's tables, procedures and metrics up to date with this program
    Migrate {
        /// Change nothing, only list what a migration would apply; exit code 2 when there is something
        #[arg(long)]
        check: bool,
    },
    /// Load every sealed manifest that the ledger does not hold, in order
    Load {
        /// Migrate first
        #[arg(long)]
        migrate: bool,
    },
    /// Fill the curated layer and compute the metrics, not yet visible to readers
    Transform {
        /// Verify afterwards
        #[arg(long)]
        verify: bool,
        /// Verify and publish afterwards
        #[arg(long)]
        publish: bool,
        #[command(flatten)]
        acceptance: AcceptanceArguments,
        #[command(flatten)]
        restatement: RestatementArguments,
        /// Make everything anew, not only what follows from the rows that changed
        #[arg(long)]
        full: bool,
    },
    /// Make a past period again from the raw layer: its rows count as changed. Then transform, verify and publish as `run` does
    Backfill {
        /// First day of the period, YYYY-MM-DD, in the reporting time zone
        #[arg(long, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
        from: NaiveDate,
        /// Last day of the period, YYYY-MM-DD
        #[arg(long, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
        to: NaiveDate,
        #[command(flatten)]
        acceptance: AcceptanceArguments,
        #[command(flatten)]
        restatement: RestatementArguments,
    },
    /// Run the checks and see whether the receipt balances
    Verify {
        /// Look at everything, not only at the days that changed since the last publication
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        acceptance: AcceptanceArguments,
    },
    /// Make readers see the metrics of a verified run
    Publish {
        #[command(flatten)]
        restatement: RestatementArguments,
    },
    /// Look at the metrics
    #[command(subcommand)]
    Metric(MetricAction),
    /// Look at rows that break rules across rows and tables, and at those that are kept out for it
    #[command(subcommand)]
    Quarantine(QuarantineAction),
    /// Show what is loaded, transformed and published
    Status,
    /// Look at everything that a run needs, and write nothing; exit code 2 when something fails
    Doctor {
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
    },
    /// Compare the raw tables with the source as it was last sealed, and name the chunks that differ; exit code 3 when some do
    Reconcile {
        /// Compare only how many rows each chunk has, by one query per table; without it every value is compared, by way of S3
        #[arg(long)]
        counts: bool,
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
    },
}

/// What does not keep a run from being published.
#[derive(Debug, Clone, Args)]
pub struct AcceptanceArguments {
    /// Publish although this rule is broken, for this run only; the receipt says so. Can be repeated
    #[arg(long = "accept", value_name = "RULE")]
    accepted: Vec<String>,
}

impl AcceptanceArguments {
    pub(crate) fn verification(&self, extent: Extent) -> Verification {
        Verification { extent, accepted: self.accepted.clone() }
    }
}

/// What happens to numbers that readers have seen complete.
#[derive(Debug, Clone, Copy, Args)]
pub struct RestatementArguments {
    /// Close the periods that end before this day, YYYY-MM-DD, once they are published: what later runs find for them is noted
    /// and kept back
    #[arg(long, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
    close_before: Option<NaiveDate>,
    /// Publish what is kept back of closed periods as well
    #[arg(long)]
    restate: bool,
}

impl RestatementArguments {
    pub(crate) fn restatement(self) -> Restatement {
        Restatement { close_before: self.close_before, restates: self.restate }
    }
}

#[derive(Debug, Clone, Subcommand)]
pub enum MetricAction {
    /// List the metrics with what they say
    List,
    /// Print the published rows of a metric, newest periods first
    Show {
        name: String,
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
        /// Rows to print [default: all]
        #[arg(long, value_name = "ROWS")]
        limit: Option<u32>,
    },
    /// Print why a metric says what it says in a period: its rules, numerator and denominator, what is left out and why, and the
    /// rows behind
    Explain {
        name: String,
        /// A day of the period, YYYY-MM-DD [default: the first day of the newest complete one]
        #[arg(long, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
        period: Option<NaiveDate>,
        /// Only rows in which a key column holds this; can be repeated
        #[arg(long = "key", value_name = "COLUMN=VALUE", value_parser = expecting::<KeyValue>(KEY_VALUE))]
        keys: Vec<KeyValue>,
        /// As CSV only the rows behind
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
        /// Rows to print, of those that are published and of those behind them [default: 20 in a table, else all]
        #[arg(long, value_name = "ROWS")]
        limit: Option<u32>,
    },
    /// Print values that changed after readers had seen their period complete, newest first, and those that are kept back
    Restatements {
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
        /// Rows to print [default: all]
        #[arg(long, value_name = "ROWS")]
        limit: Option<u32>,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum QuarantineAction {
    /// Count the quarantined rows by rule, with some of their keys
    List {
        /// Also count rows that break a rule and were kept
        #[arg(long)]
        all: bool,
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
    },
    /// Print the rows that break a rule, longest known first
    Show {
        #[arg(long)]
        rule: String,
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        format: OutputFormat,
        /// Rows to print [default: all]
        #[arg(long, value_name = "ROWS")]
        limit: Option<u32>,
    },
    /// Have the next transformation judge rows again, whether they changed or not
    Requeue {
        #[arg(long)]
        rule: String,
        /// Of these rows only; can be repeated [default: all that break the rule]
        #[arg(long = "key", value_name = "KEY")]
        keys: Vec<String>,
    },
}

/// One run of load, transform, verify or publish.
#[derive(Debug, Clone)]
pub struct Config {
    pub run_id: Option<RunId>,
    /// The run date as asked for; without one it is that of the run's manifests.
    pub as_of: Option<RunDate>,
    pub tables: Vec<&'static TableSpec>,
    pub bucket: String,
    pub warehouse: WarehouseConfig,
    /// ARN of the role with which COPY reads the bucket.
    pub copy_role: String,
    pub reporting: ReportingConfig,
}

/// What all published numbers are in.
#[derive(Debug, Clone)]
pub struct ReportingConfig {
    pub timezone: Tz,
    pub currency: Currency,
    pub fx_max_age_days: u32,
    pub fx_rates_key: String,
    /// How old the newest booking and viewing may be; none where nothing is agreed.
    pub freshness_max_days: Option<u32>,
}

/// How to reach the warehouse through the Data API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseConfig {
    pub target: Target,
    pub database: String,
    pub secret_arn: Option<String>,
}

/// Which warehouse. A Serverless workgroup takes its user from IAM or the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Workgroup { name: String },
    Cluster { identifier: String, user: Option<String> },
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Env(#[from] EnvError),
    #[error(transparent)]
    UnknownTable(#[from] UnknownTable),
    #[error(transparent)]
    SqlFolder(#[from] SqlFolderError),
    #[error("a backfill from {from} to {to} is of no day")]
    NoDays { from: NaiveDate, to: NaiveDate },
    #[error(
        "missing variable `REDSHIFT_WORKGROUP`, and neither `REDSHIFT_CLUSTER_IDENTIFIER` nor `REDSHIFT_HOST` in its place"
    )]
    NoTarget,
    #[error(
        "variable `REDSHIFT_HOST` has the value `{0}`: expected the endpoint of a cluster or a Serverless workgroup"
    )]
    Host(String),
    #[error("variable `{name}` has the value `{value}`: expected {expected}")]
    Unusable { name: &'static str, value: String, expected: &'static str },
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Config {
    /// # Errors
    /// A variable that is missing or cannot be understood, a table without a contract.
    pub fn from_arguments(arguments: &Arguments) -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: required_var("S3_BUCKET")?,
            warehouse: WarehouseConfig::from_env()?,
            copy_role: copy_role(required_var("GLUE_ROLE_ARN")?)?,
            run_id: arguments.run_id.clone().map_or_else(|| var_parsed("RUN_ID", RUN_ID), |run_id| Ok(Some(run_id)))?,
            as_of: arguments.as_of.map_or_else(|| var_parsed("AS_OF", DATE), |date| Ok(Some(date)))?,
            tables: tables(arguments)?,
            reporting: ReportingConfig::from_env()?,
        })
    }
}

impl ReportingConfig {
    fn from_env() -> Result<Self, ConfigError> {
        let code = var("REPORTING_CURRENCY")?.unwrap_or_else(|| DEFAULT_CURRENCY.to_owned());
        let currency = Currency::parse(&code).ok_or(ConfigError::Unusable {
            name: "REPORTING_CURRENCY",
            value: code,
            expected: "a currency code of ISO 4217, for example `USD`",
        })?;
        Ok(Self {
            timezone: var_parsed("REPORTING_TIMEZONE", TIMEZONE)?.unwrap_or(Tz::UTC),
            currency,
            fx_max_age_days: var_parsed("FX_MAX_AGE_DAYS", NUMBER)?.unwrap_or(DEFAULT_FX_MAX_AGE_DAYS),
            freshness_max_days: var_parsed("FRESHNESS_MAX_DAYS", NUMBER)?,
            fx_rates_key: var("FX_RATES_KEY")?.unwrap_or_else(|| DEFAULT_FX_RATES_KEY.to_owned()),
        })
    }
}

impl WarehouseConfig {
    /// # Errors
    /// A variable that is missing or cannot be understood.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(var)
    }

    fn from_variables(var: impl Fn(&'static str) -> Result<Option<String>, EnvError>) -> Result<Self, ConfigError> {
        let cluster = |identifier, user| Target::Cluster { identifier, user };
        let user = var("REDSHIFT_USER")?;
        let target = match (var("REDSHIFT_WORKGROUP")?, var("REDSHIFT_CLUSTER_IDENTIFIER")?, var("REDSHIFT_HOST")?) {
            (Some(name), _, _) => Target::Workgroup { name },
            (None, Some(identifier), _) => cluster(identifier, user),
            (None, None, Some(host)) => match target_of_host(&host) {
                Some(Target::Cluster { identifier, .. }) => cluster(identifier, user),
                Some(workgroup @ Target::Workgroup { .. }) => workgroup,
                None => return Err(ConfigError::Host(host)),
            },
            (None, None, None) => return Err(ConfigError::NoTarget),
        };
        let secret_arn = var("REDSHIFT_SECRET_ARN")?;
        if secret_arn.is_none() && var("REDSHIFT_PASSWORD")?.is_some() {
            tracing::warn!(
                "REDSHIFT_PASSWORD is not used: the Data API takes no password; IAM or REDSHIFT_SECRET_ARN identifies the user"
            );
        }
        let database = var("REDSHIFT_DATABASE")?.ok_or(EnvError::Missing("REDSHIFT_DATABASE"))?;
        Ok(Self { target, database, secret_arn })
    }
}

/// `workgroup.account.region.redshift-serverless.amazonaws.com` or `cluster.hash.region.redshift.amazonaws.com`, with or
/// without port and database.
fn target_of_host(host: &str) -> Option<Target> {
    let host = host.split([':', '/']).next()?;
    let (name, rest) = host.split_once('.')?;
    let labels: Vec<_> = rest.split('.').collect();
    if name.is_empty() || !labels.contains(&"amazonaws") {
        None
    } else if labels.contains(&"redshift-serverless") {
        Some(Target::Workgroup { name: name.to_owned() })
    } else if labels.contains(&"redshift") {
        Some(Target::Cluster { identifier: name.to_owned(), user: None })
    } else {
        None
    }
}

/// The role stands in COPY as a literal, where nothing can be escaped in a way that every engine agrees on.
fn copy_role(arn: String) -> Result<String, ConfigError> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b":/-_+=,.@".contains(&byte);
    if arn.starts_with("arn:") && arn.bytes().all(is_safe) {
        return Ok(arn);
    }
    Err(ConfigError::Unusable { name: "GLUE_ROLE_ARN", value: arn, expected: "the ARN of an IAM role" })
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

impl fmt::Display for WarehouseConfig {
    /// Where the warehouse is, without secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Workgroup { name } => write!(formatter, "workgroup `{name}`, database `{}`", self.database),
            Target::Cluster { identifier, .. } => {
                write!(formatter, "cluster `{identifier}`, database `{}`", self.database)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(variables: &[(&str, &str)]) -> Result<Target, ConfigError> {
        let find = |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let var = |name| Ok(if name == "REDSHIFT_DATABASE" { Some("analytics".into()) } else { find(name) });
        WarehouseConfig::from_variables(var).map(|config| config.target)
    }

    #[test]
    fn the_warehouse_is_found_by_name_or_by_endpoint() {
        let workgroup = |name: &str| Target::Workgroup { name: name.into() };
        let cluster = |identifier: &str, user: Option<&str>| Target::Cluster {
            identifier: identifier.into(),
            user: user.map(str::to_owned),
        };
        let serverless = "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev";
        let provisioned = "c1.abc.eu-west-1.redshift.amazonaws.com";
        let china = "c1.abc.cn-north-1.redshift.amazonaws.com.cn";
        let cases: [(&[(&str, &str)], Target); 6] = [
            (&[("REDSHIFT_WORKGROUP", "wg"), ("REDSHIFT_CLUSTER_IDENTIFIER", "c1")], workgroup("wg")),
            (&[("REDSHIFT_CLUSTER_IDENTIFIER", "c1"), ("REDSHIFT_USER", "etl")], cluster("c1", Some("etl"))),
            (&[("REDSHIFT_HOST", serverless), ("REDSHIFT_USER", "etl")], workgroup("wg")),
            (&[("REDSHIFT_HOST", provisioned), ("REDSHIFT_USER", "etl")], cluster("c1", Some("etl"))),
            (&[("REDSHIFT_HOST", china)], cluster("c1", None)),
            (&[("REDSHIFT_HOST", provisioned), ("REDSHIFT_CLUSTER_IDENTIFIER", "c2")], cluster("c2", None)),
        ];
        for (variables, expected) in cases {
            assert_eq!(target(variables).unwrap(), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_warehouse_that_is_not_named_is_asked_for() {
        let message = target(&[]).unwrap_err().to_string();
        assert!(message.contains("REDSHIFT_WORKGROUP") && message.contains("REDSHIFT_HOST"), "{message}");
        assert!(matches!(target(&[("REDSHIFT_HOST", "localhost")]), Err(ConfigError::Host(_))));
    }

    #[test]
    fn a_role_that_could_leave_its_literal_is_refused() {
        assert!(copy_role("arn:aws:iam::123456789012:role/path/copy_x".into()).is_ok());
        for text in ["role", "arn:aws:iam::1:role/x' --", "arn:aws:iam::1:role/x y"] {
            assert!(copy_role(text.into()).is_err(), "{text}");
        }
    }
}
