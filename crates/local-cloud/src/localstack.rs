//! LocalStack: S3, Step Functions, CloudFormation, IAM, Secrets Manager, SNS, Logs and the rest of AWS that it knows, plus
//! what `bridge/bridge.py` adds and repairs. It runs without Docker, account or network, and keeps nothing.

use crate::{
    http,
    programs::Programs,
    server_process::{ServerProcess, StopSignals},
    tcp_port::free_port,
};
use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path, process::Command};

const BRIDGE: &str = include_str!("../bridge/bridge.py");
const BRIDGE_FILE: &str = "bridge.py";

pub(crate) struct LocalStack {
    pub(crate) process: ServerProcess,
    /// Endpoint of every service.
    pub(crate) endpoint: String,
}

impl LocalStack {
    /// Starts LocalStack with its state below `folder`; ECS and Redshift Data requests go to `own_endpoint`.
    pub(crate) async fn start(
        folder: &Path,
        log: &Path,
        programs: &Programs,
        own_endpoint: &str,
    ) -> anyhow::Result<Self> {
        let root = folder.join("root");
        let scripts = root.join("etc/localstack/init/start.d");
        fs::create_dir_all(&scripts).with_context(|| format!("create {}", scripts.display()))?;
        fs::write(scripts.join(BRIDGE_FILE), BRIDGE)?;

        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(programs.python());
        command
            .args(["-m", "localstack.runtime.main"])
            .current_dir(folder)
            // The user's AWS and proxy settings must not reach it.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .env("LANG", "C.UTF-8")
            .env("GATEWAY_LISTEN", &address)
            .env("LOCALSTACK_HOST", &address)
            .env("FILESYSTEM_ROOT", &root)
            .env("LOCALSTACK_VOLUME_DIR", folder.join("volume"))
            .env("BRIDGE_SERVICES", format!("ecs={own_endpoint},redshift-data={own_endpoint}"))
            // Inside a container it would otherwise write to system folders.
            .env("OVERRIDE_IN_DOCKER", "0")
            // No download of certificates, no usage events, no DNS server, services load when they are first used.
            .env("SKIP_SSL_CERT_DOWNLOAD", "1")
            .env("DISABLE_EVENTS", "1")
            .env("DNS_ADDRESS", "0")
            .env("EAGER_SERVICE_LOADING", "0");
        let signals = StopSignals { clean: libc::SIGTERM, orphaned: libc::SIGKILL };
        let mut process = ServerProcess::start("LocalStack", command, log, signals)?;
        let endpoint = format!("http://{address}");
        process.wait_until_ready(async || start_scripts(&endpoint).await.map(drop)).await?;
        ensure_bridged(&start_scripts(&endpoint).await?)
            .with_context(|| process.last_lines())
            .context("LocalStack runs without its bridge")?;
        Ok(Self { process, endpoint })
    }
}

/// The start scripts that LocalStack ran, once it has run them all.
async fn start_scripts(endpoint: &str) -> anyhow::Result<Vec<InitScript>> {
    let init: Init = serde_json::from_slice(&http::get(&format!("{endpoint}/_localstack/init")).await?)?;
    ensure!(init.completed.get("START") == Some(&true), "its start scripts have not all run");
    Ok(init.scripts)
}

/// LocalStack only logs that a start script failed, so its list of scripts has to be asked.
fn ensure_bridged(scripts: &[InitScript]) -> anyhow::Result<()> {
    let bridge = scripts.iter().find(|script| script.name == BRIDGE_FILE).context("it did not find the file")?;
    ensure!(bridge.state == "SUCCESSFUL", "the file ended as {}", bridge.state);
    Ok(())
}

/// Answer of `GET /_localstack/init`.
#[derive(Deserialize)]
struct Init {
    completed: BTreeMap<String, bool>,
    scripts: Vec<InitScript>,
}

#[derive(Deserialize)]
struct InitScript {
    name: String,
    state: String,
}
