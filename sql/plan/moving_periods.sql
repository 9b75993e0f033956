-- moving_periods: ranges of days in which periods of metrics may move when pending manifests are loaded, as etl.find_stale_periods
-- has them: whole periods, ends not included. An upper bound: a replaced chunk is taken to change in every row, and a file tells
-- the days of its rows from the first to the last one only.
-- `load-redshift plan` puts what it knows in front of it, as literals:
--   replaced_keys (table_name, first_key, last_key): keys whose rows are replaced, of tables that are cut by key.
--   file_days (table_name, column_name, first_day, last_day): on which days the values of a column of the new rows lie.
--   rate_days (first_day, last_day): days on which exchange rates may be other ones.
--   run_dates (first_day, last_day): of the runs to come.
--   metric_periods (metric, period_unit, window_days, facts).
-- Reads: raw.bookings, curated.apartments, curated.apartment_attributes, curated.bookings, curated.location_spelling,
-- curated.quarantine, curated.run_context, curated.stay, curated.stay_night.
with
-- Listings known so far whose row is replaced.
replaced_listings as (
    select listing.apartment_id, min(listing.valid_from) as first_day
    from curated.apartments as listing
    inner join replaced_keys on listing.apartment_id between replaced_keys.first_key and replaced_keys.last_key
    where replaced_keys.table_name = 'apartments'
    group by listing.apartment_id
),
-- Listings whose attributes are replaced. Where none are known yet, the first ones count from the beginning.
described_listings as (
    select listing.apartment_id, min(listing.valid_from) as first_day, count(attributes.apartment_id) > 0 as is_described
    from curated.apartments as listing
    inner join replaced_keys on listing.apartment_id between replaced_keys.first_key and replaced_keys.last_key
    left join curated.apartment_attributes as attributes on listing.apartment_id = attributes.apartment_id
    where replaced_keys.table_name = 'apartment_attributes'
    group by listing.apartment_id
),
changing_bookings as (
    select booking.booking_id
    from curated.bookings as booking
    inner join replaced_keys on booking.booking_id between replaced_keys.first_key and replaced_keys.last_key
    where replaced_keys.table_name = 'bookings'
    union
    -- Listings first seen by a run on the same date may be gone again, and with them their bookings.
    select booking.booking_id
    from curated.bookings as booking
    inner join replaced_listings on booking.apartment_id = replaced_listings.apartment_id
    inner join run_dates on replaced_listings.first_day >= run_dates.first_day
    union
    select booking.booking_id
    from curated.bookings as booking
    inner join described_listings on booking.apartment_id = described_listings.apartment_id
    cross join run_dates
    where not described_listings.is_described or booking.booked_on >= run_dates.first_day
    union
    select booking.booking_id
    from curated.bookings as booking
    inner join rate_days on booking.booked_on between rate_days.first_day and rate_days.last_day
),
-- Bookings that wait for a listing which may now come.
awaiting_bookings as (
    select booking.booking_date::date as booked_on, booking.checkin_date, booking.checkout_date
    from "raw".bookings as booking
    inner join curated.quarantine as queue on booking.booking_id::varchar(256) = queue.row_key
    inner join replaced_keys on queue.awaited_key between replaced_keys.first_key and replaced_keys.last_key
    where queue.rule_id = 'BKG-REF-APARTMENT' and replaced_keys.table_name = 'apartments'
),
-- A day in the reporting time zone may be the one before or after.
arriving_days as (
    select dateadd(day, -1, first_day)::date as first_day, dateadd(day, 1, last_day)::date as last_day
    from file_days
    where table_name = 'bookings' and column_name = 'booking_date'
    union
    select dateadd(day, -1, booked_on)::date, dateadd(day, 1, booked_on)::date
    from awaiting_bookings
    where booked_on is not null
),
booking_days as (
    select first_day, last_day from arriving_days
    union
    select booking.booked_on as first_day, booking.booked_on as last_day
    from curated.bookings as booking
    inner join changing_bookings on booking.booking_id = changing_bookings.booking_id
    where booking.booked_on is not null
),
arriving_nights as (
    select
        min(case when column_name = 'checkin_date' then first_day end) as first_day,
        dateadd(day, -1, max(case when column_name = 'checkout_date' then last_day end))::date as last_day
    from file_days
    where table_name = 'bookings'
),
-- The first day of all bookings may be another one: then everything between moves.
first_days as (
    select
        min(booking.booked_on) as known_day,
        min(case when changing_bookings.booking_id is null then booking.booked_on end) as staying_day,
        (select min(arriving_days.first_day) from arriving_days) as arriving_day
    from curated.bookings as booking
    left join changing_bookings on booking.booking_id = changing_bookings.booking_id
),
-- A city of which several spellings are known may come to be shown by another one.
spellings as (
    select city_key, state_key, city, nvl(state, '') as state
    from curated.location_spelling
    union
    select lower(trim(cityname)), nvl(lower(trim(state)), ''), trim(cityname), nvl(trim(state), '')
    from curated.apartment_attributes
    where nullif(trim(cityname), '') is not null
),
respelled_cities as (
    select city_key, state_key
    from spellings
    where (select count(*) from replaced_keys) > 0
    group by city_key, state_key
    having count(*) > 1 or (select count(*) from replaced_keys where replaced_keys.table_name = 'apartment_attributes') > 0
),
respelled_stays as (
    select stay.booking_id, stay.booked_on
    from curated.stay
    inner join respelled_cities on stay.city_key = respelled_cities.city_key and stay.state_key = respelled_cities.state_key
),
moving_days as (
    select 'run_context.run_date' as fact, nvl(run_context.run_date, run_dates.first_day) as first_day, run_dates.last_day
    from run_dates
    left join curated.run_context on 1 = 1
    union
    select 'bookings.booked_on', first_day, last_day
    from booking_days
    union
    select
        'bookings.booked_on',
        least(first_days.known_day, first_days.arriving_day),
        greatest(first_days.known_day, nvl(first_days.staying_day, run_dates.last_day))
    from first_days
    cross join run_dates
    where
        first_days.staying_day is null
        or first_days.arriving_day < first_days.known_day
        or first_days.staying_day <> first_days.known_day
    union
    select 'stay.booked_on', first_day, last_day
    from booking_days
    union
    select 'stay.booked_on', booked_on as first_day, booked_on as last_day
    from respelled_stays
    union
    select 'stay.booked_on', night as first_day, night as last_day
    from curated.stay_night
    where booking_id in (select respelled_stays.booking_id from respelled_stays)
    union
    select 'stay_night.night', first_day, last_day
    from arriving_nights
    union
    select 'stay_night.night', checkin_date, dateadd(day, -1, checkout_date)::date
    from awaiting_bookings
    union
    select 'stay_night.night', night as first_day, night as last_day
    from curated.stay_night
    where booking_id in (select changing_bookings.booking_id from changing_bookings)
    union
    -- New days, and those from which on replaced versions count.
    select 'listing_day.calendar_date', least(run_context.run_date, run_dates.first_day), run_dates.last_day
    from run_dates
    left join curated.run_context on 1 = 1
    union
    select 'listing_day.calendar_date', file_days.first_day, run_dates.last_day
    from file_days
    cross join run_dates
    where file_days.table_name = 'apartments' and file_days.column_name = 'listing_created_on'
    union
    select 'listing_day.calendar_date', described_listings.first_day, run_dates.last_day
    from described_listings
    cross join run_dates
    where not described_listings.is_described
    union
    select 'listing_day.calendar_date', first_day, last_day
    from rate_days
),
-- Within the years that dates can be reckoned with.
reckoned_days as (
    select fact, greatest(first_day, '0001-02-01'::date) as first_day, least(last_day, '9998-12-01'::date) as last_day
    from moving_days
    where first_day <= last_day
)
select distinct
    metric_periods.metric,
    etl.first_day_of_period(reckoned_days.first_day, metric_periods.period_unit)::varchar(10) as first_day,
    etl.end_day_of_period(
        dateadd(day, metric_periods.window_days - 1, reckoned_days.last_day)::date, metric_periods.period_unit
    )::varchar(10) as end_day,
    reckoned_days.fact
from reckoned_days
cross join metric_periods
where
    reckoned_days.fact = 'run_context.run_date'
    or ' ' || metric_periods.facts || ',' like '% ' || reckoned_days.fact || ',%'
