-- etl.record_publish: notes that the metrics of a run are what readers see.
-- Reads: etl.runs.  Writes: etl.runs, etl.settings, etl.unverified_days.
create or replace procedure etl.record_publish(published_run varchar(128))
as $$
declare
    published_day date;
begin
    -- Only what was verified is published.
    delete from etl.unverified_days;
    update etl.runs set published_at = getdate() where run_id = published_run;
    select into published_day run_date from etl.runs where run_id = published_run;
    call etl.set_setting('published_run_date', published_day::varchar(10));
end;
$$ language plpgsql;
