//! One task: its record as the API describes it, and its life from RunTask to STOPPED.

use super::{
    EcsTasks,
    container::{Container, ContainerOverride},
    task_definition::ContainerDefinition,
};
use chrono::Utc;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::watch;

const POLL_INTERVAL: Duration = Duration::from_millis(25);
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Whether and how a task shall be ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopRequest {
    None,
    /// StopTask: each container has its stop timeout.
    ByUser,
    /// The local cloud ends: at most this long.
    Within(Duration),
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) cluster_arn: String,
    pub(crate) definition_arn: String,
    pub(crate) family: String,
    /// Fields of the request that the description repeats.
    pub(crate) from_request: serde_json::Map<String, Value>,
    pub(crate) containers: Vec<ContainerRecord>,
    pub(crate) created_at: f64,
    pub(crate) started_at: Option<f64>,
    pub(crate) stopping_at: Option<f64>,
    pub(crate) stopped_at: Option<f64>,
    /// PENDING, RUNNING or STOPPED.
    pub(crate) last_status: &'static str,
    pub(crate) desired_status: &'static str,
    pub(crate) stop_code: Option<&'static str>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) stop: watch::Sender<StopRequest>,
}

#[derive(Debug)]
pub(crate) struct ContainerRecord {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) runtime_id: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
    pub(crate) last_status: &'static str,
}

/// Seconds since 1970, as the API writes times.
pub(crate) fn now() -> f64 {
    Utc::now().timestamp_micros() as f64 / 1e6
}

impl Task {
    pub(crate) fn is_stopped(&self) -> bool {
        self.last_status == "STOPPED"
    }

    /// Says why the task ends; the first reason stays.
    fn stop_because(&mut self, code: &'static str, reason: impl Into<String>) {
        self.desired_status = "STOPPED";
        self.stopping_at.get_or_insert_with(now);
        if self.stop_code.is_none() {
            self.stop_code = Some(code);
            self.stopped_reason = Some(reason.into());
        }
    }

    pub(crate) fn request_stop(&mut self, reason: impl Into<String>, request: StopRequest) {
        if !self.is_stopped() {
            self.stop_because("UserInitiated", reason);
            self.stop.send_replace(request);
        }
    }

    /// As the API describes it.
    pub(crate) fn describe(&self) -> Value {
        let mut described = self.from_request.clone();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                described.insert(name.into(), value);
            }
        };
        put("taskArn", json!(self.arn));
        put("clusterArn", json!(self.cluster_arn));
        put("taskDefinitionArn", json!(self.definition_arn));
        put("group", json!(format!("family:{}", self.family)));
        put("lastStatus", json!(self.last_status));
        put("desiredStatus", json!(self.desired_status));
        put("createdAt", json!(self.created_at));
        put("startedAt", json!(self.started_at));
        put("stoppingAt", json!(self.stopping_at));
        put("stoppedAt", json!(self.stopped_at));
        put("stopCode", json!(self.stop_code));
        put("stoppedReason", json!(self.stopped_reason));
        put("containers", self.containers.iter().map(|container| container.describe(&self.arn)).collect());
        put("attachments", json!([]));
        Value::Object(described)
    }
}

impl ContainerRecord {
    fn describe(&self, task_arn: &str) -> Value {
        let mut described = json!({
            "containerArn": self.arn,
            "taskArn": task_arn,
            "name": self.name,
            "image": self.image,
            "lastStatus": self.last_status,
            "networkInterfaces": [],
        });
        for (name, value) in
            [("runtimeId", json!(self.runtime_id)), ("exitCode", json!(self.exit_code)), ("reason", json!(self.reason))]
        {
            if !value.is_null() {
                described[name] = value;
            }
        }
        described
    }
}

/// Runs a task's containers to their end and keeps its record.
pub(crate) async fn run_task(
    ecs: EcsTasks,
    task_id: String,
    plan: Vec<(ContainerDefinition, ContainerOverride)>,
    stop: watch::Receiver<StopRequest>,
) {
    let mut running: Vec<(usize, bool, Container)> = Vec::new();
    for (index, (definition, changes)) in plan.iter().enumerate() {
        match ecs.host().start(&task_id, definition, changes).await {
            Ok(container) => {
                ecs.update(&task_id, |task| {
                    task.containers[index].last_status = "RUNNING";
                    task.containers[index].runtime_id = Some(container.process_id().to_string());
                });
                running.push((index, definition.essential, container));
            }
            Err(reason) => {
                tracing::warn!(task = task_id, reason, "a task failed to start");
                ecs.update(&task_id, |task| {
                    task.containers[index].reason = Some(reason.clone());
                    task.stop_because("TaskFailedToStart", reason);
                });
                break;
            }
        }
    }
    let has_started = running.len() == plan.len();
    if has_started {
        ecs.update(&task_id, |task| {
            task.last_status = "RUNNING";
            task.started_at = Some(now());
        });
    }
    run_until_all_ended(&ecs, &task_id, &mut running, !has_started, &stop).await;
    ecs.update(&task_id, |task| {
        for container in &mut task.containers {
            container.last_status = "STOPPED";
        }
        task.stop_because("EssentialContainerExited", "Essential container in task exited");
        task.stopped_at = Some(now());
        task.last_status = "STOPPED";
    });
}

async fn run_until_all_ended(
    ecs: &EcsTasks,
    task_id: &str,
    running: &mut Vec<(usize, bool, Container)>,
    mut is_stopping: bool,
    stop: &watch::Receiver<StopRequest>,
) {
    let mut shipped_at = Instant::now();
    while !running.is_empty() {
        let request = *stop.borrow();
        is_stopping |= request != StopRequest::None;
        let is_time_to_ship = shipped_at.elapsed() >= LOG_INTERVAL;
        let mut position = 0;
        while position < running.len() {
            let (index, is_essential, container) = &mut running[position];
            if let Some(exit_code) = container.exit_code() {
                container.ship_log().await;
                ecs.update(task_id, |task| {
                    task.containers[*index].exit_code = Some(exit_code);
                    task.containers[*index].last_status = "STOPPED";
                });
                is_stopping |= *is_essential;
                running.swap_remove(position);
                continue;
            }
            if is_stopping {
                container.keep_stopping(match request {
                    StopRequest::Within(longest_wait) => longest_wait,
                    StopRequest::None | StopRequest::ByUser => Duration::MAX,
                });
            }
            if is_time_to_ship {
                container.ship_log().await;
            }
            position += 1;
        }
        if is_time_to_ship {
            shipped_at = Instant::now();
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
