-- presentation.monthly_rental_performance: one row per month with occupancy, length of stay and repeat customers, for a chart
-- or a report. It puts published metrics side by side and reads nothing else, so it changes when they are published.
-- Occupancy goes by the night, length of stay by the check-in. The repeat rate is the value on measured_on, the last day of the
-- month or the run date, and looks back 30 days from there.
create or replace view presentation.monthly_rental_performance as
with
last_days as (
    select date_trunc('month', day)::date as month_start, max(day) as measured_on
    from presentation.repeat_customer_rate
    group by date_trunc('month', day)::date
)
select
    occupancy.month_start,
    occupancy.occupied_nights,
    occupancy.sellable_nights,
    occupancy.occupancy_rate,
    occupancy.on_the_books_nights,
    occupancy.basis as occupancy_basis,
    nvl(duration.bookings, 0) as checkins,
    duration.average_nights,
    duration.median_nights,
    duration.long_stay_share,
    last_days.measured_on,
    repeat_rate.users as users_of_30_days,
    repeat_rate.repeat_users as repeat_users_of_30_days,
    repeat_rate.repeat_customer_rate,
    occupancy.is_complete
from presentation.occupancy_rate as occupancy
left join presentation.booking_duration as duration
    on occupancy.month_start = duration.period_start and duration.period_type = 'month'
left join last_days on occupancy.month_start = last_days.month_start
left join presentation.repeat_customer_rate as repeat_rate on last_days.measured_on = repeat_rate.day
with no schema binding
