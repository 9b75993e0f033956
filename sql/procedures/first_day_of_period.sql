-- etl.first_day_of_period: the first day of the period that holds a day. The unit is day, week, month, or week and month: then it
-- is that of the earlier one of both.
create or replace function etl.first_day_of_period(date, varchar(32))
returns date
immutable
as $$
    select
        case $2
            when 'day' then $1
            when 'week' then date_trunc('week', $1)::date
            when 'month' then date_trunc('month', $1)::date
            else least(date_trunc('week', $1)::date, date_trunc('month', $1)::date)
        end
$$ language sql;
