-- The rows behind repeat_customer_rate: bookings of the 30 days that end on each day, with what keeps one from counting. A user
-- with two of them is a repeat user.
-- Reads: curated.bookings, curated.calendar.
select
    calendar.calendar_date as day,
    bookings.user_id,
    bookings.booking_id,
    bookings.booked_on,
    bookings.booking_status,
    case
        when not bookings.is_realised
            then 'not realised: ' || nvl(bookings.booking_status, 'no status') || nvl(', payment ' || bookings.payment_status, '')
    end::varchar(256) as left_out
from curated.calendar
inner join curated.bookings
    on calendar.calendar_date >= bookings.booked_on
    and calendar.calendar_date <= dateadd(day, 29, bookings.booked_on)::date
where
    calendar.calendar_date >= range_start
    and calendar.calendar_date < range_end
    and bookings.booked_on >= dateadd(day, -29, range_start)::date
    and bookings.booked_on < range_end
