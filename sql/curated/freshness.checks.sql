-- Bookings and viewings go on coming.
with
newest as (
    select 'booking' as fact, max(booked_on) as newest_day
    from curated.bookings
    where booked_on <= (select max(run_context.run_date) from curated.run_context)
    union all
    select 'viewing', max(viewed_at)::date
    from curated.user_viewing
    where viewed_at < (select dateadd(day, 1, max(run_context.run_date)) from curated.run_context)
),
-- Without an agreement a few days without one are worth a look, and no reason to keep numbers from readers.
agreed as (
    select max(nullif(value, ''))::integer as max_days from etl.settings where name = 'freshness_max_days'
)
select
    'TBL-FRESH' as rule_id,
    case when agreed.max_days is null then 'warn' else 'error' end as severity,
    'the newest ' || newest.fact || ' is ' || datediff(day, newest.newest_day, run_context.run_date)::varchar(20)
    || ' days older than the run date' as detail
from newest
cross join agreed
cross join curated.run_context
where datediff(day, newest.newest_day, run_context.run_date) > nvl(agreed.max_days, 3)
