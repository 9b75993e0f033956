-- The bookings of all users are all realised bookings.
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
            select nvl(sum(bookings_per_user.bookings), 0)
            from weeks
            inner join audit.bookings_per_user on bookings_per_user.week_start >= weeks.first_day and bookings_per_user.week_start < weeks.end_day
        ) as counted
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'realised bookings: ' || stays::varchar(20) || ', counted by bookings_per_user: ' || counted::varchar(20) as detail
from totals
where stays <> counted
