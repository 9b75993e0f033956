-- curated.load_listing_violations: listings and attributes that break a rule about their key, about each other, or about rates.
-- Looks at the listings that changed; for rates at all open versions, since a rate ends by itself.
-- Reads: raw.apartments, raw.apartment_attributes, curated.apartments, curated.apartment_attributes, curated.currencies,
-- Reads: curated.fx_rate_periods.
-- Writes: curated.violations, curated.rule_counts.
create or replace procedure curated.load_listing_violations(as_of date)
as $$
begin
    drop table if exists judged_listings;
    create temp table judged_listings as
    select apartment_id from changed_apartments
    union
    select apartment_id from changed_listings;

    drop table if exists judged_violations;
    create temp table judged_violations as
    select violations.*
    from curated.violations
    inner join judged_listings on violations.row_key = judged_listings.apartment_id::varchar(32)
    where violations.rule_id = 'KEY-DUP' and violations.table_name = 'apartments';
    drop table if exists found_violations;
    create temp table found_violations as
    select
        id::varchar(32) as row_key,
        null::date as row_day,
        count(*) - 1 as row_count,
        null::bigint as awaited_key,
        'further rows have the same id'::varchar(1024) as reason
    from "raw".apartments
    where id in (select judged_listings.apartment_id from judged_listings)
    group by id
    having count(*) > 1;
    call curated.settle_violations('KEY-DUP', 1, 'error', 'apartments', false);

    drop table if exists judged_violations;
    create temp table judged_violations as
    select violations.*
    from curated.violations
    inner join judged_listings on violations.row_key = judged_listings.apartment_id::varchar(32)
    where violations.rule_id = 'KEY-DUP' and violations.table_name = 'apartment_attributes';
    drop table if exists found_violations;
    create temp table found_violations as
    select
        id::varchar(32) as row_key,
        null::date as row_day,
        count(*) - 1 as row_count,
        null::bigint as awaited_key,
        'further rows have the same id'::varchar(1024) as reason
    from "raw".apartment_attributes
    where id in (select judged_listings.apartment_id from judged_listings)
    group by id
    having count(*) > 1;
    call curated.settle_violations('KEY-DUP', 1, 'error', 'apartment_attributes', false);

    drop table if exists judged_violations;
    create temp table judged_violations as
    select violations.*
    from curated.violations
    inner join judged_listings on violations.row_key = judged_listings.apartment_id::varchar(32)
    where violations.rule_id = 'ATT-NO-APARTMENT';
    drop table if exists found_violations;
    create temp table found_violations as
    select
        attributes.apartment_id::varchar(32) as row_key,
        null::date as row_day,
        1::bigint as row_count,
        attributes.apartment_id as awaited_key,
        'attributes of a listing that apartments does not have'::varchar(1024) as reason
    from judged_listings
    inner join curated.apartment_attributes as attributes
        on judged_listings.apartment_id = attributes.apartment_id and attributes.valid_to is null
    left join curated.apartments as listing
        on attributes.apartment_id = listing.apartment_id and listing.valid_to is null
    where listing.apartment_id is null;
    call curated.settle_violations('ATT-NO-APARTMENT', 1, 'warn', 'apartment_attributes', false);

    drop table if exists judged_violations;
    create temp table judged_violations as
    select violations.*
    from curated.violations
    inner join judged_listings on violations.row_key = judged_listings.apartment_id::varchar(32)
    where violations.rule_id = 'APT-NO-ATTRIBUTES';
    drop table if exists found_violations;
    create temp table found_violations as
    select
        listing.apartment_id::varchar(32) as row_key,
        null::date as row_day,
        1::bigint as row_count,
        listing.apartment_id as awaited_key,
        'a listing that apartment_attributes does not have'::varchar(1024) as reason
    from judged_listings
    inner join curated.apartments as listing
        on judged_listings.apartment_id = listing.apartment_id and listing.valid_to is null
    left join curated.apartment_attributes as attributes
        on listing.apartment_id = attributes.apartment_id and attributes.valid_to is null
    where attributes.apartment_id is null;
    call curated.settle_violations('APT-NO-ATTRIBUTES', 1, 'warn', 'apartments', false);

    -- Only currencies that exist: the others broke CUR-ISO.
    drop table if exists judged_violations;
    create temp table judged_violations as
    select violations.*
    from curated.violations
    where violations.rule_id = 'CUR-RATE' and violations.table_name = 'apartments';
    drop table if exists found_violations;
    create temp table found_violations as
    select
        version.apartment_id::varchar(32) as row_key,
        null::date as row_day,
        1::bigint as row_count,
        null::bigint as awaited_key,
        ('no rate of ' || version.currency)::varchar(1024) as reason
    from curated.apartments as version
    inner join curated.currencies as known on version.currency = known.currency
    left join curated.fx_rate_periods as period
        on version.currency = period.currency and as_of >= period.valid_from and as_of < period.valid_to
    where version.valid_to is null and version.price is not null and period.currency is null;
    call curated.settle_violations('CUR-RATE', 1, 'warn', 'apartments', false);
end;
$$ language plpgsql;
