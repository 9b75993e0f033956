-- Weeks and months count the nights of all stays that began in them.
-- Moved by: stay_night.night.
with
periods as (
    select
        'week'::varchar(8) as period_type,
        date_trunc('week', range_start)::date as first_day,
        dateadd(day, 7, date_trunc('week', dateadd(day, -1, range_end)))::date as end_day
    union all
    select
        'month'::varchar(8),
        date_trunc('month', range_start)::date,
        dateadd(month, 1, date_trunc('month', dateadd(day, -1, range_end)))::date
),
counted as (
    select periods.period_type, nvl(sum(booking_duration.nights), 0) as nights
    from periods
    left join audit.booking_duration
        on periods.period_type = booking_duration.period_type
        and booking_duration.period_start >= periods.first_day
        and booking_duration.period_start < periods.end_day
    group by periods.period_type
),
begun as (
    select periods.period_type, nvl(sum(stay_night.nights), 0) as nights
    from periods
    cross join curated.run_context
    left join curated.stay_night
        on stay_night.night >= periods.first_day
        and stay_night.night < periods.end_day
        and stay_night.night <= run_context.run_date
        and stay_night.night_number = 1
    group by periods.period_type
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'nights of stays by ' || counted.period_type || ': ' || begun.nights::varchar(20) || ', counted by booking_duration: '
    || counted.nights::varchar(20) as detail
from counted
inner join begun on counted.period_type = begun.period_type
where counted.nights <> begun.nights
