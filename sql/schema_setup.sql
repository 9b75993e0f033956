-- Schemas of the warehouse, and the tables with which load-redshift keeps its promises.
-- Repeatable; runs with `load-redshift migrate` and with `psql -f`.

create schema if not exists etl;
-- Quoted everywhere: the word is reserved in Redshift since 2019 (https://github.com/OHDSI/Achilles/issues/368).
create schema if not exists "raw";
create schema if not exists curated;
-- Metrics are computed in audit and copied to presentation once they passed the checks.
create schema if not exists audit;
create schema if not exists presentation;

-- Locked by every transaction that writes, so that they run one after the other. Never holds a row.
create table if not exists etl.guard (
    nothing smallint
);

-- What is loaded: one row per run and table, written in the transaction that wrote the rows.
create table if not exists etl.ledger (
    run_id varchar(128) not null,
    table_name varchar(64) not null,
    manifest_sequence bigint not null,
    run_date date not null,
    snapshot_at timestamp not null,
    manifest_key varchar(1024) not null,
    manifest_sha256 varchar(64) not null,
    chunk_count bigint not null,
    file_count bigint not null,
    expected_rows bigint not null,
    quarantined_rows bigint not null,
    primary key (run_id, table_name)
)
diststyle all;

-- Rows of raw tables that came, went or changed since the curated layer was brought up to them: key, and for bookings the day of
-- booking as the source has it, so that what stood there before is found by a range of days. Viewings have no key: their UTC
-- days. Without key and day: the whole table.
create table if not exists etl.changed_rows (
    table_name varchar(64) not null,
    row_key bigint,
    row_day date
)
diststyle all;

-- Days of facts that the running transformation changed, by fact and date column, such as stay_night.night: the periods of
-- metrics that hold them are computed again. The fact `everything` stands for all of them.
create table if not exists etl.changed_days (
    fact varchar(64) not null,
    first_day date not null,
    last_day date not null
)
diststyle all;

-- The same of all transformations since the last publication: what the checks look at.
create table if not exists etl.unverified_days (
    fact varchar(64) not null,
    first_day date not null,
    last_day date not null
)
diststyle all;

-- Metrics whose definition changed: all their periods are computed again.
create table if not exists etl.changed_metrics (
    metric varchar(128) not null
)
diststyle all;

-- Ranges of days of the audited metrics whose rows are other ones than those that readers see, ends not included.
create table if not exists etl.stale_periods (
    metric varchar(128) not null,
    first_day date not null,
    end_day date not null,
    -- The facts that changed.
    reason varchar(1024) not null
)
diststyle all;

-- Values of metrics that changed after readers had seen their period complete: one row per value. A row that came or went has
-- no old or new values. What changed in a closed period is not applied: readers still see the old value, and the row stands
-- here until it is applied or the numbers agree again.
create table if not exists etl.metric_restatements (
    metric varchar(128) not null,
    period_start date not null,
    row_key varchar(4096) not null,
    column_name varchar(128) not null,
    old_value varchar(1024),
    new_value varchar(1024),
    reason varchar(1024) not null,
    -- The run that published the new value, or that last kept it back.
    run_id varchar(128) not null,
    is_applied boolean not null,
    noted_at timestamp not null
)
diststyle even
sortkey (period_start);

-- How far each run came. The run date is that of its last transform.
create table if not exists etl.runs (
    run_id varchar(128) not null,
    run_date date not null,
    transformed_at timestamp not null,
    published_at timestamp,
    primary key (run_id)
)
diststyle all;

-- How many rows each raw table had when a run was transformed: what the volume of later runs is held against.
create table if not exists etl.row_counts (
    run_id varchar(128) not null,
    table_name varchar(64) not null,
    row_count bigint not null,
    primary key (run_id, table_name)
)
diststyle all;

-- What the procedures need to know: time zone, reporting currency, limits.
create table if not exists etl.settings (
    name varchar(128) not null,
    value varchar(1024) not null,
    primary key (name)
)
diststyle all;

-- The SQL files that stand in this warehouse, so that migrate applies only what changed.
create table if not exists etl.deployed_objects (
    object_name varchar(256) not null,
    sha256 varchar(64) not null,
    deployed_at timestamp not null,
    primary key (object_name)
)
diststyle all;
