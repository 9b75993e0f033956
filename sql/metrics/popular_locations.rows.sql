-- The rows behind popular_locations: bookings by the week in which they were made and the city of their listing, as known then,
-- with what keeps one from counting.
-- Reads: curated.stay, curated.bookings, curated.apartment_attributes, curated.location.
with
not_realised as (
    select
        booking_id,
        user_id,
        apartment_id,
        booked_on,
        nights,
        total_price_rc,
        case
            when booking_status = 'confirmed' then 'payment_status ' || nvl(payment_status, 'unknown')
            else 'booking_status ' || nvl(booking_status, 'unknown')
        end as left_out
    from curated.bookings
    where booked_on >= range_start and booked_on < range_end and not is_realised
),
known_attributes as (
    select
        apartment_id,
        valid_from as known_from,
        nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to,
        nullif(lower(trim(cityname)), '') as city_key,
        case when nullif(trim(cityname), '') is not null then nvl(lower(trim(state)), '') else '' end as state_key
    from curated.apartment_attributes
    where apartment_id in (select not_realised.apartment_id from not_realised)
),
booked as (
    select booking_id, user_id, apartment_id, booked_on, nights, total_price_rc, city_key, state_key, null::varchar(256) as left_out
    from curated.stay
    where booked_on >= range_start and booked_on < range_end
    union all
    select
        not_realised.booking_id,
        not_realised.user_id,
        not_realised.apartment_id,
        not_realised.booked_on,
        not_realised.nights,
        not_realised.total_price_rc,
        known_attributes.city_key,
        known_attributes.state_key,
        not_realised.left_out::varchar(256)
    from not_realised
    left join known_attributes
        on not_realised.apartment_id = known_attributes.apartment_id
        and not_realised.booked_on >= known_attributes.known_from
        and not_realised.booked_on < known_attributes.known_to
)
select
    date_trunc('week', booked.booked_on)::date as week_start,
    nvl(location.city, booked.city_key, '(unknown)')::varchar(400) as city,
    nvl(location.state, booked.state_key, '')::varchar(200) as state,
    booked.booking_id,
    booked.user_id,
    booked.apartment_id,
    booked.booked_on,
    booked.nights,
    booked.total_price_rc,
    booked.left_out
from booked
left join curated.location on booked.city_key = location.city_key and booked.state_key = location.state_key
