-- Over all time, what was earned and what is on the books is what was booked. Compared before rounding.
with
totals as (
    select
        (select nvl(sum(revenue_rc), 0)::decimal(38,12) from curated.stay_night) as by_night,
        (select nvl(sum(total_price_rc), 0)::decimal(38,12) from curated.stay) as by_booking
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'revenue by night: ' || by_night::varchar(40) || ', by booking: ' || by_booking::varchar(40) as detail
from totals
where by_night <> by_booking
