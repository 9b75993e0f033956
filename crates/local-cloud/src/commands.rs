//! One function per subcommand. Results go to standard output, everything else to standard error.

use crate::{
    arguments::{Arguments, Command},
    cloud::{LocalCloud, Options, own_binary_folder},
    execution::run_state_machine,
    fill::{SAMPLE_FOLDER, fill_source},
    generate::{SampleSize, generate},
    output::print,
    results::print_results,
    running_cloud::RunningCloud,
    shell::export_lines,
    source_sql::run_sql,
    state_folder::holder,
    status::print_status,
    supervisor,
};
use anyhow::Context as _;
use rental_core::RunDate;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Does what the arguments ask for.
///
/// # Errors
/// Whatever keeps it from being done, with the way out.
pub async fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let state_folder = arguments.state_dir.as_path();
    match arguments.command {
        Command::Up => up(state_folder).await,
        Command::Down => down(state_folder).await,
        Command::Seed { csv } => fill_source(&RunningCloud::find(state_folder)?, csv.as_deref()).await,
        Command::Sql { sql } => run_sql(&RunningCloud::find(state_folder)?, sql).await,
        Command::Run { as_of } => run(&RunningCloud::find(state_folder)?, as_of).await,
        Command::Demo => demo().await,
        Command::Status => print_status(state_folder).await,
        Command::Env => print_environment(&RunningCloud::find(state_folder)?),
        Command::Generate { folder, seed, size } => write_sample(folder, seed, size.into()),
        Command::Serve => supervisor::serve(state_folder).await,
    }
}

async fn up(state_folder: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    if holder(state_folder).is_none() {
        supervisor::start_detached(state_folder, |line| eprintln!("✓ {line}"))?;
    }
    let cloud = deployed(state_folder).await?;
    eprintln!("the local cloud is up after {:.1} s\n", started.elapsed().as_secs_f64());
    print_status(state_folder).await?;
    if cloud.sample()?.is_none() {
        eprintln!("next: rental-local seed, then rental-local run");
    }
    Ok(())
}

async fn down(state_folder: &Path) -> anyhow::Result<()> {
    let ran = supervisor::stop(state_folder).await?;
    let outcome = if ran { "the local cloud is down" } else { "no local cloud ran" };
    eprintln!("{outcome} in {}", state_folder.display());
    Ok(())
}

async fn run(cloud: &RunningCloud, as_of: Option<RunDate>) -> anyhow::Result<()> {
    let as_of = match as_of {
        Some(as_of) => Some(as_of),
        None => cloud.sample()?.map(|sample| sample.as_of),
    };
    let run_id = run_state_machine(cloud, as_of).await?;
    print_results(cloud, &run_id).await
}

/// In a folder of its own, beside whatever else runs; ended early by Ctrl-C, it stops everything as well.
async fn demo() -> anyhow::Result<()> {
    let started = Instant::now();
    let told_to_end = supervisor::termination()?;
    let cloud =
        LocalCloud::start(Options { progress: Some(|line| eprintln!("✓ {line}")), ..Options::default() }).await?;
    let outcome = tokio::select! {
        outcome = seed_and_run(cloud.state_folder()) => outcome,
        () = told_to_end => Err(anyhow::anyhow!("ended early")),
    };
    let stopped = cloud.stop().await.context("stop the local cloud");
    outcome.and(stopped)?;
    eprintln!("\neverything is stopped again after {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

async fn seed_and_run(state_folder: &Path) -> anyhow::Result<()> {
    let cloud = deployed(state_folder).await?;
    fill_source(&cloud, None).await?;
    run(&cloud, None).await
}

async fn deployed(state_folder: &Path) -> anyhow::Result<RunningCloud> {
    let started = Instant::now();
    let cloud = RunningCloud::complete(state_folder).await?;
    eprintln!("✓ the stack stands after {:.1} s", started.elapsed().as_secs_f64());
    Ok(cloud)
}

fn print_environment(cloud: &RunningCloud) -> anyhow::Result<()> {
    let folders = [own_binary_folder()?, cloud.connection.tools_folder.clone()];
    print(export_lines(&cloud.environment()?, &folders.each_ref().map(PathBuf::as_path)).trim_end())
}

fn write_sample(folder: Option<PathBuf>, seed: u64, size: SampleSize) -> anyhow::Result<()> {
    let folder = folder.unwrap_or_else(|| PathBuf::from(SAMPLE_FOLDER));
    generate(&folder, seed, size)?;
    eprintln!("✓ the sample data is in {}", folder.display());
    Ok(())
}
