-- curated.load_apartment_attributes: takes the attributes as the run saw them into the kept versions.
-- The first version of a listing reaches back to the beginning, since earlier ones are not known.
-- Reads: raw.apartment_attributes.
-- Writes: curated.apartment_attributes.
create or replace procedure curated.load_apartment_attributes(as_of date)
as $$
begin
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

    call curated.end_versions('apartment_attributes', 'current_apartment_attributes', as_of);

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
end;
$$ language plpgsql;
