-- curated.load_booking_violations: bookings that break a rule about their key, their currency or its rate. Looks at the bookings that
-- came, went or changed, and at those of listings whose versions are other ones.
-- Reads: raw.bookings, curated.bookings, curated.apartments, curated.currencies.
-- Writes: curated.violations, curated.rule_counts.
create or replace procedure curated.load_booking_violations(as_of date)
as $$
declare
    whole_count bigint;
    lowest_key bigint;
    highest_key bigint;
    first_moved_day date;
begin
    select into whole_count count(*) from etl.changed_rows where table_name = 'bookings' and row_key is null;

    select into lowest_key, highest_key min(booking_id), max(booking_id) from changed_bookings;
    call curated.begin_rule();
    insert into judged_keys (row_key) select booking_id::varchar(64) from changed_bookings where whole_count = 0;
    insert into found_violations (row_key, row_count, reason)
    select booking_id::varchar(64), count(*) - 1, 'further rows have the same booking_id'
    from "raw".bookings
    where
        booking_id between lowest_key and highest_key
        and booking_id in (select changed_bookings.booking_id from changed_bookings)
    group by booking_id
    having count(*) > 1;
    call curated.settle_violations('KEY-DUP', 1, 'error', 'bookings', false, whole_count > 0);

    -- From which booking day on the listing's version is another one. A booking made before the first version belongs to that one.
    drop table if exists moved_listings;
    create temp table moved_listings as
    select
        changed_versions.apartment_id,
        case
            when min(version.valid_from) >= changed_versions.first_day then '0001-01-01'::date
            else changed_versions.first_day
        end as first_day
    from changed_versions
    inner join curated.apartments as version on changed_versions.apartment_id = version.apartment_id
    where not changed_versions.is_new
    group by changed_versions.apartment_id, changed_versions.first_day;
    select into first_moved_day min(first_day) from moved_listings;
    drop table if exists judged_bookings;
    create temp table judged_bookings (
        booking_id bigint not null,
        apartment_id bigint,
        booked_on date,
        currency varchar(40)
    );
    insert into judged_bookings
    select booking.booking_id, booking.apartment_id, booking.booked_on, booking.currency
    from curated.bookings as booking
    inner join moved_listings
        on booking.apartment_id = moved_listings.apartment_id
        and booking.booked_on >= moved_listings.first_day
    where booking.booked_on >= first_moved_day;
    insert into judged_bookings
    select booking.booking_id, booking.apartment_id, booking.booked_on, booking.currency
    from curated.bookings as booking
    inner join moved_listings
        on booking.apartment_id = moved_listings.apartment_id
        and moved_listings.first_day = '0001-01-01'::date
    where booking.booked_on is null;
    insert into judged_bookings
    select arrived.booking_id, arrived.apartment_id, arrived.booked_on, arrived.currency
    from arrived_bookings as arrived
    left join judged_bookings on arrived.booking_id = judged_bookings.booking_id
    where judged_bookings.booking_id is null;

    -- Only currencies that exist: the others broke CUR-ISO.
    call curated.begin_rule();
    insert into judged_keys (row_key)
    select booking_id::varchar(64) from arrived_bookings where whole_count = 0
    union
    select booking_id::varchar(64) from departed_bookings where whole_count = 0;
    insert into found_violations (row_key, reason)
    select booking.booking_id::varchar(64), 'no rate of ' || booking.currency || ' for ' || booking.booked_on::varchar(10)
    from arrived_bookings as booking
    inner join curated.currencies as known on booking.currency = known.currency
    where booking.total_price is not null and booking.booked_on is not null and booking.rate_to_reporting is null;
    call curated.settle_violations('CUR-RATE', 1, 'warn', 'bookings', false, whole_count > 0);

    call curated.begin_rule();
    insert into judged_keys (row_key)
    select booking_id::varchar(64) from judged_bookings where whole_count = 0
    union
    select booking_id::varchar(64) from departed_bookings where whole_count = 0;
    insert into found_violations (row_key, reason)
    with
    known_versions as (
        select
            apartment_id,
            currency,
            case
                when row_number() over (partition by apartment_id order by valid_from) = 1 then '0001-01-01'::date
                else valid_from
            end as known_from,
            nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to
        from curated.apartments
        where apartment_id in (select judged_bookings.apartment_id from judged_bookings)
    )
    select booking.booking_id::varchar(64), 'booked in ' || booking.currency || ', listed in ' || known_versions.currency
    from judged_bookings as booking
    inner join known_versions
        on booking.apartment_id = known_versions.apartment_id
        and nvl(booking.booked_on, '0001-01-01'::date) >= known_versions.known_from
        and nvl(booking.booked_on, '0001-01-01'::date) < known_versions.known_to
    inner join curated.currencies as of_booking on booking.currency = of_booking.currency
    inner join curated.currencies as of_listing on known_versions.currency = of_listing.currency
    where booking.currency <> known_versions.currency;
    call curated.settle_violations('BKG-CUR-DIFFERS', 1, 'warn', 'bookings', false, whole_count > 0);
end;
$$ language plpgsql;
