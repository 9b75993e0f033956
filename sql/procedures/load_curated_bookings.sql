-- curated.load_bookings: bookings of known listings, with their day in the reporting time zone and their price in the
-- reporting currency. A booking of a listing that no run ever saw is quarantined, and judged anew by the next run.
-- Reads: raw.bookings, curated.apartments, curated.fx_rate_periods, etl.settings.
-- Writes: curated.bookings, curated.quarantine.
create or replace procedure curated.load_bookings(as_of date)
as $$
declare
    time_zone_name varchar(64);
    paying_bookings bigint;
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';
    -- A source without payment_status loads NULL everywhere; then payment says nothing about a booking.
    select into paying_bookings count(payment_status) from "raw".bookings;

    drop table if exists current_bookings;
    create temp table current_bookings as
    with
    -- One row per booking: of two with one key the one booked last; rule KEY-DUP counts the others.
    numbered as (
        select
            *,
            row_number() over (
                partition by booking_id
                order by
                    nvl(booking_date, '0001-01-01'::timestamp) desc, checkin_date desc, checkout_date desc,
                    nvl(total_price, 0) desc, nvl(booking_status, ''), nvl(payment_status, ''), user_id, apartment_id
            ) as newest_first
        from "raw".bookings
    ),
    known_apartments as (
        select distinct apartment_id from curated.apartments
    )
    select
        numbered.booking_id,
        numbered.user_id,
        numbered.apartment_id,
        numbered.booking_date,
        case
            when numbered.booking_date_has_time then convert_timezone('UTC', time_zone_name, numbered.booking_date)::date
            else numbered.booking_date::date
        end as booked_on,
        numbered.checkin_date,
        numbered.checkout_date,
        numbered.total_price,
        upper(trim(numbered.currency)) as currency,
        lower(trim(numbered.booking_status)) as booking_status,
        lower(trim(numbered.payment_status)) as payment_status,
        numbered.num_guests,
        known_apartments.apartment_id is not null as is_known
    from numbered
    left join known_apartments on numbered.apartment_id = known_apartments.apartment_id
    where numbered.newest_first = 1;

    delete from curated.quarantine where table_name = 'bookings';
    insert into curated.quarantine (rule_id, rule_version, severity, table_name, row_key, reason)
    select
        'BKG-REF-APARTMENT', 1, 'error', 'bookings', booking_id::varchar(32),
        'apartment_id ' || nvl(apartment_id::varchar(32), 'NULL') || ' is in no run''s apartments'
    from current_bookings
    where not is_known;

    delete from curated.bookings;
    insert into curated.bookings (
        booking_id, user_id, apartment_id, booking_date, booked_on, checkin_date, checkout_date, nights, total_price, currency,
        booking_status, payment_status, num_guests, is_realised, rate_to_reporting, total_price_rc
    )
    select
        booking.booking_id,
        booking.user_id,
        booking.apartment_id,
        booking.booking_date,
        booking.booked_on,
        booking.checkin_date,
        booking.checkout_date,
        datediff(day, booking.checkin_date, booking.checkout_date),
        booking.total_price,
        booking.currency,
        booking.booking_status,
        booking.payment_status,
        booking.num_guests,
        -- An unknown payment status is no payment: rule BKG-PAYMENT reports it.
        nvl(booking.booking_status, '') = 'confirmed'
            and (paying_bookings = 0 or nvl(booking.payment_status, '') in ('paid', 'pending', 'refunded')),
        rate.rate_to_reporting,
        (booking.total_price * rate.rate_to_reporting)::decimal(32,12)
    from current_bookings as booking
    left join curated.fx_rate_periods as rate
        on booking.currency = rate.currency
        and booking.booked_on >= rate.valid_from
        and booking.booked_on < rate.valid_to
    where booking.is_known;
end;
$$ language plpgsql;
