//! A source database, a bucket and a warehouse of one's own, and the two binaries run against them as a user would.

use super::cloud::{Cloud, binary, cloud};
use sqlx::{MySqlPool, mysql::MySqlPoolOptions};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
    time::Duration,
};

/// Names of the pipelines that tests of this process made.
static NAMES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What a finished binary left.
pub(crate) struct Finished {
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    fn of(output: Output) -> Self {
        Self {
            exit_code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The finished process, if it exited with this code and said all of these.
    pub(crate) fn expect(self, exit_code: i32, said: &[&str]) -> Self {
        let text = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.exit_code, exit_code, "exit code; it said:\n{text}");
        for part in said {
            assert!(text.contains(part), "expected {part:?}; it said:\n{text}");
        }
        self
    }
}

/// Source, log and warehouse of one test.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) source_database: String,
    pub(crate) bucket: String,
    pub(crate) warehouse: String,
    /// CSV files of the source and of the exchange rates.
    pub(crate) sample: Option<PathBuf>,
    /// Overrides on both binaries' environment; an empty value takes a variable away.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Pipeline {
    /// The names of a pipeline, none of which exists yet.
    pub(crate) fn unprepared(name: &str) -> Self {
        Self {
            source_database: format!("source_{name}"),
            bucket: format!("log-{}", name.replace('_', "-")),
            warehouse: format!("warehouse_{name}"),
            sample: None,
            variables: BTreeMap::new(),
        }
    }

    /// An empty pipeline of a name that no other test uses.
    pub(crate) async fn new(name: &str) -> Self {
        let is_new = NAMES.lock().expect("no test panics with the names").insert(name.to_owned());
        assert!(is_new, "another test has a pipeline named `{name}`: the two would share their tables");
        let pipeline = Self::unprepared(name);
        cloud().create_source_database(&pipeline.source_database).await;
        cloud().create_bucket(&pipeline.bucket).await;
        pipeline
    }

    /// A pipeline whose source and exchange rates come from a folder of CSV files.
    pub(crate) async fn seeded(name: &str, sample: &Path) -> Self {
        let pipeline = Self { sample: Some(sample.to_owned()), ..Self::new(name).await };
        cloud().seed(&pipeline.source_database, sample).await;
        pipeline.put_fx_rates().await;
        pipeline
    }

    /// A pipeline of the small sample.
    pub(crate) async fn sampled(name: &str) -> Self {
        Self::seeded(name, cloud().small_sample().await).await
    }

    async fn put_fx_rates(&self) {
        if let Some(sample) = &self.sample {
            cloud().put_file(&self.bucket, "reference/fx_rates.csv", &sample.join("fx_rates.csv")).await;
        }
    }

    /// The same source and log with an empty warehouse.
    pub(crate) fn with_empty_warehouse(&self, suffix: &str) -> Self {
        Self { warehouse: format!("{}_{suffix}", self.warehouse), ..self.clone() }
    }

    /// The same source with an empty log and an empty warehouse.
    pub(crate) async fn with_empty_log(&self, suffix: &str) -> Self {
        let bucket = format!("{}-{suffix}", self.bucket);
        cloud().create_bucket(&bucket).await;
        let pipeline = Self { bucket, ..self.with_empty_warehouse(suffix) };
        pipeline.put_fx_rates().await;
        pipeline
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Connections to the source, as its owner.
    pub(crate) async fn source(&self) -> MySqlPool {
        let options = cloud().source_options(&self.source_database);
        MySqlPoolOptions::new().max_connections(2).connect_with(options).await.expect("connect to the source")
    }

    /// Runs statements at the source, one after the other.
    pub(crate) async fn at_source(&self, statements: &[&str]) {
        let pool = self.source().await;
        for statement in statements {
            let owned = sqlx::AssertSqlSafe((*statement).to_owned());
            sqlx::query(owned).execute(&pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        pool.close().await;
    }

    /// The PostgreSQL database under this pipeline's warehouse.
    pub(crate) fn warehouse_url(&self) -> String {
        cloud().warehouse_url(&self.warehouse)
    }

    /// A command with exactly the environment that the binary is documented to need.
    pub(crate) fn command(&self, binary_name: &str, arguments: &[&str]) -> Command {
        let cloud: &Cloud = cloud();
        let mut variables = cloud.variables(binary_name);
        variables.insert("RDS_DATABASE".into(), self.source_database.clone());
        variables.insert("S3_BUCKET".into(), self.bucket.clone());
        variables.insert("REDSHIFT_DATABASE".into(), self.warehouse.clone());
        variables.extend(self.variables.clone());
        variables.retain(|_, value| !value.is_empty());
        let mut command = Command::new(binary(binary_name));
        command.args(arguments).env_clear().envs(variables).stdin(Stdio::null());
        command
    }

    fn run(&self, binary_name: &str, arguments: &[&str]) -> Finished {
        let output = self.command(binary_name, arguments).output().unwrap_or_else(|error| {
            panic!("start {binary_name}: {error}; build it with: cargo build --workspace");
        });
        Finished::of(output)
    }

    pub(crate) fn extract(&self, arguments: &[&str]) -> Finished {
        self.run("extract-rds", arguments)
    }

    /// Runs a binary without holding up what else the test does. It is killed when nobody waits for it any more.
    async fn run_aside(&self, binary_name: &str, arguments: &[&str]) -> Finished {
        let mut command = tokio::process::Command::from(self.command(binary_name, arguments));
        let output = command.kill_on_drop(true).output().await;
        Finished::of(output.unwrap_or_else(|error| panic!("start {binary_name}: {error}")))
    }

    pub(crate) async fn extract_aside(&self, arguments: &[&str]) -> Finished {
        self.run_aside("extract-rds", arguments).await
    }

    pub(crate) async fn load_aside(&self, arguments: &[&str]) -> Finished {
        self.run_aside("load-redshift", arguments).await
    }

    /// Lets a binary live that long; none when it was killed.
    pub(crate) async fn run_for(&self, life: Duration, binary_name: &str, arguments: &[&str]) -> Option<Finished> {
        tokio::time::timeout(life, self.run_aside(binary_name, arguments)).await.ok()
    }

    pub(crate) fn load(&self, arguments: &[&str]) -> Finished {
        self.run("load-redshift", arguments)
    }

    /// Extract, load, transform, verify and publish, all of which must succeed.
    pub(crate) fn run_all(&self, run_id: &str, as_of: &str) {
        self.extract(&["--run-id", run_id, "--as-of", as_of]).expect(0, &[]);
        self.load(&["run", "--run-id", run_id]).expect(0, &[]);
    }
}
