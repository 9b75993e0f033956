//! `rental-local`: the whole pipeline on this machine.

use clap::Parser as _;
use local_cloud::{Arguments, execute};
use std::{io::stderr, process::ExitCode};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false).init();
    match execute(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rental-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}
