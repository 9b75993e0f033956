-- The rows behind booking_duration: bookings by week and month of check-in, with what keeps one out of the average.
-- Reads: curated.bookings, curated.run_context.
with
checked_in as (
    select
        bookings.booking_id,
        bookings.user_id,
        bookings.apartment_id,
        bookings.checkin_date,
        bookings.checkout_date,
        bookings.nights,
        case
            when bookings.is_realised and bookings.checkin_date <= run_context.run_date then null
            when bookings.is_realised then 'check-in after the run date'
            when bookings.booking_status = 'confirmed' then 'payment_status ' || nvl(bookings.payment_status, 'unknown')
            else 'booking_status ' || nvl(bookings.booking_status, 'unknown')
        end::varchar(256) as left_out
    from curated.bookings
    cross join curated.run_context
    where bookings.checkin_date >= range_start and bookings.checkin_date < range_end
)
select 'week'::varchar(8) as period_type, date_trunc('week', checked_in.checkin_date)::date as period_start, checked_in.*
from checked_in
union all
select 'month'::varchar(8), date_trunc('month', checked_in.checkin_date)::date, checked_in.*
from checked_in
