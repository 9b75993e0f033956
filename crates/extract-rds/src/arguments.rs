//! What can be typed: each subcommand with the options that it uses.

use crate::{
    config::{Config, ConfigError, QuarantineConfig, run_id},
    source_config::{MAX_STATEMENT_TIMEOUT_S, SslMode},
};
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use rental_core::{
    RunId,
    env::EnvError,
    expected::{COUNT, DATE, NUMBER, RUN_ID, expecting},
};
use rental_task::OutputFormat;
use std::num::NonZero;

/// Reads the marketplace's tables from Aurora MySQL, checks every row, and writes Parquet and manifests to S3.
///
/// Connections and secrets come from the environment, or from a `.env` file; the flags below override it.
#[derive(Debug, Parser)]
#[command(name = "extract-rds", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Flags,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Extract and seal (the default)
    Run(Flags),
    /// Cut the tables into work items for many tasks and print them
    Plan(PlanFlags),
    /// Capture one work item of the run's plan
    Chunk(ChunkFlags),
    /// Seal the tables whose work items are all captured
    Seal(SealFlags),
    /// Check connection, grants, and the contracts against the source's columns; read no rows
    Check(CheckFlags),
    /// Look at the rows that a run rejected
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
}

#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Count rejected rows by table and rule: those of this run, and all that stand
    List(QuarantineFlags),
    /// Show the rows that the run rejected: rule, key, reason, and the row as it stood at the source
    Show {
        #[command(flatten)]
        flags: QuarantineFlags,
        /// Rows to show at most
        #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = expecting::<u64>(NUMBER))]
        limit: u64,
    },
}

/// A run, how hard it may press the source, and how it gets in.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    #[command(flatten)]
    pub(crate) run: RunFlags,
    #[command(flatten)]
    pub(crate) pace: PaceFlags,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The run")]
pub(crate) struct RunFlags {
    /// Id of this run [env: RUN_ID] [default: a new time-ordered id]
    #[arg(long, value_name = "ID", value_parser = expecting::<RunId>(RUN_ID))]
    pub(crate) run_id: Option<RunId>,
    /// Run date, YYYY-MM-DD [env: AS_OF] [default: today in REPORTING_TIMEZONE]
    #[arg(long, value_name = "DATE", value_parser = expecting::<NaiveDate>(DATE))]
    pub(crate) as_of: Option<NaiveDate>,
    /// Tables, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Read every chunk, not only those that the contracts' hints name [env: SWEEP]
    #[arg(long)]
    pub(crate) sweep: bool,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Load on the source")]
pub(crate) struct PaceFlags {
    /// Connections to read over [env: CONNECTIONS] [default: 2]
    #[arg(long, value_name = "COUNT", value_parser = expecting::<NonZero<usize>>(COUNT))]
    pub(crate) connections: Option<NonZero<usize>>,
    /// Rows per second to take from the source at most [env: MAX_ROWS_PER_SECOND] [default, and 0: no limit]
    #[arg(long, value_name = "ROWS", value_parser = expecting::<u32>(NUMBER))]
    pub(crate) max_rows_per_second: Option<u32>,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection to the source")]
pub(crate) struct ConnectionFlags {
    /// What is asked of TLS: VERIFY_IDENTITY, VERIFY_CA, REQUIRED or DISABLED [env: RDS_SSL_MODE] [default: VERIFY_IDENTITY]
    #[arg(long, value_name = "MODE")]
    pub(crate) ssl_mode: Option<SslMode>,
    /// Seconds after which the source ends a statement, 0 for never [env: STATEMENT_TIMEOUT_S] [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_STATEMENT_TIMEOUT_S)))]
    pub(crate) statement_timeout_s: Option<u32>,
}

#[derive(Debug, Clone, Args)]
pub struct PlanFlags {
    #[command(flatten)]
    run: RunFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
}

#[derive(Debug, Clone, Args)]
pub struct ChunkFlags {
    /// Id of the planned run [env: RUN_ID]
    #[arg(long, value_name = "ID", value_parser = expecting::<RunId>(RUN_ID))]
    run_id: Option<RunId>,
    /// Table of the work item, as the plan names it
    #[arg(long)]
    table: String,
    /// Number of the work item within its table, as the plan has it
    #[arg(long, value_name = "NUMBER", value_parser = expecting::<usize>(NUMBER))]
    item: usize,
    #[command(flatten)]
    pace: PaceFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
}

#[derive(Debug, Clone, Args)]
pub struct SealFlags {
    /// Id of the planned run [env: RUN_ID]
    #[arg(long, value_name = "ID", value_parser = expecting::<RunId>(RUN_ID))]
    run_id: Option<RunId>,
    /// Tables, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct CheckFlags {
    /// Tables, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
    /// Connections that a run would read over [env: CONNECTIONS] [default: 2]
    #[arg(long, value_name = "COUNT", value_parser = expecting::<NonZero<usize>>(COUNT))]
    connections: Option<NonZero<usize>>,
    #[command(flatten)]
    connection: ConnectionFlags,
}

#[derive(Debug, Clone, Args)]
pub struct QuarantineFlags {
    /// Id of the run [env: RUN_ID] [default: the latest sealed run]
    #[arg(long, value_name = "ID", value_parser = expecting::<RunId>(RUN_ID))]
    pub(crate) run_id: Option<RunId>,
    /// Tables, separated by commas [env: TABLES] [default: all that have a contract]
    #[arg(long, value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Only rows that count under this rule or case of a rule, for example BKG-PRICE or BKG-PRICE:decimals
    #[arg(long)]
    pub(crate) rule: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,
}

impl Arguments {
    /// The subcommand; without one it is a run.
    #[must_use]
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

impl Flags {
    /// # Errors
    /// A variable that is missing or cannot be understood, a table without a contract.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::from_flags(self)
    }
}

impl PlanFlags {
    /// # Errors
    /// As for [`Flags::config`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        let Self { run, connection } = self.clone();
        Flags { run, connection, ..Flags::default() }.config()
    }
}

impl ChunkFlags {
    /// # Errors
    /// As for [`Flags::config`]; here the run id has no default.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let Self { run_id, pace, connection, .. } = self.clone();
        let run = RunFlags { run_id: Some(planned(run_id.as_ref())?), ..RunFlags::default() };
        Flags { run, pace, connection }.config()
    }

    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    #[must_use]
    pub fn item(&self) -> usize {
        self.item
    }
}

impl SealFlags {
    /// # Errors
    /// As for [`ChunkFlags::config`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        let Self { run_id, tables } = self.clone();
        let run = RunFlags { run_id: Some(planned(run_id.as_ref())?), tables, ..RunFlags::default() };
        Flags { run, ..Flags::default() }.config()
    }
}

impl CheckFlags {
    /// # Errors
    /// As for [`Flags::config`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        let Self { tables, connections, connection } = self.clone();
        let run = RunFlags { tables, ..RunFlags::default() };
        Flags { run, pace: PaceFlags { connections, ..PaceFlags::default() }, connection }.config()
    }
}

impl QuarantineFlags {
    /// # Errors
    /// As for [`Flags::config`], and a rule that no contract has.
    pub fn config(&self) -> Result<QuarantineConfig, ConfigError> {
        QuarantineConfig::from_flags(self)
    }
}

fn planned(given: Option<&RunId>) -> Result<RunId, EnvError> {
    run_id(given)?.ok_or(EnvError::Missing("RUN_ID"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_option_of_every_subcommand_says_what_it_is() {
        fn assert_described(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(assert_described);
        }
        let command = <Arguments as CommandFactory>::command();
        command.clone().debug_assert();
        assert_described(&command);
    }
}
