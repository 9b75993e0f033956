//! `extract-rds`: arguments and environment in, sealed manifests on S3 out, an exit code for whoever started it.

use clap::Parser;
use extract_rds::{
    Arguments, Command, Config, ConfigError, ExtractError, QuarantineConfig, chunk_until, commands, run_until,
    seal_until,
};
use rental_task::{LogFormat, report_failure, start_logging, termination};
use std::process::ExitCode;

const PROGRAM: &str = "extract-rds";

fn main() -> ExitCode {
    // Before any thread exists: a `.env` file beside the caller is read when there is one.
    let _ = dotenvy::dotenv();
    let arguments = Arguments::parse();
    let format = match LogFormat::from_env() {
        Ok(format) => format,
        Err(error) => {
            let error = ExtractError::from(ConfigError::from(error));
            return report_failure(PROGRAM, LogFormat::Text, &error);
        }
    };
    start_logging(format, "extract_rds");
    match execute(&arguments, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(PROGRAM, format, &error),
    }
}

#[tokio::main]
async fn execute(arguments: &Arguments, format: LogFormat) -> Result<(), ExtractError> {
    match &arguments.command {
        None | Some(Command::Run) => {
            let config = Config::from_arguments(arguments)?;
            let receipt = run_until(&config, termination()).await?;
            commands::emit_metrics(&receipt, format);
            commands::print_receipt(&receipt)
        }
        Some(Command::Plan) => commands::plan_items(&Config::from_arguments(arguments)?).await,
        Some(Command::Chunk { table, item }) => {
            chunk_until(&Config::from_arguments(arguments)?, table, *item, termination()).await
        }
        Some(Command::Seal) => {
            let receipt = seal_until(&Config::from_arguments(arguments)?, termination()).await?;
            commands::emit_metrics(&receipt, format);
            commands::print_receipt(&receipt)
        }
        Some(Command::Check) => commands::check(&Config::from_arguments(arguments)?).await,
        Some(Command::Quarantine(action)) => {
            commands::quarantine(action, &QuarantineConfig::from_arguments(arguments)?).await
        }
    }
}
