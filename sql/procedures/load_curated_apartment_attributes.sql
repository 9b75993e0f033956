-- curated.load_apartment_attributes: takes the attributes that changed, as the run saw them, into the kept versions. Leaves behind
-- changed_attributes: from which day on those of a listing are other ones.
-- The first version of a listing reaches back to the beginning, since earlier ones are not known.
-- Reads: raw.apartment_attributes, etl.changed_rows, curated.apartments.
-- Writes: curated.apartment_attributes.
create or replace procedure curated.load_apartment_attributes(as_of date)
as $$
declare
    whole_count bigint;
begin
    select into whole_count count(*) from etl.changed_rows where table_name = 'apartment_attributes' and row_key is null;

    drop table if exists changed_listings;
    create temp table changed_listings as
    select distinct row_key as apartment_id
    from etl.changed_rows
    where table_name = 'apartment_attributes' and row_key is not null;
    if whole_count > 0 then
        delete from changed_listings;
        insert into changed_listings (apartment_id)
        select id from "raw".apartment_attributes
        union
        select apartment_id from curated.apartment_attributes;
    end if;

    drop table if exists known_attributes_before;
    create temp table known_attributes_before as
    select
        version.apartment_id,
        max(case when version.valid_to is null then version.content_fingerprint end) as content_fingerprint
    from curated.apartment_attributes as version
    inner join changed_listings on version.apartment_id = changed_listings.apartment_id
    group by version.apartment_id;

    drop table if exists current_apartment_attributes;
    create temp table current_apartment_attributes as
    with
    ranked as (
        select
            id as apartment_id,
            category, body, amenities, bathrooms, bedrooms, fee, has_photo, pets_allowed, price_display, price_type,
            square_feet, address, cityname, state, latitude, longitude,
            md5(
                nvl(md5(category), '-') || nvl(md5(body), '-') || nvl(md5(amenities), '-')
                || nvl(bathrooms::varchar(32), '-') || '|' || nvl(bedrooms::varchar(32), '-') || '|'
                || nvl(fee::varchar(32), '-') || case when has_photo then 'yes' when not has_photo then 'no' else '-' end
                || nvl(md5(pets_allowed), '-') || nvl(md5(price_display), '-') || nvl(md5(price_type), '-')
                || nvl(square_feet::varchar(32), '-') || nvl(md5(address), '-') || nvl(md5(cityname), '-') || nvl(md5(state), '-')
                || nvl(latitude::varchar(64), '-') || '|' || nvl(longitude::varchar(64), '-')
            ) as content_fingerprint
        from "raw".apartment_attributes
        where id in (select changed_listings.apartment_id from changed_listings)
    ),
    -- Nothing tells which of two rows with one key is newer: any fixed choice will do, and rule KEY-DUP counts the others.
    numbered as (
        select *, row_number() over (partition by apartment_id order by content_fingerprint) as choice
        from ranked
    )
    select
        apartment_id, category, body, amenities, bathrooms, bedrooms, fee, has_photo, pets_allowed, price_display, price_type,
        square_feet, address, cityname, state, latitude, longitude, content_fingerprint
    from numbered
    where choice = 1;

    call curated.end_versions('apartment_attributes', 'current_apartment_attributes', 'changed_listings', as_of);

    insert into curated.apartment_attributes (
        apartment_id, valid_from, valid_to, basis, category, body, amenities, bathrooms, bedrooms, fee, has_photo,
        pets_allowed, price_display, price_type, square_feet, address, cityname, state, latitude, longitude,
        content_fingerprint
    )
    select
        apartment_id, '0001-01-01'::date, as_of, 'reconstructed', category, body, amenities, bathrooms, bedrooms, fee, has_photo,
        pets_allowed, price_display, price_type, square_feet, address, cityname, state, latitude, longitude,
        content_fingerprint
    from current_apartment_attributes as listing
    where not exists (
        select 1 from curated.apartment_attributes as version where version.apartment_id = listing.apartment_id
    );

    insert into curated.apartment_attributes (
        apartment_id, valid_from, valid_to, basis, category, body, amenities, bathrooms, bedrooms, fee, has_photo,
        pets_allowed, price_display, price_type, square_feet, address, cityname, state, latitude, longitude,
        content_fingerprint
    )
    select
        apartment_id, as_of, null, 'observed', category, body, amenities, bathrooms, bedrooms, fee, has_photo,
        pets_allowed, price_display, price_type, square_feet, address, cityname, state, latitude, longitude,
        content_fingerprint
    from current_apartment_attributes as listing
    where not exists (
        select 1 from curated.apartment_attributes as version
        where version.apartment_id = listing.apartment_id and version.valid_to is null
    );

    -- The last known attributes stay known after they vanished. What a new listing has is no change of anything.
    drop table if exists changed_attributes;
    create temp table changed_attributes as
    select
        listing.apartment_id,
        case when known.apartment_id is null then '0001-01-01'::date else as_of end as first_day
    from current_apartment_attributes as listing
    left join known_attributes_before as known on listing.apartment_id = known.apartment_id
    left join changed_versions on listing.apartment_id = changed_versions.apartment_id and changed_versions.is_new
    where
        changed_versions.apartment_id is null
        and nvl(known.content_fingerprint, '') <> listing.content_fingerprint;
end;
$$ language plpgsql;
