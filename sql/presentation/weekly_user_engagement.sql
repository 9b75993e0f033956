-- presentation.weekly_user_engagement: one row per week since the first booking with how many users booked, how much, how long
-- they stayed and how many came back, for a chart or a report. It puts published metrics side by side and reads nothing else, so
-- it changes when they are published. Bookings go by the day of booking, length of stay by the check-in. The repeat rate is the
-- value on measured_on, the last day of the week or the run date, and looks back 30 days from there.
create or replace view presentation.weekly_user_engagement as
with
-- The last day of them all is the run date.
days as (
    select date_trunc('week', day)::date as week_start, day, max(day) over () as run_date
    from presentation.repeat_customer_rate
),
weeks as (
    select week_start, max(day) as measured_on, max(run_date) as run_date
    from days
    group by week_start
)
select
    weeks.week_start,
    nvl(users.booking_users, 0) as booking_users,
    nvl(users.bookings, 0) as bookings,
    users.bookings_per_booking_user,
    nvl(duration.bookings, 0) as checkins,
    duration.average_nights,
    duration.median_nights,
    weeks.measured_on,
    repeat_rate.users as users_of_30_days,
    repeat_rate.repeat_users as repeat_users_of_30_days,
    repeat_rate.repeat_customer_rate,
    dateadd(day, 6, weeks.week_start)::date < weeks.run_date as is_complete
from weeks
inner join presentation.repeat_customer_rate as repeat_rate on weeks.measured_on = repeat_rate.day
left join presentation.booking_users as users on weeks.week_start = users.week_start
left join presentation.booking_duration as duration
    on weeks.week_start = duration.period_start and duration.period_type = 'week'
with no schema binding
