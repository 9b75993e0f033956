-- etl.begin_transform: sets the run date of the curated layer. Repeating a run's transform is allowed; a run date before
-- that of an earlier run is not, because versions of listings are kept in the order of run dates.
-- What the curated layer follows from beside the rows (settings and SQL) has a fingerprint: with another one, all of it is made
-- anew, as it is when asked for. Otherwise it follows the rows that changed.
-- Reads: etl.ledger, etl.runs, etl.settings.  Writes: curated.run_context, etl.changed_rows, etl.changed_days, etl.settings.
create or replace procedure etl.begin_transform(transforming_run varchar(128), as_of date, basis varchar(64), is_full boolean)
as $$
declare
    loaded_tables bigint;
    own_snapshot_at timestamp;
    newest_snapshot_at timestamp;
    newest_run_date date;
    known_basis varchar(1024);
    known_run_date date;
    known_first_booked_on date;
    whole_basis varchar(1024);
    without_payments bigint;
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
    select into known_run_date, known_first_booked_on max(run_date), max(first_booked_on) from curated.run_context;
    delete from curated.run_context;
    select into without_payments count(*)
    from etl.settings
    where name = 'absent_columns.bookings' and ' ' || value || ' ' like '% payment_status %';
    insert into curated.run_context (run_id, run_date, first_booked_on, tells_payments)
    values (transforming_run, as_of, known_first_booked_on, without_payments = 0);
    drop table if exists previous_context;
    create temp table previous_context as
    select known_run_date as run_date;

    delete from etl.changed_days;
    select into known_basis value from etl.settings where name = 'curated_basis';
    -- Whether the source knows payments decides about every booking.
    select into whole_basis basis || ' ' || nvl(max(value), '') from etl.settings where name = 'absent_columns.bookings';
    if is_full or nvl(known_basis, '') <> whole_basis or as_of < nvl(known_run_date, as_of) then
        insert into etl.changed_rows (table_name) values ('apartments'), ('apartment_attributes'), ('bookings'), ('user_viewing');
        insert into etl.changed_days (fact, first_day, last_day) values ('everything', '0001-01-01', '9999-11-30');
        call etl.set_setting('curated_basis', whole_basis);
    end if;
end;
$$ language plpgsql;
