-- The nights of a stay add up to its length and its price, so earned and on-the-books revenue add up to booked revenue.
with
summed as (
    select booking_id, count(*) as night_count, sum(revenue) as revenue from curated.stay_night group by booking_id
),
differing as (
    select stay.booking_id
    from curated.stay
    left join summed on stay.booking_id = summed.booking_id
    where
        nvl(summed.night_count, 0) <> stay.nights
        or nvl(summed.revenue, 0) <> nvl(stay.total_price, 0)
)
select 'STAY-SPLIT' as rule_id, 'error' as severity, 'stays whose nights do not add up: ' || count(*)::varchar(20) as detail
from differing
having count(*) > 0
