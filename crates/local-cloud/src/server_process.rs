//! One server that runs as a child: wait until it answers, explain it when it does not, end it cleanly.

use crate::spawn::{Signal, signal_group, spawn};
use anyhow::{Context as _, bail};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take until it answers. Ten times what two busy cores need.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long a server may take to end before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

pub(crate) struct ServerProcess {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop_signal: Signal,
}

/// How a kind of server wants to be ended.
pub(crate) struct StopSignals {
    /// Ends it cleanly and soon, whatever clients are connected.
    pub(crate) clean: Signal,
    /// Ends it when we die: the most abrupt one after which nothing of it is left.
    pub(crate) orphaned: Signal,
}

impl ServerProcess {
    /// Starts a server whose output goes to the file `log`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: &Path,
        signals: StopSignals,
    ) -> anyhow::Result<Self> {
        let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = spawn(command, signals.orphaned).with_context(|| format!("start {name} ({program})"))?;
        Ok(Self { name, child, log: log.to_owned(), stop_signal: signals.clean })
    }

    /// Waits until `probe` succeeds.
    ///
    /// # Errors
    /// When the server ends first or does not answer within a minute; the message ends with the server's last lines.
    pub(crate) async fn wait_until_ready(&mut self, probe: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended while it was starting ({status}){}", self.name, self.last_lines());
            }
            let Err(refusal) = probe().await else { return Ok(()) };
            if started.elapsed() > START_DEADLINE {
                let seconds = START_DEADLINE.as_secs();
                let last_lines = self.last_lines();
                return Err(refusal.context(format!("{} does not answer after {seconds} s{last_lines}", self.name)));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Where the server's log is and how it ends, to stand behind a message.
    pub(crate) fn last_lines(&self) -> String {
        format!("; {} ends:\n{}", self.log.display(), last_lines(&self.log, 15))
    }

    /// Ends the server and waits until it is gone; one that does not listen is killed.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        signal_group(self.child.id(), self.stop_signal);
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_DEADLINE {
                signal_group(self.child.id(), libc::SIGKILL);
                self.child.wait()?;
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            signal_group(self.child.id(), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// The last lines of a text file; what cannot be read is said in their place.
pub(crate) fn last_lines(path: &Path, line_count: usize) -> String {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(line_count)..].join("\n")
        }
        Err(error) => format!("({} cannot be read: {error})", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNALS: StopSignals = StopSignals { clean: libc::SIGTERM, orphaned: libc::SIGKILL };

    fn shell(script: &str, log: &Path) -> ServerProcess {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        ServerProcess::start("test server", command, log, SIGNALS).unwrap()
    }

    #[tokio::test]
    async fn a_server_that_ends_while_starting_is_explained_by_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = shell("echo no space left >&2; exit 3", &folder.path().join("log"));
        let error = server.wait_until_ready(async || bail!("refused")).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("no space left") && text.contains("exit status: 3"), "{text}");
    }

    #[tokio::test]
    async fn stopping_ends_the_whole_process_group() {
        let folder = tempfile::tempdir().unwrap();
        let child_file = folder.path().join("child-pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", child_file.display());
        let mut server = shell(&script, &folder.path().join("log"));
        let wrote = async || {
            anyhow::ensure!(fs::read_to_string(&child_file)?.ends_with('\n'));
            Ok(())
        };
        server.wait_until_ready(wrote).await.unwrap();
        let grandchild: u32 = fs::read_to_string(&child_file).unwrap().trim().parse().unwrap();
        server.stop().await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while is_running(grandchild) {
            assert!(Instant::now() < deadline, "process {grandchild} is still there");
            tokio::task::yield_now().await;
        }
    }

    /// Neither gone nor a zombie that waits for whoever adopted it.
    fn is_running(process: u32) -> bool {
        fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }
}
