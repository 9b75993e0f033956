-- The bookings of all cities are all realised bookings.
with
totals as (
    select
        (select count(*) from curated.stay where booked_week is not null) as stays,
        (select nvl(sum(bookings), 0) from audit.popular_locations) as counted
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'realised bookings: ' || stays::varchar(20) || ', counted by popular_locations: ' || counted::varchar(20) as detail
from totals
where stays <> counted
