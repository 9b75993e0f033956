-- repeat_customer_rate: of the users who booked in the last 30 days, the share who booked more than once.
-- Grain: one row per day from the first booking to the run date.  Unit: ratio from 0 to 1.
-- Reads: curated.stay, curated.calendar, curated.run_context.
-- Period: day by day.  Moved by: bookings.booked_on, stay.booked_on.  Window: 30 days.
-- Value: repeat_customer_rate = repeat_users / users.
-- The window is 30 calendar days that end on the day, both ends included. Counts users, not bookings. A day without a booking
-- in its window has no ratio. It says nothing about users who returned after more than 30 days.
with
-- The first day of data is that of any standing booking, whatever its status.
days as (
    select calendar.calendar_date as day
    from curated.calendar
    cross join curated.run_context
    where
        calendar.calendar_date >= run_context.first_booked_on
        and calendar.calendar_date >= dateadd(day, -29, range_start)::date
        and calendar.calendar_date < range_end
),
booked_days as (
    select user_id, booked_on, count(distinct booking_id) as bookings
    from curated.stay
    where booked_on >= dateadd(day, -29, range_start)::date and booked_on < range_end
    group by user_id, booked_on
),
neighbours as (
    select
        user_id,
        booked_on,
        bookings,
        dateadd(day, 30, booked_on)::date as left_on,
        nvl(dateadd(day, 30, lag(booked_on) over (partition by user_id order by booked_on))::date, booked_on) as previous_left_on,
        nvl(lead(booked_on) over (partition by user_id order by booked_on), '9999-12-31'::date) as next_booked_on
    from booked_days
),
-- A booking leaves the window 30 days after its day. From each booked day of a user to the next one it holds the same of the
-- user's bookings, as long as they do not leave: so each user counts in spans that do not overlap, end not included.
spans as (
    select
        booked_on,
        least(left_on, next_booked_on) as users_end,
        least(case when bookings >= 2 then left_on else previous_left_on end, next_booked_on) as repeat_end,
        least(previous_left_on, next_booked_on) as other_day_end
    from neighbours
),
moves as (
    select booked_on as day, 1 as users, 0 as repeat_users, 0 as repeat_users_excluding_same_day from spans
    union all
    select users_end, -1, 0, 0 from spans
    union all
    select booked_on, 0, 1, 0 from spans where repeat_end > booked_on
    union all
    select repeat_end, 0, -1, 0 from spans where repeat_end > booked_on
    union all
    select booked_on, 0, 0, 1 from spans where other_day_end > booked_on
    union all
    select other_day_end, 0, 0, -1 from spans where other_day_end > booked_on
),
daily_moves as (
    select
        day,
        sum(users) as users,
        sum(repeat_users) as repeat_users,
        sum(repeat_users_excluding_same_day) as repeat_users_excluding_same_day
    from moves
    group by day
),
counted as (
    select
        days.day,
        (sum(nvl(daily_moves.users, 0)) over (order by days.day rows unbounded preceding))::bigint as users,
        (sum(nvl(daily_moves.repeat_users, 0)) over (order by days.day rows unbounded preceding))::bigint as repeat_users,
        (
            sum(nvl(daily_moves.repeat_users_excluding_same_day, 0)) over (order by days.day rows unbounded preceding)
        )::bigint as repeat_users_excluding_same_day
    from days
    left join daily_moves on days.day = daily_moves.day
)
select
    counted.day,
    counted.repeat_users,
    counted.users,
    round(counted.repeat_users::decimal(18,6) / nullif(counted.users, 0), 6)::decimal(8,6) as repeat_customer_rate,
    counted.repeat_users_excluding_same_day,
    round(
        counted.repeat_users_excluding_same_day::decimal(18,6) / nullif(counted.users, 0), 6
    )::decimal(8,6) as repeat_excluding_same_day,
    counted.day >= dateadd(day, 29, run_context.first_booked_on)::date and counted.day < run_context.run_date as is_complete
from counted
cross join curated.run_context
where counted.day >= range_start
