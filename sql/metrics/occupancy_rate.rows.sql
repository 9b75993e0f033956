-- The rows behind occupancy_rate: sellable listing-nights, with what keeps one out of the rate. is_booked makes the numerator.
-- Reads: curated.listing_day, curated.stay_night, curated.run_context.
with
listed as (
    select month_start, apartment_id, calendar_date, basis
    from curated.listing_day
    where calendar_date >= range_start and calendar_date < range_end
),
booked as (
    select month_start, apartment_id, night, count(*) as bookings
    from curated.stay_night
    where night >= range_start and night < range_end
    group by month_start, apartment_id, night
)
select
    nvl(listed.month_start, booked.month_start) as month_start,
    nvl(listed.apartment_id, booked.apartment_id) as apartment_id,
    nvl(listed.calendar_date, booked.night) as night,
    booked.night is not null as is_booked,
    nvl(booked.bookings, 0) as bookings,
    listed.calendar_date is not null as is_listed,
    listed.basis,
    case when nvl(listed.calendar_date, booked.night) > run_context.run_date then 'after the run date' end::varchar(256) as left_out
from listed
full outer join booked on listed.apartment_id = booked.apartment_id and listed.calendar_date = booked.night
cross join curated.run_context
