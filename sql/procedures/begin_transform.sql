-- etl.begin_transform: sets the run date of the curated layer. Repeating a run's transform is allowed; a run date before
-- that of an earlier run is not, because versions of listings are kept in the order of run dates.
-- Reads: etl.ledger, etl.runs.  Writes: curated.run_context.
create or replace procedure etl.begin_transform(transforming_run varchar(128), as_of date)
as $$
declare
    loaded_tables bigint;
    own_snapshot_at timestamp;
    newest_snapshot_at timestamp;
    newest_run_date date;
begin
    select into loaded_tables count(*) from etl.ledger where run_id = transforming_run;
    if loaded_tables = 0 then
        raise exception 'NOT_LOADED run %', transforming_run;
    end if;
    -- Two executions side by side: the raw layer already holds what the later one saw.
    select into own_snapshot_at max(snapshot_at) from etl.ledger where run_id = transforming_run;
    select into newest_snapshot_at max(snapshot_at) from etl.ledger where run_id <> transforming_run;
    if newest_snapshot_at > own_snapshot_at then
        raise exception 'SUPERSEDED run %: a run with a snapshot of % is loaded', transforming_run, newest_snapshot_at;
    end if;
    select into newest_run_date max(run_date) from etl.runs where run_id <> transforming_run;
    if newest_run_date > as_of then
        raise exception 'RUN_DATE_BEFORE_HISTORY run %: run date % is before %, the newest one transformed',
            transforming_run, as_of, newest_run_date;
    end if;
    delete from curated.run_context;
    insert into curated.run_context (run_date) values (as_of);
end;
$$ language plpgsql;
