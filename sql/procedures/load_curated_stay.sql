-- curated.load_stay: realised bookings with the place of their listing.
-- Reads: curated.bookings, curated.apartment_attributes.
-- Writes: curated.stay.
create or replace procedure curated.load_stay(as_of date)
as $$
begin
    delete from curated.stay;
    insert into curated.stay (
        booking_id, user_id, apartment_id, booked_on, booked_week, checkin_date, checkout_date, nights, total_price, currency,
        payment_status, total_price_rc, cityname, state
    )
    with
    -- The last known attributes stay known after they vanished.
    known_attributes as (
        select
            apartment_id,
            valid_from as known_from,
            nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to,
            cityname,
            state
        from curated.apartment_attributes
    )
    select
        booking.booking_id,
        booking.user_id,
        booking.apartment_id,
        booking.booked_on,
        date_trunc('week', booking.booked_on)::date,
        booking.checkin_date,
        booking.checkout_date,
        booking.nights,
        booking.total_price,
        booking.currency,
        booking.payment_status,
        booking.total_price_rc,
        known_attributes.cityname,
        known_attributes.state
    from curated.bookings as booking
    left join known_attributes
        on booking.apartment_id = known_attributes.apartment_id
        -- Without a booking date the first known place counts.
        and nvl(booking.booked_on, '0001-01-01'::date) >= known_attributes.known_from
        and nvl(booking.booked_on, '0001-01-01'::date) < known_attributes.known_to
    where booking.is_realised;
end;
$$ language plpgsql;
