-- curated.load_listing_day: on which days each listing could be booked, and at what price. Follows the versions and attributes
-- that changed, from the day of their change on; for all listings new days, and days that are noted as changed beforehand; and
-- exchange rates.
-- Reads: curated.listed_spans, curated.apartments, curated.apartment_attributes, curated.calendar, curated.fx_rate_periods,
-- curated.run_context.
-- Writes: curated.listing_day, etl.changed_days.
create or replace procedure curated.load_listing_day(as_of date)
as $$
declare
    whole_count bigint;
    known_run_date date;
    lowest_day date;
    highest_day date;
    lowest_rate_day date;
    highest_rate_day date;
begin
    select into whole_count count(*) from etl.changed_days where fact = 'everything';
    select into known_run_date run_date from previous_context;
    if whole_count > 0 then
        delete from curated.listing_day;
    end if;
    if whole_count > 0 or known_run_date is null then
        known_run_date := '0001-01-01';
    end if;

    -- From which day on each listing is looked at; all of them are on days after the last run date.
    drop table if exists stale_listings;
    create temp table stale_listings as
    with
    changes as (
        select apartment_id, first_day from changed_versions
        union all
        select apartment_id, first_day from changed_attributes
    )
    select apartment_id, min(first_day) as first_day
    from changes
    where whole_count = 0
    group by apartment_id;

    -- Days up to the last run date that are looked at again: of stale listings, of currencies with another rate, and noted ones.
    select into lowest_day min(first_day) from stale_listings;
    select into lowest_rate_day, highest_rate_day min(valid_from), max(valid_to) from changed_rates;
    drop table if exists touched_days;
    create temp table touched_days as
    select version.apartment_id, calendar.calendar_date
    from stale_listings
    inner join curated.apartments as version on stale_listings.apartment_id = version.apartment_id
    inner join curated.calendar
        on calendar.calendar_date >= version.valid_from
        and calendar.calendar_date < nvl(version.valid_to, '9999-12-31'::date)
        and calendar.calendar_date >= stale_listings.first_day
    where calendar.calendar_date <= known_run_date
    union
    select listing_day.apartment_id, listing_day.calendar_date
    from curated.listing_day
    inner join stale_listings
        on listing_day.apartment_id = stale_listings.apartment_id
        and listing_day.calendar_date >= stale_listings.first_day
    where listing_day.calendar_date >= lowest_day
    union
    select listing_day.apartment_id, listing_day.calendar_date
    from curated.listing_day
    inner join changed_rates
        on listing_day.currency = changed_rates.currency
        and listing_day.calendar_date >= changed_rates.valid_from
        and listing_day.calendar_date < changed_rates.valid_to
    where listing_day.calendar_date >= lowest_rate_day and listing_day.calendar_date < highest_rate_day
    union
    select version.apartment_id, calendar.calendar_date
    from etl.changed_days
    inner join curated.calendar on calendar.calendar_date between changed_days.first_day and changed_days.last_day
    inner join curated.apartments as version
        on calendar.calendar_date >= version.valid_from
        and calendar.calendar_date < nvl(version.valid_to, '9999-12-31'::date)
    where changed_days.fact = 'listing_day.calendar_date' and calendar.calendar_date <= known_run_date;

    select into lowest_day, highest_day min(calendar_date), max(calendar_date) from touched_days;
    drop table if exists departed_days;
    create temp table departed_days as
    select listing_day.*
    from curated.listing_day
    inner join touched_days
        on listing_day.apartment_id = touched_days.apartment_id and listing_day.calendar_date = touched_days.calendar_date
    where listing_day.calendar_date between lowest_day and highest_day;
    delete from curated.listing_day
    using touched_days
    where
        listing_day.calendar_date between lowest_day and highest_day
        and listing_day.apartment_id = touched_days.apartment_id
        and listing_day.calendar_date = touched_days.calendar_date;

    -- The days of each listing in spans in which it does not change. The last known attributes stay known after they vanished.
    drop table if exists described_spans;
    create temp table described_spans sortkey (first_day) as
    with
    known_attributes as (
        select
            apartment_id,
            valid_from as known_from,
            nvl(lead(valid_from) over (partition by apartment_id order by valid_from), '9999-12-31'::date) as known_to,
            nvl(nullif(lower(trim(price_type)), ''), 'unspecified') as price_type,
            cityname,
            state
        from curated.apartment_attributes
    ),
    first_known as (
        select apartment_id, min(valid_from) as known_from
        from curated.apartment_attributes
        group by apartment_id
    ),
    described as (
        select
            listed_spans.apartment_id,
            greatest(listed_spans.first_day, known_attributes.known_from) as first_day,
            least(listed_spans.end_day, known_attributes.known_to) as end_day,
            listed_spans.price,
            listed_spans.currency,
            known_attributes.price_type,
            known_attributes.cityname,
            known_attributes.state,
            listed_spans.basis
        from curated.listed_spans
        inner join known_attributes on listed_spans.apartment_id = known_attributes.apartment_id
        union all
        select
            listed_spans.apartment_id,
            listed_spans.first_day,
            least(listed_spans.end_day, first_known.known_from) as end_day,
            listed_spans.price,
            listed_spans.currency,
            'unspecified',
            null,
            null,
            listed_spans.basis
        from curated.listed_spans
        left join first_known on listed_spans.apartment_id = first_known.apartment_id
    )
    select apartment_id, first_day, end_day, price, currency, price_type, cityname, state, basis
    from described
    where first_day < end_day
    -- Redshift sorts them by itself; what redshift-local has for a sort key reads them in this order.
    order by first_day;

    drop table if exists daily_rates;
    create temp table daily_rates as
    select calendar.calendar_date, period.currency, period.rate_to_reporting
    from curated.calendar
    inner join curated.fx_rate_periods as period
        on calendar.calendar_date >= period.valid_from and calendar.calendar_date < period.valid_to
    where calendar.calendar_date > known_run_date or calendar.calendar_date between lowest_day and highest_day;

    insert into curated.listing_day
    with
    -- Days that nobody looked at before, and touched ones.
    listed_days as (
        select calendar.calendar_date, calendar.week_start, calendar.month_start, span.*
        from curated.calendar
        inner join described_spans as span on calendar.calendar_date >= span.first_day and calendar.calendar_date < span.end_day
        where calendar.calendar_date > known_run_date
        union all
        select calendar.calendar_date, calendar.week_start, calendar.month_start, span.*
        from touched_days
        inner join curated.calendar on touched_days.calendar_date = calendar.calendar_date
        inner join described_spans as span
            on touched_days.apartment_id = span.apartment_id
            and touched_days.calendar_date >= span.first_day
            and touched_days.calendar_date < span.end_day
    )
    select
        listed_days.apartment_id,
        listed_days.calendar_date,
        listed_days.week_start,
        listed_days.month_start,
        listed_days.price,
        listed_days.currency,
        case when listed_days.price > 0 then (listed_days.price * daily_rates.rate_to_reporting)::decimal(32,12) end,
        listed_days.price_type,
        listed_days.cityname,
        listed_days.state,
        listed_days.basis
    from listed_days
    left join daily_rates
        on listed_days.calendar_date = daily_rates.calendar_date and listed_days.currency = daily_rates.currency;

    drop table if exists arrived_days;
    create temp table arrived_days as
    select listing_day.*
    from curated.listing_day
    inner join touched_days
        on listing_day.apartment_id = touched_days.apartment_id and listing_day.calendar_date = touched_days.calendar_date
    where listing_day.calendar_date between lowest_day and highest_day;
    insert into etl.changed_days (fact, first_day, last_day)
    with
    changed as (
        (select * from arrived_days except select * from departed_days)
        union all
        (select * from departed_days except select * from arrived_days)
    )
    select distinct 'listing_day.calendar_date', calendar_date as first_day, calendar_date as last_day from changed
    union all
    select 'listing_day.calendar_date', min(calendar_date), max(calendar_date)
    from curated.calendar
    where calendar_date > known_run_date
    having count(*) > 0;
end;
$$ language plpgsql;
