-- etl.end_day_of_period: the day after the period that holds a day. The unit is day, week, month, or week and month: then periods
-- that begin before it hold the day.
create or replace function etl.end_day_of_period(date, varchar(32))
returns date
immutable
as $$
    select
        case $2
            when 'day' then dateadd(day, 1, $1)::date
            when 'week' then dateadd(day, 7, date_trunc('week', $1))::date
            when 'month' then dateadd(month, 1, date_trunc('month', $1))::date
            else dateadd(day, 1, greatest(date_trunc('week', $1)::date, date_trunc('month', $1)::date))::date
        end
$$ language sql;
