-- curated.violations: rows that break a rule which looks at more than one row or table; the rules of single rows are judged by
-- extract-rds. A row stays as long as it breaks its rule: it leaves when it was mended at the source, or when what it waited for
-- came.
create table if not exists curated.violations (
    rule_id varchar(64) not null,
    rule_version integer not null,
    severity varchar(16) not null,
    table_name varchar(64) not null,
    -- Key of the booking or the listing. Viewings have none: the listing that was viewed, and the day in UTC, such as
    -- 4711 2025-01-31.
    row_key varchar(64) not null,
    -- That day once more.
    row_day date,
    -- How many rows it stands for.
    row_count bigint not null,
    -- Whether the curated layer goes without the row.
    is_quarantined boolean not null,
    -- Key of the missing row that it waits for.
    awaited_key bigint,
    reason varchar(1024) not null,
    -- The run that first found it, and that run's date.
    first_run_id varchar(128) not null,
    first_seen date not null
)
diststyle even
sortkey (rule_id, row_key);
