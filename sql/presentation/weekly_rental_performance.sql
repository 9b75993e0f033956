-- presentation.weekly_rental_performance: one row per week with what was booked, stayed and earned, for a chart or a report.
-- It adds up published metrics and reads nothing else, so it changes when they are published. Revenue is that of the nights of
-- the week, booked_revenue_rc that of the bookings made in it; the two never add up. Listings are rounded to cents before they
-- are added. Prices are not in it: their types do not mix.
create or replace view presentation.weekly_rental_performance as
with
listings as (
    select
        week_start,
        sum(bookings) as bookings,
        sum(booked_revenue_rc) as booked_revenue_rc,
        sum(unconverted_rows) as unconverted_rows,
        sum(nights) as nights,
        sum(converted_nights) as converted_nights,
        sum(earned_revenue_rc) as earned_revenue_rc,
        sum(on_the_books_revenue_rc) as on_the_books_revenue_rc,
        sum(case when nights > 0 then 1 else 0 end) as listings_with_nights,
        is_complete
    from presentation.top_listings
    group by week_start, is_complete
),
users as (
    select week_start, count(*) as booking_users
    from presentation.bookings_per_user
    group by week_start
)
select
    listings.week_start,
    listings.bookings,
    nvl(users.booking_users, 0) as booking_users,
    listings.booked_revenue_rc,
    listings.unconverted_rows,
    nvl(duration.bookings, 0) as checkins,
    duration.average_nights,
    duration.median_nights,
    listings.listings_with_nights,
    listings.nights,
    listings.converted_nights,
    listings.earned_revenue_rc,
    -- Sized, because a quotient of more than 38 digits is cut or overflows on Redshift.
    round(
        listings.earned_revenue_rc::decimal(26,2) / nullif(listings.converted_nights, 0)::decimal(10,0), 2
    )::decimal(18,2) as adr_rc,
    listings.on_the_books_revenue_rc,
    location.city as top_city,
    location.state as top_state,
    location.bookings as top_city_bookings,
    listings.is_complete
from listings
left join users on listings.week_start = users.week_start
left join presentation.booking_duration as duration
    on listings.week_start = duration.period_start and duration.period_type = 'week'
left join presentation.popular_locations as location
    on listings.week_start = location.week_start and location.location_rank = 1
with no schema binding
