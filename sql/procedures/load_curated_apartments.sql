-- curated.load_apartments: takes the listings as the run saw them into the kept versions.
-- A change seen by a run is valid from the run date. For a listing seen for the first time, the time since its creation is
-- reconstructed: listed until today or, if it is inactive now, until the day it was last modified.
-- Reads: raw.apartments, etl.settings.
-- Writes: curated.apartments.
create or replace procedure curated.load_apartments(as_of date)
as $$
declare
    time_zone_name varchar(64);
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';

    drop table if exists current_apartments;
    create temp table current_apartments as
    with
    -- One row per listing: of two with one key the one modified last; rule KEY-DUP counts the others.
    ranked as (
        select
            id as apartment_id,
            title,
            source,
            price,
            upper(trim(currency)) as currency,
            listing_created_on,
            nvl(is_active, false) as is_active,
            last_modified_timestamp,
            md5(
                nvl(md5(title), '-') || nvl(md5(source), '-') || nvl(price::varchar(32), '-') || '|'
                || nvl(md5(upper(trim(currency))), '-') || nvl(listing_created_on::varchar(32), '-') || '|'
                || case when is_active then 'active' else 'inactive' end
                || nvl(last_modified_timestamp::varchar(32), '-')
            ) as content_fingerprint
        from "raw".apartments
    ),
    numbered as (
        select
            *,
            row_number() over (
                partition by apartment_id order by nvl(last_modified_timestamp, '0001-01-01'::timestamp) desc, content_fingerprint
            ) as newest_first
        from ranked
    )
    select
        apartment_id, title, source, price, currency, listing_created_on, is_active, last_modified_timestamp, content_fingerprint
    from numbered
    where newest_first = 1;

    call curated.end_versions('apartments', 'current_apartments', as_of);

    insert into curated.apartments (
        apartment_id, valid_from, valid_to, basis, title, source, price, currency, listing_created_on, is_active,
        last_modified_timestamp, content_fingerprint
    )
    with
    -- Listings without any version: this run is the first that sees them.
    first_seen as (
        select
            listing.*,
            case
                when listing.is_active then as_of
                when listing.last_modified_timestamp is null then listing.listing_created_on
                else least(
                    as_of,
                    greatest(
                        listing.listing_created_on,
                        convert_timezone('UTC', time_zone_name, listing.last_modified_timestamp)::date
                    )
                )
            end as listed_until
        from current_apartments as listing
        where
            listing.listing_created_on < as_of
            and not exists (select 1 from curated.apartments as version where version.apartment_id = listing.apartment_id)
    )
    select
        apartment_id, listing_created_on as valid_from, listed_until, 'reconstructed', title, source, price, currency,
        listing_created_on, true, last_modified_timestamp, content_fingerprint
    from first_seen
    where listed_until > listing_created_on
    union all
    select
        apartment_id, listed_until, as_of, 'reconstructed', title, source, price, currency, listing_created_on,
        false, last_modified_timestamp, content_fingerprint
    from first_seen
    where listed_until < as_of;

    insert into curated.apartments (
        apartment_id, valid_from, valid_to, basis, title, source, price, currency, listing_created_on, is_active,
        last_modified_timestamp, content_fingerprint
    )
    select
        apartment_id, as_of, null, 'observed', title, source, price, currency, listing_created_on, is_active,
        last_modified_timestamp, content_fingerprint
    from current_apartments as listing
    where not exists (
        select 1 from curated.apartments as version
        where version.apartment_id = listing.apartment_id and version.valid_to is null
    );
end;
$$ language plpgsql;
