-- etl.record_transform: notes that the curated layer and the audited metrics stand for a run.
-- Writes: etl.runs.
create or replace procedure etl.record_transform(transformed_run varchar(128), as_of date)
as $$
begin
    delete from etl.runs where run_id = transformed_run;
    insert into etl.runs (run_id, run_date, transformed_at, published_at) values (transformed_run, as_of, getdate(), null);
end;
$$ language plpgsql;
