//! The part of the ECS API that the pipeline and the AWS tools around it use, with local processes as containers.
//!
//! Not emulated: services, capacity, networking, roles (all tasks have the same credentials), CPU and memory limits, the
//! container's user and its read-only file system, tags, container dependencies and health checks. A container's image
//! is not looked at: the binary is found by the container's name.

mod api_error;
mod container;
mod log_stream;
mod secret;
mod task;
mod task_definition;

pub(crate) use api_error::ApiError;
pub(crate) use container::{ContainerHost, log_file};

use crate::connection::{ACCOUNT_ID, REGION};
use container::ContainerOverride;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use task::{ContainerRecord, StopRequest, Task, now, run_task};
use task_definition::{TaskDefinition, TaskDefinitions};
use tokio::sync::watch;
use uuid::Uuid;

const MAX_TASKS_PER_CALL: usize = 10;
/// How long tasks have to end once the local cloud ends.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// The ECS of one local cloud; clones share it.
#[derive(Clone)]
pub(crate) struct EcsTasks {
    host: Arc<ContainerHost>,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    /// Clusters by name; false once deleted.
    clusters: BTreeMap<String, bool>,
    definitions: TaskDefinitions,
    tasks: BTreeMap<String, Task>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTaskRequest {
    #[serde(default)]
    cluster: Option<String>,
    task_definition: String,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    overrides: TaskOverride,
    #[serde(default)]
    network_configuration: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskOverride {
    #[serde(default)]
    container_overrides: Vec<ContainerOverride>,
}

impl EcsTasks {
    pub(crate) fn new(host: ContainerHost) -> Self {
        Self { host: Arc::new(host), records: Arc::default() }
    }

    fn host(&self) -> &ContainerHost {
        &self.host
    }

    /// Answers one request. RunTask returns at once and needs a running tokio runtime.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
        let body: Value = parse(if body.is_empty() { b"{}" } else { body })?;
        match operation {
            "CreateCluster" => Ok(json!({ "cluster": self.records().create_cluster(text(&body, "clusterName")) })),
            "DescribeClusters" => Ok(self.records().describe_clusters(&names(&body, "clusters"))),
            "ListClusters" => Ok(json!({ "clusterArns": self.records().cluster_arns() })),
            "DeleteCluster" => Ok(json!({ "cluster": self.records().delete_cluster(text(&body, "cluster"))? })),
            "RegisterTaskDefinition" => {
                Ok(json!({ "taskDefinition": self.records().definitions.register(body)?.describe() }))
            }
            "DescribeTaskDefinition" => {
                let records = self.records();
                Ok(
                    json!({ "taskDefinition": records.definitions.find(required(&body, "taskDefinition")?)?.describe() }),
                )
            }
            "DeregisterTaskDefinition" => {
                let mut records = self.records();
                let definition = records.definitions.deregister(required(&body, "taskDefinition")?)?;
                Ok(json!({ "taskDefinition": definition.describe() }))
            }
            "ListTaskDefinitions" => {
                let prefix = text(&body, "familyPrefix").unwrap_or_default();
                Ok(json!({ "taskDefinitionArns": self.records().definitions.active_arns(prefix) }))
            }
            "RunTask" => self.run_tasks(body),
            "DescribeTasks" => Ok(self.records().describe_tasks(&names(&body, "tasks"))),
            "ListTasks" => Ok(self.records().list_tasks(text(&body, "cluster"), text(&body, "desiredStatus"))),
            "StopTask" => {
                let reason = text(&body, "reason").unwrap_or("Task stopped by user");
                let mut records = self.records();
                let task = records.task_mut(required(&body, "task")?)?;
                task.request_stop(reason, StopRequest::ByUser);
                Ok(json!({ "task": task.describe() }))
            }
            other => Err(ApiError::not_emulated(other)),
        }
    }

    fn run_tasks(&self, body: Value) -> Result<Value, ApiError> {
        let request: RunTaskRequest = parse(body.to_string().as_bytes())?;
        let count = request.count.unwrap_or(1);
        if !(1..=MAX_TASKS_PER_CALL).contains(&count) {
            return Err(ApiError::invalid_parameter("The number of tasks must be 1 to 10."));
        }
        let mut records = self.records();
        let cluster_arn = records.cluster_arn(request.cluster.as_deref())?;
        let definition = records.definitions.find(&request.task_definition)?.clone();
        check_run(&request, &definition)?;
        let mut descriptions = Vec::new();
        for _ in 0..count {
            let (stop, stop_requests) = watch::channel(StopRequest::None);
            let task = new_task(&definition, &cluster_arn, repeated_fields(&body), stop);
            descriptions.push(task.describe());
            let plan = definition.containers.iter().map(|container| {
                let changes = request.overrides.container_overrides.iter().find(|each| each.name == container.name);
                (container.clone(), changes.cloned().unwrap_or_default())
            });
            tokio::spawn(run_task(self.clone(), task.id.clone(), plan.collect(), stop_requests));
            records.tasks.insert(task.id.clone(), task);
        }
        Ok(json!({ "tasks": descriptions, "failures": [] }))
    }

    /// Ends every task and waits until all have ended.
    pub(crate) async fn stop_all_tasks(&self) {
        for task in self.records().tasks.values_mut() {
            task.request_stop("The local cloud ends", StopRequest::Within(SHUTDOWN_GRACE));
        }
        let deadline = Instant::now() + 2 * SHUTDOWN_GRACE;
        while Instant::now() < deadline && !self.records().tasks.values().all(Task::is_stopped) {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    fn update(&self, task_id: &str, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.records().tasks.get_mut(task_id) {
            change(task);
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // Records are changed field by field with values made before, so a panic elsewhere leaves them whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn create_cluster(&mut self, name: Option<&str>) -> Value {
        let name = name.unwrap_or("default");
        self.clusters.insert(name.to_owned(), true);
        describe_cluster(name, true)
    }

    fn delete_cluster(&mut self, reference: Option<&str>) -> Result<Value, ApiError> {
        let name = last_part(reference.unwrap_or("default"));
        let is_active = self.clusters.get_mut(name).ok_or_else(ApiError::cluster_not_found)?;
        *is_active = false;
        Ok(describe_cluster(name, false))
    }

    fn describe_clusters(&self, references: &[&str]) -> Value {
        let wanted = if references.is_empty() { &["default"][..] } else { references };
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for reference in wanted {
            let name = last_part(reference);
            match self.clusters.get(name) {
                Some(is_active) => found.push(describe_cluster(name, *is_active)),
                None => failures.push(json!({ "arn": arn("cluster", name), "reason": "MISSING" })),
            }
        }
        json!({ "clusters": found, "failures": failures })
    }

    fn cluster_arns(&self) -> Vec<String> {
        let active = self.clusters.iter().filter(|(_, is_active)| **is_active);
        active.map(|(name, _)| arn("cluster", name)).collect()
    }

    fn cluster_arn(&self, reference: Option<&str>) -> Result<String, ApiError> {
        let name = last_part(reference.unwrap_or("default"));
        match self.clusters.get(name) {
            Some(true) => Ok(arn("cluster", name)),
            Some(false) | None => Err(ApiError::cluster_not_found()),
        }
    }

    fn describe_tasks(&self, references: &[&str]) -> Value {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match self.tasks.get(last_part(reference)) {
                Some(task) => found.push(task.describe()),
                None => failures.push(json!({ "arn": reference, "reason": "MISSING" })),
            }
        }
        json!({ "tasks": found, "failures": failures })
    }

    fn list_tasks(&self, cluster: Option<&str>, desired_status: Option<&str>) -> Value {
        let cluster_arn = arn("cluster", last_part(cluster.unwrap_or("default")));
        let desired_status = desired_status.unwrap_or("RUNNING");
        let listed = self.tasks.values().filter(|task| task.cluster_arn == cluster_arn);
        let arns: Vec<&str> =
            listed.filter(|task| task.desired_status == desired_status).map(|task| task.arn.as_str()).collect();
        json!({ "taskArns": arns })
    }

    fn task_mut(&mut self, reference: &str) -> Result<&mut Task, ApiError> {
        let not_found = || ApiError::invalid_parameter("The referenced task was not found.");
        self.tasks.get_mut(last_part(reference)).ok_or_else(not_found)
    }
}

/// Refuses what ECS refuses before it makes a task.
fn check_run(request: &RunTaskRequest, definition: &TaskDefinition) -> Result<(), ApiError> {
    if definition.needs_network && request.network_configuration.is_none() {
        return Err(ApiError::invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    for changes in &request.overrides.container_overrides {
        if !definition.containers.iter().any(|container| container.name == changes.name) {
            let message =
                format!("Override for container named {} is not a container in the TaskDefinition.", changes.name);
            return Err(ApiError::invalid_parameter(message));
        }
    }
    Ok(())
}

fn new_task(
    definition: &TaskDefinition,
    cluster_arn: &str,
    from_request: Map<String, Value>,
    stop: watch::Sender<StopRequest>,
) -> Task {
    let id = Uuid::new_v4().simple().to_string();
    let cluster = last_part(cluster_arn);
    let containers = definition.containers.iter().map(|container| ContainerRecord {
        arn: arn("container", &format!("{cluster}/{id}/{}", Uuid::new_v4())),
        name: container.name.clone(),
        image: container.image.clone(),
        runtime_id: None,
        exit_code: None,
        reason: None,
        last_status: "PENDING",
    });
    Task {
        arn: arn("task", &format!("{cluster}/{id}")),
        cluster_arn: cluster_arn.to_owned(),
        definition_arn: definition.arn(),
        family: definition.family.clone(),
        from_request,
        containers: containers.collect(),
        created_at: now(),
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        last_status: "PENDING",
        desired_status: "RUNNING",
        stop_code: None,
        stopped_reason: None,
        stop,
        id,
    }
}

/// What a task's description repeats of the request that made it.
fn repeated_fields(request: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    for name in ["launchType", "overrides", "startedBy", "platformVersion", "enableExecuteCommand"] {
        if let Some(value) = request.get(name) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    fields.entry("launchType").or_insert(json!("FARGATE"));
    fields.entry("overrides").or_insert(json!({}));
    fields
}

fn describe_cluster(name: &str, is_active: bool) -> Value {
    let status = if is_active { "ACTIVE" } else { "INACTIVE" };
    json!({ "clusterArn": arn("cluster", name), "clusterName": name, "status": status })
}

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT_ID}:{kind}/{name}")
}

/// The name or id at the end of an ARN, or the whole of what is no ARN.
fn last_part(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid_parameter(format!("The request cannot be read: {error}.")))
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    text(body, name).ok_or_else(|| ApiError::invalid_parameter(format!("{name} is missing.")))
}

fn names<'a>(body: &'a Value, name: &str) -> Vec<&'a str> {
    body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
