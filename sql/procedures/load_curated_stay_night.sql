-- curated.load_stay_night: the nights of realised bookings. A price is split in units of its currency's smallest coin; what
-- does not divide goes to the first nights, so that the parts add up exactly.
-- Reads: curated.stay, curated.bookings, curated.apartments, curated.currencies.
-- Writes: curated.stay_night.
create or replace procedure curated.load_stay_night(as_of date)
as $$
begin
    delete from curated.stay_night;
    insert into curated.stay_night (
        booking_id, apartment_id, user_id, night, week_start, month_start, revenue, revenue_rc, is_listed, basis
    )
    with
    digits as (
        select 0 as digit union all select 1 union all select 2 union all select 3 union all select 4
        union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
    ),
    longest as (
        select max(nights) as nights from curated.stay
    ),
    night_numbers as (
        select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as night_number
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
        cross join longest
        where ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit < longest.nights
    ),
    -- Currencies without a known smallest unit are split to the second decimal, as nearly all are.
    units as (
        select
            currency,
            case minor_units when 0 then 1 when 1 then 10 when 3 then 1000 when 4 then 10000 else 100 end as units_per_amount,
            case minor_units
                when 0 then 1.0000 when 1 then 0.1000 when 3 then 0.0010 when 4 then 0.0001 else 0.0100
            end::decimal(5,4) as unit
        from curated.currencies
    ),
    priced as (
        select
            stay.booking_id,
            stay.apartment_id,
            stay.user_id,
            stay.checkin_date,
            stay.nights,
            booking.rate_to_reporting,
            (stay.total_price * nvl(units.units_per_amount, 100))::bigint as total_units,
            nvl(units.unit, 0.0100::decimal(5,4)) as unit
        from curated.stay
        inner join curated.bookings as booking on stay.booking_id = booking.booking_id
        left join units on stay.currency = units.currency
    ),
    -- Integer division truncates toward zero, so the remainder has the sign of the price.
    split as (
        select
            *,
            total_units / nights as units_per_night,
            total_units - (total_units / nights) * nights as left_over_units
        from priced
    ),
    nights as (
        select
            split.booking_id,
            split.apartment_id,
            split.user_id,
            dateadd(day, night_numbers.night_number, split.checkin_date)::date as night,
            split.rate_to_reporting,
            (
                (
                    split.units_per_night
                    + case when night_numbers.night_number < abs(split.left_over_units) then sign(split.left_over_units) else 0 end
                )::decimal(18,0) * split.unit
            )::decimal(16,4) as revenue
        from split
        inner join night_numbers on night_numbers.night_number < split.nights
    )
    select
        nights.booking_id,
        nights.apartment_id,
        nights.user_id,
        nights.night,
        date_trunc('week', nights.night)::date,
        date_trunc('month', nights.night)::date,
        nights.revenue,
        (nights.revenue * nights.rate_to_reporting)::decimal(38,14),
        nvl(version.is_active and nights.night >= nvl(version.listing_created_on, version.valid_from), false),
        nvl(version.basis, 'reconstructed')
    from nights
    left join curated.apartments as version
        on nights.apartment_id = version.apartment_id
        and nights.night >= version.valid_from
        and nights.night < nvl(version.valid_to, '9999-12-31'::date);
end;
$$ language plpgsql;
