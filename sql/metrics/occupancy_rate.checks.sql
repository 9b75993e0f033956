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
-- In the order of the sort key, for which redshift-local keeps an index.
nights as (
    select distinct night, apartment_id
    from curated.stay_night
    where
        night >= date_trunc('month', range_start)::date
        and night < dateadd(month, 1, date_trunc('month', dateadd(day, -1, range_end)))::date
),
totals as (
    select
        (select count(*) from nights) as booked_nights,
        (
            select nvl(sum(occupied_nights + on_the_books_nights), 0)
            from audit.occupancy_rate
            where month_start >= date_trunc('month', range_start)::date and month_start < range_end
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
