-- etl.publish_metric: makes readers see the audited rows of one metric, of the periods that changed since they last did; of all
-- periods where the metric has no period column.
-- Reads: audit.*, etl.changed_metrics, etl.stale_periods.  Writes: presentation.*, etl.stale_periods.
create or replace procedure etl.publish_metric(metric_name varchar(128), period_column varchar(128))
as $$
declare
    stale record;
    within varchar(512);
    changed_count bigint;
begin
    select into changed_count count(*) from etl.changed_metrics where metric = metric_name;
    if changed_count > 0 then
        raise exception 'METRIC_CHANGED %: its SQL is another one since it was computed', metric_name;
    end if;
    if period_column = '' then
        execute 'delete from presentation.' || quote_ident(metric_name);
        execute 'insert into presentation.' || quote_ident(metric_name) || ' select * from audit.' || quote_ident(metric_name);
    else
        for stale in
            select first_day, end_day from etl.stale_periods where metric = metric_name
        loop
            within := ' where ' || quote_ident(period_column) || ' >= ' || quote_literal(stale.first_day::varchar(10))
                || ' and ' || quote_ident(period_column) || ' < ' || quote_literal(stale.end_day::varchar(10));
            execute 'delete from presentation.' || quote_ident(metric_name) || within;
            execute 'insert into presentation.' || quote_ident(metric_name)
                || ' select * from audit.' || quote_ident(metric_name) || within;
        end loop;
    end if;
    delete from etl.stale_periods where metric = metric_name;
end;
$$ language plpgsql;
