-- curated.run_context: the run date for which the curated layer stands; one row. Nothing else reads a clock.
create table if not exists curated.run_context (
    run_date date not null
)
diststyle all;
