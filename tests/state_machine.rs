//! The stack of `infra/`, its state machine, and the container tasks that it starts: the same binaries as on AWS.

use crate::support::{Pipeline, cloud, project_path, table_checksums};
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEventType};
use local_cloud::Deployment;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

const RUN_DATE: &str = "2025-12-31";
const DEADLINE: Duration = Duration::from_secs(300);

async fn deployment() -> &'static Deployment {
    static DEPLOYMENT: OnceCell<Deployment> = OnceCell::const_new();
    let deploy = async || local_cloud::deploy(cloud().connection()).await.expect("deploy the stack");
    DEPLOYMENT.get_or_init(deploy).await
}

fn step_functions() -> aws_sdk_sfn::Client {
    aws_sdk_sfn::Client::new(&cloud().connection().sdk_config())
}

/// Starts an execution, waits for its end and returns how it ended, with its error if it has one.
async fn execute(name: &str) -> (String, ExecutionStatus, Option<String>) {
    let client = step_functions();
    let started = client
        .start_execution()
        .state_machine_arn(&deployment().await.state_machine_arn)
        .name(name)
        .input(format!(r#"{{"as_of": "{RUN_DATE}"}}"#))
        .send()
        .await
        .expect("start an execution");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let execution = client.describe_execution().execution_arn(started.execution_arn()).send().await;
        let execution = execution.expect("describe the execution");
        if *execution.status() != ExecutionStatus::Running {
            return (
                started.execution_arn().to_owned(),
                execution.status().clone(),
                execution.error().map(str::to_owned),
            );
        }
        assert!(Instant::now() < deadline, "execution {name} still runs");
        tokio::task::yield_now().await;
    }
}

/// Names of the containers that ran, in order, each with its exit code.
async fn finished_containers(execution_arn: &str) -> Vec<(String, i64)> {
    let history = step_functions().get_execution_history().execution_arn(execution_arn).max_results(1000).send().await;
    let history = history.expect("read the history");
    let succeeded = history.events().iter().filter(|event| *event.r#type() == HistoryEventType::TaskSucceeded);
    let outputs = succeeded.filter_map(|event| {
        let details = event.task_succeeded_event_details()?;
        (details.resource_type() == "ecs").then(|| details.output().unwrap_or_default().to_owned())
    });
    let containers = outputs.flat_map(|output| {
        let task: Value = serde_json::from_str(&output).expect("read a task's output");
        task["Containers"].as_array().cloned().unwrap_or_default()
    });
    let container = |container: Value| {
        let name = container["Name"].as_str().expect("name of a container").to_owned();
        (name, container["ExitCode"].as_i64().expect("exit code of a container"))
    };
    containers.map(container).collect()
}

// One test, because the stack has one source and one warehouse.
#[tokio::test(flavor = "multi_thread")]
async fn the_state_machine_runs_the_three_tasks_and_names_what_fails() {
    let deployment = deployment().await;
    let sample = cloud().small_sample().await;
    cloud().seed(&deployment.source_database, sample).await;
    cloud().put_file(&deployment.bucket, "reference/fx_rates.csv", &sample.join("fx_rates.csv")).await;

    let (arn, status, error) = execute("first").await;
    assert_eq!((status, error), (ExecutionStatus::Succeeded, None));
    let expected = [("extract-rds", 0), ("load-redshift", 0), ("load-redshift", 0)];
    let expected: Vec<_> = expected.map(|(name, exit_code)| (name.to_owned(), exit_code)).into();
    assert_eq!(finished_containers(&arn).await, expected);
    let receipt = cloud().get_json(&deployment.bucket, "runs/first/receipt.json").await;
    assert_eq!(receipt["run_date"], RUN_DATE);
    assert!(receipt["publish"]["metrics"].as_array().is_some_and(|metrics| metrics.len() == 7), "{receipt}");
    let warehouse_url = cloud().warehouse_url(&deployment.warehouse);
    let published = table_checksums(&warehouse_url, &["presentation"], &[]).await;
    for metric in project_path("sql/metrics").read_dir().expect("metrics") {
        let file = metric.expect("metric").file_name().to_string_lossy().into_owned();
        let Some(name) = file.strip_suffix(".sql").filter(|name| !name.contains('.')) else { continue };
        assert!(published[&format!("presentation.{name}")].0 > 0, "{name} has no rows");
    }

    // What the source's owner did not agree on is refused, and the numbers stay.
    let source =
        Pipeline { source_database: deployment.source_database.clone(), ..Pipeline::unprepared("state_machine") };
    source.at_source(&["alter table bookings drop column total_price"]).await;
    let (_, status, error) = execute("drifted").await;
    assert_eq!((status, error.as_deref()), (ExecutionStatus::Failed, Some("DataRefused")));
    assert_eq!(table_checksums(&warehouse_url, &["presentation"], &[]).await, published);
}
