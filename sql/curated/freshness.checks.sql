-- Bookings and viewings go on coming.
with
newest as (
    select 'booking' as fact, datediff(day, max(bookings.booked_on), max(run_context.run_date)) as days_old
    from curated.run_context
    inner join curated.bookings on bookings.booked_on <= run_context.run_date
    union all
    select 'viewing', datediff(day, max(user_viewing.viewed_at)::date, max(run_context.run_date))
    from curated.run_context
    inner join curated.user_viewing on user_viewing.viewed_at < dateadd(day, 1, run_context.run_date)
),
-- Without an agreement a few days without one are worth a look, and no reason to keep numbers from readers.
agreed as (
    select max(nullif(value, ''))::integer as max_days from etl.settings where name = 'freshness_max_days'
)
select
    'TBL-FRESH' as rule_id,
    case when agreed.max_days is null then 'warn' else 'error' end as severity,
    'the newest ' || newest.fact || ' is ' || newest.days_old::varchar(20) || ' days older than the run date' as detail
from newest
cross join agreed
where newest.days_old > nvl(agreed.max_days, 3)
