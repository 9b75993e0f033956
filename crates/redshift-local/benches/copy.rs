//! COPY of five million bookings from S3, against PostgreSQL's own binary COPY of the same rows into the same table.
//!
//! `cargo bench --workspace --bench copy`, or with another count of rows behind `--`. The server runs as a process of its own,
//! so that its peak of memory is its own. Both loads alternate in one run; the ratio is that of their best times.

#[path = "../tests/endpoint/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use support::{Bucket, Warehouse, postgres};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: usize = 3;
/// As the extract writes them.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const FILE_ROWS: i64 = 1_000_000;
const BATCH_ROWS: i64 = 100_000;
const PIECE_BYTES: usize = 1024 * 1024;
const COPY_DEADLINE: Duration = Duration::from_secs(600);
const DATABASE: &str = "copy_benchmark";

/// The raw table of bookings.
const TABLE: &str = "create table public.bookings (
    booking_id bigint not null, user_id bigint not null, apartment_id bigint, booking_date timestamp,
    booking_date_has_time boolean, checkin_date date not null, checkout_date date not null, total_price decimal(12,2),
    currency varchar(40), booking_status varchar(80), payment_status varchar(80), num_guests integer,
    run_id varchar(128) not null)";

#[tokio::main]
async fn main() {
    let rows: i64 = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(5_000_000);
    let bucket = Bucket::create("copy-benchmark").await;
    let server = Server::start(&bucket.endpoint());
    let warehouse = Warehouse::at(server.endpoint.clone(), DATABASE);
    warehouse.apply(&[TABLE]).await;
    println!("{rows} rows");
    let mut entries = Vec::new();
    for start in (0..rows).step_by(FILE_ROWS as usize) {
        let file = parquet(start..rows.min(start + FILE_ROWS));
        let key = format!("part-{start}.parquet");
        let entry = bucket.entry(&key, file.len());
        println!("{key}: {} bytes", file.len());
        bucket.put(&key, file).await;
        entries.push(entry);
    }
    let copy = bucket.copy("bookings", &entries).await;

    let binary = std::env::temp_dir().join(format!("redshift-local-benchmark-{}", std::process::id()));
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for round in 1..=ROUNDS {
        warehouse.apply(&["truncate bookings"]).await;
        let started = Instant::now();
        let loaded = warehouse.end_within(&warehouse.submit(&copy).await, COPY_DEADLINE).await;
        assert!(loaded.is_finished(), "{}", loaded.error());
        let elapsed = started.elapsed();
        ours = ours.min(elapsed);
        println!("round {round}: COPY from S3    {elapsed:>8.2?}  {:>9.0} rows/s", rate(rows, elapsed));
        let mut session = connect().await;
        if round == 1 {
            dump(&mut session, &binary).await;
        }
        warehouse.apply(&["truncate bookings"]).await;
        let started = Instant::now();
        load(&mut session, &binary).await;
        let elapsed = started.elapsed();
        theirs = theirs.min(elapsed);
        println!("round {round}: COPY FROM STDIN {elapsed:>8.2?}  {:>9.0} rows/s", rate(rows, elapsed));
    }
    std::fs::remove_file(&binary).expect("remove the dump");
    println!("ratio of rates: {:.2} (at least 0.50 is promised)", theirs.as_secs_f64() / ours.as_secs_f64());
    println!("peak memory of the server: {} MB (less than 300 is promised)", server.peak_kilobytes() / 1000);
}

fn rate(rows: i64, elapsed: Duration) -> f64 {
    rows as f64 / elapsed.as_secs_f64()
}

/// Bookings as the extract writes them.
fn parquet(ids: std::ops::Range<i64>) -> Vec<u8> {
    let level = ZstdLevel::try_new(3).expect("a level of zstd");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let schema = batch(0..1).schema();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, schema, Some(properties)).expect("writer");
    for start in ids.clone().step_by(BATCH_ROWS as usize) {
        writer.write(&batch(start..ids.end.min(start + BATCH_ROWS))).expect("write rows");
    }
    writer.close().expect("close file");
    file
}

fn batch(ids: std::ops::Range<i64>) -> RecordBatch {
    /// Spreads numbers, the same each time.
    fn mixed(id: i64) -> i64 {
        ((id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as i64
    }
    let longs = |value: fn(i64) -> i64| Arc::new(Int64Array::from_iter_values(ids.clone().map(value))) as ArrayRef;
    let texts =
        |value: fn(i64) -> &'static str| Arc::new(StringArray::from_iter_values(ids.clone().map(value))) as ArrayRef;
    let days = |value: fn(i64) -> i64| {
        Arc::new(Date32Array::from_iter_values(ids.clone().map(|id| 19_000 + value(id) as i32))) as ArrayRef
    };
    let prices = Decimal128Array::from_iter_values(ids.clone().map(|id| i128::from(mixed(id) % 500_000)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("booking_id", longs(|id| id)),
        ("user_id", longs(|id| mixed(id) % 400_000)),
        ("apartment_id", longs(|id| mixed(id + 1) % 60_000)),
        (
            "booking_date",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                ids.clone().map(|id| 1_650_000_000_000_000 + mixed(id) * 1_000),
            )),
        ),
        ("booking_date_has_time", Arc::new(ids.clone().map(|_| Some(true)).collect::<BooleanArray>())),
        ("checkin_date", days(|id| mixed(id) % 700)),
        ("checkout_date", days(|id| mixed(id) % 700 + 1 + mixed(id + 2) % 14)),
        ("total_price", Arc::new(prices.with_precision_and_scale(12, 2).expect("precision"))),
        ("currency", texts(|id| ["EUR", "USD", "GBP", "CHF"][(mixed(id) % 4) as usize])),
        ("booking_status", texts(|id| ["confirmed", "completed", "cancelled"][(mixed(id) % 3) as usize])),
        ("payment_status", texts(|id| ["paid", "pending", "refunded"][(mixed(id + 3) % 3) as usize])),
        ("num_guests", Arc::new(Int32Array::from_iter_values(ids.clone().map(|id| (mixed(id) % 6) as i32 + 1)))),
        ("run_id", texts(|_| "2025-01-31-nightly")),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
        .expect("columns of one length")
}

async fn connect() -> PgConnection {
    let options = PgConnectOptions::from_str(postgres::url()).expect("URL").database(DATABASE);
    options.disable_statement_logging().connect().await.expect("connect to PostgreSQL")
}

/// The table's rows in PostgreSQL's binary format.
async fn dump(session: &mut PgConnection, path: &Path) {
    let mut rows = session.copy_out_raw("copy public.bookings to stdout (format binary)").await.expect("COPY TO");
    let mut file = tokio::fs::File::create(path).await.expect("create the dump");
    while let Some(piece) = rows.try_next().await.expect("read rows") {
        file.write_all(&piece).await.expect("write the dump");
    }
    file.flush().await.expect("write the dump");
}

async fn load(session: &mut PgConnection, path: &Path) {
    let mut file = tokio::fs::File::open(path).await.expect("open the dump");
    let mut rows = session.copy_in_raw("copy public.bookings from stdin (format binary)").await.expect("COPY FROM");
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = file.read(&mut piece).await.expect("read the dump");
        if length == 0 {
            break;
        }
        rows.send(&piece[..length]).await.expect("send rows");
    }
    rows.finish().await.expect("finish COPY");
}

/// `redshift-local serve` as a process of its own.
struct Server {
    process: Child,
    endpoint: String,
}

impl Server {
    fn start(s3_endpoint: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_redshift-local"))
            .args(["serve", "--listen", "127.0.0.1:0", "--s3-endpoint", s3_endpoint])
            .env("REDSHIFT_LOCAL_POSTGRES_URL", postgres::url())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start redshift-local");
        let mut line = String::new();
        let output = process.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("read what the server says");
        let endpoint = line.trim().strip_prefix("listening on ").expect("the server listens").to_owned();
        Self { process, endpoint }
    }

    /// The most memory that it held at once.
    fn peak_kilobytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("read /proc");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        peak.trim().trim_end_matches(" kB").parse().expect("a number of kB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
