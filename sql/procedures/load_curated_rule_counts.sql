-- curated.load_rule_counts: how many rows break each rule that looks at more than one row or table. Row rules are counted by
-- extract-rds. A rule that nothing breaks has a row with 0.
-- Reads: raw.apartments, raw.apartment_attributes, raw.bookings, curated.quarantine, curated.apartments,
-- Reads: curated.apartment_attributes, curated.bookings, curated.user_viewing, curated.stay, curated.stay_night,
-- Reads: curated.listing_day, curated.currencies, curated.fx_rate_periods.
-- Writes: curated.rule_counts.
create or replace procedure curated.load_rule_counts(as_of date)
as $$
begin
    delete from curated.rule_counts;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'BKG-REF-APARTMENT', 'bookings', 'error', count(*)
    from curated.quarantine
    where rule_id = 'BKG-REF-APARTMENT';

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'KEY-DUP', 'apartments', 'error', count(*) - count(distinct id) from "raw".apartments
    union all
    select 'KEY-DUP', 'apartment_attributes', 'error', count(*) - count(distinct id) from "raw".apartment_attributes
    union all
    select 'KEY-DUP', 'bookings', 'error', count(*) - count(distinct booking_id) from "raw".bookings;

    -- Only currencies that exist: the others broke CUR-ISO.
    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'CUR-RATE', 'bookings', 'warn', count(*)
    from curated.bookings as booking
    inner join curated.currencies as known on booking.currency = known.currency
    where booking.total_price is not null and booking.booked_on is not null and booking.rate_to_reporting is null;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'CUR-RATE', 'apartments', 'warn', count(*)
    from curated.apartments as version
    inner join curated.currencies as known on version.currency = known.currency
    left join curated.fx_rate_periods as period
        on version.currency = period.currency and as_of >= period.valid_from and as_of < period.valid_to
    where version.valid_to is null and version.price is not null and period.currency is null;

    -- Bookings, not nights.
    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    with
    crowded_nights as (
        select apartment_id, night
        from curated.stay_night
        group by apartment_id, night
        having count(*) > 1
    )
    select 'BKG-OVERLAP', 'bookings', 'warn', count(distinct stay_night.booking_id)
    from curated.stay_night
    inner join crowded_nights
        on stay_night.apartment_id = crowded_nights.apartment_id and stay_night.night = crowded_nights.night;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    with
    -- A booking made before the first version belongs to that one.
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
    )
    select 'BKG-CUR-DIFFERS', 'bookings', 'warn', count(*)
    from curated.bookings as booking
    inner join known_versions
        on booking.apartment_id = known_versions.apartment_id
        and nvl(booking.booked_on, '0001-01-01'::date) >= known_versions.known_from
        and nvl(booking.booked_on, '0001-01-01'::date) < known_versions.known_to
    inner join curated.currencies as of_booking on booking.currency = of_booking.currency
    inner join curated.currencies as of_listing on known_versions.currency = of_listing.currency
    where booking.currency <> known_versions.currency;

    -- What happens to a listing after today is not known yet.
    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'NIGHT-NOT-LISTED', 'bookings', 'warn', count(distinct stay_night.booking_id)
    from curated.stay_night
    left join curated.listing_day
        on stay_night.apartment_id = listing_day.apartment_id and stay_night.night = listing_day.calendar_date
    where stay_night.night <= as_of and listing_day.apartment_id is null;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'ATT-NO-APARTMENT', 'apartment_attributes', 'warn', count(distinct attributes.apartment_id)
    from curated.apartment_attributes as attributes
    left join curated.apartments as listing
        on attributes.apartment_id = listing.apartment_id and listing.valid_to is null
    where attributes.valid_to is null and listing.apartment_id is null;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    select 'APT-NO-ATTRIBUTES', 'apartments', 'warn', count(distinct listing.apartment_id)
    from curated.apartments as listing
    left join curated.apartment_attributes as attributes
        on listing.apartment_id = attributes.apartment_id and attributes.valid_to is null
    where listing.valid_to is null and attributes.apartment_id is null;

    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    with
    known_apartments as (
        select distinct apartment_id from curated.apartments
    )
    select 'VIEW-REF-APARTMENT', 'user_viewing', 'warn', count(*)
    from curated.user_viewing as viewing
    left join known_apartments on viewing.apartment_id = known_apartments.apartment_id
    where known_apartments.apartment_id is null;

    -- Surplus rows: a pair of equal viewings counts one.
    insert into curated.rule_counts (rule_id, table_name, severity, standing)
    with
    distinct_viewings as (
        select count(*) as row_count
        from curated.user_viewing
        group by user_id, apartment_id, viewed_at, is_wishlisted, call_to_action
    )
    select 'VIEW-EXACT-DUP', 'user_viewing', 'info', nvl(sum(row_count - 1), 0)
    from distinct_viewings;
end;
$$ language plpgsql;
