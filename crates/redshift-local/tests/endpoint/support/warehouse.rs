//! A client of the Data API, as programs use it: submit, wait, read.

use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, StatusString};
use aws_smithy_http_client::Builder;
use redshift_local::{Faults, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::postgres;

const DEADLINE: Duration = Duration::from_secs(60);
/// Nothing listens there.
const NO_S3: &str = "http://127.0.0.1:9";
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// One endpoint on a database of its own.
pub(crate) struct Warehouse {
    pub(crate) client: Client,
    pub(crate) endpoint: String,
    pub(crate) database: String,
}

/// What became of a statement.
pub(crate) struct Statement(pub(crate) DescribeStatementOutput);

impl Warehouse {
    /// `database` is the test's own name.
    pub(crate) async fn start(database: &str) -> Self {
        Self::start_with_s3(database, NO_S3).await
    }

    pub(crate) async fn start_with_s3(database: &str, s3_endpoint: &str) -> Self {
        Self::serve(database, s3_endpoint, None, Faults::default()).await
    }

    pub(crate) async fn start_with_faults(database: &str, faults: Faults) -> Self {
        Self::serve(database, NO_S3, None, faults).await
    }

    /// An endpoint that takes requests signed with `credentials` only; so are those of the client.
    pub(crate) async fn start_with_credentials(database: &str, credentials: Credentials) -> Self {
        let warehouse = Self::serve(database, NO_S3, Some(credentials.clone()), Faults::default()).await;
        Self { client: client(&warehouse.endpoint, credentials), ..warehouse }
    }

    async fn serve(database: &str, s3_endpoint: &str, credentials: Option<Credentials>, faults: Faults) -> Self {
        let postgres_url = tokio::task::spawn_blocking(postgres::url).await.expect("start PostgreSQL");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let endpoint = format!("http://{}", listener.local_addr().expect("address"));
        let options = Options {
            postgres_url: postgres_url.to_owned(),
            s3_endpoint: Some(s3_endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            credentials,
            faults,
        };
        tokio::spawn(redshift_local::serve(listener, options, std::future::pending()));
        Self::at(endpoint, database)
    }

    /// A client of an endpoint that is served already.
    pub(crate) fn at(endpoint: String, database: &str) -> Self {
        let client = client(&endpoint, Credentials::new("any", "any", None, None, "tests"));
        Self { client, endpoint, database: database.to_owned() }
    }

    /// Submits one statement; returns its id.
    pub(crate) async fn submit(&self, sql: &str) -> String {
        let submitted =
            self.client.execute_statement().workgroup_name("main").database(&self.database).sql(sql).send().await;
        submitted.expect(sql).id.expect("id")
    }

    /// Submits a batch; returns its id.
    pub(crate) async fn submit_batch(&self, sqls: &[&str]) -> String {
        let batch = self.client.batch_execute_statement().workgroup_name("main").database(&self.database);
        let submitted = batch.set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect())).send().await;
        submitted.expect("submit batch").id.expect("id")
    }

    /// Waits until the statement has a status that satisfies `condition`.
    pub(crate) async fn wait(&self, id: &str, condition: impl Fn(&StatusString) -> bool) -> Statement {
        self.wait_within(id, DEADLINE, condition).await
    }

    async fn wait_within(&self, id: &str, deadline: Duration, condition: impl Fn(&StatusString) -> bool) -> Statement {
        let started = Instant::now();
        loop {
            let described = self.client.describe_statement().id(id).send().await.expect("describe");
            if described.status.as_ref().is_some_and(&condition) {
                return Statement(described);
            }
            assert!(started.elapsed() < deadline, "statement {id} is still {:?}", described.status);
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until that many statements of a batch, and one more, have run.
    pub(crate) async fn wait_for_sub_statement(&self, id: &str, index: usize) {
        let started = Instant::now();
        loop {
            let statement = self.wait(id, |_| true).await;
            if statement.sub_statuses().get(index) == Some(&"FINISHED") {
                return;
            }
            assert!(started.elapsed() < DEADLINE, "sub-statement {index} of {id} never ended: {}", statement.error());
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn end(&self, id: &str) -> Statement {
        self.end_within(id, DEADLINE).await
    }

    pub(crate) async fn end_within(&self, id: &str, deadline: Duration) -> Statement {
        let is_end = |status: &StatusString| {
            matches!(status, StatusString::Finished | StatusString::Failed | StatusString::Aborted)
        };
        self.wait_within(id, deadline, is_end).await
    }

    pub(crate) async fn run(&self, sql: &str) -> Statement {
        self.end(&self.submit(sql).await).await
    }

    pub(crate) async fn run_batch(&self, sqls: &[&str]) -> Statement {
        self.end(&self.submit_batch(sqls).await).await
    }

    /// Runs statements one by one, which must all succeed.
    pub(crate) async fn apply(&self, sqls: &[&str]) {
        for sql in sqls {
            let statement = self.run(sql).await;
            assert!(statement.is_finished(), "{sql}: {}", statement.error());
        }
    }

    /// The rows of a statement that succeeds, values as text, `NULL` for NULL.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let id = self.submit(sql).await;
        let statement = self.end(&id).await;
        assert!(statement.is_finished(), "{sql}: {}", statement.error());
        self.result(&id).await
    }

    /// The only value of a statement that succeeds.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        assert!(matches!(rows.as_slice(), [row] if row.len() == 1), "{sql} gives {rows:?}");
        rows[0][0].clone()
    }

    /// The error of a statement that fails.
    pub(crate) async fn error(&self, sql: &str) -> String {
        let statement = self.run(sql).await;
        assert!(!statement.is_finished(), "{sql} was accepted");
        statement.error().to_owned()
    }

    /// Sends one request as it is; gives the status line's number and the body.
    pub(crate) async fn post(&self, target: &[u8], body: &[u8]) -> (u16, String) {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("connect");
        let length = body.len();
        let mut request = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: ".to_vec();
        request.extend_from_slice(target);
        request.extend_from_slice(format!("\r\ncontent-length: {length}\r\n\r\n").as_bytes());
        // An endpoint that refuses a large body may answer before it has read all of it.
        let _ = stream.write_all(&request).await;
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status.unwrap_or_else(|| panic!("no answer to {length} bytes for {target:?}: {answer}")), body.to_owned())
    }

    pub(crate) async fn result(&self, id: &str) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut next_token = None;
        loop {
            let page =
                self.client.get_statement_result().id(id).set_next_token(next_token).send().await.expect("result");
            rows.extend(page.records.iter().map(|row| row.iter().map(text).collect()));
            next_token = page.next_token;
            if next_token.is_none() {
                return rows;
            }
        }
    }
}

pub(crate) fn client(endpoint: &str, credentials: Credentials) -> Client {
    let config = aws_sdk_redshiftdata::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .http_client(Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

impl Statement {
    pub(crate) fn is_finished(&self) -> bool {
        self.0.status == Some(StatusString::Finished)
    }

    pub(crate) fn status(&self) -> &str {
        self.0.status.as_ref().map_or("", StatusString::as_str)
    }

    pub(crate) fn error(&self) -> &str {
        self.0.error.as_deref().unwrap_or_default()
    }

    /// Status of each sub-statement.
    pub(crate) fn sub_statuses(&self) -> Vec<&str> {
        self.0.sub_statements().iter().map(|sub| sub.status.as_ref().map_or("", |status| status.as_str())).collect()
    }
}

fn text(field: &Field) -> String {
    match field {
        Field::IsNull(_) => "NULL".to_owned(),
        Field::BooleanValue(value) => value.to_string(),
        Field::LongValue(value) => value.to_string(),
        Field::DoubleValue(value) => value.to_string(),
        Field::StringValue(value) => value.clone(),
        other => panic!("unexpected {other:?}"),
    }
}
