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

    call curated.begin_rule();
    insert into judged_keys (row_key) select apartment_id::varchar(64) from judged_listings;
    insert into found_violations (row_key, row_count, reason)
    select id::varchar(64), count(*) - 1, 'further rows have the same id'
    from "raw".apartments
    where id in (select judged_listings.apartment_id from judged_listings)
    group by id
    having count(*) > 1;
    call curated.settle_violations('KEY-DUP', 1, 'error', 'apartments', false, false);

    call curated.begin_rule();
    insert into judged_keys (row_key) select apartment_id::varchar(64) from judged_listings;
    insert into found_violations (row_key, row_count, reason)
    select id::varchar(64), count(*) - 1, 'further rows have the same id'
    from "raw".apartment_attributes
    where id in (select judged_listings.apartment_id from judged_listings)
    group by id
    having count(*) > 1;
    call curated.settle_violations('KEY-DUP', 1, 'error', 'apartment_attributes', false, false);

    call curated.begin_rule();
    insert into judged_keys (row_key) select apartment_id::varchar(64) from judged_listings;
    insert into found_violations (row_key, awaited_key, reason)
    select
        attributes.apartment_id::varchar(64),
        attributes.apartment_id,
        'attributes of a listing that apartments does not have'
    from judged_listings
    inner join curated.apartment_attributes as attributes
        on judged_listings.apartment_id = attributes.apartment_id and attributes.valid_to is null
    left join curated.apartments as listing
        on attributes.apartment_id = listing.apartment_id and listing.valid_to is null
    where listing.apartment_id is null;
    call curated.settle_violations('ATT-NO-APARTMENT', 1, 'warn', 'apartment_attributes', false, false);

    call curated.begin_rule();
    insert into judged_keys (row_key) select apartment_id::varchar(64) from judged_listings;
    insert into found_violations (row_key, awaited_key, reason)
    select listing.apartment_id::varchar(64), listing.apartment_id, 'a listing that apartment_attributes does not have'
    from judged_listings
    inner join curated.apartments as listing
        on judged_listings.apartment_id = listing.apartment_id and listing.valid_to is null
    left join curated.apartment_attributes as attributes
        on listing.apartment_id = attributes.apartment_id and attributes.valid_to is null
    where attributes.apartment_id is null;
    call curated.settle_violations('APT-NO-ATTRIBUTES', 1, 'warn', 'apartments', false, false);

    -- Only currencies that exist: the others broke CUR-ISO.
    call curated.begin_rule();
    insert into found_violations (row_key, reason)
    select version.apartment_id::varchar(64), 'no rate of ' || version.currency
    from curated.apartments as version
    inner join curated.currencies as known on version.currency = known.currency
    left join curated.fx_rate_periods as period
        on version.currency = period.currency and as_of >= period.valid_from and as_of < period.valid_to
    where version.valid_to is null and version.price is not null and period.currency is null;
    call curated.settle_violations('CUR-RATE', 1, 'warn', 'apartments', false, true);
end;
$$ language plpgsql;
