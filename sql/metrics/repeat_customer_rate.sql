-- repeat_customer_rate: of the users who booked in the last 30 days, the share who booked more than once.
-- Grain: one row per day from the first booking to the run date.  Unit: ratio from 0 to 1.
-- Reads: curated.stay, curated.calendar, curated.run_context.
-- Period: day by day.  Moved by: bookings.booked_on, stay.booked_on.  Window: 30 days.
-- The window is 30 calendar days that end on the day, both ends included. Counts users, not bookings. A day without a booking
-- in its window has no ratio. It says nothing about users who returned after more than 30 days.
with
-- Numbered, so that a window is met by equal numbers: a range of dates would compare every day with every booking. The first
-- day of data is that of any standing booking, whatever its status.
days as (
    select
        calendar.calendar_date as day,
        row_number() over (order by calendar.calendar_date) as day_number
    from curated.calendar
    cross join curated.run_context
    where
        calendar.calendar_date >= run_context.first_booked_on
        and calendar.calendar_date >= dateadd(day, -29, range_start)::date
        and calendar.calendar_date < range_end
),
booked_days as (
    select stay.user_id, days.day_number, count(distinct stay.booking_id) as bookings
    from curated.stay
    inner join days on stay.booked_on = days.day
    where stay.booked_on >= dateadd(day, -29, range_start)::date and stay.booked_on < range_end
    group by stay.user_id, days.day_number
),
-- 0 to 29, or fewer where there are fewer days: no window needs more then.
days_later as (
    select day_number - 1 as day_count from days where day_number <= 30
),
-- A booking lies in the windows of its day and of the 29 after it.
windows as (
    select
        days.day,
        booked_days.user_id,
        sum(booked_days.bookings) as bookings,
        count(*) as days_with_booking
    from booked_days
    cross join days_later
    inner join days on booked_days.day_number + days_later.day_count = days.day_number
    group by days.day, booked_days.user_id
),
counted as (
    select
        day,
        count(*) as users,
        sum(case when bookings >= 2 then 1 else 0 end) as repeat_users,
        sum(case when days_with_booking >= 2 then 1 else 0 end) as repeat_users_excluding_same_day
    from windows
    group by day
)
select
    days.day,
    nvl(counted.repeat_users, 0)::bigint as repeat_users,
    nvl(counted.users, 0)::bigint as users,
    round(counted.repeat_users::decimal(18,6) / nullif(counted.users, 0), 6)::decimal(8,6) as repeat_customer_rate,
    nvl(counted.repeat_users_excluding_same_day, 0)::bigint as repeat_users_excluding_same_day,
    round(
        counted.repeat_users_excluding_same_day::decimal(18,6) / nullif(counted.users, 0), 6
    )::decimal(8,6) as repeat_excluding_same_day,
    days.day >= dateadd(day, 29, run_context.first_booked_on)::date and days.day < run_context.run_date as is_complete
from days
cross join curated.run_context
left join counted on days.day = counted.day
where days.day >= range_start
