-- curated.load_stay_night: the nights of realised bookings. A price is split in units of its currency's smallest coin; what
-- does not divide goes to the first nights, so that the parts add up exactly. Follows the stays that came and went.
-- Reads: curated.stay, curated.currencies.
-- Writes: curated.stay_night, etl.changed_days.
create or replace procedure curated.load_stay_night(as_of date)
as $$
declare
    lowest_night date;
    highest_night date;
begin
    select into lowest_night, highest_night min(checkin_date), max(checkout_date) from departed_stays;
    drop table if exists departed_nights;
    create temp table departed_nights as
    select stay_night.*
    from curated.stay_night
    inner join departed_stays on stay_night.booking_id = departed_stays.booking_id
    where stay_night.night >= lowest_night and stay_night.night < highest_night;
    delete from curated.stay_night
    where night >= lowest_night and night < highest_night and booking_id in (select departed_stays.booking_id from departed_stays);

    drop table if exists arrived_nights;
    create temp table arrived_nights (like curated.stay_night);
    insert into arrived_nights
    with
    digits as (
        select 0 as digit union all select 1 union all select 2 union all select 3 union all select 4
        union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
    ),
    longest as (
        select max(nights) as nights from arrived_stays
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
            stay.payment_status,
            stay.city_key,
            stay.state_key,
            stay.rate_to_reporting,
            (stay.total_price * nvl(units.units_per_amount, 100))::bigint as total_units,
            nvl(units.unit, 0.0100::decimal(5,4)) as unit
        from arrived_stays as stay
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
            split.*,
            night_numbers.night_number,
            dateadd(day, night_numbers.night_number, split.checkin_date)::date as night,
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
        booking_id,
        apartment_id,
        user_id,
        night,
        date_trunc('week', night)::date,
        date_trunc('month', night)::date,
        night_number + 1,
        nights,
        revenue,
        (revenue * rate_to_reporting)::decimal(38,14),
        payment_status,
        city_key,
        state_key
    from nights;
    insert into curated.stay_night select * from arrived_nights;

    insert into etl.changed_days (fact, first_day, last_day)
    select 'stay_night.night', night as first_day, night as last_day from arrived_nights
    union
    select 'stay_night.night', night as first_day, night as last_day from departed_nights;
end;
$$ language plpgsql;
