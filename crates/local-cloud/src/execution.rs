//! Starts the state machine and follows one execution to its end.

use crate::{failed_container::FailedContainer, progress::Progress, running_cloud::RunningCloud};
use anyhow::{Context as _, bail};
use aws_sdk_sfn::{
    Client,
    types::{ExecutionStatus, HistoryEvent, HistoryEventType},
};
use rental_core::{RunDate, RunId};
use serde_json::json;
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// An execution has some thirty events; three failed attempts of each step would have some hundred.
const MAX_EVENTS: i32 = 1_000;

/// Runs the state machine once and shows each container task; the execution's name is the run id.
///
/// # Errors
/// When the execution does not succeed; the failed containers' last lines have been printed by then.
pub(crate) async fn run_state_machine(cloud: &RunningCloud, as_of: Option<RunDate>) -> anyhow::Result<RunId> {
    let step_functions = Client::new(&cloud.connection.sdk_config());
    let run_id = RunId::now();
    let input = as_of.map_or_else(|| json!({}), |as_of| json!({ "as_of": as_of }));
    let started = step_functions
        .start_execution()
        .state_machine_arn(&cloud.deployment.state_machine_arn)
        .name(run_id.as_str())
        .input(input.to_string())
        .send()
        .await
        .context("start the state machine")?;
    eprintln!("run {run_id}{}", as_of.map(|as_of| format!(" for {as_of}")).unwrap_or_default());
    follow(cloud, &step_functions, started.execution_arn()).await?;
    Ok(run_id)
}

async fn follow(cloud: &RunningCloud, step_functions: &Client, execution_arn: &str) -> anyhow::Result<()> {
    let mut progress = Progress::default();
    let mut last_seen = 0;
    loop {
        // Asked before the history, so that the history of an ended execution is the whole of it.
        let execution = step_functions.describe_execution().execution_arn(execution_arn).send().await?;
        let history = step_functions.get_execution_history().execution_arn(execution_arn);
        let history = history.max_results(MAX_EVENTS).send().await?;
        for event in history.events().iter().filter(|event| event.id() > last_seen) {
            show(cloud, event, &mut progress);
        }
        last_seen = history.events().last().map_or(last_seen, HistoryEvent::id);
        match execution.status() {
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive => tokio::time::sleep(POLL_INTERVAL).await,
            ExecutionStatus::Succeeded => return Ok(()),
            status => {
                progress.failed("the execution");
                let error = execution.error().unwrap_or_else(|| status.as_str());
                bail!("the run ended as {error}: {}", execution.cause().unwrap_or("no cause given"));
            }
        }
    }
}

fn show(cloud: &RunningCloud, event: &HistoryEvent, progress: &mut Progress) {
    match event.r#type() {
        HistoryEventType::TaskStateEntered => {
            if let Some(state) = event.state_entered_event_details() {
                progress.started(state.name());
            }
        }
        HistoryEventType::TaskStateExited => progress.succeeded(),
        HistoryEventType::TaskFailed => {
            let details = event.task_failed_event_details();
            let cause = details.and_then(|details| details.cause()).unwrap_or_default();
            let failed = FailedContainer::all_of(cause, &cloud.tasks_folder());
            let reason = if failed.is_empty() { cause.to_owned() } else { "its container failed".to_owned() };
            progress.failed(&reason);
            failed.iter().for_each(|container| eprintln!("{container}"));
        }
        HistoryEventType::TaskTimedOut => progress.failed("out of time"),
        HistoryEventType::WaitStateEntered => eprintln!("  waiting before the next attempt"),
        _ => {}
    }
}
