-- curated.load_stay: realised bookings with the place of their listing. Looks at the bookings that came or went, and at those of
-- listings whose attributes are other ones than when they were booked. Leaves behind arrived_stays and departed_stays.
-- Reads: curated.bookings, curated.apartment_attributes.
-- Writes: curated.stay, etl.changed_days.
create or replace procedure curated.load_stay(as_of date)
as $$
declare
    whole_count bigint;
    lowest_day date;
    highest_day date;
    first_moved_day date;
begin
    drop table if exists departed_stays;
    create temp table departed_stays (like curated.stay);
    select into lowest_day, highest_day min(booked_on), max(booked_on) from departed_bookings;
    insert into departed_stays
    select stay.*
    from curated.stay
    inner join departed_bookings on stay.booking_id = departed_bookings.booking_id
    where stay.booked_on between lowest_day and highest_day;
    insert into departed_stays
    select stay.*
    from curated.stay
    inner join departed_bookings on stay.booking_id = departed_bookings.booking_id
    where stay.booked_on is null;

    -- The others of which only the place may be another one. Without a booking date the first known place counts.
    drop table if exists moved_stays;
    create temp table moved_stays (like curated.stay);
    select into first_moved_day min(first_day) from changed_attributes;
    insert into moved_stays
    select stay.*
    from curated.stay
    inner join changed_attributes
        on stay.apartment_id = changed_attributes.apartment_id
        and stay.booked_on >= changed_attributes.first_day
    where stay.booked_on >= first_moved_day and stay.booking_id not in (select departed_stays.booking_id from departed_stays);
    insert into moved_stays
    select stay.*
    from curated.stay
    inner join changed_attributes
        on stay.apartment_id = changed_attributes.apartment_id
        and changed_attributes.first_day = '0001-01-01'::date
    where stay.booked_on is null and stay.booking_id not in (select departed_stays.booking_id from departed_stays);
    insert into departed_stays select * from moved_stays;

    drop table if exists arrived_stays;
    create temp table arrived_stays (like curated.stay);
    insert into arrived_stays
    with
    booked as (
        select
            booking_id, user_id, apartment_id, booked_on, checkin_date, checkout_date, nights, total_price, currency,
            payment_status, rate_to_reporting, total_price_rc
        from arrived_bookings
        where is_realised
        union all
        select
            booking_id, user_id, apartment_id, booked_on, checkin_date, checkout_date, nights, total_price, currency,
            payment_status, rate_to_reporting, total_price_rc
        from moved_stays
    ),
    -- The last known attributes stay known after they vanished.
    known_attributes as (
        select
            apartment_id,
            valid_from as known_from,
            nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to,
            trim(cityname) as city,
            trim(state) as state
        from curated.apartment_attributes
        where apartment_id in (select booked.apartment_id from booked)
    )
    select
        booked.booking_id,
        booked.user_id,
        booked.apartment_id,
        booked.booked_on,
        date_trunc('week', booked.booked_on)::date,
        booked.checkin_date,
        booked.checkout_date,
        booked.nights,
        booked.total_price,
        booked.currency,
        booked.payment_status,
        booked.rate_to_reporting,
        booked.total_price_rc,
        known_attributes.city,
        known_attributes.state,
        nullif(lower(known_attributes.city), ''),
        case when nullif(known_attributes.city, '') is not null then nvl(lower(known_attributes.state), '') else '' end
    from booked
    left join known_attributes
        on booked.apartment_id = known_attributes.apartment_id
        and nvl(booked.booked_on, '0001-01-01'::date) >= known_attributes.known_from
        and nvl(booked.booked_on, '0001-01-01'::date) < known_attributes.known_to;

    -- What is the same as before neither came nor went, unless everything is made anew.
    select into whole_count count(*) from etl.changed_days where fact = 'everything';
    drop table if exists same_stays;
    create temp table same_stays as
    (
        select * from arrived_stays where whole_count = 0
        intersect
        select * from departed_stays
    );
    delete from arrived_stays where booking_id in (select same_stays.booking_id from same_stays);
    delete from departed_stays where booking_id in (select same_stays.booking_id from same_stays);

    if whole_count > 0 then
        delete from curated.stay;
    else
        select into lowest_day, highest_day min(booked_on), max(booked_on) from departed_stays;
        delete from curated.stay
        where booked_on between lowest_day and highest_day and booking_id in (select departed_stays.booking_id from departed_stays);
        delete from curated.stay where booked_on is null and booking_id in (select departed_stays.booking_id from departed_stays);
    end if;
    insert into curated.stay select * from arrived_stays;

    insert into etl.changed_days (fact, first_day, last_day)
    with
    days as (
        select distinct booked_on from arrived_stays where booked_on is not null
        union
        select distinct booked_on from departed_stays where booked_on is not null
    )
    select 'stay.booked_on', booked_on as first_day, booked_on as last_day from days;
end;
$$ language plpgsql;
