-- curated.rule_counts: how many rows break each rule that needs more than one row to be judged. A rule that nothing breaks has 0.
create table if not exists curated.rule_counts (
    rule_id varchar(64) not null,
    table_name varchar(64) not null,
    severity varchar(16) not null,
    standing bigint not null,
    -- How many of them the run found, and which run that was.
    found_by_run bigint not null,
    run_id varchar(128) not null,
    primary key (rule_id, table_name)
)
diststyle all;
