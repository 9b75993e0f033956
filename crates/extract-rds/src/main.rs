//! `extract-rds`: arguments and environment in, sealed manifests on S3 out, an exit code for whoever started it.

use clap::Parser;
use extract_rds::{Arguments, Command, ConfigError, ExtractError, chunk_until, commands, run_until, seal_until};
use rental_task::{LogFormat, report_failure, start_logging, termination};
use std::process::ExitCode;

const PROGRAM: &str = "extract-rds";

fn main() -> ExitCode {
    // Before any thread exists: a `.env` file beside the caller is read when there is one.
    let _ = dotenvy::dotenv();
    let command = Arguments::parse().command();
    let format = match LogFormat::from_env() {
        Ok(format) => format,
        Err(error) => {
            let error = ExtractError::from(ConfigError::from(error));
            return report_failure(PROGRAM, LogFormat::Text, &error);
        }
    };
    start_logging(format, "extract_rds");
    match execute(&command, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(PROGRAM, format, &error),
    }
}

#[tokio::main]
async fn execute(command: &Command, format: LogFormat) -> Result<(), ExtractError> {
    let receipt = match command {
        Command::Run(flags) => run_until(&flags.config()?, termination()).await?,
        Command::Seal(flags) => seal_until(&flags.config()?, termination()).await?,
        Command::Chunk(flags) => {
            return chunk_until(&flags.config()?, flags.table(), flags.item(), termination()).await;
        }
        Command::Plan(flags) => return commands::plan_items(&flags.config()?).await,
        Command::Check(flags) => return commands::check(&flags.config()?).await,
        Command::Quarantine(command) => return commands::quarantine(command).await,
    };
    commands::emit_metrics(&receipt, format);
    commands::print_receipt(&receipt)
}
