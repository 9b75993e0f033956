//! The local cloud: all servers of one state folder, started together and ended in the order in which they need each
//! other.

use crate::{
    connection::{Connection, REGION},
    ecs_tasks::{ContainerHost, EcsTasks},
    endpoint::Endpoint,
    localstack::LocalStack,
    mariadb::MariaDb,
    postgres::Postgres,
    programs::Programs,
    state_folder::{StateFolder, postgres_folder, tasks_folder, write_json},
};
use anyhow::Context as _;
use rand::distr::{Alphanumeric, SampleString as _};
use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Instant,
};

const PASSWORD_LENGTH: usize = 24;
pub(crate) const CONNECTION_FILE: &str = "connection.json";

/// How to start a local cloud.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folder for everything it keeps; none for a temporary one that goes with it.
    pub state_folder: Option<PathBuf>,
    /// Folder of the binaries that ECS tasks run; none for the running program's own (for a test: its parent).
    pub binary_folder: Option<PathBuf>,
    /// Is told about each step that is done.
    pub progress: Option<fn(&str)>,
}

/// A running local cloud. Its servers end with this process, however it ends; [`LocalCloud::stop`] ends them cleanly.
pub struct LocalCloud {
    connection: Connection,
    localstack: LocalStack,
    endpoint: Endpoint,
    mariadb: MariaDb,
    postgres: Postgres,
    folder: StateFolder,
}

impl LocalCloud {
    /// Starts every server and returns when all of them answer.
    ///
    /// # Errors
    /// When a program is missing (the message names the package), a server does not start (the message has its last lines),
    /// or another local cloud holds the state folder.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let programs = Programs::find()?;
        let folder = match &options.state_folder {
            Some(path) => StateFolder::take(path)?,
            None => StateFolder::temporary()?,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("open a port for our own endpoint")?;
        let own_endpoint = format!("http://{}", listener.local_addr()?);

        let (path, logs) = (folder.path(), folder.logs());
        let progress = options.progress.unwrap_or(|_| ());
        let (mariadb_folder, mariadb_log) = (path.join("mariadb"), logs.join("mariadb.log"));
        let (postgres_folder, postgres_log) = (postgres_folder(path), logs.join("postgres.log"));
        let (localstack_folder, localstack_log) = (path.join("localstack"), logs.join("localstack.log"));
        let mariadb = MariaDb::start(&mariadb_folder, &mariadb_log, &programs, [new_password(), new_password()]);
        let postgres = Postgres::start(&postgres_folder, &postgres_log, &programs, new_password());
        let localstack = LocalStack::start(&localstack_folder, &localstack_log, &programs, &own_endpoint);
        let (mariadb, postgres, localstack) = tokio::try_join!(
            reported("MariaDB", progress, mariadb),
            reported("PostgreSQL", progress, postgres),
            reported("LocalStack", progress, localstack),
        )?;

        let connection = Connection {
            aws_endpoint: localstack.endpoint.clone(),
            own_endpoint,
            source: mariadb.server.clone(),
            postgres_url: postgres.url.clone(),
            tools_folder: make_tools_folder(path, &programs)?,
        };
        let ecs = EcsTasks::new(ContainerHost {
            binary_folder: options.binary_folder.map_or_else(own_binary_folder, Ok)?,
            tasks_folder: tasks_folder(path),
            aws_endpoint: connection.aws_endpoint.clone(),
            secrets: aws_sdk_secretsmanager::Client::new(&connection.sdk_config()),
            agent_environment: connection.aws_environment(),
        });
        let redshift_data = redshift_local::Options {
            postgres_url: connection.postgres_url.clone(),
            s3_endpoint: Some(connection.aws_endpoint.clone()),
            region: REGION.to_owned(),
            credentials: None,
            faults: redshift_local::Faults::default(),
        };
        let endpoint = Endpoint::start(listener, redshift_data, ecs)?;
        write_json(&path.join(CONNECTION_FILE), &connection)?;
        Ok(Self { connection, localstack, endpoint, mariadb, postgres, folder })
    }

    /// Addresses and accounts of its servers.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where its logs are, and while it runs its data.
    #[must_use]
    pub fn state_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends every server: first what uses others (LocalStack starts tasks, tasks use the databases), then the databases.
    ///
    /// # Errors
    /// When a server cannot be ended or the data not be removed; all others are ended all the same.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let localstack = self.localstack.process.stop().await;
        self.endpoint.stop().await;
        let (mariadb, postgres) = tokio::join!(self.mariadb.process.stop(), self.postgres.process.stop());
        localstack.and(mariadb).and(postgres)?;
        self.folder.clear()
    }
}

/// A folder with the AWS CLI alone: the Python environment's own would put its `python` before the user's.
fn make_tools_folder(state_folder: &Path, programs: &Programs) -> anyhow::Result<PathBuf> {
    let folder = state_folder.join("tools");
    fs::create_dir_all(&folder)?;
    symlink(programs.python_folder.join("aws"), folder.join("aws")).context("link the AWS CLI")?;
    Ok(folder)
}

/// Awaits a server and says how long it took.
async fn reported<T>(
    name: &str,
    progress: fn(&str),
    server: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    let server = server.await.with_context(|| format!("start {name}"))?;
    progress(&format!("{name} answers after {:.1} s", started.elapsed().as_secs_f64()));
    Ok(server)
}

fn new_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}

/// Cargo puts test programs one folder below the binaries.
pub(crate) fn own_binary_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("find the running program")?;
    let folder = program.parent().context("the running program has no folder")?;
    let is_of_tests = folder.file_name().is_some_and(|name| name == "deps");
    Ok(if is_of_tests { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}
