//! A container's output: a file that it writes to, and what of it already stands in CloudWatch Logs.

use super::task_definition::LogConfiguration;
use crate::{connection::REGION, http};
use anyhow::Context as _;
use chrono::Utc;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// One request takes 10,000 events and 1 MiB; each event counts 26 bytes more than its text.
const BATCH_EVENT_COUNT: usize = 5_000;
const BATCH_BYTES: usize = 900_000;
const EVENT_OVERHEAD_BYTES: usize = 26;

pub(crate) struct LogStream {
    endpoint: String,
    group: String,
    stream: String,
    file: PathBuf,
    /// How much of the file has been sent; always just behind a line's end.
    sent_bytes: u64,
}

impl LogStream {
    /// Makes the stream that `awslogs` options ask for; none for other drivers, whose output stays in the file.
    ///
    /// # Errors
    /// When the group does not exist, as ECS refuses to start such a container.
    pub(crate) async fn create(
        endpoint: &str,
        configuration: &LogConfiguration,
        container: &str,
        task_id: &str,
        file: &Path,
    ) -> anyhow::Result<Option<Self>> {
        if configuration.log_driver != "awslogs" {
            return Ok(None);
        }
        let option = |name: &str| configuration.options.get(name).cloned();
        let group = option("awslogs-group").context("the option awslogs-group is missing")?;
        let prefix = option("awslogs-stream-prefix").context("the option awslogs-stream-prefix is missing")?;
        let stream = format!("{prefix}/{container}/{task_id}");
        let this = Self { endpoint: endpoint.to_owned(), group, stream, file: file.to_owned(), sent_bytes: 0 };
        this.call("CreateLogStream", json!({})).await?;
        Ok(Some(this))
    }

    /// Sends the lines written since the last call; at the end also one that was not finished.
    pub(crate) async fn ship(&mut self, at_end: bool) -> anyhow::Result<()> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.sent_bytes))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let complete =
            if at_end { bytes.len() } else { bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        let now = Utc::now().timestamp_millis();
        for batch in batches(&String::from_utf8_lossy(&bytes[..complete])) {
            let events: Vec<Value> = batch.iter().map(|line| json!({ "timestamp": now, "message": line })).collect();
            self.call("PutLogEvents", json!({ "logEvents": events })).await?;
        }
        self.sent_bytes += complete as u64;
        Ok(())
    }

    async fn call(&self, operation: &str, mut body: Value) -> anyhow::Result<()> {
        body["logGroupName"] = json!(self.group);
        body["logStreamName"] = json!(self.stream);
        let target = format!("Logs_20140328.{operation}");
        http::call_aws_json(&self.endpoint, REGION, "logs", &target, &body).await.map(drop)
    }
}

/// Lines in portions that one request takes; CloudWatch Logs refuses empty events, so empty lines are left out.
fn batches(text: &str) -> Vec<Vec<&str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut byte_count = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let size = line.len() + EVENT_OVERHEAD_BYTES;
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_EVENT_COUNT && byte_count + size <= BATCH_BYTES => {
                batch.push(line);
                byte_count += size;
            }
            _ => {
                batches.push(vec![line]);
                byte_count = size;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_stays_within_what_one_request_takes() {
        assert_eq!(batches("a\n\nb\n"), [["a", "b"]]);
        let many = "line\n".repeat(BATCH_EVENT_COUNT + 1);
        assert_eq!(batches(&many).iter().map(Vec::len).collect::<Vec<_>>(), [BATCH_EVENT_COUNT, 1]);
        let long = format!("{}\n{}\n", "x".repeat(600_000), "y".repeat(600_000));
        assert_eq!(batches(&long).len(), 2);
    }
}
