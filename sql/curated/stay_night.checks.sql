-- The nights of a stay add up to its length and its price, so earned and on-the-books revenue add up to booked revenue, as booked
-- and in the reporting currency. Stays without a day of booking may lie anywhere, so that all nights would have to be read: they
-- are looked at with everything.
-- Moved by: stay.booked_on.
with
checked as (
    select booking_id, checkin_date, checkout_date, nights, total_price, total_price_rc
    from curated.stay
    where booked_on >= range_start and booked_on < range_end
    union all
    select booking_id, checkin_date, checkout_date, nights, total_price, total_price_rc
    from curated.stay
    where booked_on is null and range_start = '0001-01-01'::date
),
bounds as (
    select min(checkin_date) as first_night, max(checkout_date) as end_night from checked
),
summed as (
    select
        stay_night.booking_id,
        count(*) as night_count,
        sum(stay_night.revenue) as revenue,
        sum(stay_night.revenue_rc) as revenue_rc
    from bounds
    inner join curated.stay_night
        on stay_night.night >= bounds.first_night and stay_night.night < bounds.end_night
    inner join checked on stay_night.booking_id = checked.booking_id
    group by stay_night.booking_id
),
differing as (
    select checked.booking_id
    from checked
    left join summed on checked.booking_id = summed.booking_id
    where
        nvl(summed.night_count, 0) <> checked.nights
        or nvl(summed.revenue, 0) <> nvl(checked.total_price, 0)
        or nvl(summed.revenue_rc, 0) <> nvl(checked.total_price_rc, 0)
)
select 'STAY-SPLIT' as rule_id, 'error' as severity, 'stays whose nights do not add up: ' || count(*)::varchar(20) as detail
from differing
having count(*) > 0
