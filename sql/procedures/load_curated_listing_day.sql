-- curated.load_listing_day: on which days each listing could be booked, and at what price.
-- Reads: curated.apartments, curated.apartment_attributes, curated.calendar, curated.fx_rate_periods.
-- Writes: curated.listing_day.
create or replace procedure curated.load_listing_day(as_of date)
as $$
begin
    delete from curated.listing_day;
    insert into curated.listing_day (
        apartment_id, calendar_date, week_start, month_start, price, currency, price_rc, price_type, cityname, state, basis
    )
    with
    -- An active version counts from the day of creation, even where that lies after the run that saw it.
    listed_days as (
        select
            version.apartment_id,
            calendar.calendar_date,
            calendar.week_start,
            calendar.month_start,
            version.price,
            version.currency,
            version.basis
        from curated.apartments as version
        inner join curated.calendar
            on calendar.calendar_date >= version.valid_from
            and calendar.calendar_date < nvl(version.valid_to, '9999-12-31'::date)
        where version.is_active and calendar.calendar_date >= nvl(version.listing_created_on, version.valid_from)
    ),
    daily_rates as (
        select calendar.calendar_date, period.currency, period.rate_to_reporting
        from curated.calendar
        inner join curated.fx_rate_periods as period
            on calendar.calendar_date >= period.valid_from and calendar.calendar_date < period.valid_to
    ),
    -- The last known attributes stay known after they vanished.
    known_attributes as (
        select
            apartment_id,
            valid_from as known_from,
            nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to,
            nvl(nullif(lower(trim(price_type)), ''), 'unspecified') as price_type,
            cityname,
            state
        from curated.apartment_attributes
    )
    select
        listed_days.apartment_id,
        listed_days.calendar_date,
        listed_days.week_start,
        listed_days.month_start,
        listed_days.price,
        listed_days.currency,
        case when listed_days.price > 0 then (listed_days.price * daily_rates.rate_to_reporting)::decimal(32,12) end,
        nvl(known_attributes.price_type, 'unspecified'),
        known_attributes.cityname,
        known_attributes.state,
        listed_days.basis
    from listed_days
    left join daily_rates
        on listed_days.calendar_date = daily_rates.calendar_date and listed_days.currency = daily_rates.currency
    left join known_attributes
        on listed_days.apartment_id = known_attributes.apartment_id
        and listed_days.calendar_date >= known_attributes.known_from
        and listed_days.calendar_date < known_attributes.known_to;
end;
$$ language plpgsql;
