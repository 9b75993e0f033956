//! `load-redshift`: arguments and environment in, published metrics out, an exit code for whoever started it.

use clap::Parser;
use load_redshift::{Arguments, LoadError, LogFormat, execute, logging};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before any thread exists: a `.env` file beside the caller is read when there is one.
    let _ = dotenvy::dotenv();
    let arguments = Arguments::parse();
    let format = match LogFormat::from_env() {
        Ok(format) => format,
        Err(error) => return logging::report_failure(LogFormat::Text, &error.into()),
    };
    logging::start(format);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => logging::report_failure(format, &error),
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> Result<(), LoadError> {
    execute(arguments).await
}
