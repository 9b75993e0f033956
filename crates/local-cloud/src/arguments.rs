//! What can be typed.

use crate::generate::{SAMPLE_SEED, SampleSize};
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use rental_core::RunDate;
use std::path::PathBuf;

/// The whole pipeline on this machine: servers, stack, sample data, state machine.
#[derive(Debug, Parser)]
#[command(name = "rental-local", version)]
pub struct Arguments {
    /// Folder that holds everything of one local cloud
    #[arg(long, global = true, value_name = "FOLDER", default_value = ".rental-local")]
    pub(crate) state_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the servers and deploy the stack
    Up,
    /// Stop everything and remove its data; logs stay
    Down,
    /// Fill the source database and put the exchange rates into the bucket
    Seed {
        /// Folder with one CSV file per table, instead of the sample data
        #[arg(long, value_name = "FOLDER")]
        csv: Option<PathBuf>,
    },
    /// Run statements at the source database as its owner, for example to change a row between two runs
    Sql {
        /// One statement, or several with semicolons between them
        #[arg(value_name = "STATEMENT")]
        sql: String,
    },
    /// Start the state machine, follow it, print metrics and receipt
    Run {
        /// Run date [default: the sample data's when it was seeded, else today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<RunDate>,
    },
    /// Start, seed, run, print and stop, in a folder of its own
    Demo,
    /// Show what runs where
    Status,
    /// Print the variables with which the binaries and the AWS CLI use the local cloud
    Env,
    /// Write the sample data anew
    Generate {
        /// Folder to write to [default: the project's data folder]
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// The same seed gives the same files
        #[arg(long, default_value_t = SAMPLE_SEED)]
        seed: u64,
        #[command(flatten)]
        size: SampleSizeArguments,
    },
    /// Run the servers until told to end; `up` starts this
    #[command(hide = true)]
    Serve,
}

/// How much sample data to write; by default as much as the project's data folder has.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SampleSizeArguments {
    #[arg(long, default_value_t = SampleSize::COMMITTED.apartments)]
    apartments: usize,
    #[arg(long, default_value_t = SampleSize::COMMITTED.viewings)]
    viewings: usize,
    #[arg(long, default_value_t = SampleSize::COMMITTED.bookings)]
    bookings: usize,
    /// The first day of the data; the last one is 2025-12-31
    #[arg(long, value_name = "YYYY-MM-DD", default_value_t = SampleSize::COMMITTED.first_day)]
    since: NaiveDate,
}

impl From<SampleSizeArguments> for SampleSize {
    fn from(arguments: SampleSizeArguments) -> Self {
        let SampleSizeArguments { apartments, viewings, bookings, since } = arguments;
        Self { apartments, viewings, bookings, first_day: since }
    }
}
