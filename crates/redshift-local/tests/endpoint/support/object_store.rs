//! The S3 of a throw-away LocalStack, which ends with the test process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

/// Starts LocalStack with `$PYTHON`. The shell waits for the end of its input, which comes when this process is gone.
const SCRIPT: &str = r#"
set -eu
trap '' INT HUP
mkdir -p "$FOLDER"
trap 'rm -rf "$FOLDER"' EXIT
cd "$FOLDER"
env -i PATH="$PATH" HOME="$FOLDER" LANG=C.UTF-8 GATEWAY_LISTEN="127.0.0.1:$PORT" LOCALSTACK_HOST="127.0.0.1:$PORT" \
    FILESYSTEM_ROOT="$FOLDER/root" LOCALSTACK_VOLUME_DIR="$FOLDER/volume" OVERRIDE_IN_DOCKER=0 SKIP_SSL_CERT_DOWNLOAD=1 \
    DISABLE_EVENTS=1 DNS_ADDRESS=0 EAGER_SERVICE_LOADING=0 \
    "$PYTHON" -m localstack.runtime.main >"$FOLDER/localstack.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server || true; rm -rf "$FOLDER"' EXIT
while ! "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $PORT))" 2>/dev/null; do
    kill -0 $server 2>/dev/null || { cat "$FOLDER/localstack.log" >&2; exit 1; }
done
echo ready
cat >/dev/null
"#;

struct Server {
    endpoint: String,
    /// Its standard input is what keeps the server alive.
    _keeper: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("find a free port");
        let folder = std::env::temp_dir().join(format!("redshift-local-tests-s3-{}", std::process::id()));
        let mut keeper = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("PYTHON", super::python::program("python"))
            .env("FOLDER", folder)
            .env("PORT", free.port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run sh");
        let mut answer = String::new();
        let output = keeper.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut answer).expect("read what the server says");
        assert_eq!(answer.trim(), "ready", "LocalStack did not start; what it said is above");
        Server { endpoint: format!("http://{free}"), _keeper: keeper }
    })
}

/// One bucket of its own per test.
pub(crate) struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    pub(crate) async fn create(name: &str) -> Self {
        let server = tokio::task::spawn_blocking(server).await.expect("start LocalStack");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&server.endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new("any", "any", None, None, "tests"))
            .http_client(Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        client.create_bucket().bucket(name).send().await.expect("create bucket");
        Self { client, name: name.to_owned() }
    }

    pub(crate) fn endpoint(&self) -> String {
        server().endpoint.clone()
    }

    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    pub(crate) async fn put(&self, key: &str, body: Vec<u8>) {
        self.client.put_object().bucket(&self.name).key(key).body(body.into()).send().await.expect("put object");
    }

    pub(crate) async fn get(&self, key: &str) -> Vec<u8> {
        let object = self.client.get_object().bucket(&self.name).key(key).send().await.expect(key);
        object.body.collect().await.expect("read object").to_vec()
    }

    /// The keys that begin with `prefix`, in order.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let page = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).send().await.expect("list objects");
        page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    /// Writes `batch` as Parquet with row groups of `group_rows`; returns its manifest entry.
    pub(crate) async fn put_parquet(&self, key: &str, batch: &RecordBatch, group_rows: usize) -> String {
        let file = parquet(batch, group_rows);
        let length = file.len();
        self.put(key, file).await;
        self.entry(key, length)
    }

    pub(crate) fn entry(&self, key: &str, length: usize) -> String {
        format!(r#"{{"url":"{}","mandatory":true,"meta":{{"content_length":{length}}}}}"#, self.url(key))
    }

    /// Writes a manifest of `entries`; returns the COPY of it into `table`.
    pub(crate) async fn copy(&self, table: &str, entries: &[String]) -> String {
        let key = format!("{}.manifest", table.split_whitespace().next().unwrap_or(table));
        self.put(&key, format!(r#"{{"entries":[{}]}}"#, entries.join(",")).into_bytes()).await;
        format!(
            "copy {table} from '{}' iam_role 'arn:aws:iam::123456789012:role/copy' format as parquet manifest",
            self.url(&key)
        )
    }
}

/// A Parquet file with row groups of `group_rows`.
pub(crate) fn parquet(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, Arc::clone(&batch.schema()), Some(properties)).expect("writer");
    writer.write(batch).expect("write rows");
    writer.close().expect("close file");
    file
}
