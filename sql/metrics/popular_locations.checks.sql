-- The bookings of all cities are all realised bookings.
-- Moved by: stay.booked_on.
with
weeks as (
    select
        date_trunc('week', range_start)::date as first_day,
        dateadd(day, 7, date_trunc('week', dateadd(day, -1, range_end)))::date as end_day
),
totals as (
    select
        (
            select count(*)
            from weeks
            inner join curated.stay on stay.booked_on >= weeks.first_day and stay.booked_on < weeks.end_day
        ) as stays,
        (
            select nvl(sum(popular_locations.bookings), 0)
            from weeks
            inner join audit.popular_locations on popular_locations.week_start >= weeks.first_day and popular_locations.week_start < weeks.end_day
        ) as counted
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'realised bookings: ' || stays::varchar(20) || ', counted by popular_locations: ' || counted::varchar(20) as detail
from totals
where stays <> counted
