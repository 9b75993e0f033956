-- curated.load_stay_night: the nights of realised bookings. A price is split in units of its currency's smallest coin; what
-- does not divide goes to the first nights, so that the parts add up exactly. Follows the stays that came and went.
-- Reads: curated.currencies.
-- Writes: curated.stay_night, etl.changed_days.
create or replace procedure curated.load_stay_night(as_of date)
as $$
declare
    whole_count bigint;
    lowest_night date;
    highest_night date;
begin
    select into whole_count count(*) from etl.changed_days where fact = 'everything';

    -- Sorted: what redshift-local has for a sort key leads a stay to the numbers of its own nights.
    drop table if exists night_numbers;
    create temp table night_numbers (night_number integer not null) sortkey (night_number);
    insert into night_numbers (night_number)
    with
    digits as (
        select 0 as digit union all select 1 union all select 2 union all select 3 union all select 4
        union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
    ),
    stays as (
        select nights from arrived_stays
        union all
        select nights from departed_stays
    ),
    longest as (
        select max(nights) as nights from stays
    )
    select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join longest
    where ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit < longest.nights;

    -- Where everything is made anew, nobody asks which nights came and went.
    drop table if exists departed_nights;
    create temp table departed_nights as
    select stay.apartment_id, dateadd(day, night_numbers.night_number, stay.checkin_date)::date as night
    from departed_stays as stay
    inner join night_numbers on night_numbers.night_number < stay.nights
    where whole_count = 0;
    drop table if exists arrived_nights;
    create temp table arrived_nights as
    select stay.apartment_id, dateadd(day, night_numbers.night_number, stay.checkin_date)::date as night
    from arrived_stays as stay
    inner join night_numbers on night_numbers.night_number < stay.nights
    where whole_count = 0;

    if whole_count > 0 then
        delete from curated.stay_night;
    else
        select into lowest_night, highest_night min(night), max(night) from departed_nights;
        delete from curated.stay_night
        where night between lowest_night and highest_night and booking_id in (select departed_stays.booking_id from departed_stays);
    end if;

    -- A table of its own, so that a price is divided once per stay and not once per night.
    drop table if exists divided_stays;
    create temp table divided_stays as
    with
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
        where stay.nights > 0
    )
    -- Integer division truncates toward zero, so the remainder has the sign of the price.
    select
        *,
        total_units / nights as units_per_night,
        total_units - (total_units / nights) * nights as left_over_units,
        case when total_units < 0 then -1 else 1 end as left_over_sign
    from priced;

    insert into curated.stay_night
    with
    nights as (
        select
            stay.*,
            night_numbers.night_number,
            dateadd(day, night_numbers.night_number, stay.checkin_date)::date as night,
            (
                (
                    stay.units_per_night
                    + case when night_numbers.night_number < abs(stay.left_over_units) then stay.left_over_sign else 0 end
                )::decimal(18,0) * stay.unit
            )::decimal(16,4) as revenue
        from divided_stays as stay
        inner join night_numbers on night_numbers.night_number < stay.nights
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
    from nights
    -- In the order of the sort key, for which redshift-local keeps an index.
    order by night, apartment_id;

    insert into etl.changed_days (fact, first_day, last_day)
    with
    nights as (
        select distinct night from arrived_nights
        union
        select distinct night from departed_nights
    )
    select 'stay_night.night', night as first_day, night as last_day from nights;
end;
$$ language plpgsql;
