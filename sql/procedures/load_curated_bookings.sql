-- curated.load_bookings: bookings of known listings, with their day in the reporting time zone and their price in the
-- reporting currency. A booking of a listing that no run ever saw is quarantined, and judged anew once one does.
-- Looks at the bookings that changed, those whose listing became known, and those whose exchange rate changed. Leaves behind
-- arrived_bookings and departed_bookings: the rows that came and went.
-- Reads: raw.bookings, etl.changed_rows, curated.apartments, curated.fx_rate_periods, etl.settings.
-- Writes: curated.bookings, curated.violations, curated.rule_counts, etl.changed_days, curated.run_context.
create or replace procedure curated.load_bookings(as_of date)
as $$
declare
    time_zone_name varchar(64);
    is_payment_told boolean;
    whole_count bigint;
    gone_count bigint;
    lowest_key bigint;
    highest_key bigint;
    lowest_day date;
    highest_day date;
    lowest_rate_day date;
    highest_rate_day date;
    known_first_day date;
    first_day date;
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';
    select into is_payment_told tells_payments from curated.run_context;
    select into whole_count count(*) from etl.changed_rows where table_name = 'bookings' and row_key is null;
    select into gone_count count(*) from changed_versions where is_gone;

    drop table if exists changed_bookings;
    create temp table changed_bookings (
        booking_id bigint not null
    );
    drop table if exists departed_bookings;
    create temp table departed_bookings (like curated.bookings);
    if whole_count > 0 or gone_count > 0 then
        insert into changed_bookings (booking_id) select distinct booking_id from "raw".bookings;
        insert into departed_bookings select * from curated.bookings;
    else
        select into lowest_rate_day, highest_rate_day min(valid_from), max(valid_to) from changed_rates;
        insert into changed_bookings (booking_id)
        select row_key from etl.changed_rows where table_name = 'bookings'
        union
        select waiting.row_key::bigint
        from curated.violations as waiting
        inner join changed_versions on waiting.awaited_key = changed_versions.apartment_id and changed_versions.is_new
        where waiting.rule_id = 'BKG-REF-APARTMENT'
        union
        select booking.booking_id
        from curated.bookings as booking
        inner join changed_rates
            on booking.currency = changed_rates.currency
            and booking.booked_on >= changed_rates.valid_from
            and booking.booked_on < changed_rates.valid_to
        where booking.booked_on >= lowest_rate_day and booking.booked_on < highest_rate_day;

        -- What stands for a key so far follows from a row that went, or from one that is still there beside a new one. A day in
        -- the reporting time zone may be the one before or after.
        select into lowest_key, highest_key min(booking_id), max(booking_id) from changed_bookings;
        select into lowest_day, highest_day
            least(dateadd(day, -1, min(row_day))::date, lowest_rate_day),
            greatest(dateadd(day, 1, max(row_day))::date, highest_rate_day)
        from (
            select row_day from etl.changed_rows where table_name = 'bookings'
            union all
            select booking_date::date from "raw".bookings
            where
                booking_id between lowest_key and highest_key
                and booking_id in (select changed_bookings.booking_id from changed_bookings)
        ) as rows_of_keys;
        insert into departed_bookings
        select booking.*
        from curated.bookings as booking
        inner join changed_bookings on booking.booking_id = changed_bookings.booking_id
        where booking.booked_on between lowest_day and highest_day;
        insert into departed_bookings
        select booking.*
        from curated.bookings as booking
        inner join changed_bookings on booking.booking_id = changed_bookings.booking_id
        where booking.booked_on is null;
    end if;
    select into lowest_key, highest_key min(booking_id), max(booking_id) from changed_bookings;

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
        where
            booking_id between lowest_key and highest_key
            and booking_id in (select changed_bookings.booking_id from changed_bookings)
    ),
    known_listings as (
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
        known_listings.apartment_id is not null as is_known
    from numbered
    left join known_listings on numbered.apartment_id = known_listings.apartment_id
    where numbered.newest_first = 1;

    call curated.begin_rule();
    insert into judged_keys (row_key)
    select booking_id::varchar(64) from changed_bookings where whole_count + gone_count = 0;
    insert into found_violations (row_key, awaited_key, reason)
    select
        booking_id::varchar(64),
        apartment_id,
        'apartment_id ' || nvl(apartment_id::varchar(32), 'NULL') || ' is in no run''s apartments'
    from current_bookings
    where not is_known;
    call curated.settle_violations('BKG-REF-APARTMENT', 1, 'error', 'bookings', true, whole_count + gone_count > 0);

    drop table if exists arrived_bookings;
    create temp table arrived_bookings (like curated.bookings);
    insert into arrived_bookings
    with
    -- Each day of a currency meets the rates once, however many bookings it has.
    booked_days as (
        select distinct currency, booked_on from current_bookings
    ),
    daily_rates as (
        select booked_days.currency, booked_days.booked_on, period.rate_to_reporting
        from booked_days
        inner join curated.fx_rate_periods as period
            on booked_days.currency = period.currency
            and booked_days.booked_on >= period.valid_from
            and booked_days.booked_on < period.valid_to
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
            and (not is_payment_told or nvl(booking.payment_status, '') in ('paid', 'pending', 'refunded')),
        rate.rate_to_reporting,
        (booking.total_price * rate.rate_to_reporting)::decimal(32,12)
    from current_bookings as booking
    left join daily_rates as rate on booking.currency = rate.currency and booking.booked_on = rate.booked_on
    where booking.is_known;

    -- What is the same as before neither came nor went, unless everything is made anew.
    drop table if exists same_bookings;
    create temp table same_bookings as
    (
        select * from arrived_bookings where whole_count = 0
        intersect
        select * from departed_bookings
    );
    delete from arrived_bookings where booking_id in (select same_bookings.booking_id from same_bookings);
    delete from departed_bookings where booking_id in (select same_bookings.booking_id from same_bookings);

    if whole_count > 0 or gone_count > 0 then
        delete from curated.bookings where booking_id in (select departed_bookings.booking_id from departed_bookings);
    else
        delete from curated.bookings
        where
            booked_on between lowest_day and highest_day
            and booking_id in (select departed_bookings.booking_id from departed_bookings);
        delete from curated.bookings
        where booked_on is null and booking_id in (select departed_bookings.booking_id from departed_bookings);
    end if;
    insert into curated.bookings select * from arrived_bookings;

    insert into etl.changed_days (fact, first_day, last_day)
    with
    days as (
        select distinct booked_on from arrived_bookings where booked_on is not null
        union
        select distinct booked_on from departed_bookings where booked_on is not null
    )
    select 'bookings.booked_on', booked_on as first_day, booked_on as last_day from days;

    -- Where the first day of all moves, everything between is another day of data.
    select into known_first_day first_booked_on from curated.run_context;
    select into first_day min(booked_on) from curated.bookings;
    update curated.run_context set first_booked_on = first_day;
    if nvl(first_day, '9999-12-31'::date) <> nvl(known_first_day, '9999-12-31'::date) then
        insert into etl.changed_days (fact, first_day, last_day)
        values (
            'bookings.booked_on', least(first_day, known_first_day),
            case when first_day is null or known_first_day is null then as_of else greatest(first_day, known_first_day) end
        );
    end if;
end;
$$ language plpgsql;
