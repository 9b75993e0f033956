-- bookings_per_user: realised bookings of each user, by the week in which they were booked.
-- Grain: one row per week and user who booked.  Unit: bookings.  Reads: curated.bookings, curated.run_context.
-- Period: week_start by week.  Key: user_id.  Moved by: bookings.booked_on.
-- Value: bookings.
-- A user without a realised booking in a week has no row. bookings_all_statuses also counts the user's pending, canceled and
-- unknown bookings of the week, week_bookings_all_statuses those of all users, with or without a row. Rows are
-- counted: rule KEY-UNIQUE keeps a booking to one of them.
with
weekly as (
    select
        date_trunc('week', booked_on)::date as week_start,
        user_id,
        sum(case when is_realised then 1 else 0 end) as bookings,
        count(*) as bookings_all_statuses
    from curated.bookings
    where booked_on >= range_start and booked_on < range_end
    group by date_trunc('week', booked_on)::date, user_id
),
with_totals as (
    select
        *,
        sum(bookings_all_statuses) over (partition by week_start) as week_bookings_all_statuses
    from weekly
)
select
    with_totals.week_start,
    with_totals.user_id,
    with_totals.bookings,
    with_totals.bookings_all_statuses,
    with_totals.week_bookings_all_statuses::bigint as week_bookings_all_statuses,
    dateadd(day, 6, with_totals.week_start)::date < run_context.run_date as is_complete
from with_totals
cross join curated.run_context
where with_totals.bookings > 0
