-- bookings_per_user: realised bookings of each user, by the week in which they were booked.
-- Grain: one row per week and user who booked.  Unit: bookings.  Reads: curated.bookings, curated.run_context.
-- A user without a booking in a week has no row. bookings_all_statuses also counts pending, canceled and unknown ones, so a
-- user whose bookings were all canceled has a row with 0 bookings.
with
weekly as (
    select
        date_trunc('week', booked_on)::date as week_start,
        user_id,
        count(distinct case when is_realised then booking_id end) as bookings,
        count(distinct booking_id) as bookings_all_statuses
    from curated.bookings
    where booked_on is not null
    group by date_trunc('week', booked_on)::date, user_id
)
select
    weekly.week_start,
    weekly.user_id,
    weekly.bookings,
    weekly.bookings_all_statuses,
    dateadd(day, 6, weekly.week_start)::date < run_context.run_date as is_complete
from weekly
cross join curated.run_context
