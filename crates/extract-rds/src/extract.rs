//! One run: contracts against the source, then table by table from one snapshot to a seal.

use crate::{
    cell::SourceZone,
    config::{Config, ConfigError},
    error::ExtractError,
    extract_table::{RunContext, TableSource, extract_table, new_attempt},
    fan_out,
    seal::{ReadState, UploadsOf, read_manifest, seal, settled_state, tidy_up},
    snapshot::SourceSnapshot,
    source::Source,
    source_schema::TableReading,
    throttle::Throttle,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rental_core::{
    ExtractReceipt, ExtractedTable, Manifest, Receipt, RowValidator, RuleContext, RunDate, SealStatus, TableSpec,
};
use rental_task::{Bucket, sdk_config, update_receipt};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// How often a table is begun anew after the connection to the source was lost.
const MAX_RESTARTS: u32 = 2;

/// Runs the extract until it is done or `stop` completes.
///
/// # Errors
/// See [`ExtractError`]. What is sealed stays sealed; the same run id completes the rest.
pub async fn run_until(
    config: &Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Receipt, ExtractError> {
    // Boxed, because the state of all steps in one would be too deep for the compiler.
    Box::pin(run(config, stop_flag(stop))).await
}

/// Seals every table of the run's plan whose work items are all captured, until `stop` completes.
///
/// # Errors
/// As for [`fan_out::seal`].
pub async fn seal_until(
    config: &Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Receipt, ExtractError> {
    Box::pin(fan_out::seal(config, stop_flag(stop))).await
}

/// Captures one work item, until it is done or `stop` completes.
///
/// # Errors
/// As for [`fan_out::chunk`].
pub async fn chunk_until(
    config: &Config,
    table: &str,
    item: usize,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ExtractError> {
    Box::pin(fan_out::chunk(config, table, item, stop_flag(stop))).await
}

/// Set once `stop` completes: what reads rows does not wait for futures.
fn stop_flag(stop: impl Future<Output = ()> + Send + 'static) -> Arc<AtomicBool> {
    let stopped = Arc::new(AtomicBool::new(false));
    let signal = stopped.clone();
    tokio::spawn(async move {
        stop.await;
        signal.store(true, Ordering::Relaxed);
    });
    stopped
}

async fn run(config: &Config, stop: Arc<AtomicBool>) -> Result<Receipt, ExtractError> {
    let (started_at, started) = (Utc::now(), Instant::now());
    let bucket = bucket(config).await?;
    let mut manifests = sealed_before(config, &bucket).await?;
    for manifest in manifests.values() {
        // The attempt that sealed it may have been killed before it could.
        tidy_up(&bucket, manifest, UploadsOf::ThisRun, started_at).await;
    }
    let run = RunContext::new(config, &bucket, manifests.values().next(), &stop)?;
    let open: Vec<_> = config.tables.iter().copied().filter(|spec| !manifests.contains_key(&spec.name)).collect();
    if !open.is_empty() {
        // Before the snapshot: what another run seals from here on shows at our seal, and not as changes that go back.
        let mut states = Vec::new();
        for spec in &open {
            states.push(settled_state(&bucket, spec, &run.run_id).await?);
        }
        let circumstance = if manifests.is_empty() { Circumstance::First } else { Circumstance::Resumed };
        let mut source = OpenSource::open(config, open, circumstance, stop.clone()).await?;
        for (position, read) in states.into_iter().enumerate() {
            let manifest = extract_and_seal(config, &run, position, read, &mut source, started_at).await?;
            manifests.insert(manifest.table.clone(), manifest);
        }
        source.source.close().await;
    }
    add_to_receipt(&run, &manifests, started).await
}

/// The bucket of the log.
///
/// # Errors
/// When nothing says in which region it is.
pub(crate) async fn bucket(config: &Config) -> Result<Bucket, ExtractError> {
    let bucket = Bucket::new(&sdk_config().await.map_err(ConfigError::from)?, &config.bucket);
    Ok(bucket.with_kms_key(config.kms_key.clone()))
}

/// The manifests that the run has already, by table.
///
/// # Errors
/// When they cannot be read, or a later run closed this one.
pub(crate) async fn sealed_before(
    config: &Config,
    bucket: &Bucket,
) -> Result<BTreeMap<String, Manifest>, ExtractError> {
    let mut manifests = BTreeMap::new();
    for spec in &config.tables {
        if let Some(manifest) = read_manifest(bucket, &spec.name, &config.run_id).await? {
            if manifest.status == SealStatus::Abandoned {
                return Err(ExtractError::Abandoned { table: spec.name.clone(), run_id: config.run_id.clone() });
            }
            tracing::info!(table = spec.name, run_id = %config.run_id, "sealed before");
            manifests.insert(spec.name.clone(), manifest);
        }
    }
    Ok(manifests)
}

/// Adds what these manifests say to the run's receipt, beside the tables of earlier attempts.
///
/// # Errors
/// When the receipt cannot be read or written.
pub(crate) async fn add_to_receipt(
    run: &RunContext<'_>,
    manifests: &BTreeMap<String, Manifest>,
    started: Instant,
) -> Result<Receipt, ExtractError> {
    let part = ExtractReceipt {
        finished_at: Utc::now(),
        duration_ms: started.elapsed().as_millis() as u64,
        tables: manifests.iter().map(|(table, manifest)| (table.clone(), extracted(manifest))).collect(),
    };
    let add = |receipt: &mut Receipt| {
        let mut tables = receipt.extract.take().map(|earlier| earlier.tables).unwrap_or_default();
        tables.extend(part.tables.clone());
        receipt.extract = Some(ExtractReceipt { tables, ..part.clone() });
    };
    Ok(update_receipt(run.bucket, &run.run_id, run.run_date, add).await?)
}

/// How each table will be read.
///
/// # Errors
/// Every difference between source and contracts, of all tables together, before a row is read.
pub(crate) async fn plan(source: &mut Source, specs: &[&'static TableSpec]) -> Result<Vec<TableSource>, ExtractError> {
    let (mut tables, mut drifts) = (Vec::new(), Vec::new());
    for spec in specs {
        let found = source.table(&spec.name).await?;
        match TableReading::plan(spec, &found.columns) {
            Ok(reading) => {
                // Also finds, before a row is read, what the contract gets wrong about itself.
                let rules =
                    RuleContext { run_date: RunDate::default(), reporting_timezone: Tz::UTC, max_nights: u32::MAX };
                RowValidator::new(spec, rules, reading.absent_columns(spec))?;
                for column in &reading.ignored {
                    tracing::warn!(table = spec.name, column, "column is not in the contract and is ignored");
                }
                if let Some(engine) = found.engine.filter(|engine| !engine.eq_ignore_ascii_case("InnoDB")) {
                    return Err(ExtractError::Engine { table: spec.name.clone(), engine });
                }
                tables.push(TableSource { spec, reading, row_count: found.row_count, byte_count: found.byte_count });
            }
            Err(found) => drifts.extend(found),
        }
    }
    if drifts.is_empty() { Ok(tables) } else { Err(ExtractError::Drift { drifts }) }
}

/// The source, how its tables are read, and the moment at which they are.
struct OpenSource {
    source: Source,
    /// One for each contract that was asked for, in that order.
    tables: Vec<TableSource>,
    snapshot: SourceSnapshot,
}

/// Why a snapshot is opened.
#[derive(Debug, Clone, Copy)]
enum Circumstance {
    First,
    /// An earlier attempt at the run sealed some of its tables.
    Resumed,
    /// The connections were lost in the middle of a table.
    Lost,
}

impl OpenSource {
    /// # Errors
    /// When the source cannot be entered, breaks a contract, or gives no snapshot.
    async fn open(
        config: &Config,
        specs: Vec<&'static TableSpec>,
        circumstance: Circumstance,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ExtractError> {
        let mut source = Source::open(&config.source, stop).await?;
        let tables = plan(&mut source, &specs).await?;
        let mut snapshot = SourceSnapshot::open(&mut source, &specs, config.connections).await?;
        match circumstance {
            Circumstance::First => {}
            Circumstance::Resumed => snapshot.mode.push_str("; resumed, tables sealed before are of an earlier moment"),
            Circumstance::Lost => {
                snapshot.mode.push_str("; anew after a lost connection, tables sealed before are of an earlier moment");
            }
        }
        Ok(Self { source, tables, snapshot })
    }
}

async fn extract_and_seal(
    config: &Config,
    run: &RunContext<'_>,
    position: usize,
    read: ReadState,
    open: &mut OpenSource,
    started_at: DateTime<Utc>,
) -> Result<Manifest, ExtractError> {
    let started = Instant::now();
    let mut restarts = 0;
    let manifest = loop {
        let OpenSource { source, tables, snapshot } = open;
        let table = &tables[position];
        match extract_table(run, table, source, snapshot, &read.state, &new_attempt()).await {
            // A lost connection takes its snapshot with it, so the whole table is read from a new one, as it is by then.
            Err(ExtractError::Read { source: lost, .. }) if restarts < MAX_RESTARTS && lost.is_lost() => {
                restarts += 1;
                tracing::warn!(
                    table = table.spec.name,
                    error = &lost as &dyn Error,
                    "reading the table again from its beginning"
                );
                let specs = tables.iter().map(|table| table.spec).collect();
                *open = OpenSource::open(config, specs, Circumstance::Lost, source.stop()).await?;
            }
            outcome => break outcome?,
        }
    };
    seal_table(run, &manifest, read, started_at, started).await?;
    Ok(manifest)
}

/// Seals a table, removes what killed attempts left, and says so.
///
/// # Errors
/// When another run was faster, or closed this one.
pub(crate) async fn seal_table(
    run: &RunContext<'_>,
    manifest: &Manifest,
    read: ReadState,
    started_at: DateTime<Utc>,
    started: Instant,
) -> Result<(), ExtractError> {
    seal(run.bucket, manifest, read).await?;
    tidy_up(run.bucket, manifest, UploadsOf::AllRuns, started_at).await;
    tracing::info!(
        table = manifest.table,
        run_id = %run.run_id,
        read = manifest.rows.read,
        unchanged = manifest.rows.unchanged,
        written = manifest.rows.written,
        quarantined = manifest.rows.quarantined,
        unread = manifest.rows.unread,
        replaced_chunk_count = manifest.replaced_chunks.len(),
        unchanged_chunk_count = manifest.unchanged_chunk_count,
        file_count = manifest.files.len(),
        byte_count = manifest.files.iter().map(|file| file.file_size_in_bytes).sum::<u64>(),
        duration_ms = started.elapsed().as_millis() as u64,
        "sealed"
    );
    Ok(())
}

impl<'a> RunContext<'a> {
    /// `earlier` is a manifest of the same run, if it has one.
    ///
    /// # Errors
    /// When the run was started for another date.
    pub(crate) fn new(
        config: &Config,
        bucket: &'a Bucket,
        earlier: Option<&Manifest>,
        stop: &'a AtomicBool,
    ) -> Result<Self, ExtractError> {
        let run_date = run_date(config, earlier.map(|manifest| manifest.run_date))?;
        Ok(Self {
            bucket,
            run_id: config.run_id.clone(),
            run_date,
            source_zone: SourceZone::new(config.source.timezone),
            rules: RuleContext {
                run_date,
                reporting_timezone: config.reporting_timezone,
                max_nights: config.max_nights,
            },
            is_sweep: config.is_sweep,
            hint_min_rows: config.hint_min_rows,
            rows_per_range: config.rows_per_range,
            layout: config.layout,
            throttle: Throttle::new(config.max_rows_per_second),
            stop,
        })
    }
}

/// The run's date: as asked for, else that of an earlier attempt, else today where reports are read.
pub(crate) fn run_date(config: &Config, earlier: Option<RunDate>) -> Result<RunDate, ExtractError> {
    match (config.as_of, earlier) {
        (Some(asked), Some(sealed)) if asked != sealed => {
            Err(ExtractError::RunDate { run_id: config.run_id.clone(), sealed, asked })
        }
        (Some(asked), _) => Ok(asked),
        (None, Some(sealed)) => Ok(sealed),
        (None, None) => Ok(Utc::now().with_timezone(&config.reporting_timezone).date_naive()),
    }
}

/// What a manifest says, in the form of the receipt.
fn extracted(manifest: &Manifest) -> ExtractedTable {
    ExtractedTable {
        rows: manifest.rows,
        replaced_chunk_count: manifest.replaced_chunks.len() as u64,
        unchanged_chunk_count: manifest.unchanged_chunk_count,
        scope: manifest.scope,
        unread_chunk_count: manifest.unread_chunk_count,
        file_count: manifest.files.len() as u64,
        byte_count: manifest.files.iter().map(|file| file.file_size_in_bytes).sum(),
        violations: manifest.violations.clone(),
    }
}
