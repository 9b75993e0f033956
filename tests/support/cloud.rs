//! One local cloud for all tests of a run. Its servers end with this process, however it ends.

use local_cloud::{Connection, Environment, LocalCloud, Options};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row, mysql::MySqlConnectOptions};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use tokio::{runtime::Runtime, sync::OnceCell};

/// Seed of the small sample that most tests share: a failure can be repeated.
const SMALL_SAMPLE_SEED: u64 = 20_251_231;

pub(crate) struct Cloud {
    connection: Connection,
    small_sample: OnceCell<PathBuf>,
}

/// The cloud of this run, started by the first test that asks.
///
/// # Panics
/// When a server cannot be started; the message says what to install.
pub(crate) fn cloud() -> &'static Cloud {
    static CLOUD: OnceLock<Cloud> = OnceLock::new();
    CLOUD.get_or_init(|| {
        // Tests have runtimes of their own, which end with them; what the cloud serves must not.
        let starting = std::thread::spawn(|| {
            let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("start a runtime")));
            let options = Options {
                // Kept after the run for its logs, emptied by the next one.
                state_folder: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cloud")),
                ..Options::default()
            };
            let local_cloud = runtime
                .block_on(LocalCloud::start(options))
                .unwrap_or_else(|error| panic!("start the local cloud: {error:#}"));
            let connection = local_cloud.connection().clone();
            Box::leak(Box::new(local_cloud));
            connection
        });
        let connection = starting.join().expect("start the local cloud");
        Cloud { connection, small_sample: OnceCell::new() }
    })
}

/// A binary of the workspace, which `make` builds before the tests.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test_program = env::current_exe().expect("path of the test program");
    let folder = test_program.ancestors().nth(2).expect("folder above deps");
    folder.join(name)
}

/// A folder that stands in for the project's `sql/`.
pub(crate) fn copy_of_sql() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let contents = project_path("sql").join(".");
    let copied = Command::new("cp").arg("-r").arg(contents).arg(folder.path()).status().expect("cp");
    assert!(copied.success());
    folder
}

/// A file or folder of the project.
pub(crate) fn project_path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

impl Cloud {
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.connection.sdk_config()).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// What a binary is documented to need; the pipeline under test names its own database, bucket and warehouse.
    pub(crate) fn variables(&self, binary_name: &str) -> Environment {
        match binary_name {
            "extract-rds" => self.connection.extract_rds_environment("", ""),
            "load-redshift" => self.connection.load_redshift_environment("", ""),
            other => panic!("no variables are known for {other}"),
        }
    }

    pub(crate) async fn create_source_database(&self, database: &str) {
        self.connection.source.create_database(database).await.expect("create a source database");
    }

    pub(crate) fn source_options(&self, database: &str) -> MySqlConnectOptions {
        self.connection.source.admin_options(Some(database))
    }

    pub(crate) fn warehouse_url(&self, database: &str) -> String {
        format!("{}/{database}", self.connection.postgres_url.trim_end_matches('/'))
    }

    pub(crate) async fn create_bucket(&self, bucket: &str) {
        self.s3().create_bucket().bucket(bucket).send().await.expect("create a bucket");
    }

    pub(crate) async fn put_file(&self, bucket: &str, key: &str, file: &Path) {
        let content = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.s3().put_object().bucket(bucket).key(key).body(content.into()).send().await.expect("put an object");
    }

    /// A new key of AWS KMS, by ARN.
    pub(crate) fn create_kms_key(&self) -> String {
        let mut command = Command::new(self.connection.tools_folder.join("aws"));
        command.args(["kms", "create-key", "--query", "KeyMetadata.Arn", "--output", "text"]);
        let created = command.envs(self.connection.aws_environment()).output().expect("run the AWS CLI");
        assert!(created.status.success(), "create a KMS key: {}", String::from_utf8_lossy(&created.stderr));
        String::from_utf8_lossy(&created.stdout).trim().to_owned()
    }

    pub(crate) async fn list_objects(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let listed = self.s3().list_objects_v2().bucket(bucket).prefix(prefix).send().await.expect("list objects");
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    pub(crate) async fn get_json(&self, bucket: &str, key: &str) -> Value {
        let object = self.s3().get_object().bucket(bucket).key(key).send().await;
        let object = object.unwrap_or_else(|error| panic!("get {key}: {error:?}"));
        let content = object.body.collect().await.expect("read an object").into_bytes();
        serde_json::from_slice(&content).expect("read JSON")
    }

    pub(crate) async fn put_json(&self, bucket: &str, key: &str, value: &Value) {
        self.put_text(bucket, key, value.to_string()).await;
    }

    pub(crate) async fn put_text(&self, bucket: &str, key: &str, text: String) {
        let body = text.into_bytes().into();
        self.s3().put_object().bucket(bucket).key(key).body(body).send().await.expect("put an object");
    }

    /// Tables and rows of a folder of CSV files.
    pub(crate) async fn seed(&self, database: &str, folder: &Path) {
        local_cloud::seed(&self.source_options(database), folder)
            .await
            .unwrap_or_else(|error| panic!("seed {}: {error:#}", folder.display()));
    }

    /// A sample small enough for every test to have its own, with the same planted rules as the committed one.
    pub(crate) async fn small_sample(&self) -> &Path {
        let make = async || {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small-sample");
            println!("small sample: seed {SMALL_SAMPLE_SEED}");
            local_cloud::generate(&folder, SMALL_SAMPLE_SEED, local_cloud::SampleSize::SMALL)
                .expect("generate a sample");
            folder
        };
        self.small_sample.get_or_init(make).await
    }

    /// The first value of a query at the warehouse's PostgreSQL.
    pub(crate) async fn count(&self, url: &str, query: &str) -> i64 {
        let mut connection = PgConnection::connect(url).await.expect("connect to the warehouse");
        let row = sqlx::query(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await;
        row.unwrap_or_else(|error| panic!("{query}: {error}")).get(0)
    }

    /// What the open versions of listings show, whenever a run saw them first.
    pub(crate) async fn current_versions(&self, url: &str, table: &str) -> Vec<String> {
        let mut connection = PgConnection::connect(url).await.expect("connect to the warehouse");
        let query = format!(
            "select (to_jsonb(version) - 'valid_from' - 'basis')::text from curated.{table} as version where valid_to is null order by apartment_id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.expect("read versions");
        rows.iter().map(|row| row.get(0)).collect()
    }
}
