//! Why a container task failed: the exit code, what it means, and the end of the container's output.

use crate::{ecs_tasks::log_file, server_process::last_lines};
use serde::Deserialize;
use serde_json::Value;
use std::{fmt, path::Path};

const SHOWN_LINES: usize = 15;

/// A container that did not exit with 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FailedContainer {
    name: String,
    /// None when it never ran.
    exit_code: Option<i32>,
    reason: String,
    output: String,
}

/// The part of a task's description, as Step Functions gives it as the cause of a failure, that is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoppedTask {
    task_arn: String,
    #[serde(default)]
    stopped_reason: String,
    containers: Vec<StoppedContainer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoppedContainer {
    name: String,
    exit_code: Option<i32>,
    reason: Option<String>,
}

impl FailedContainer {
    /// The failed containers of the task that `cause` describes; none when it describes no task.
    pub(crate) fn all_of(cause: &str, tasks_folder: &Path) -> Vec<Self> {
        let Ok(task) = serde_json::from_str::<StoppedTask>(cause) else { return Vec::new() };
        let task_id = task.task_arn.rsplit('/').next().unwrap_or_default();
        let failed = task.containers.iter().filter(|container| container.exit_code != Some(0));
        failed
            .map(|container| {
                let log = log_file(tasks_folder, task_id, &container.name);
                let lines = if log.is_file() { last_lines(&log, SHOWN_LINES) } else { String::new() };
                Self {
                    name: container.name.clone(),
                    exit_code: container.exit_code,
                    reason: container.reason.clone().unwrap_or_else(|| task.stopped_reason.clone()),
                    output: lines.lines().map(|line| format!("    {}\n", readable(line))).collect(),
                }
            })
            .collect()
    }
}

impl fmt::Display for FailedContainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit_code {
            Some(code) => writeln!(formatter, "  {} exited with {code}: {}", self.name, meaning(code))?,
            None => writeln!(formatter, "  {} did not run: {}", self.name, self.reason)?,
        }
        formatter.write_str(self.output.trim_end())
    }
}

/// What the exit codes of both binaries say.
fn meaning(exit_code: i32) -> &'static str {
    match exit_code {
        1 => "failed, worth a retry",
        2 => "wrong usage or configuration",
        3 => "the data was refused",
        137 => "killed",
        143 => "told to end",
        _ => "ended unexpectedly",
    }
}

/// A JSON log line as people read it: level, message, then the other fields.
fn readable(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let mut take = |name: &str| fields.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    take("timestamp");
    take("target");
    let (level, message) = (take("level").unwrap_or_default(), take("message").unwrap_or_default());
    let others = fields.iter().map(|(name, value)| match value {
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!(" {name}={text}"),
        other => format!(" {name}={other}"),
    });
    format!("{level:<5} {message}{}", others.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    #[test]
    fn a_failed_container_is_explained_by_its_exit_code_and_its_last_lines() {
        let tasks = tempfile::tempdir().unwrap();
        let log = log_file(tasks.path(), "abc", "extract-rds");
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        fs::write(&log, "{\"timestamp\":\"t\",\"level\":\"ERROR\",\"message\":\"no such bucket\",\"exit_code\":2}\n")
            .unwrap();
        let cause = json!({
            "TaskArn": "arn:aws:ecs:us-east-1:000000000000:task/rental-analytics/abc",
            "StoppedReason": "Essential container in task exited",
            "Containers": [{ "Name": "extract-rds", "ExitCode": 2 }, { "Name": "sidecar", "ExitCode": 0 }],
        });
        let failed = FailedContainer::all_of(&cause.to_string(), tasks.path());
        assert_eq!(failed.len(), 1);
        assert_eq!(
            failed[0].to_string(),
            "  extract-rds exited with 2: wrong usage or configuration\n    ERROR no such bucket exit_code=2"
        );
    }

    #[test]
    fn a_cause_that_is_no_task_has_no_containers() {
        assert_eq!(FailedContainer::all_of("States.Timeout", Path::new("/nowhere")), []);
    }
}
