//! One function per subcommand. Results go to standard output, everything else to the log.

use crate::{
    config::{Arguments, Command, Config, ConfigError, MetricAction, QuarantineAction, WarehouseConfig},
    data_api::DataApi,
    doctor::{Health, examine},
    error::LoadError,
    explain::{Question, explain},
    job::Job,
    ledger::Ledger,
    load::{load, note_load},
    migrate::{differences, migrate},
    output,
    plan::plan,
    publish::{Restatement, publish_run},
    quarantine,
    reconcile::{Depth, reconcile, remove_unloaded},
    transform::{Backfill, Chosen, Extent, choose_run, transform_run},
    verify::{Verification, verify_run},
};
use rental_core::{RunDate, RunId};
use rental_task::{OutputFormat, read_receipt, sdk_config, termination};
use std::time::Instant;

/// Which of the steps after loading are asked for.
#[derive(Debug, Clone)]
struct Steps {
    transform: Option<Extent>,
    verify: Option<Verification>,
    publish: Option<Restatement>,
}

/// Does what the arguments ask for.
///
/// # Errors
/// See [`LoadError`]; its exit code says what each means for whoever started the program.
pub async fn execute(arguments: &Arguments) -> Result<(), LoadError> {
    arguments.choose_sql()?;
    match &arguments.command {
        Command::Run { acceptance, restatement } => {
            let config = Config::from_arguments(arguments)?;
            let publish = Some(restatement.restatement());
            let steps = Steps {
                transform: Some(Extent::Changes),
                verify: Some(acceptance.verification(Extent::Changes)),
                publish,
            };
            work(&config, async |job| {
                load(job, true).await?;
                after_load(job, steps).await
            })
            .await
        }
        Command::Plan { format } => {
            let config = Config::from_arguments(arguments)?;
            work(&config, async |job| output::print_plan(&plan(job).await?, *format)).await
        }
        Command::Load { migrate } => {
            let config = Config::from_arguments(arguments)?;
            work(&config, async |job| load(job, *migrate).await).await
        }
        Command::Transform { verify, publish, full, acceptance, restatement } => {
            let steps = Steps {
                transform: Some(Extent::of(*full)),
                verify: (*verify || *publish).then(|| acceptance.verification(Extent::Changes)),
                publish: publish.then(|| restatement.restatement()),
            };
            work(&Config::from_arguments(arguments)?, async |job| after_load(job, steps).await).await
        }
        Command::Backfill { from, to, acceptance, restatement } => {
            let (from, to) = (*from, *to);
            if from > to {
                return Err(ConfigError::NoDays { from, to }.into());
            }
            let transform = Some(Extent::Period(Backfill { from, to }));
            let steps = Steps {
                transform,
                verify: Some(acceptance.verification(Extent::Changes)),
                publish: Some(restatement.restatement()),
            };
            work(&Config::from_arguments(arguments)?, async |job| after_load(job, steps).await).await
        }
        Command::Verify { full, acceptance } => {
            let verification = acceptance.verification(Extent::of(*full));
            let steps = Steps { transform: None, verify: Some(verification), publish: None };
            work(&Config::from_arguments(arguments)?, async |job| after_load(job, steps).await).await
        }
        Command::Publish { restatement } => {
            let steps = Steps { transform: None, verify: None, publish: Some(restatement.restatement()) };
            work(&Config::from_arguments(arguments)?, async |job| after_load(job, steps).await).await
        }
        Command::Migrate { check: false } => {
            let api = data_api().await?;
            until_signal(&api, async { migrate(&api).await.map(drop) }).await
        }
        Command::Migrate { check: true } => {
            let differences = differences(&data_api().await?).await?;
            output::print_differences(&differences)?;
            match differences.iter().filter(|difference| difference.is_pending()).count() {
                0 => Ok(()),
                count => Err(LoadError::MigrationPending { count }),
            }
        }
        Command::Metric(MetricAction::List) => output::list_metrics(),
        Command::Metric(MetricAction::Show { name, format, limit }) => {
            output::show_metric(&data_api().await?, name, *format, *limit).await
        }
        Command::Metric(MetricAction::Explain { name, period, keys, format, limit }) => {
            const TABLE_ROWS: u32 = 20;
            let limit = limit.or_else(|| (*format == OutputFormat::Table).then_some(TABLE_ROWS));
            let question = Question { metric: name.clone(), day: *period, keys: keys.clone(), limit };
            output::print_explanation(&explain(&data_api().await?, &question).await?, *format)
        }
        Command::Metric(MetricAction::Restatements { format, limit }) => {
            output::show_restatements(&data_api().await?, *format, *limit).await
        }
        Command::Quarantine(QuarantineAction::List { all, format }) => {
            quarantine::list(&data_api().await?, *all, *format).await
        }
        Command::Quarantine(QuarantineAction::Show { rule, format, limit }) => {
            quarantine::show(&data_api().await?, rule, *format, *limit).await
        }
        Command::Quarantine(QuarantineAction::Requeue { rule, keys }) => {
            output::print_requeued(quarantine::requeue(&data_api().await?, rule, keys).await?)
        }
        Command::Status => output::print_status(&Ledger::read(&data_api().await?).await?),
        Command::Doctor { format } => {
            let examined = examine(arguments).await;
            output::print_examined(&examined, *format)?;
            match examined.iter().filter(|examined| examined.health == Health::Fail).count() {
                0 => Ok(()),
                count => Err(LoadError::Unhealthy { count }),
            }
        }
        Command::Reconcile { counts, format } => {
            let depth = if *counts { Depth::Counts } else { Depth::Values };
            reconcile_tables(&Config::from_arguments(arguments)?, depth, *format).await
        }
    }
}

/// However a comparison ends, nothing of it is left in the bucket.
async fn reconcile_tables(config: &Config, depth: Depth, format: OutputFormat) -> Result<(), LoadError> {
    let job = Job::new(config).await?;
    let id = RunId::now();
    let compared = until_signal(&job.api, Box::pin(reconcile(&job, &id, depth))).await;
    let removed = remove_unloaded(&job, &id).await;
    let tables = compared?;
    output::print_reconciled(&tables, format)?;
    removed?;
    let differing = tables.iter().filter(|table| !table.differences.is_empty());
    let tables: Vec<_> = differing.clone().map(|table| table.table.clone()).collect();
    match differing.map(|table| table.differences.len()).sum() {
        0 => Ok(()),
        chunk_count => Err(LoadError::Differs { chunk_count, tables }),
    }
}

async fn data_api() -> Result<DataApi, LoadError> {
    let warehouse = WarehouseConfig::from_env()?;
    Ok(DataApi::new(&sdk_config().await.map_err(ConfigError::from)?, &warehouse))
}

async fn work(config: &Config, steps: impl AsyncFnOnce(&Job<'_>) -> Result<(), LoadError>) -> Result<(), LoadError> {
    let job = Job::new(config).await?;
    // Boxed, because the state of all steps in one would be too deep for the compiler.
    until_signal(&job.api, Box::pin(steps(&job))).await
}

/// Ends early when the program is told to stop, and then ends the running statements as well.
async fn until_signal<T>(api: &DataApi, work: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError> {
    tokio::select! {
        result = work => result,
        () = termination() => {
            api.cancel_running().await;
            Err(LoadError::Interrupted)
        }
    }
}

async fn after_load(job: &Job<'_>, steps: Steps) -> Result<(), LoadError> {
    let ledger = Ledger::read(&job.api).await?;
    let run_id = match choose_run(job, &ledger)? {
        Chosen::Run(run_id) => run_id,
        Chosen::Superseded { run_id, by } => {
            tracing::warn!(%run_id, "nothing to do: the later run {by} is loaded, and its numbers hold");
            return Ok(());
        }
    };
    let run_date = run_date(job, &ledger, &run_id)?;
    // A load that was killed between ledger and receipt is noted here.
    note_load(job, &ledger, &run_id, Instant::now()).await?;
    if let Some(extent) = steps.transform {
        transform_run(job, &run_id, Some(run_date), extent).await?;
    } else if !ledger.runs.contains_key(&run_id) {
        return Err(LoadError::NotTransformed { run_id });
    }
    if let Some(verification) = &steps.verify {
        verify_run(job, &run_id, run_date, verification).await?;
    }
    if let Some(restatement) = steps.publish {
        publish_run(job, &run_id, run_date, restatement).await?;
    }
    match read_receipt(&job.bucket, &run_id).await? {
        Some(receipt) => output::print_receipt(&receipt),
        None => Ok(()),
    }
}

fn run_date(job: &Job<'_>, ledger: &Ledger, run_id: &RunId) -> Result<RunDate, LoadError> {
    let of_manifests = || ledger.run_date(run_id).ok_or_else(|| LoadError::NotLoaded { run_id: run_id.clone() });
    job.config.as_of.map_or_else(of_manifests, Ok)
}
