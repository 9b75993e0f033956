-- popular_locations: the cities in which most was booked.
-- Grain: one row per week of booking and city.  Unit: bookings.
-- Reads: curated.stay, curated.stay_night, curated.location, curated.run_context.
-- Period: week_start by week.  Key: city, state.  Moved by: stay.booked_on, stay_night.night.
-- Value: bookings.
-- Only realised bookings; the city is that of the listing as known when the booking was made. Spelling is folded to lower
-- case without blanks around; the most frequent spelling is shown. Bookings without a city are one row, outside the ranking.
-- Ties share a rank. bookings_by_stay_week counts the bookings that have a night up to the run date in the week.
with
booked as (
    select
        booked_week as week_start,
        city_key,
        state_key,
        count(distinct booking_id) as bookings,
        sum(nights)::bigint as booked_nights,
        sum(total_price_rc) as revenue_rc,
        sum(case when total_price_rc is null then 1 else 0 end)::bigint as unconverted_rows
    from curated.stay
    where booked_on >= range_start and booked_on < range_end
    group by booked_week, city_key, state_key
),
-- A booking counts in a week by its first night there.
stayed as (
    select
        stay_night.week_start,
        stay_night.city_key,
        stay_night.state_key,
        count(*) as bookings
    from curated.stay_night
    cross join curated.run_context
    where
        stay_night.night >= range_start
        and stay_night.night < range_end
        and stay_night.night <= run_context.run_date
        and (stay_night.night_number = 1 or stay_night.night = stay_night.week_start)
    group by stay_night.week_start, stay_night.city_key, stay_night.state_key
),
places as (
    select week_start, city_key, state_key from booked
    union
    select week_start, city_key, state_key from stayed
),
joined as (
    select
        places.week_start,
        places.city_key,
        places.state_key,
        nvl(booked.bookings, 0) as bookings,
        nvl(booked.booked_nights, 0) as booked_nights,
        booked.revenue_rc,
        nvl(booked.unconverted_rows, 0) as unconverted_rows,
        nvl(stayed.bookings, 0) as bookings_by_stay_week
    from places
    left join booked
        on places.week_start = booked.week_start
        and nvl(places.city_key, '') = nvl(booked.city_key, '')
        and places.state_key = booked.state_key
    left join stayed
        on places.week_start = stayed.week_start
        and nvl(places.city_key, '') = nvl(stayed.city_key, '')
        and places.state_key = stayed.state_key
),
ranked as (
    select
        *,
        case when city_key is not null and bookings > 0 then 1 else 0 end as is_ranked,
        rank() over (
            partition by week_start, case when city_key is not null and bookings > 0 then 1 else 0 end
            order by
                bookings desc,
                booked_nights desc,
                -- Unknown revenue comes last, also behind a negative one.
                case when revenue_rc is null then 1 else 0 end,
                revenue_rc desc,
                city_key,
                state_key
        ) as place
    from joined
)
select
    ranked.week_start,
    nvl(location.city, '(unknown)')::varchar(400) as city,
    nvl(location.state, '')::varchar(200) as state,
    case when ranked.is_ranked = 1 then ranked.place end as location_rank,
    ranked.bookings::bigint as bookings,
    ranked.booked_nights::bigint as booked_nights,
    round(ranked.revenue_rc, 2)::decimal(24,2) as booked_revenue_rc,
    ranked.unconverted_rows::bigint as unconverted_rows,
    ranked.bookings_by_stay_week::bigint as bookings_by_stay_week,
    dateadd(day, 6, ranked.week_start)::date < run_context.run_date as is_complete
from ranked
cross join curated.run_context
left join curated.location on ranked.city_key = location.city_key and ranked.state_key = location.state_key
