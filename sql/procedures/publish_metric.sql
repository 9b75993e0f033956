-- etl.publish_metric: makes readers see the audited rows of one metric.
-- Reads: audit.*.  Writes: presentation.*.
create or replace procedure etl.publish_metric(metric_name varchar(128))
as $$
begin
    execute 'delete from presentation.' || quote_ident(metric_name);
    execute 'insert into presentation.' || quote_ident(metric_name) || ' select * from audit.' || quote_ident(metric_name);
end;
$$ language plpgsql;
