-- A share lies between 0 and 1, and every night of a realised stay is counted once per listing.
-- Moved by: stay_night.night.
with
out_of_bounds as (
    select month_start
    from audit.occupancy_rate
    where
        occupancy_rate < 0 or occupancy_rate > 1
        or occupancy_engaged < 0 or occupancy_engaged > 1
        or occupancy_calendar < 0 or occupancy_calendar > 1
),
months as (
    select
        date_trunc('month', range_start)::date as first_day,
        dateadd(month, 1, date_trunc('month', dateadd(day, -1, range_end)))::date as end_day
),
nights as (
    select distinct stay_night.apartment_id, stay_night.night
    from months
    inner join curated.stay_night on stay_night.night >= months.first_day and stay_night.night < months.end_day
),
totals as (
    select
        (select count(*) from nights) as booked_nights,
        (
            select nvl(sum(occupancy_rate.occupied_nights + occupancy_rate.on_the_books_nights), 0)
            from months
            inner join audit.occupancy_rate
                on occupancy_rate.month_start >= months.first_day and occupancy_rate.month_start < months.end_day
        ) as counted_nights
)
select 'MET-BOUNDS' as rule_id, 'error' as severity, 'months whose occupancy is not between 0 and 1: ' || count(*)::varchar(20) as detail
from out_of_bounds
having count(*) > 0
union all
select
    'MET-BOUNDS',
    'error',
    'booked listing-nights: ' || booked_nights::varchar(20) || ', counted by occupancy_rate: ' || counted_nights::varchar(20)
from totals
where booked_nights <> counted_nights
