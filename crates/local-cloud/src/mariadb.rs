//! MariaDB as the source database: TLS only, passwords only, utf8mb4, as Aurora MySQL would be set up.

use crate::{
    certificate::{ServerCertificate, make_server_certificate},
    programs::Programs,
    server_process::{ServerProcess, StopSignals},
    tcp_port::free_port,
};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions as _, Connection as _, mysql::MySqlConnectOptions, mysql::MySqlSslMode};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Creates tables and loads sample rows; has all rights.
const ADMIN_USER: &str = "admin";
/// What `extract-rds` connects as; may read and lock.
pub(crate) const EXTRACT_USER: &str = "extract";

/// How to reach the source database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceServer {
    pub host: String,
    pub port: u16,
    /// PEM file of the authority that signed the server's certificate.
    pub authority: PathBuf,
    pub admin_password: String,
    pub extract_password: String,
}

impl SourceServer {
    /// Options of an administrator's connection, to `database` or to none.
    #[must_use]
    pub fn admin_options(&self, database: Option<&str>) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .username(ADMIN_USER)
            .password(&self.admin_password)
            .ssl_mode(MySqlSslMode::VerifyIdentity)
            .ssl_ca(&self.authority)
            .disable_statement_logging();
        database.map_or(options.clone(), |database| options.database(database))
    }

    /// Makes an empty database that the extract user may read.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn create_database(&self, database: &str) -> anyhow::Result<()> {
        anyhow::ensure!(is_plain_name(database), "`{database}` is not a name of lower-case letters, digits and `_`");
        let mut connection = self.admin_options(None).connect().await.context("connect to MariaDB")?;
        for statement in [
            format!("create database if not exists {database} character set utf8mb4"),
            format!("grant select, lock tables on {database}.* to {EXTRACT_USER}"),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(crate) struct MariaDb {
    pub(crate) process: ServerProcess,
    pub(crate) server: SourceServer,
}

impl MariaDb {
    /// Makes a data folder below `folder` and starts a server on it that writes to the file `log`.
    pub(crate) async fn start(
        folder: &Path,
        log: &Path,
        programs: &Programs,
        passwords: [String; 2],
    ) -> anyhow::Result<Self> {
        let [admin_password, extract_password] = passwords;
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let data = folder.join("data");
        install_data_folder(&data, folder, programs).await?;
        let certificate = make_server_certificate(folder).context("make the server's certificate")?;
        let accounts = folder.join("accounts.sql");
        fs::write(&accounts, account_statements(&admin_password, &extract_password))?;

        let port = free_port()?;
        let command = server_command(programs, &data, &certificate, &accounts, port)?;
        let signals = StopSignals { clean: libc::SIGTERM, orphaned: libc::SIGKILL };
        let mut process = ServerProcess::start("MariaDB", command, log, signals)?;
        let server = SourceServer {
            host: "127.0.0.1".into(),
            port,
            authority: certificate.authority,
            admin_password,
            extract_password,
        };
        let options = server.admin_options(None);
        process.wait_until_ready(async || Ok(options.connect().await?.close().await?)).await?;
        fs::remove_file(&accounts)?;
        Ok(Self { process, server })
    }
}

async fn install_data_folder(data: &Path, folder: &Path, programs: &Programs) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(&programs.mariadb_install_db);
    command
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .arg("--innodb-log-file-size=32M")
        .arg(format!("--user={}", own_user()?))
        .arg(format!("--datadir={}", data.display()))
        .arg(temporary_folder(data)?);
    let output = command.kill_on_drop(true).output().await.context("run mariadb-install-db")?;
    let log = folder.join("install.log");
    fs::write(&log, [output.stdout, output.stderr].concat())?;
    if !output.status.success() {
        bail!("mariadb-install-db failed ({}); see {}", output.status, log.display());
    }
    Ok(())
}

/// A server that starts removes what looks like its temporary tables, those of other servers included if they share a
/// folder.
fn temporary_folder(data: &Path) -> anyhow::Result<String> {
    let folder = data.with_file_name("temporary");
    fs::create_dir_all(&folder)?;
    Ok(format!("--tmpdir={}", folder.display()))
}

fn server_command(
    programs: &Programs,
    data: &Path,
    certificate: &ServerCertificate,
    accounts: &Path,
    port: u16,
) -> anyhow::Result<Command> {
    let mut command = Command::new(&programs.mariadbd);
    command
        .arg("--no-defaults")
        .args(own_user().map(|user| format!("--user={user}")))
        .arg(format!("--datadir={}", data.display()))
        .arg(temporary_folder(data)?)
        .arg(format!("--init-file={}", accounts.display()))
        .arg(format!("--port={port}"))
        // A relative name lies in the data folder: an absolute one may exceed what a socket's address holds.
        .args(["--bind-address=127.0.0.1", "--socket=mariadb.sock", "--pid-file=mariadb.pid", "--skip-name-resolve"])
        .arg(format!("--ssl-ca={}", certificate.authority.display()))
        .arg(format!("--ssl-cert={}", certificate.certificate.display()))
        .arg(format!("--ssl-key={}", certificate.key.display()))
        .arg("--require-secure-transport=ON")
        // Without a configuration file the server would speak latin1.
        .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"])
        .args(["--default-time-zone=+00:00", "--max-allowed-packet=64M", "--max-connections=200"])
        // The data is made anew by every start, so durability buys nothing.
        .args(["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"])
        .args(["--innodb-log-file-size=32M", "--innodb-buffer-pool-size=256M", "--innodb-fast-shutdown=2"]);
    Ok(command)
}

/// One statement per line, as `--init-file` wants them. `mariadb-install-db` leaves a root without a password, reachable
/// over TCP; every account but ours and the server's own goes.
fn account_statements(admin_password: &str, extract_password: &str) -> String {
    [
        format!("create or replace user {ADMIN_USER}@'%' identified by '{admin_password}' require ssl;"),
        format!("grant all privileges on *.* to {ADMIN_USER}@'%' with grant option;"),
        format!("create or replace user {EXTRACT_USER}@'%' identified by '{extract_password}' require ssl;"),
        format!("delete from mysql.global_priv where User not in ('{ADMIN_USER}', '{EXTRACT_USER}', 'mariadb.sys');"),
        "flush privileges;\n".to_owned(),
    ]
    .join("\n")
}

/// MariaDB refuses to run as root unless told so by name.
fn own_user() -> anyhow::Result<String> {
    crate::system_user::current().map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_account_without_a_password_stays() {
        let statements = account_statements("a", "b");
        assert!(statements.contains("delete from mysql.global_priv where User not in"));
        assert!(statements.lines().filter(|line| line.contains("create")).all(|line| line.ends_with("require ssl;")));
    }

    #[test]
    fn a_database_name_that_could_leave_its_statement_is_refused() {
        for (name, expected) in [("marketplace", true), ("run_2", true), ("a`b", false), ("a b", false), ("", false)] {
            assert_eq!(is_plain_name(name), expected, "{name}");
        }
    }
}
