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
        when bookings.is_realised then null
        when bookings.booking_status = 'confirmed' then 'payment_status ' || nvl(bookings.payment_status, 'unknown')
        else 'booking_status ' || nvl(bookings.booking_status, 'unknown')
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
