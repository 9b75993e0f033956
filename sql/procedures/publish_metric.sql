-- etl.publish_metric: makes readers see the audited rows of one metric, of the periods that changed since they last did; of all
-- periods where the metric has no period column.
-- period_end is the SQL of a period's last day. A period that ended before the run date of the last publication was seen
-- complete: what changes in it is a restatement and is noted value by value. row_key is the SQL of the text that tells the rows of
-- a period apart; compared names the columns whose values are noted, separated by commas. A closed period keeps the rows that
-- readers see unless is_restating.
-- Reads: audit.*, etl.changed_metrics, etl.settings, etl.stale_periods.
-- Writes: presentation.*, etl.metric_restatements, etl.stale_periods.
create or replace procedure etl.publish_metric(
    metric_name varchar(128), publishing_run varchar(128), period_column varchar(128), period_end varchar(1024),
    row_key varchar(4096), compared varchar(16384), is_restating boolean
)
as $$
declare
    stale record;
    changed_count bigint;
    moved_count bigint;
    published_day date;
    closed_before date;
    open_from date;
    position integer;
    place varchar(8);
    compared_column varchar(128);
    compared_values varchar(32768) := '';
    value_pairs varchar(32768) := '';
    differences varchar(32768) := '';
    within varchar(4096);
    within_complete varchar(4096);
begin
    select into changed_count count(*) from etl.changed_metrics where metric = metric_name;
    if changed_count > 0 then
        raise exception 'METRIC_CHANGED %: its SQL is another one since it was computed', metric_name;
    end if;
    if period_column = '' then
        execute 'delete from presentation.' || quote_ident(metric_name);
        execute 'insert into presentation.' || quote_ident(metric_name) || ' select * from audit.' || quote_ident(metric_name);
    else
        select into published_day max(value)::date from etl.settings where name = 'published_run_date';
        select into closed_before max(value)::date from etl.settings where name = 'closed_before';
        open_from := '0001-01-01';
        if closed_before is not null and not is_restating then
            open_from := closed_before;
        end if;
        compared_values := quote_ident(period_column) || ' as period_start, (' || period_end || ')::date as period_end, '
            || row_key || ' as row_key';
        position := 1;
        loop
            compared_column := split_part(compared, ',', position);
            exit when compared_column = '';
            place := position::varchar(8);
            compared_values := compared_values || ', ' || quote_ident(compared_column) || '::varchar(1024) as value_' || place;
            value_pairs := value_pairs || ', published.value_' || place || ' as old_' || place
                || ', audited.value_' || place || ' as new_' || place;
            differences := differences || ' or nvl(published.value_' || place || ', '''') <> nvl(audited.value_' || place || ', '''')';
            position := position + 1;
        end loop;

        -- What is kept back is found again: its periods are still stale.
        delete from etl.metric_restatements where metric = metric_name and not is_applied;
        for stale in
            select first_day, end_day, reason from etl.stale_periods where metric = metric_name
        loop
            within := ' where ' || quote_ident(period_column) || ' >= ' || quote_literal(stale.first_day::varchar(10))
                || ' and ' || quote_ident(period_column) || ' < ' || quote_literal(stale.end_day::varchar(10));
            if published_day is not null and compared <> '' then
                within_complete := within || ' and ' || period_end || ' < ' || quote_literal(published_day::varchar(10));
                drop table if exists moved_rows;
                execute 'create temp table moved_rows as select'
                    || ' nvl(published.period_start, audited.period_start) as period_start,'
                    || ' nvl(published.period_end, audited.period_end) as period_end,'
                    || ' nvl(published.row_key, audited.row_key) as row_key' || value_pairs
                    || ' from (select ' || compared_values || ' from presentation.' || quote_ident(metric_name)
                    || within_complete || ') as published'
                    || ' full join (select ' || compared_values || ' from audit.' || quote_ident(metric_name)
                    || within_complete || ') as audited'
                    || ' on published.period_start = audited.period_start and published.row_key = audited.row_key'
                    || ' where published.period_start is null or audited.period_start is null' || differences;
                select into moved_count count(*) from moved_rows;
                if moved_count > 0 then
                    call etl.note_restatements(
                        metric_name, publishing_run, compared, stale.reason::varchar(1024), open_from
                    );
                end if;
            end if;
            within := within || ' and ' || period_end || ' >= ' || quote_literal(open_from::varchar(10));
            execute 'delete from presentation.' || quote_ident(metric_name) || within;
            execute 'insert into presentation.' || quote_ident(metric_name)
                || ' select * from audit.' || quote_ident(metric_name) || within;
        end loop;
        delete from etl.stale_periods where metric = metric_name;
        insert into etl.stale_periods (metric, first_day, end_day, reason)
        select metric, period_start, dateadd(day, 1, period_start)::date, min(reason)
        from etl.metric_restatements
        where metric = metric_name and not is_applied
        group by metric, period_start;
    end if;
end;
$$ language plpgsql;
