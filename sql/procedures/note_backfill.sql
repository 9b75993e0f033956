-- etl.note_backfill: takes a period out of the curated layer, both days included, and notes its rows and days as changed, so that
-- the procedures after it make the period again from the raw layer.
-- A booking belongs to it by its day of booking or by one of its nights, and is made again whole. Versions of listings stay: what
-- earlier runs saw of a listing is not in the raw layer.
-- Reads: raw.bookings, raw.user_viewing, etl.settings, curated.user_viewing.
-- Writes: curated.bookings, curated.listing_day, curated.location_spelling, curated.stay, curated.stay_night, etl.changed_days,
-- etl.changed_rows.
create or replace procedure etl.note_backfill(backfill_from date, backfill_to date)
as $$
declare
    time_zone_name varchar(64);
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';

    drop table if exists backfilled_bookings;
    create temp table backfilled_bookings as
    select booking_id
    from "raw".bookings
    where
        case
            when booking_date_has_time then convert_timezone('UTC', time_zone_name, booking_date)::date
            else booking_date::date
        end between backfill_from and backfill_to
        or (checkin_date <= backfill_to and checkout_date > backfill_from)
    union
    select booking_id
    from curated.bookings
    where booked_on between backfill_from and backfill_to or (checkin_date <= backfill_to and checkout_date > backfill_from)
    union
    select booking_id
    from curated.stay
    where booked_on between backfill_from and backfill_to or (checkin_date <= backfill_to and checkout_date > backfill_from)
    union
    select booking_id from curated.stay_night where night between backfill_from and backfill_to;

    insert into etl.changed_days (fact, first_day, last_day)
    select 'bookings.booked_on', backfill_from, backfill_to
    union all
    select 'stay.booked_on', backfill_from, backfill_to
    union all
    select 'stay_night.night', backfill_from, backfill_to
    union all
    select 'listing_day.calendar_date', backfill_from, backfill_to;
    -- Of what does not come again, the days outside of the period as well.
    insert into etl.changed_days (fact, first_day, last_day)
    select 'bookings.booked_on', booked_on as first_day, booked_on as last_day
    from curated.bookings
    where booked_on is not null and booking_id in (select backfilled_bookings.booking_id from backfilled_bookings)
    union
    select 'stay.booked_on', booked_on as first_day, booked_on as last_day
    from curated.stay
    where booked_on is not null and booking_id in (select backfilled_bookings.booking_id from backfilled_bookings)
    union
    select 'stay_night.night', night as first_day, night as last_day
    from curated.stay_night
    where booking_id in (select backfilled_bookings.booking_id from backfilled_bookings);

    delete from curated.bookings where booking_id in (select backfilled_bookings.booking_id from backfilled_bookings);
    delete from curated.stay where booking_id in (select backfilled_bookings.booking_id from backfilled_bookings);
    delete from curated.stay_night where booking_id in (select backfilled_bookings.booking_id from backfilled_bookings);
    delete from curated.listing_day where calendar_date between backfill_from and backfill_to;
    -- Counted anew without the stays that are gone: those that come are added to it.
    delete from curated.location_spelling;
    insert into curated.location_spelling (city_key, state_key, city, state, stays)
    select city_key, state_key, city, state, count(*)
    from curated.stay
    where city_key is not null
    group by city_key, state_key, city, state;

    insert into etl.changed_rows (table_name, row_key)
    select 'bookings', booking_id from backfilled_bookings;
    insert into etl.changed_rows (table_name, row_day)
    select 'user_viewing', viewed_at::date
    from "raw".user_viewing
    where convert_timezone('UTC', time_zone_name, viewed_at)::date between backfill_from and backfill_to
    union
    select 'user_viewing', viewed_at::date
    from curated.user_viewing
    where viewed_on between backfill_from and backfill_to;
end;
$$ language plpgsql;
