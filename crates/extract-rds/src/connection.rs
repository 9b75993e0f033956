//! How the source is entered, by either kind of connection: sqlx for the catalog and locks, `wire` for rows. What one is told
//! about TLS, login and session the other is told as well.

use crate::{
    authorities::Authorities,
    credentials::{Authentication, Credentials, CredentialsError, Login, Secret},
    iam_token::TokenSigner,
    source_config::{SourceConfig, SslMode},
    source_error::{DriverError, Entrance, SourceError},
    wire::{WireConnection, WireOptions, tls_config},
};
use aws_config::SdkConfig;
use rental_task::sdk_config;
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{net::lookup_host, sync::Mutex, task::spawn_blocking, time::timeout};

const DEFAULT_PORT: u16 = 3306;
/// How long a connection may take, from the name to a session that is set up.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the server counts as gone: longer than a table may take to be searched for its first row.
const READ_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Where the source is and how to be let in.
pub struct Connector {
    host: String,
    port: u16,
    database: String,
    /// The source in messages, without secrets.
    place: String,
    credentials: Credentials,
    ssl_mode: SslMode,
    /// The authorities for sqlx; `tls` has them as well.
    authorities: Vec<u8>,
    tls: Option<Arc<ClientConfig>>,
    session: String,
    stop: Arc<AtomicBool>,
}

impl Connector {
    /// Reads what there is to read before the first connection: secret and authorities. `stop` ends what wire connections wait
    /// for.
    ///
    /// # Errors
    /// When the secret cannot be read or leaves a question open, or there is nothing to sign tokens with.
    pub async fn new(config: &SourceConfig, stop: Arc<AtomicBool>) -> Result<Self, SourceError> {
        match config.authentication {
            Authentication::Password(_) => Self::with_aws(config, None, stop).await,
            Authentication::Secret { .. } | Authentication::IamToken => {
                let aws = sdk_config().await.map_err(CredentialsError::from)?;
                Self::with_aws(config, Some(&aws), stop).await
            }
        }
    }

    /// The same with an SDK configuration that is not made from the environment; passwords do without.
    ///
    /// # Errors
    /// As for [`Connector::new`].
    pub async fn with_aws(
        config: &SourceConfig,
        aws: Option<&SdkConfig>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, SourceError> {
        let aws = || aws.ok_or(CredentialsError::NoSigner { what: "configuration", source: None });
        let missing = |name| SourceError::Missing { name };
        let mut port = config.port;
        let (mut host, mut database) = (config.host.clone(), config.database.clone());
        let user = config.user.clone().ok_or(missing("RDS_USER"));
        let credentials = match &config.authentication {
            Authentication::Password(password) => {
                Credentials::Password(Login { user: user?, password: password.clone() })
            }
            Authentication::Secret { id } => {
                let secret = Secret::new(id, aws()?);
                let content = secret.read().await?;
                let absent = |field, variable| CredentialsError::SecretField { id: id.clone(), field, variable };
                host = Some(host.or(content.host.clone()).ok_or_else(|| absent("host", "RDS_HOST"))?);
                database = Some(database.or(content.dbname.clone()).ok_or_else(|| absent("dbname", "RDS_DATABASE"))?);
                port = port.or(content.port());
                if let Some(user) = user.ok().filter(|user| *user != content.username) {
                    let (id, username) = (id.clone(), content.username);
                    return Err(CredentialsError::OtherUser { id, user, username }.into());
                }
                Credentials::Secret { secret, current: Mutex::new(content.login()) }
            }
            Authentication::IamToken => {
                let host = host.as_deref().ok_or(missing("RDS_HOST"))?;
                Credentials::IamToken(TokenSigner::new(host, port.unwrap_or(DEFAULT_PORT), &user?, aws()?)?)
            }
        };
        let host = host.ok_or(missing("RDS_HOST"))?;
        let database = database.ok_or(missing("RDS_DATABASE"))?;
        let port = port.unwrap_or(DEFAULT_PORT);
        let authorities = Authorities::new(config.ssl_ca.as_deref(), config.ssl_mode)?;
        Ok(Self {
            place: format!("{}@{host}:{port}/{database}", credentials.user().await),
            session: session_settings(config.statement_timeout_s),
            ssl_mode: config.ssl_mode,
            authorities: authorities.pem,
            tls: tls_config(config.ssl_mode, authorities.store)?,
            host,
            port,
            database,
            credentials,
            stop,
        })
    }

    /// The source in messages.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A connection for the catalog and locks. Where a secret was rotated since it was read, it is read again.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or does not let the user in.
    pub async fn connect(&self) -> Result<MySqlConnection, SourceError> {
        self.let_in(async |login| {
            let connecting = async {
                // The driver would not tell a name without an address from a server that is down.
                let found = lookup_host((self.host.as_str(), self.port)).await;
                found.map(drop).map_err(|source| SourceError::UnknownHost { place: self.place.clone(), source })?;
                let mut connection =
                    self.options(login).connect().await.map_err(|error| self.failed("connect", error))?;
                let settings = sqlx::raw_sql(AssertSqlSafe(self.session.clone())).execute(&mut connection).await;
                settings.map_err(|error| self.failed("set up the session", error))?;
                Ok(connection)
            };
            let late = |_| SourceError::Timeout { place: self.place.clone() };
            timeout(CONNECT_TIMEOUT, connecting).await.map_err(late)?
        })
        .await
    }

    /// A connection for rows, otherwise as [`Connector::connect`]. Its calls block.
    ///
    /// # Errors
    /// As for [`Connector::connect`].
    pub async fn connect_wire(&self) -> Result<WireConnection, SourceError> {
        self.let_in(async |login| {
            let options = self.wire_options(login);
            let connected = spawn_blocking(move || WireConnection::open(&options)).await;
            let connected = connected.unwrap_or_else(|error| Err(io::Error::other(error).into()));
            connected.map_err(|error| self.failed("connect", error))
        })
        .await
    }

    /// An error of one of the connections.
    pub(crate) fn failed(&self, action: &str, error: impl Into<DriverError>) -> SourceError {
        let entrance = Entrance { login: self.credentials.way(), ssl_mode: self.ssl_mode };
        SourceError::new(action, &self.place, error).entered_by(entrance)
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Connects with what there is, and where that is denied, with what the secret holds by now.
    async fn let_in<T>(&self, connect: impl AsyncFn(&Login) -> Result<T, SourceError>) -> Result<T, SourceError> {
        let login = self.credentials.login().await?;
        match connect(&login).await {
            Err(denied @ SourceError::AccessDenied { .. }) => match self.credentials.rotated(&login).await? {
                Some(login) => connect(&login).await,
                None => Err(denied),
            },
            outcome => outcome,
        }
    }

    fn options(&self, login: &Login) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&login.user)
            .password(login.password.expose_secret())
            .ssl_mode(match self.ssl_mode {
                SslMode::Disabled => MySqlSslMode::Disabled,
                SslMode::Required => MySqlSslMode::Required,
                SslMode::VerifyCa => MySqlSslMode::VerifyCa,
                SslMode::VerifyIdentity => MySqlSslMode::VerifyIdentity,
            })
            .ssl_ca_from_pem(self.authorities.clone())
            .enable_cleartext_plugin(self.credentials.is_token())
            .disable_statement_logging();
        // Nothing of the driver's own: `session_settings` says it all.
        options.timezone(None).set_names(false).pipes_as_concat(false).no_engine_substitution(false)
    }

    fn wire_options(&self, login: &Login) -> WireOptions {
        WireOptions {
            host: self.host.clone(),
            port: self.port,
            database: self.database.clone(),
            user: login.user.clone(),
            password: login.password.clone(),
            allows_cleartext: self.credentials.is_token(),
            tls: self.tls.clone(),
            session: self.session.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            stop: self.stop.clone(),
        }
    }
}

/// What every session is set to, whichever connection it is of; one statement, so that nothing is forgotten in between.
fn session_settings(statement_timeout_s: u32) -> String {
    let milliseconds = u64::from(statement_timeout_s) * 1000;
    [
        // TIMESTAMP columns arrive in UTC.
        "set time_zone = '+00:00'",
        // No mode at all: zero dates and the like are what they are, and no mode of the server's changes what a statement means.
        "sql_mode = ''",
        // How long, in seconds, the server waits while what was read is on its way to S3, and while nothing is asked.
        "net_write_timeout = 900",
        "wait_timeout = 28800",
        // A limit that the server sets for its users would cut tables off without a word.
        "sql_select_limit = 18446744073709551615",
        // Texts arrive in UTF-8, binary values as they are.
        "names utf8mb4",
    ]
    .join(", ")
        // MariaDB carries out the first comment only, in seconds, and passes over what is marked for MySQL 5.7; MySQL the second.
        + &format!(
            " /*M!100101 , max_statement_time = {statement_timeout_s} */ /*!50708 , max_execution_time = {milliseconds} */"
        )
}
