-- The rows behind bookings_per_user: bookings by the week in which they were made, with what keeps one from counting.
-- Reads: curated.bookings.
select
    date_trunc('week', booked_on)::date as week_start,
    user_id,
    booking_id,
    apartment_id,
    booked_on,
    booking_status,
    case
        when is_realised then null
        when booking_status = 'confirmed' then 'payment_status ' || nvl(payment_status, 'unknown')
        else 'booking_status ' || nvl(booking_status, 'unknown')
    end::varchar(256) as left_out
from curated.bookings
where booked_on >= range_start and booked_on < range_end
