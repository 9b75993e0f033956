//! Looks at everything that a run needs, and leaves nothing behind: whatever could be written is tried in ways that write
//! nothing.

use crate::{
    config::{Arguments, Config},
    data_api::{DataApi, DataApiError, Statement},
    definitions::Definitions,
    error::LoadError,
    fx_rates::newest_rate,
    job::Job,
    ledger::Ledger,
    load::pending_manifests,
    migrate::differences,
    result_rows::Row,
};
use chrono::{NaiveDateTime, TimeDelta, Utc};
use rental_core::{RunId, object_key};
use rental_task::{TaskError as _, chain};
use std::{collections::BTreeSet, fmt};

/// What signatures say of the time is taken for five minutes; before that, something is wrong with a clock.
const CLOCK_FAILS: TimeDelta = TimeDelta::minutes(5);
const CLOCK_WARNS: TimeDelta = TimeDelta::seconds(60);
/// A run a day is the schedule unless somebody chose another.
const LATE_AFTER: TimeDelta = TimeDelta::hours(36);
/// As long as the guard is waited for. A load holds it while it writes.
const GUARD_WAIT_MS: u32 = 3000;
/// What is said of a long list.
const NAMED: usize = 5;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Examined {
    pub(crate) what: &'static str,
    pub(crate) health: Health,
    pub(crate) found: String,
    pub(crate) way_out: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Ok,
    Warn,
    Fail,
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

impl Examined {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, health: Health::Ok, found: found.into(), way_out: String::new() }
    }

    fn warn(what: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { what, health: Health::Warn, found: found.into(), way_out: way_out.into() }
    }

    fn fail(what: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { what, health: Health::Fail, found: found.into(), way_out: way_out.into() }
    }

    fn failed(what: &'static str, error: &LoadError) -> Self {
        Self::fail(what, chain(error), error.hint().unwrap_or_default())
    }

    /// What a look found, or why it could not be taken.
    fn of(what: &'static str, looked: Result<Self, LoadError>) -> Self {
        looked.unwrap_or_else(|error| Self::failed(what, &error))
    }
}

/// Looks at one thing after the other. What cannot be looked at because of an earlier finding is left out.
pub(crate) async fn examine(arguments: &Arguments) -> Vec<Examined> {
    let config = match Config::from_arguments(arguments) {
        Ok(config) => config,
        Err(error) => return vec![Examined::failed("configuration", &error.into())],
    };
    let job = match Job::new(&config).await {
        Ok(job) => job,
        Err(error) => return vec![Examined::failed("configuration", &error)],
    };
    let copy_role = format!("{}; whether the warehouse may assume it, its first COPY tells", config.copy_role);
    let mut examined = vec![configuration(&config), Examined::ok("COPY role", copy_role)];
    let bucket = Examined::of("bucket", bucket(&job).await);
    let reads_bucket = bucket.health != Health::Fail;
    examined.push(bucket);
    if reads_bucket {
        examined.push(Examined::of("receipts", receipts(&job).await));
        examined.push(Examined::of("exchange rates", exchange_rates(&job).await));
    }
    let data_api = Examined::of("Data API", data_api(&job).await);
    let reaches_warehouse = data_api.health != Health::Fail;
    examined.push(data_api);
    if reaches_warehouse {
        examined.extend(warehouse(&job, reads_bucket).await);
    }
    examined
}

/// Names and places. A secret is only told to be there.
fn configuration(config: &Config) -> Examined {
    let secret = if config.warehouse.secret_arn.is_some() { "a secret" } else { "IAM" };
    let reporting = &config.reporting;
    Examined::ok(
        "configuration",
        format!(
            "{}, entered by {secret}; bucket `{}`; reports in {} and {}",
            config.warehouse, config.bucket, reporting.currency.code, reporting.timezone
        ),
    )
}

async fn bucket(job: &Job<'_>) -> Result<Examined, LoadError> {
    let mut run_count = 0;
    let mut states = 0;
    for spec in &job.config.tables {
        let folders = job.bucket.folders(&object_key::raw_prefix(&spec.name)).await?;
        run_count += folders.len();
        if let Some(run_id) = folders.last().and_then(|folder| object_key::run_id_of(folder)) {
            job.bucket.read(&object_key::manifest(&spec.name, &run_id)).await?;
            job.bucket.read(&object_key::receipt(&run_id)).await?;
        }
        states += usize::from(job.bucket.read(&object_key::table_state(&spec.name)).await?.is_some());
    }
    let found = format!("`{}` can be read: tables with a state: {states}, their runs: {run_count}", job.bucket.name());
    Ok(match states {
        0 => Examined::warn("bucket", found + "; nothing was extracted yet", "run `extract-rds`"),
        _ => Examined::ok("bucket", found),
    })
}

async fn receipts(job: &Job<'_>) -> Result<Examined, LoadError> {
    job.bucket.may_write(&object_key::receipt(&RunId::now())).await?;
    Ok(Examined::ok("receipts", "may be written below `runs/`"))
}

async fn exchange_rates(job: &Job<'_>) -> Result<Examined, LoadError> {
    let key = &job.config.reporting.fx_rates_key;
    let Some(newest) = newest_rate(job).await? else {
        let found = format!("no rates in `{key}`: amounts in other currencies stay unconverted");
        return Ok(Examined::warn("exchange rates", found, "put the file there, or set `FX_RATES_KEY`"));
    };
    let today = job.config.as_of.unwrap_or_else(|| Utc::now().date_naive());
    let age_days = (today - newest).num_days();
    let found = format!("the newest in `{key}` is of {newest}, {age_days} days before {today}");
    Ok(if age_days > i64::from(job.config.reporting.fx_max_age_days) {
        Examined::warn("exchange rates", found, "add newer rates, or set `AS_OF` to the day in question")
    } else {
        Examined::ok("exchange rates", found)
    })
}

async fn data_api(job: &Job<'_>) -> Result<Examined, LoadError> {
    let result = match job.api.query("ask for the version", "select version()").await {
        Err(error @ DataApiError::Statement { .. }) => {
            let way_out = "check `REDSHIFT_DATABASE`, and that the database lets its user in";
            return Ok(Examined::fail("Data API", error.to_string(), way_out));
        }
        result => result?,
    };
    let version = result.rows.first().map(|row| Row(row).text(0)).transpose();
    let version = version.map_err(|source| LoadError::Result { what: "version()", source })?.unwrap_or_default();
    let version = version.find("Redshift").map_or(version.as_str(), |position| &version[position..]);
    Ok(Examined::ok("Data API", format!("{} answers: {version}", job.config.warehouse)))
}

/// What there is to see in a warehouse that answers.
async fn warehouse(job: &Job<'_>, reads_bucket: bool) -> Vec<Examined> {
    let api = &job.api;
    let mut examined = vec![Examined::of("clock", clock(api).await)];
    let definitions = match Definitions::of_sql_files() {
        Ok(definitions) => definitions,
        Err(error) => return vec![Examined::failed("SQL", &error)],
    };
    let standing = match standing_schemas(api).await {
        Ok(standing) => standing.intersection(&definitions.schemas).cloned().collect(),
        Err(error) => return vec![Examined::failed("rights", &error)],
    };
    examined.push(rights(api, &standing).await);
    let migrations = Examined::of("migrations", migrations(job, &standing).await);
    let is_migrated = migrations.health != Health::Fail;
    examined.push(migrations);
    if standing.is_empty() {
        return examined;
    }
    examined.push(guard(api).await);
    if is_migrated {
        let looks = [
            (
                "procedures",
                definitions.changed_procedures(api).await,
                "replace it as `sql/` has it, or delete its row in etl.deployed_objects and run `load-redshift migrate`",
            ),
            (
                "tables",
                definitions.changed_tables(api).await,
                "alter it by hand: a migration leaves tables that stand as they are",
            ),
        ];
        for (what, changed, way_out) in looks {
            examined.push(Examined::of(what, changed.map(|changed| as_defined(what, &changed, way_out))));
        }
    }
    match Ledger::read(api).await {
        Ok(ledger) => {
            if reads_bucket {
                examined.push(Examined::of("log", log(job, &ledger).await));
            }
            examined.push(last_run(&ledger, Utc::now().naive_utc()));
        }
        Err(error) => examined.push(Examined::failed("last run", &error)),
    }
    examined
}

async fn clock(api: &DataApi) -> Result<Examined, LoadError> {
    let before = Utc::now();
    let result = api.query("ask for the time", "select getdate()::varchar(32)").await?;
    let after = Utc::now();
    let theirs = result.rows.first().map(|row| Row(row).timestamp(0)).transpose();
    let theirs = theirs.map_err(|source| LoadError::Result { what: "getdate()", source })?.unwrap_or_default();
    Ok(clocks(theirs, before.naive_utc(), after.naive_utc()))
}

/// The warehouse's time against the time here, before and after it was asked for.
fn clocks(theirs: NaiveDateTime, before: NaiveDateTime, after: NaiveDateTime) -> Examined {
    let difference = if theirs < before { before - theirs } else { (theirs - after).max(TimeDelta::zero()) };
    let found = format!("the warehouse's clock and this machine's differ by {} s", difference.num_seconds());
    let way_out = "set this machine's clock by a time server: AWS refuses signatures that are five minutes off";
    match difference {
        difference if difference > CLOCK_FAILS => Examined::fail("clock", found, way_out),
        difference if difference > CLOCK_WARNS => Examined::warn("clock", found, way_out),
        _ => Examined::ok("clock", found),
    }
}

async fn standing_schemas(api: &DataApi) -> Result<BTreeSet<String>, LoadError> {
    let sql = "select nspname::varchar(128) from pg_catalog.pg_namespace";
    let result = api.query("read the names of schemas", sql).await?;
    Ok(result.rows.iter().filter_map(|row| row.first()?.to_text()).collect())
}

/// Makes what a migration would make, in a transaction that cannot succeed.
async fn rights(api: &DataApi, standing: &BTreeSet<String>) -> Examined {
    const TAKEN_BACK: &str = "take back what was tried";
    let name = format!("doctor_{}", RunId::now().as_str().replace(['-', '.'], "_")).to_lowercase();
    let mut trial = vec![Statement::new("make a schema", format!("create schema {name}"))];
    for schema in standing.iter().chain([&name]) {
        let table = format!("create table \"{schema}\".{name} (nothing smallint)");
        trial.push(Statement::new(format!("make a table in schema {schema}"), table));
        let procedure =
            format!("create procedure \"{schema}\".{name}() as $$\nbegin\n    null;\nend;\n$$ language plpgsql");
        trial.push(Statement::new(format!("make a procedure in schema {schema}"), procedure));
    }
    trial.push(Statement::new(TAKEN_BACK, "select 1 / 0"));
    match api.execute(&trial).await {
        Err(error) if error.is_of(TAKEN_BACK) => {
            let schemas = standing.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let schemas = if schemas.is_empty() { "none yet" } else { &schemas };
            Examined::ok("rights", format!("schemas, tables and procedures may be made; schemas: {schemas}"))
        }
        Err(error) => {
            let way_out = "grant the database user CREATE on the database and on the schemas, or make it their owner";
            Examined::fail("rights", chain(&error), way_out)
        }
        // It divides by zero.
        Ok(()) => {
            Examined::fail("rights", "the warehouse takes back nothing: a trial was kept", format!("drop {name}"))
        }
    }
}

async fn guard(api: &DataApi) -> Examined {
    let trial = [
        Statement::new("limit the time", format!("set statement_timeout to {GUARD_WAIT_MS}")),
        Statement::new("lock etl.guard", "lock etl.guard"),
    ];
    match api.execute(&trial).await {
        Ok(()) => Examined::ok("guard", "etl.guard may be locked"),
        Err(error) if error.says("ermission denied") || error.says("must be owner") || error.says("does not exist") => {
            Examined::fail("guard", chain(&error), "grant the database user all on etl.guard, or make it its owner")
        }
        Err(error) => {
            Examined::warn("guard", format!("not free for {GUARD_WAIT_MS} ms: {error}"), "wait for the load that runs")
        }
    }
}

async fn migrations(job: &Job<'_>, standing: &BTreeSet<String>) -> Result<Examined, LoadError> {
    if standing.is_empty() {
        let found = format!("database `{}` was never migrated", job.config.warehouse.database);
        return Ok(Examined::fail("migrations", found, "check `REDSHIFT_DATABASE`, then run `load-redshift migrate`"));
    }
    let differences = differences(&job.api).await?;
    let (pending, unknown): (Vec<_>, Vec<_>) = differences.into_iter().partition(|difference| difference.is_pending());
    let names = |differences: &[crate::migrate::Difference]| {
        named(&differences.iter().map(|difference| difference.object.clone()).collect::<Vec<_>>())
    };
    Ok(if !pending.is_empty() {
        let found = format!("objects to migrate: {}: {}", pending.len(), names(&pending));
        Examined::fail("migrations", found, "run `load-redshift migrate`; with `--check` it lists them")
    } else if !unknown.is_empty() {
        let found = format!("objects that this program does not make: {}: {}", unknown.len(), names(&unknown));
        Examined::warn("migrations", found, "name the folder of SQL that has them by `SQL_DIR`, or drop them")
    } else {
        Examined::ok("migrations", "the warehouse is up to date")
    })
}

fn as_defined(what: &'static str, changed: &[String], way_out: &str) -> Examined {
    if changed.is_empty() {
        Examined::ok(what, "as `sql/` has them")
    } else {
        Examined::fail(what, named(changed), way_out)
    }
}

async fn log(job: &Job<'_>, ledger: &Ledger) -> Result<Examined, LoadError> {
    let pending = pending_manifests(job, ledger).await?;
    Ok(if pending.is_empty() {
        Examined::ok("log", "every sealed manifest is loaded")
    } else {
        let found = format!("sealed and not loaded: {}: {}", pending.len(), named(&pending));
        Examined::warn("log", found, "run `load-redshift run`")
    })
}

fn last_run(ledger: &Ledger, now: NaiveDateTime) -> Examined {
    let Some(entry) = ledger.latest_run().and_then(|run_id| ledger.entries_of(run_id).max_by_key(|it| it.snapshot_at))
    else {
        return Examined::warn("last run", "none is loaded", "run `extract-rds`, then `load-redshift run`");
    };
    let age = now - entry.snapshot_at;
    let run = ledger.runs.get(&entry.run_id);
    let state = match run.map(|run| &run.published_at) {
        None => "not transformed",
        Some(None) => "not published",
        Some(Some(_)) => "published",
    };
    let found = format!(
        "`{}` for {}, of the source as it was {} hours ago, {state}",
        entry.run_id,
        entry.run_date,
        age.num_hours()
    );
    if state != "published" {
        Examined::warn("last run", found, "run `load-redshift transform --publish`")
    } else if age > LATE_AFTER {
        Examined::warn("last run", found, "see whether the schedule is on and its last execution succeeded")
    } else {
        Examined::ok("last run", found)
    }
}

/// The first of a list.
fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_as_much_as_signatures_bear() {
        let at = |seconds: i64| NaiveDateTime::default() + TimeDelta::seconds(seconds);
        let cases = [
            (100, Health::Ok),
            (110, Health::Ok),
            (40, Health::Ok),
            (39, Health::Warn),
            (171, Health::Warn),
            (410, Health::Warn),
            (411, Health::Fail),
            (-201, Health::Fail),
        ];
        for (theirs, expected) in cases {
            assert_eq!(clocks(at(theirs), at(100), at(110)).health, expected, "{theirs}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(named(&names(2)), "0, 1");
        assert_eq!(named(&names(7)), "0, 1, 2, 3, 4 and 2 more");
    }
}
