//! `redshift-local serve` runs the endpoint, `redshift-local check` reads SQL files.

use std::io::Read as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use aws_credential_types::Credentials;
use clap::{Parser, Subcommand};
use redshift_local::{Faults, Options, Verdict};
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
        /// Endpoint of the S3 that COPY reads and UNLOAD writes, for example http://127.0.0.1:4566.
        #[arg(long)]
        s3_endpoint: Option<String>,
        #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
        region: String,
        /// Take only requests signed with this access key; its secret is read from REDSHIFT_LOCAL_SECRET_ACCESS_KEY.
        #[arg(long, env = "REDSHIFT_LOCAL_ACCESS_KEY_ID")]
        access_key_id: Option<String>,
        #[command(flatten)]
        faults: FaultArguments,
    },
    /// Say which statements of SQL files Redshift would refuse: 0 when none, 1 when some, 2 when a file cannot be read.
    Check {
        #[arg(required_unless_present = "stdin")]
        files: Vec<PathBuf>,
        /// Read the SQL from standard input.
        #[arg(long, conflicts_with = "files")]
        stdin: bool,
    },
}

/// What goes wrong on purpose.
#[derive(clap::Args)]
#[command(next_help_heading = "Faults, to see what a client does about them")]
struct FaultArguments {
    /// Answer every so many calls with ThrottlingException.
    #[arg(long, value_name = "CALLS")]
    throttle_every: Option<NonZeroU64>,
    /// Carry out every so many submissions and end the connection without an answer.
    #[arg(long, value_name = "SUBMISSIONS")]
    lose_answer_every: Option<NonZeroU64>,
    /// Keep each statement PICKED for so long before it runs.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    picked_for_ms: u64,
    /// Forget statements and results after so long; Redshift does after 24 hours.
    #[arg(long, value_name = "SECONDS", default_value_t = Faults::default().retention.as_secs())]
    retention_s: u64,
}

impl From<FaultArguments> for Faults {
    fn from(arguments: FaultArguments) -> Self {
        Self {
            throttle_every: arguments.throttle_every,
            lose_answer_every: arguments.lose_answer_every,
            picked_for: Duration::from_millis(arguments.picked_for_ms),
            retention: Duration::from_secs(arguments.retention_s),
        }
    }
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
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { listen, postgres, s3_endpoint, region, access_key_id, faults } => {
            let credentials = access_key_id.map(credentials).transpose()?;
            let listener =
                tokio::net::TcpListener::bind(&listen).await.with_context(|| format!("listen on {listen}"))?;
            println!("listening on http://{}", listener.local_addr().context("read the listening address")?);
            let options = Options { postgres_url: postgres, s3_endpoint, region, credentials, faults: faults.into() };
            redshift_local::serve(listener, options, shutdown()).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { files, stdin } => {
            let mut refused_count = 0;
            if stdin {
                let mut script = String::new();
                std::io::stdin().read_to_string(&mut script).context("read standard input")?;
                refused_count += report(Path::new("<stdin>"), &script);
            }
            for file in files {
                let script = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
                refused_count += report(&file, &script);
            }
            Ok(ExitCode::from(u8::from(refused_count > 0)))
        }
    }
}

/// The pair that requests must be signed with. The secret has no flag, as other users of the machine see a process's arguments.
fn credentials(access_key_id: String) -> anyhow::Result<Credentials> {
    const SECRET: &str = "REDSHIFT_LOCAL_SECRET_ACCESS_KEY";
    let secret =
        std::env::var(SECRET).with_context(|| format!("read {SECRET}, the secret of access key {access_key_id}"))?;
    Ok(Credentials::new(access_key_id, secret, None, None, "redshift-local"))
}

/// Prints what is found in a script; returns how many statements Redshift would refuse.
fn report(file: &Path, script: &str) -> usize {
    let refusals = redshift_local::check(script);
    for refusal in &refusals {
        let note = match refusal.verdict {
            Verdict::NotRedshift => "",
            Verdict::NotOffered => "not offered here, though Redshift has it: ",
        };
        println!(
            "{}:{}:{}: {note}{}: {}",
            file.display(),
            refusal.line,
            refusal.column,
            refusal.construct,
            refusal.reason
        );
    }
    refusals.iter().filter(|refusal| refusal.verdict == Verdict::NotRedshift).count()
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
