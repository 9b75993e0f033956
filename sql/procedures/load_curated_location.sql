-- curated.load_location: counts how cities are spelled and chooses the most frequent spelling. Follows the stays that came and went;
-- where the choice becomes another one, the weeks of all stays there show it.
-- Reads: curated.stay, curated.stay_night.
-- Writes: curated.location, curated.location_spelling, etl.changed_days.
create or replace procedure curated.load_location(as_of date)
as $$
declare
    renamed_count bigint;
begin
    drop table if exists counted_spellings;
    create temp table counted_spellings as
    with
    changes as (
        select city_key, state_key, city, state, stays from curated.location_spelling
        union all
        select city_key, state_key, city, state, 1 from arrived_stays where city_key is not null
        union all
        select city_key, state_key, city, state, -1 from departed_stays where city_key is not null
    )
    select city_key, state_key, city, state, sum(stays) as stays
    from changes
    group by city_key, state_key, city, state;
    delete from curated.location_spelling;
    insert into curated.location_spelling select * from counted_spellings where stays > 0;

    drop table if exists known_locations;
    create temp table known_locations as
    select city_key, state_key, city, state from curated.location;
    delete from curated.location;
    insert into curated.location (city_key, state_key, city, state)
    with
    choices as (
        select
            city_key,
            state_key,
            city,
            state,
            row_number() over (partition by city_key, state_key order by stays desc, city, state) as choice
        from curated.location_spelling
    )
    select city_key, state_key, city, state from choices where choice = 1;

    drop table if exists renamed_locations;
    create temp table renamed_locations as
    select location.city_key, location.state_key
    from curated.location
    inner join known_locations
        on location.city_key = known_locations.city_key and location.state_key = known_locations.state_key
    where location.city <> known_locations.city or nvl(location.state, '') <> nvl(known_locations.state, '');
    select into renamed_count count(*) from renamed_locations;
    if renamed_count > 0 then
        insert into etl.changed_days (fact, first_day, last_day)
        select distinct 'stay.booked_on', stay.booked_on as first_day, stay.booked_on as last_day
        from curated.stay
        inner join renamed_locations
            on stay.city_key = renamed_locations.city_key and stay.state_key = renamed_locations.state_key
        where stay.booked_on is not null
        union
        select distinct 'stay.booked_on', stay_night.night as first_day, stay_night.night as last_day
        from curated.stay_night
        inner join renamed_locations
            on stay_night.city_key = renamed_locations.city_key and stay_night.state_key = renamed_locations.state_key;
    end if;
end;
$$ language plpgsql;
