//! How `extract-rds` enters the source: what each mode of TLS lets pass and what it refuses, what a session is set to, and the
//! three ways to log in. Whatever one kind of connection does the other does as well.

use crate::support::{BOTH_DRIVERS, Driver, ENDLESS_QUERY, Forwarder, Pipeline, cloud, project_path, source_config};
use extract_rds::{Authentication, Connector, Denial, SourceConfig, SourceError, SslMode, TlsFault};
use sqlx::{ConnectOptions as _, Connection as _};
use std::{path::PathBuf, sync::Arc};
use tokio::net::TcpListener;

const RDS_BUNDLE: &str = "crates/extract-rds/certificates/rds-global-bundle.pem";

/// A database of one's own at the cloud's MariaDB, entered as the extract user.
async fn source(name: &str) -> SourceConfig {
    let database = format!("source_{name}");
    cloud().create_source_database(&database).await;
    let server = &cloud().connection().source;
    source_config(server.port, &database, "extract", &server.extract_password, &server.authority)
}

async fn ask(config: &SourceConfig, driver: Driver, query: &str) -> Result<Option<String>, SourceError> {
    driver.ask(&Connector::new(config, Arc::default()).await?, query).await
}

#[tokio::test]
async fn each_mode_of_tls_lets_pass_what_it_says_over_either_connection() {
    use SslMode::{Required, VerifyCa, VerifyIdentity};
    use TlsFault::{NotOffered, OtherName, UnknownAuthority};

    let config = source("tls_modes").await;
    let server = &cloud().connection().source;
    let direct = ("127.0.0.1".to_owned(), server.port);
    // `localhost` has an address of IPv6 as well, at which nobody answers.
    let by_name = ("localhost".to_owned(), server.port);
    let (forwarder, stripper) = (Forwarder::start(server.port).await, Forwarder::without_tls(server.port).await);
    let other_name = (forwarder.address.ip().to_string(), forwarder.address.port());
    let stripped = (stripper.address.ip().to_string(), stripper.address.port());
    let right = Some(server.authority.clone());
    let wrong = Some(project_path(RDS_BUNDLE));
    let none: Option<PathBuf> = None;
    let cases = [
        (Required, &right, &direct, None),
        (Required, &wrong, &direct, None),
        (Required, &none, &other_name, None),
        (Required, &right, &stripped, Some(NotOffered)),
        (VerifyCa, &right, &direct, None),
        (VerifyCa, &right, &other_name, None),
        (VerifyCa, &wrong, &direct, Some(UnknownAuthority)),
        (VerifyCa, &none, &direct, Some(UnknownAuthority)),
        (VerifyCa, &right, &stripped, Some(NotOffered)),
        (VerifyIdentity, &right, &direct, None),
        (VerifyIdentity, &right, &by_name, None),
        (VerifyIdentity, &right, &other_name, Some(OtherName)),
        (VerifyIdentity, &wrong, &direct, Some(UnknownAuthority)),
        (VerifyIdentity, &none, &direct, Some(UnknownAuthority)),
        (VerifyIdentity, &right, &stripped, Some(NotOffered)),
    ];
    for (ssl_mode, ssl_ca, (host, port), expected) in cases {
        let config = SourceConfig {
            host: Some(host.clone()),
            port: Some(*port),
            ssl_mode,
            ssl_ca: ssl_ca.clone(),
            ..config.clone()
        };
        for driver in BOTH_DRIVERS {
            let case = format!("{driver:?} {ssl_mode} {ssl_ca:?} {host}:{port}");
            // Encrypted wherever it is let in.
            let cipher =
                "select variable_value from information_schema.session_status where variable_name = 'ssl_cipher'";
            match (ask(&config, driver, cipher).await, expected) {
                (Ok(cipher), None) => assert!(cipher.is_some_and(|cipher| !cipher.is_empty()), "{case}"),
                (Err(SourceError::Tls { fault, .. }), Some(expected)) => assert_eq!(fault, expected, "{case}"),
                (outcome, expected) => panic!("{case}: {outcome:?}, expected {expected:?}"),
            }
        }
    }
    // The account requires TLS, which MariaDB tells in the words for a wrong password.
    let config = SourceConfig { ssl_mode: SslMode::Disabled, ..config };
    for driver in BOTH_DRIVERS {
        let error = ask(&config, driver, "select 1").await.unwrap_err();
        assert!(matches!(error, SourceError::AccessDenied { denial: Denial::Login, .. }), "{driver:?}: {error:?}");
        assert!(error.hint().unwrap().contains("set `RDS_SSL_MODE` to VERIFY_IDENTITY"));
    }
}

#[tokio::test]
async fn every_failure_means_the_same_over_either_connection() {
    let config = source("connect_failures").await;
    // Takes connections and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let with = |change: &dyn Fn(&mut SourceConfig)| {
        let mut config = config.clone();
        change(&mut config);
        config
    };
    let cases = [
        ("AccessDenied", with(&|config| config.authentication = Authentication::Password("not-the-password".into()))),
        ("AccessDenied", with(&|config| config.user = Some("nobody".into()))),
        ("UnknownDatabase", with(&|config| config.database = Some("source_connect_failures_2".into()))),
        ("UnknownHost", with(&|config| config.host = Some("no-such-host.invalid".into()))),
        ("Failed", with(&|config| config.port = Some(9))),
        ("Timeout", with(&|config| config.port = Some(silent_port))),
    ];
    // The extract user may not know whether a database exists, so it is told that access is denied.
    for (expected, config) in cases {
        let [sqlx, wire] = BOTH_DRIVERS.map(|driver| ask(&config, driver, "select 1"));
        let (sqlx, wire) = tokio::join!(sqlx, wire);
        let (sqlx, wire) = (sqlx.unwrap_err(), wire.unwrap_err());
        let variant = |error: &SourceError| format!("{error:?}").split([' ', '{']).next().unwrap().to_owned();
        assert_eq!(variant(&sqlx), variant(&wire), "{sqlx:?} {wire:?}");
        let expected = if expected == "UnknownDatabase" { "AccessDenied" } else { expected };
        assert_eq!(variant(&sqlx), expected, "{sqlx:?}");
        assert_eq!(sqlx.hint(), wire.hint());
        assert!(sqlx.hint().is_some());
        assert!(!format!("{sqlx:?}{wire:?}").contains("not-the-password"));
    }
    // Who may see all databases is told.
    let server = &cloud().connection().source;
    let unknown = source_config(server.port, "no_such_database", "admin", &server.admin_password, &server.authority);
    for driver in BOTH_DRIVERS {
        let error = ask(&unknown, driver, "select 1").await.unwrap_err();
        assert!(matches!(error, SourceError::UnknownDatabase { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn each_denial_has_the_way_out_that_fits() {
    let config = source("denials").await;
    at_source(
        "source_denials",
        &[
            "create or replace user denied_socket@'%' identified via unix_socket",
            "create or replace user denied_locked@'%' identified by 'of-the-source' require ssl account lock",
            "create or replace user denied_database@'%' identified by 'of-the-source' require ssl",
        ],
    )
    .await;
    let cases = [
        ("extract", Denial::Login, "`RDS_PASSWORD`"),
        ("denied_socket", Denial::LoginPlugin, "`RDS_IAM_AUTH=true`"),
        ("denied_locked", Denial::LockedAccount, "account unlock"),
        ("denied_database", Denial::Database, "grant select"),
    ];
    let password = Authentication::Password("of-the-source".into());
    for (user, expected, way_out) in cases {
        let config = SourceConfig { user: Some(user.into()), authentication: password.clone(), ..config.clone() };
        for driver in BOTH_DRIVERS {
            let error = ask(&config, driver, "select 1").await.unwrap_err();
            let SourceError::AccessDenied { denial, .. } = &error else { panic!("{user} {driver:?}: {error:?}") };
            assert_eq!(*denial, expected, "{user} {driver:?}: {error}");
            assert!(error.hint().unwrap().contains(way_out), "{user} {driver:?}: {:?}", error.hint());
        }
    }
}

/// A table that the user may not read is none that they see, but for its locks.
#[tokio::test]
async fn a_table_that_may_not_be_read_is_named_with_the_grant_that_is_missing() {
    let pipeline = Pipeline::sampled("denied_table").await.set("RDS_USER", "denied_table");
    let pipeline = pipeline.set("RDS_PASSWORD", "of-the-source");
    let database = pipeline.source_database.clone();
    pipeline.at_source(&["create or replace user denied_table@'%' identified by 'of-the-source' require ssl"]).await;
    for table in ["apartments", "apartment_attributes", "user_viewing"] {
        pipeline.at_source(&[&format!("grant select on {database}.{table} to denied_table@'%'")]).await;
    }
    pipeline.extract(&["check"]).expect(3, &["`bookings`", "grant select"]);
    pipeline.at_source(&[&format!("grant select (booking_id) on {database}.bookings to denied_table@'%'")]).await;
    pipeline.extract(&["check"]).expect(3, &["`bookings`", "grant select"]);
}

#[tokio::test]
async fn every_session_is_set_to_the_same_over_either_connection() {
    let config = SourceConfig { statement_timeout_s: 77, ..source("sessions").await };
    at_source(
        "source_sessions",
        &[
            "set sql_mode = ''",
            "create table odd (at datetime, day date, name varchar(20) character set latin1, code varbinary(3))",
            "insert into odd values ('0000-00-00 00:00:00', '2025-00-01', convert('é€' using latin1), x'00ff27')",
        ],
    )
    .await;
    for driver in BOTH_DRIVERS {
        let settings = "select concat_ws(' ', @@time_zone, concat('[', @@sql_mode, ']'), @@net_write_timeout, \
             @@wait_timeout, @@character_set_client, @@character_set_connection, @@character_set_results, \
             format(@@max_statement_time, 0))";
        let expected = "+00:00 [] 900 28800 utf8mb4 utf8mb4 utf8mb4 77";
        assert_eq!(ask(&config, driver, settings).await.unwrap().as_deref(), Some(expected), "{driver:?}");
        let values = "select concat_ws('|', cast(at as char), cast(day as char), name, hex(code)) from odd";
        let expected = "0000-00-00 00:00:00|2025-00-01|é€|00FF27";
        assert_eq!(ask(&config, driver, values).await.unwrap().as_deref(), Some(expected), "{driver:?}");
    }
    let config = SourceConfig { statement_timeout_s: 1, ..config };
    let mut connection = Connector::new(&config, Arc::default()).await.unwrap().connect_wire().await.unwrap();
    let error = tokio::task::spawn_blocking(move || connection.text(ENDLESS_QUERY, 0)).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("max_statement_time"), "{error}");
}

/// Runs statements at the server, as its owner.
async fn at_source(database: &str, statements: &[&str]) {
    let mut connection = cloud().source_options(database).connect().await.unwrap();
    for statement in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// A secret as RDS makes it.
async fn create_secret(name: &str, user: &str, password: &str, database: Option<&str>) -> String {
    let content = secret_content(user, password, database);
    let secrets = aws_sdk_secretsmanager::Client::new(&cloud().connection().sdk_config());
    let created = secrets.create_secret().name(name).secret_string(content).send().await.expect("create a secret");
    created.arn().expect("ARN of the secret").to_owned()
}

fn secret_content(user: &str, password: &str, database: Option<&str>) -> String {
    let server = &cloud().connection().source;
    let mut content = serde_json::json!({ "username": user, "password": password, "engine": "mysql" });
    if let Some(database) = database {
        content["host"] = server.host.clone().into();
        content["port"] = server.port.into();
        content["dbname"] = database.into();
    }
    content.to_string()
}

async fn set_password(user: &str, password: &str) {
    let create = format!("create user if not exists {user}@'%' require ssl");
    let identify = format!("alter user {user}@'%' identified by '{password}'");
    let grant = format!("grant select on *.* to {user}@'%'");
    at_source("mysql", &[&create, &identify, &grant]).await;
}

#[tokio::test]
async fn a_secret_names_what_no_variable_does() {
    let pipeline = Pipeline::sampled("secret").await;
    let password = cloud().connection().source.extract_password.clone();
    let whole = create_secret("whole", "extract", &password, Some(&pipeline.source_database)).await;
    let of_aurora = create_secret("of-aurora", "extract", &password, None).await;
    let by_secret = |arn: &str| {
        let pipeline = pipeline.clone().set("RDS_PASSWORD", "").set("RDS_SECRET_ARN", arn);
        pipeline.set("RDS_USER", "")
    };
    let nothing_else = by_secret(&whole).set("RDS_HOST", "").set("RDS_PORT", "").set("RDS_DATABASE", "");
    nothing_else.extract(&["check"]).expect(0, &["bookings"]);
    by_secret(&of_aurora).extract(&["check"]).expect(0, &["bookings"]);

    let says = ["`host`", "RDS_HOST"];
    by_secret(&of_aurora).set("RDS_HOST", "").extract(&["check"]).expect(2, &says);
    by_secret(&whole).set("RDS_USER", "admin").extract(&["check"]).expect(2, &["`admin`", "`extract`", "RDS_USER"]);
    by_secret("no-such-secret").extract(&["check"]).expect(2, &["no-such-secret", "RDS_SECRET_ARN"]);
}

#[tokio::test]
async fn a_secret_that_is_rotated_meanwhile_is_read_again() {
    source("rotation").await;
    set_password("rotated", "first-password").await;
    let arn = create_secret("rotated", "rotated", "first-password", Some("source_rotation")).await;
    let config = source("rotation").await;
    let config = SourceConfig {
        authentication: Authentication::Secret { id: arn.clone() },
        host: None,
        port: None,
        database: None,
        user: None,
        ..config
    };
    let aws = cloud().connection().sdk_config();
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    for driver in BOTH_DRIVERS {
        let connector = Connector::with_aws(&config, Some(&aws), Arc::default()).await.unwrap();
        assert_eq!(driver.ask(&connector, "select 'in'").await.unwrap().as_deref(), Some("in"));
        let password = format!("password-for-{driver:?}");
        set_password("rotated", &password).await;
        // Not rotated at AWS yet: denied, and the same secret is not tried twice.
        let error = driver.ask(&connector, "select 'in'").await.unwrap_err();
        assert!(matches!(error, SourceError::AccessDenied { .. }), "{error:?}");
        let content = secret_content("rotated", &password, Some("source_rotation"));
        secrets.put_secret_value().secret_id(&arn).secret_string(content).send().await.unwrap();
        assert_eq!(driver.ask(&connector, "select 'in'").await.unwrap().as_deref(), Some("in"), "{driver:?}");
    }
}

/// However much is logged, and by whichever library.
#[tokio::test]
async fn no_secret_is_in_what_a_run_says() {
    let pipeline = Pipeline::sampled("nothing_said").await.set("RUST_LOG", "trace");
    let arn = create_secret("wrong", "extract", "secret-in-the-manager", None).await;
    let broken = create_secret("broken", "extract", "secret-in-the-manager", None).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&cloud().connection().sdk_config());
    let content = r#"{"username": "extract", "password": ["secret-in-the-manager"]}"#;
    secrets.put_secret_value().secret_id(&broken).secret_string(content).send().await.unwrap();
    let password = cloud().connection().source.extract_password.clone();
    let right = create_secret("right", "extract", &password, None).await;
    let with_password = pipeline.clone().set("RDS_PASSWORD", "secret-in-the-variable");
    let without = pipeline.clone().set("RDS_PASSWORD", "");
    let by_secret = |arn: &str| without.clone().set("RDS_USER", "").set("RDS_SECRET_ARN", arn);
    let with_token = without.clone().set("RDS_IAM_AUTH", "true").set("AWS_SECRET_ACCESS_KEY", "secret-of-the-key");
    let cases = [
        (pipeline, 0, "bookings", password.as_str()),
        (by_secret(&right), 0, "bookings", &password),
        (with_password, 2, "denied", "secret-in-the-variable"),
        (by_secret(&arn), 2, "denied", "secret-in-the-manager"),
        (by_secret(&broken), 2, "is not a JSON object", "secret-in-the-manager"),
        (with_token.clone(), 2, "denied", "secret-of-the-key"),
        (with_token, 2, "denied", "X-Amz-Signature"),
    ];
    for (pipeline, exit_code, said, secret) in cases {
        for format in ["text", "json"] {
            let finished = pipeline.clone().set("LOG_FORMAT", format).extract(&["check"]).expect(exit_code, &[said]);
            let output = finished.stdout + &finished.stderr;
            assert!(output.contains("TRACE"), "{said} {format}");
            let line = output.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{said} {format}");
        }
    }
}
