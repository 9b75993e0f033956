-- curated.quarantine: rows of raw tables that rules across tables keep out of the curated layer; judged anew by each run.
create table if not exists curated.quarantine (
    rule_id varchar(64) not null,
    rule_version integer not null,
    severity varchar(16) not null,
    table_name varchar(64) not null,
    row_key varchar(256) not null,
    -- Key of the missing row that it waits for.
    awaited_key bigint,
    reason varchar(1024) not null
)
diststyle auto;
