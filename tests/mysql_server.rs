//! MySQL's own server, which Aurora is made of, where MariaDB differs: `caching_sha2_password`, its collation, its limit for
//! statements.

use crate::support::{BOTH_DRIVERS, ENDLESS_QUERY, Pipeline, cloud, project_path, source_config};
use extract_rds::{Connector, SourceConfig, SourceError, SslMode, TlsFault};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const START_DEADLINE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a password of the source";

/// A server with data of its own; both go with this value.
struct MySqlServer {
    folder: tempfile::TempDir,
    process: Child,
    port: u16,
}

impl MySqlServer {
    /// Starts a server that carries out these statements, one per line, first.
    async fn start(statements: &[String]) -> Self {
        let fetched = output(Command::new(project_path("scripts/mysql-server")));
        let program = PathBuf::from(String::from_utf8(fetched.stdout).unwrap().trim()).join("mysqld");
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mysqld = |log: &str| {
            let mut command = Command::new(&program);
            command.arg(format!("--datadir={}", data.display()));
            // The data is made anew by every start, so durability buys nothing.
            command.args(["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]);
            command.args(["--innodb-doublewrite=OFF", "--innodb-redo-log-capacity=16M", "--mysqlx=OFF"]);
            // Debian's build would want a folder of the system's for files of statements.
            command.arg("--secure-file-priv=NULL");
            command.arg(format!("--log-error={}", folder.path().join(log).display()));
            command.stdin(Stdio::null());
            command
        };
        let mut installing = mysqld("install.log");
        installing.arg("--initialize-insecure");
        output(installing);

        let first = folder.path().join("first.sql");
        fs::write(&first, statements.join("\n") + "\n").unwrap();
        // Free now, and not given out again soon.
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut starting = mysqld("server.log");
        starting.args(["--bind-address=127.0.0.1", "--socket=mysql.sock", "--pid-file=mysql.pid"]);
        starting.arg(format!("--port={port}")).arg(format!("--init-file={}", first.display()));
        let process = starting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { folder, process, port };
        let started_at = Instant::now();
        let ready = server.connector(SslMode::Required).await;
        while let Err(error) = ready.connect().await {
            let log = fs::read_to_string(server.folder.path().join("server.log")).unwrap_or_default();
            assert!(server.process.try_wait().unwrap().is_none(), "MySQL ended while it was starting:\n{log}");
            assert!(started_at.elapsed() < START_DEADLINE, "MySQL does not answer: {error:?}\n{log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn config(&self, ssl_mode: SslMode) -> SourceConfig {
        SourceConfig {
            ssl_mode,
            statement_timeout_s: 77,
            ..source_config(self.port, "marketplace", "extract", PASSWORD, &self.authority())
        }
    }

    /// The server makes an authority for itself when it has none.
    fn authority(&self) -> PathBuf {
        self.folder.path().join("data/ca.pem")
    }

    async fn connector(&self, ssl_mode: SslMode) -> Connector {
        Connector::new(&self.config(ssl_mode), Arc::default()).await.unwrap()
    }
}

impl Drop for MySqlServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn output(mut command: Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Statements that make a database as MySQL makes it, and users with the password.
fn set_up() -> Vec<String> {
    let database = "create database marketplace character set utf8mb4 collate utf8mb4_0900_ai_ci;".to_owned();
    let users = ["admin", "extract", "unseen"]
        .map(|user| format!("create user {user}@'%' identified with caching_sha2_password by '{PASSWORD}';"));
    let grants = [
        "grant all on marketplace.* to admin@'%';",
        "grant select, lock tables on marketplace.* to extract@'%', unseen@'%';",
    ];
    [database].into_iter().chain(users).chain(grants.map(str::to_owned)).collect()
}

#[tokio::test]
#[ignore = "fetches MySQL's server; `make test` includes it where that can be had"]
async fn a_whole_extract_from_mysqls_own_server() {
    // What the server does to its users' statements must not cut a table off.
    let limit = "set global sql_select_limit = 3;".to_owned();
    let server = MySqlServer::start(&[set_up(), vec![limit]].concat()).await;
    let admin = MySqlConnectOptions::new().host("127.0.0.1").port(server.port).database("marketplace");
    let admin = admin.username("admin").password(PASSWORD).ssl_mode(MySqlSslMode::Required);
    let seeded = local_cloud::seed(&admin, cloud().small_sample().await).await.unwrap();

    let pipeline = Pipeline { source_database: "marketplace".into(), ..Pipeline::new("mysql_server").await };
    let pipeline = pipeline
        .set("RDS_PORT", &server.port.to_string())
        .set("RDS_USER", "extract")
        .set("RDS_PASSWORD", PASSWORD)
        .set("RDS_SSL_MODE", "VERIFY_CA")
        .set("RDS_SSL_CA", &server.authority().display().to_string());
    pipeline.extract(&["--run-id", "first"]).expect(0, &[]);
    let receipt = cloud().get_json(&pipeline.bucket, "runs/first/receipt.json").await;
    assert!(seeded.len() == 4 && seeded.values().all(|row_count| *row_count > 100), "{seeded:?}");
    for (table, row_count) in &seeded {
        assert_eq!(receipt["extract"]["tables"][table]["rows"]["read"], *row_count, "{table}");
    }
    let manifest = cloud().get_json(&pipeline.bucket, "raw/bookings/run=first/manifest.json").await;
    let mode = manifest["snapshot"]["mode"].as_str().unwrap();
    assert!(mode.contains("2 connections under a table lock"), "{mode}");
}

#[tokio::test]
#[ignore = "fetches MySQL's server; `make test` includes it where that can be had"]
async fn either_connection_enters_mysqls_own_server() {
    let odd = [
        "create table marketplace.odd (at datetime, name varchar(20));",
        "set session sql_mode = '';",
        "insert into marketplace.odd values ('0000-00-00', 'Zoë 🏠');",
    ];
    let server = MySqlServer::start(&[set_up(), odd.map(str::to_owned).to_vec()].concat()).await;
    let connector = server.connector(SslMode::VerifyCa).await;
    for driver in BOTH_DRIVERS {
        let settings = "select concat_ws(' ', @@time_zone, concat('[', @@sql_mode, ']'), @@net_write_timeout, \
             @@wait_timeout, @@character_set_client, @@character_set_results, @@max_execution_time, @@collation_database)";
        let expected = "+00:00 [] 900 28800 utf8mb4 utf8mb4 77000 utf8mb4_0900_ai_ci";
        assert_eq!(driver.ask(&connector, settings).await.unwrap().as_deref(), Some(expected), "{driver:?}");
        let values = "select concat_ws('|', cast(at as char), name) from odd where name = 'zoe 🏠'";
        let expected = "0000-00-00 00:00:00|Zoë 🏠";
        assert_eq!(driver.ask(&connector, values).await.unwrap().as_deref(), Some(expected), "{driver:?}");
        // The certificate that the server made for itself names no host.
        let error = driver.ask(&server.connector(SslMode::VerifyIdentity).await, "select 1").await.unwrap_err();
        assert!(matches!(error, SourceError::Tls { fault: TlsFault::OtherName, .. }), "{error:?}");
        // Once the server has seen the password it recognises it without TLS, too.
        let disabled = server.connector(SslMode::Disabled).await;
        assert_eq!(driver.ask(&disabled, "select 'in'").await.unwrap().as_deref(), Some("in"), "{driver:?}");
    }
    let short = SourceConfig { statement_timeout_s: 1, ..server.config(SslMode::Required) };
    let mut connection = Connector::new(&short, Arc::default()).await.unwrap().connect_wire().await.unwrap();
    let error = tokio::task::spawn_blocking(move || connection.text(ENDLESS_QUERY, 0)).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("maximum statement execution time exceeded"), "{error}");
    // Before that it would have to be sent as it is, which is for TLS.
    let unseen = SourceConfig { user: Some("unseen".into()), ..server.config(SslMode::Disabled) };
    let unseen = Connector::new(&unseen, Arc::default()).await.unwrap();
    for driver in BOTH_DRIVERS {
        let error = driver.ask(&unseen, "select 'in'").await.unwrap_err();
        assert!(matches!(error, SourceError::Tls { fault: TlsFault::NotAskedFor, .. }), "{driver:?}: {error:?}");
    }
}
