-- A share lies between 0 and 1, and every night of a realised stay is counted once per listing.
with
out_of_bounds as (
    select month_start
    from audit.occupancy_rate
    where
        occupancy_rate < 0 or occupancy_rate > 1
        or occupancy_engaged < 0 or occupancy_engaged > 1
        or occupancy_calendar < 0 or occupancy_calendar > 1
),
nights as (
    select distinct apartment_id, night from curated.stay_night
),
totals as (
    select
        (select count(*) from nights) as booked_nights,
        (select nvl(sum(occupied_nights + on_the_books_nights), 0) from audit.occupancy_rate) as counted_nights
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
