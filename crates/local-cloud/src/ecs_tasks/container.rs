//! A container is a local process of the binary that has the container's name. It sees what it would see in ECS and
//! nothing of the user's environment: the task definition's variables, the overrides', the resolved secrets, and what the
//! ECS agent provides.

use super::{
    log_stream::LogStream,
    secret,
    task_definition::{ContainerDefinition, NameAndValue},
};
use crate::{
    connection::Environment,
    spawn::{signal_group, spawn},
};
use serde::Deserialize;
use std::{
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// What all containers on this machine share.
pub(crate) struct ContainerHost {
    /// Where the binaries are.
    pub(crate) binary_folder: PathBuf,
    /// Gets a folder per task with a log file per container.
    pub(crate) tasks_folder: PathBuf,
    /// Endpoint of CloudWatch Logs.
    pub(crate) aws_endpoint: String,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    /// What the ECS agent provides: region, credentials, endpoints.
    pub(crate) agent_environment: Environment,
}

/// What RunTask changes for one container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerOverride {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) command: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) environment: Vec<NameAndValue>,
}

/// A started container.
pub(crate) struct Container {
    child: Child,
    stop_timeout: Duration,
    asked_to_stop_at: Option<Instant>,
    log_stream: Option<LogStream>,
    exit_code: Option<i32>,
}

impl ContainerHost {
    /// Starts a container; the error is the reason as ECS words it.
    pub(crate) async fn start(
        &self,
        task_id: &str,
        definition: &ContainerDefinition,
        changes: &ContainerOverride,
    ) -> Result<Container, String> {
        let environment = self.environment(definition, changes).await?;
        let log = self.log_file(task_id, &definition.name);
        let cannot_start = |error: &dyn std::fmt::Display| format!("CannotStartContainerError: {error}");
        let folder = log.parent().unwrap_or(&self.tasks_folder);
        std::fs::create_dir_all(folder).map_err(|error| cannot_start(&error))?;
        let output = File::create(&log).map_err(|error| cannot_start(&error))?;
        let log_stream = match &definition.log_configuration {
            None => None,
            Some(configuration) => {
                LogStream::create(&self.aws_endpoint, configuration, &definition.name, task_id, &log).await.map_err(
                    |error| format!("ResourceInitializationError: failed to validate logger args: {error:#}"),
                )?
            }
        };

        let binary = self.binary_folder.join(&definition.name);
        if !binary.is_file() {
            let hint = "hint: `cargo build --workspace` makes the binaries";
            return Err(cannot_start(&format!("there is no binary {}; {hint}", binary.display())));
        }
        let mut command = Command::new(&binary);
        command
            .args(&definition.entry_point)
            .args(changes.command.as_ref().unwrap_or(&definition.command))
            .env_clear()
            .envs(environment)
            // Not below the project: its `.env` is no part of a container.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|error| cannot_start(&error))?)
            .stderr(output);
        let child = spawn(command, libc::SIGKILL).map_err(|error| cannot_start(&error))?;
        let stop_timeout = Duration::from_secs(definition.stop_timeout);
        Ok(Container { child, stop_timeout, asked_to_stop_at: None, log_stream, exit_code: None })
    }

    pub(crate) fn log_file(&self, task_id: &str, container: &str) -> PathBuf {
        log_file(&self.tasks_folder, task_id, container)
    }

    async fn environment(
        &self,
        definition: &ContainerDefinition,
        changes: &ContainerOverride,
    ) -> Result<Environment, String> {
        let mut environment = self.agent_environment.clone();
        for NameAndValue { name, value } in definition.environment.iter().chain(&changes.environment) {
            environment.insert(name.clone(), value.clone());
        }
        for reference in &definition.secrets {
            let value = secret::resolve(&self.secrets, &reference.value_from).await.map_err(|reason| {
                format!("ResourceInitializationError: unable to pull secrets or registry auth: {reason}")
            })?;
            environment.insert(reference.name.clone(), value);
        }
        Ok(environment)
    }
}

/// Where the output of a task's container is kept.
pub(crate) fn log_file(tasks_folder: &Path, task_id: &str, container: &str) -> PathBuf {
    tasks_folder.join(task_id).join(format!("{container}.log"))
}

impl Container {
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// The exit code, once the process has ended; 128 + n when signal n ended it.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        if self.exit_code.is_none() {
            // An error says that there is no such child, which cannot be while we hold it unreaped.
            let status = self.child.try_wait().ok().flatten()?;
            // As a container ends with its first process, whatever else it started.
            signal_group(self.child.id(), libc::SIGKILL);
            self.exit_code = Some(exit_code_of(status));
        }
        self.exit_code
    }

    /// To be called again and again until the container has ended: SIGTERM first, SIGKILL after its stop timeout (at most
    /// `longest_wait`).
    pub(crate) fn keep_stopping(&mut self, longest_wait: Duration) {
        if self.exit_code.is_some() {
            return;
        }
        match self.asked_to_stop_at {
            None => {
                self.asked_to_stop_at = Some(Instant::now());
                signal_group(self.child.id(), libc::SIGTERM);
            }
            Some(asked_at) if asked_at.elapsed() >= self.stop_timeout.min(longest_wait) => {
                signal_group(self.child.id(), libc::SIGKILL);
            }
            Some(_) => {}
        }
    }

    /// Sends new output to CloudWatch Logs. What cannot be sent stays in the file, which is said in our own log.
    pub(crate) async fn ship_log(&mut self) {
        let has_ended = self.exit_code.is_some();
        if let Some(stream) = &mut self.log_stream
            && let Err(error) = stream.ship(has_ended).await
        {
            tracing::warn!(error = format!("{error:#}"), "cannot send a container's output to CloudWatch Logs");
        }
    }
}

fn exit_code_of(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_container_has_the_exit_code_that_containers_have() {
        let cases = [(ExitStatus::from_raw(3 << 8), 3), (ExitStatus::from_raw(9), 137), (ExitStatus::from_raw(0), 0)];
        for (status, expected) in cases {
            assert_eq!(exit_code_of(status), expected);
        }
    }
}
