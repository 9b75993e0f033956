//! The process behind `rental-local up`: it owns the servers until `rental-local down` tells it to end. Servers cannot
//! outlive it, so nothing is left running whatever happens to it.

use crate::{
    cloud::{LocalCloud, Options},
    server_process::last_lines,
    spawn::detach,
    state_folder::{SUPERVISOR_LOG, StateFolder, holder, make_private_folder},
};
use anyhow::{Context as _, bail};
use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// What the process prints once all servers answer; its lines before say how far it is.
const READY: &str = "ready";
/// More than all servers together may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Starts the process and returns when all servers answer; `report` is told about each.
///
/// # Errors
/// When a server does not start; the message is the process's own.
pub(crate) fn start_detached(state_folder: &Path, report: impl Fn(&str)) -> anyhow::Result<()> {
    make_private_folder(state_folder)?;
    let state_folder = state_folder.canonicalize()?;
    let log = state_folder.join(SUPERVISOR_LOG);
    let mut command = Command::new(env::current_exe().context("find the running program")?);
    command
        .arg("--state-dir")
        .arg(&state_folder)
        .arg("serve")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).with_context(|| format!("create {}", log.display()))?);
    detach(&mut command);
    let mut child = command.spawn().context("start the supervisor")?;
    let output = child.stdout.take().context("the supervisor has no output")?;
    for line in BufReader::new(output).lines() {
        match line? {
            line if line == READY => return Ok(()),
            line => report(&line),
        }
    }
    child.wait()?;
    bail!("the local cloud did not start\n{}", last_lines(&log, 40))
}

/// Runs a cloud until SIGTERM or SIGINT.
///
/// # Errors
/// When a server does not start or does not end.
pub(crate) async fn serve(state_folder: &Path) -> anyhow::Result<()> {
    let told_to_end = termination()?;
    let options = Options { state_folder: Some(state_folder.to_owned()), progress: Some(say), ..Options::default() };
    tokio::pin!(told_to_end);
    let cloud = tokio::select! {
        cloud = LocalCloud::start(options) => cloud?,
        () = &mut told_to_end => return Ok(()),
    };
    say(READY);
    told_to_end.await;
    cloud.stop().await
}

/// Ends the cloud of a state folder and removes its data; false when none ran.
///
/// # Errors
/// When it does not end even when killed, or the data cannot be removed.
pub(crate) async fn stop(state_folder: &Path) -> anyhow::Result<bool> {
    if !state_folder.is_dir() {
        return Ok(false);
    }
    let Some(process) = holder(state_folder) else {
        // A killed one leaves its data.
        StateFolder::take(state_folder)?.clear()?;
        return Ok(false);
    };
    let process = libc::pid_t::try_from(process).context("read the supervisor's process id")?;
    send(process, libc::SIGTERM);
    if !has_let_go(state_folder).await {
        send(process, libc::SIGKILL);
        if !has_let_go(state_folder).await {
            bail!("process {process} holds {} and does not end", state_folder.display());
        }
    }
    StateFolder::take(state_folder)?.clear()?;
    Ok(true)
}

/// Completes when the process is told to end.
pub(crate) fn termination() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn has_let_go(state_folder: &Path) -> bool {
    let asked = Instant::now();
    while holder(state_folder).is_some() {
        if asked.elapsed() > STOP_DEADLINE {
            return false;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    true
}

fn send(process: libc::pid_t, signal: libc::c_int) {
    #[expect(unsafe_code, reason = "kill takes two integers and touches no memory of ours")]
    unsafe {
        libc::kill(process, signal);
    }
}

/// Whoever started us may have gone away; that ends nothing.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
