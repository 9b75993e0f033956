//! `redshift-local serve` runs the endpoint, `redshift-local check` reads SQL files.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use redshift_local::Options;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(version, about = "A Redshift Data API on PostgreSQL that refuses what Redshift refuses")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the Data API over HTTP.
    Serve {
        /// Address to listen on; port 0 takes a free one, which is printed.
        #[arg(long, default_value = "127.0.0.1:8181")]
        listen: String,
        /// URL of a PostgreSQL superuser: postgres://user:password@host:port
        #[arg(long, env = "REDSHIFT_LOCAL_POSTGRES_URL", hide_env_values = true)]
        postgres: String,
        /// Endpoint of the S3 that COPY reads, for example http://127.0.0.1:4566.
        #[arg(long)]
        s3_endpoint: Option<String>,
        #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
        region: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("redshift-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { listen, postgres, s3_endpoint, region } => {
            let listener =
                tokio::net::TcpListener::bind(&listen).await.with_context(|| format!("listen on {listen}"))?;
            println!("listening on http://{}", listener.local_addr().context("read the listening address")?);
            let options = Options { postgres_url: postgres, s3_endpoint, region };
            redshift_local::serve(listener, options, shutdown()).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Completes on SIGTERM or Ctrl-C.
async fn shutdown() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        // Without a handler for SIGTERM the process still ends on it, only less gently.
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}
