-- etl.record_publish: notes that the metrics of a run are what readers see.
-- Writes: etl.runs.
create or replace procedure etl.record_publish(published_run varchar(128))
as $$
begin
    update etl.runs set published_at = getdate() where run_id = published_run;
end;
$$ language plpgsql;
