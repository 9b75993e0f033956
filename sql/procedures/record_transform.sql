-- etl.record_transform: notes that the curated layer and the audited metrics stand for a run.
-- Writes: etl.runs, etl.changed_rows, etl.changed_days.
create or replace procedure etl.record_transform(transformed_run varchar(128), as_of date)
as $$
begin
    delete from etl.changed_rows;
    delete from etl.changed_days;
    delete from etl.runs where run_id = transformed_run;
    insert into etl.runs (run_id, run_date, transformed_at, published_at) values (transformed_run, as_of, getdate(), null);
end;
$$ language plpgsql;
