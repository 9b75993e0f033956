-- curated.load_apartments: takes the listings that changed, as the run saw them, into the kept versions. Leaves behind
-- changed_versions: from which day on the versions of a listing are other ones.
-- A change seen by a run is valid from the run date. For a listing seen for the first time, the time since its creation is
-- reconstructed: listed until today or, if it is inactive now, until the day it was last modified.
-- Reads: raw.apartments, etl.changed_rows, etl.settings.
-- Writes: curated.apartments.
create or replace procedure curated.load_apartments(as_of date)
as $$
declare
    time_zone_name varchar(64);
    whole_count bigint;
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';
    select into whole_count count(*) from etl.changed_rows where table_name = 'apartments' and row_key is null;

    drop table if exists changed_apartments;
    create temp table changed_apartments as
    select distinct row_key as apartment_id
    from etl.changed_rows
    where table_name = 'apartments' and row_key is not null;
    if whole_count > 0 then
        delete from changed_apartments;
        insert into changed_apartments (apartment_id)
        select id from "raw".apartments
        union
        select apartment_id from curated.apartments;
    end if;

    drop table if exists known_apartments;
    create temp table known_apartments as
    select
        version.apartment_id,
        max(case when version.valid_to is null then version.content_fingerprint end) as content_fingerprint
    from curated.apartments as version
    inner join changed_apartments on version.apartment_id = changed_apartments.apartment_id
    group by version.apartment_id;

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
        where id in (select changed_apartments.apartment_id from changed_apartments)
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

    call curated.end_versions('apartments', 'current_apartments', 'changed_apartments', as_of);

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

    drop table if exists changed_versions;
    create temp table changed_versions as
    with
    first_versions as (
        select version.apartment_id, min(version.valid_from) as first_day
        from curated.apartments as version
        inner join changed_apartments on version.apartment_id = changed_apartments.apartment_id
        group by version.apartment_id
    )
    select
        changed_apartments.apartment_id,
        case when known_apartments.apartment_id is null then first_versions.first_day else as_of end as first_day,
        known_apartments.apartment_id is null as is_new,
        -- Seen first on this date, and no more by a later run on the same one.
        first_versions.apartment_id is null as is_gone
    from changed_apartments
    left join first_versions on changed_apartments.apartment_id = first_versions.apartment_id
    left join known_apartments on changed_apartments.apartment_id = known_apartments.apartment_id
    left join current_apartments on changed_apartments.apartment_id = current_apartments.apartment_id
    where
        (known_apartments.apartment_id is null and first_versions.apartment_id is not null)
        or (
            known_apartments.apartment_id is not null
            and nvl(known_apartments.content_fingerprint, '') <> nvl(current_apartments.content_fingerprint, '')
        );
end;
$$ language plpgsql;
