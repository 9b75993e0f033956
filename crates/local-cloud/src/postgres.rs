//! PostgreSQL under the Redshift stand-in. It refuses to run as root, so it then runs as an unprivileged user, in a folder
//! that this user can reach.

use crate::{
    programs::Programs,
    server_process::{ServerProcess, StopSignals},
    system_user::{SystemUser, unprivileged_instead_of_root},
    tcp_port::free_port,
};
use anyhow::{Context as _, bail};
use sqlx::{Connection as _, PgConnection};
use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::{fs::PermissionsExt as _, fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const SUPERUSER: &str = "warehouse";

pub(crate) struct Postgres {
    pub(crate) process: ServerProcess,
    /// Superuser's URL without a database.
    pub(crate) url: String,
}

impl Postgres {
    /// Makes a database cluster in [`data_home`]`(folder)` and starts a server on it that writes to the file `log`.
    pub(crate) async fn start(
        folder: &Path,
        log: &Path,
        programs: &Programs,
        password: String,
    ) -> anyhow::Result<Self> {
        let user = unprivileged_instead_of_root()?;
        let home = data_home(folder)?;
        fs::create_dir_all(&home).with_context(|| format!("create {}", home.display()))?;
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
        give_to(&home, user.as_ref())?;
        initialise(&home, programs, user.as_ref(), &password).await?;

        let port = free_port()?;
        let mut command = command_as(&programs.postgres_folder.join("postgres"), user.as_ref(), &home);
        command.arg("-D").arg(home.join("data")).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "timezone=UTC",
            // The data is made anew by every start, so durability buys nothing.
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "redshift_local.is_durable=off",
            // Tables without a log are empty after a crash: a server that is gone is better than one that lost its rows.
            "restart_after_crash=off",
            "max_wal_size=16GB",
            "checkpoint_timeout=1h",
            // A first load joins and sorts whole tables, and looks up rows of temporary ones again and again.
            "shared_buffers=1GB",
            "work_mem=256MB",
            // Pages come from memory, in whichever order.
            "random_page_cost=1",
            "temp_buffers=512MB",
            // Compiling a plan takes longer than running it on this much data.
            "jit=off",
        ] {
            command.args(["-c", setting]);
        }
        // SIGTERM would wait for every client to leave; after SIGKILL its children and shared memory would stay behind.
        let signals = StopSignals { clean: libc::SIGINT, orphaned: libc::SIGQUIT };
        let mut process = ServerProcess::start("PostgreSQL", command, log, signals)?;
        let url = format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}");
        let probe = format!("{url}/postgres");
        process.wait_until_ready(async || Ok(PgConnection::connect(&probe).await?.close().await?)).await?;
        Ok(Self { process, url })
    }
}

/// Where the cluster's files are: in `folder`, or for root, whose folders others cannot enter, in the system's temporary folder
/// under a name that only depends on `folder`, so that what a killed run left behind is found again.
pub(crate) fn data_home(folder: &Path) -> anyhow::Result<PathBuf> {
    Ok(match unprivileged_instead_of_root()? {
        None => folder.to_owned(),
        Some(_) => {
            let mut hasher = DefaultHasher::new();
            folder.hash(&mut hasher);
            env::temp_dir().join(format!("rental-local-postgres-{:016x}", hasher.finish()))
        }
    })
}

async fn initialise(home: &Path, programs: &Programs, user: Option<&SystemUser>, password: &str) -> anyhow::Result<()> {
    let password_file = home.join("password");
    fs::write(&password_file, password)?;
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
    give_to(&password_file, user)?;
    let mut command = command_as(&programs.postgres_folder.join("initdb"), user, home);
    command
        .arg("-D")
        .arg(home.join("data"))
        .arg(format!("--username={SUPERUSER}"))
        .arg(format!("--pwfile={}", password_file.display()))
        // Nothing crosses a network; SCRAM would cost the client 40 ms per connection, and each statement has its own.
        .args(["--auth=password", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
        .stdin(Stdio::null());
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await.context("run initdb")?;
    if !output.status.success() {
        bail!("initdb failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(fs::remove_file(&password_file)?)
}

fn command_as(program: &Path, user: Option<&SystemUser>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home).env_clear().env("HOME", home).env("LC_ALL", "C.UTF-8");
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn give_to(path: &Path, user: Option<&SystemUser>) -> anyhow::Result<()> {
    let Some(user) = user else { return Ok(()) };
    chown(path, Some(user.uid), Some(user.gid)).with_context(|| format!("give {} to {}", path.display(), user.name))
}
