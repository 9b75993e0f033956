//! `load-redshift`: arguments and environment in, published metrics out, an exit code for whoever started it.

use clap::Parser;
use load_redshift::{Arguments, ConfigError, LoadError, execute};
use rental_task::{LogFormat, report_failure, start_logging};
use std::process::ExitCode;

const PROGRAM: &str = "load-redshift";

fn main() -> ExitCode {
    // Before any thread exists: a `.env` file beside the caller is read when there is one.
    let _ = dotenvy::dotenv();
    let arguments = Arguments::parse();
    let format = match LogFormat::from_env() {
        Ok(format) => format,
        Err(error) => {
            let error = LoadError::from(ConfigError::from(error));
            return report_failure(PROGRAM, LogFormat::Text, &error);
        }
    };
    start_logging(format, "load_redshift");
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(PROGRAM, format, &error),
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> Result<(), LoadError> {
    execute(arguments).await
}
