-- etl.find_stale_periods: the ranges of days in which the periods of a metric have to be computed again, left behind as
-- found_periods: whole periods, ends not included, no two of them touching.
-- facts lists the date columns that move the metric; a day of theirs counts in the periods of itself and of the days after it, as
-- many as window_days with itself. period_unit is week, month, day, or week and month.
-- Reads: etl.changed_days, etl.changed_metrics.  Writes: etl.stale_periods.
create or replace procedure etl.find_stale_periods(
    metric_name varchar(128), period_unit varchar(32), window_days integer, facts varchar(1024)
)
as $$
declare
    whole_count bigint;
begin
    select into whole_count
        (select count(*) from etl.changed_days where fact = 'everything')
        + (select count(*) from etl.changed_metrics where metric = metric_name);
    delete from etl.changed_metrics where metric = metric_name;

    drop table if exists found_periods;
    create temp table found_periods (
        first_day date not null,
        end_day date not null,
        reason varchar(1024) not null
    );
    if whole_count > 0 then
        insert into found_periods (first_day, end_day, reason) values ('0001-01-01', '9999-12-01', 'SQL or settings');
    else
        insert into found_periods (first_day, end_day, reason)
        with
        moved as (
            select distinct fact, first_day, dateadd(day, window_days - 1, last_day)::date as last_day
            from etl.changed_days
            where fact = 'run_context.run_date' or ' ' || facts || ',' like '% ' || fact || ',%'
        ),
        ranges as (
            select
                fact,
                etl.first_day_of_period(first_day, period_unit) as first_day,
                etl.end_day_of_period(last_day, period_unit) as end_day
            from moved
        ),
        reaching as (
            select
                fact,
                first_day,
                end_day,
                max(end_day) over (order by first_day, end_day rows between unbounded preceding and 1 preceding) as reached
            from ranges
        ),
        numbered as (
            select
                fact,
                first_day,
                end_day,
                sum(case when reached >= first_day then 0 else 1 end) over (
                    order by first_day, end_day rows unbounded preceding
                ) as island
            from reaching
        )
        select min(first_day), max(end_day), listagg(distinct fact, ', ') within group (order by fact)
        from numbered
        group by island;
    end if;
    insert into etl.stale_periods (metric, first_day, end_day, reason)
    select metric_name, first_day, end_day, reason from found_periods;
end;
$$ language plpgsql;
