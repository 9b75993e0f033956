//! Tasks run as they do in ECS, with shell scripts as binaries.

use super::{ApiError, ContainerHost, EcsTasks, log_file};
use crate::connection::Environment;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);
const TARGET: &str = "extract-rds";

/// An ECS whose only binary is a shell script. No secrets and no log groups, so LocalStack is not needed.
struct Ecs {
    api: EcsTasks,
    folder: TempDir,
}

impl Ecs {
    async fn with_binary(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join(TARGET);
        // Written elsewhere first: a file that a forked child still holds open cannot be executed.
        let draft = folder.path().join("draft");
        fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
        std::process::Command::new("cp").arg(&draft).arg(&binary).status().unwrap();
        let unused = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let api = EcsTasks::new(ContainerHost {
            binary_folder: folder.path().to_owned(),
            tasks_folder: folder.path().join("tasks"),
            aws_endpoint: "http://127.0.0.1:1".into(),
            secrets: aws_sdk_secretsmanager::Client::from_conf(unused),
            agent_environment: Environment::from([("AWS_REGION".into(), "us-east-1".into())]),
        });
        let ecs = Self { api, folder };
        ecs.call("CreateCluster", json!({ "clusterName": "c" })).await.unwrap();
        let container = json!({
            "name": TARGET, "image": "extract-rds:1", "stopTimeout": 2,
            "environment": [{ "name": "FROM_DEFINITION", "value": "a" }, { "name": "BOTH", "value": "definition" }],
        });
        let definition = json!({ "family": "f", "networkMode": "awsvpc", "containerDefinitions": [container] });
        ecs.call("RegisterTaskDefinition", definition).await.unwrap();
        ecs
    }

    async fn call(&self, operation: &str, body: Value) -> Result<Value, ApiError> {
        self.api.call(operation, body.to_string().as_bytes()).await
    }

    async fn start(&self, container_override: Value) -> Result<String, ApiError> {
        let request = json!({
            "cluster": "c", "taskDefinition": "f", "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
            "overrides": { "containerOverrides": [container_override] },
        });
        let answer = self.call("RunTask", request).await?;
        Ok(answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned())
    }

    async fn describe(&self, task: &str) -> Value {
        self.call("DescribeTasks", json!({ "cluster": "c", "tasks": [task] })).await.unwrap()["tasks"][0].clone()
    }

    async fn wait_until(&self, task: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let described = self.describe(task).await;
            if described["lastStatus"] == status {
                return described;
            }
            assert!(started.elapsed() < DEADLINE, "the task is not {status}: {described}");
            tokio::task::yield_now().await;
        }
    }

    fn output(&self, task: &str) -> String {
        let id = task.rsplit('/').next().unwrap();
        fs::read_to_string(log_file(&self.folder.path().join("tasks"), id, TARGET)).unwrap()
    }
}

#[tokio::test]
async fn a_container_sees_its_own_variables_and_none_of_ours() {
    let ecs = Ecs::with_binary("echo \"$1 $FROM_DEFINITION $BOTH $AWS_REGION [$CARGO_MANIFEST_DIR]\"; exit 3").await;
    let changes =
        json!({ "name": TARGET, "command": ["run"], "environment": [{ "name": "BOTH", "value": "override" }] });
    let task = ecs.start(changes).await.unwrap();
    let stopped = ecs.wait_until(&task, "STOPPED").await;
    assert_eq!(stopped["containers"][0]["exitCode"], 3);
    assert_eq!(stopped["stopCode"], "EssentialContainerExited");
    assert_eq!(ecs.output(&task), "run a override us-east-1 []\n");
}

#[tokio::test]
async fn a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout() {
    let ecs = Ecs::with_binary("trap '' TERM; while :; do sleep 1; done").await;
    let task = ecs.start(json!({ "name": TARGET })).await.unwrap();
    ecs.wait_until(&task, "RUNNING").await;
    ecs.call("StopTask", json!({ "cluster": "c", "task": task, "reason": "enough" })).await.unwrap();
    let stopped = ecs.wait_until(&task, "STOPPED").await;
    assert_eq!(stopped["containers"][0]["exitCode"], 137);
    assert_eq!(stopped["stoppedReason"], "enough");
}

#[tokio::test]
async fn a_container_without_a_binary_never_starts_and_says_why() {
    let ecs = Ecs::with_binary("exit 0").await;
    fs::remove_file(ecs.folder.path().join(TARGET)).unwrap();
    let task = ecs.start(json!({ "name": TARGET })).await.unwrap();
    let stopped = ecs.wait_until(&task, "STOPPED").await;
    assert_eq!(stopped["stopCode"], "TaskFailedToStart");
    assert_eq!(stopped["containers"][0].get("exitCode"), None);
    assert!(stopped["containers"][0]["reason"].as_str().unwrap().starts_with("CannotStartContainerError"));
}

#[tokio::test]
async fn a_request_that_ecs_would_refuse_makes_no_task() {
    let ecs = Ecs::with_binary("exit 0").await;
    let refused = ecs.start(json!({ "name": "other" })).await.unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    let without_network = ecs.call("RunTask", json!({ "cluster": "c", "taskDefinition": "f" })).await.unwrap_err();
    assert!(without_network.message.starts_with("Network Configuration"));
    let no_cluster = ecs.call("RunTask", json!({ "cluster": "d", "taskDefinition": "f" })).await.unwrap_err();
    assert_eq!(no_cluster.code, "ClusterNotFoundException");
    assert_eq!(ecs.call("CreateService", json!({})).await.unwrap_err().code, "UnsupportedFeatureException");
    for status in ["RUNNING", "STOPPED"] {
        let listed = ecs.call("ListTasks", json!({ "cluster": "c", "desiredStatus": status })).await.unwrap();
        assert_eq!(listed["taskArns"], json!([]));
    }
}
