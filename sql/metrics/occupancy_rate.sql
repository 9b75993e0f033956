-- occupancy_rate: the share of listing-nights that were booked, of those that could be booked (listed-night occupancy).
-- Grain: one row per month of the night.  Unit: ratio from 0 to 1.
-- Reads: curated.stay_night, curated.listed_spans, curated.calendar, curated.apartments, curated.run_context.
-- Period: month_start by month.  Moved by: stay_night.night, listing_day.calendar_date.
-- Value: occupancy_rate = occupied_nights / sellable_nights.
-- A night booked twice counts once. A night sold while the listing was not listed counts as booked and as sellable, and is
-- shown apart. Nights after the run date are on the books and in no rate. Two other conventions stand beside it under their
-- own names: occupancy_engaged looks only at listings with a booked night in the month, occupancy_calendar at all days of the
-- month of every listing that was sellable on one of them.
with
-- In the order of the sort key, for which redshift-local keeps an index.
booked_nights as (
    select distinct night, apartment_id
    from curated.stay_night
    where night >= range_start and night < range_end
),
past_nights as (
    select booked_nights.apartment_id, booked_nights.night, date_trunc('month', booked_nights.night)::date as month_start
    from booked_nights
    cross join curated.run_context
    where booked_nights.night <= run_context.run_date
),
coming_nights as (
    select booked_nights.apartment_id, booked_nights.night, date_trunc('month', booked_nights.night)::date as month_start
    from booked_nights
    cross join curated.run_context
    where booked_nights.night > run_context.run_date
),
-- What a listing was before the first run that saw it, nobody observed.
first_seen as (
    select apartment_id, min(valid_from) as seen_on
    from curated.apartments
    where basis = 'observed'
    group by apartment_id
),
nights_by_listing as (
    select
        past_nights.month_start,
        past_nights.apartment_id,
        count(*) as booked,
        sum(case when listed_spans.apartment_id is null then 1 else 0 end) as unlisted,
        min(case when listed_spans.apartment_id is null then past_nights.night end) as first_unlisted,
        max(case when listed_spans.apartment_id is null then past_nights.night end) as last_unlisted
    from past_nights
    left join curated.listed_spans
        on past_nights.apartment_id = listed_spans.apartment_id
        and past_nights.night >= listed_spans.first_day
        and past_nights.night < listed_spans.end_day
    group by past_nights.month_start, past_nights.apartment_id
),
-- Every day of these months up to the run date is in the calendar, from the first that anything is known of.
months_so_far as (
    select month_start, min(calendar_date) as first_day, max(calendar_date) as last_day
    from curated.calendar
    where calendar_date >= range_start and calendar_date < range_end
    group by month_start
),
days_by_listing as (
    select
        months_so_far.month_start,
        listed_spans.apartment_id,
        sum(
            datediff(
                day,
                greatest(listed_spans.first_day, months_so_far.first_day),
                least(listed_spans.end_day, dateadd(day, 1, months_so_far.last_day)::date)
            )
        ) as listed,
        min(listed_spans.basis) as least_basis,
        max(listed_spans.basis) as greatest_basis
    from months_so_far
    inner join curated.listed_spans
        on listed_spans.first_day <= months_so_far.last_day
        and listed_spans.end_day > months_so_far.first_day
        and listed_spans.first_day < listed_spans.end_day
    group by months_so_far.month_start, listed_spans.apartment_id
),
-- LEAST and GREATEST leave out NULL.
by_listing as (
    select
        nvl(days.month_start, nights.month_start) as month_start,
        nvl(days.listed, 0) + nvl(nights.unlisted, 0) as sellable,
        nvl(nights.booked, 0) as booked,
        nvl(nights.unlisted, 0) as unlisted,
        least(
            days.least_basis,
            case
                when nights.last_unlisted >= first_seen.seen_on then 'observed'
                when nights.last_unlisted is not null then 'reconstructed'
            end
        ) as least_basis,
        greatest(
            days.greatest_basis,
            case
                when nights.first_unlisted >= first_seen.seen_on then 'observed'
                when nights.first_unlisted is not null then 'reconstructed'
            end
        ) as greatest_basis
    from days_by_listing as days
    full outer join nights_by_listing as nights
        on days.month_start = nights.month_start and days.apartment_id = nights.apartment_id
    left join first_seen on nights.apartment_id = first_seen.apartment_id
),
by_month as (
    select
        month_start,
        sum(booked)::bigint as occupied_nights,
        sum(sellable)::bigint as sellable_nights,
        sum(unlisted)::bigint as unlisted_nights,
        count(*) as listings,
        sum(case when booked > 0 then sellable else 0 end)::bigint as engaged_nights,
        min(least_basis) as least_basis,
        max(greatest_basis) as greatest_basis
    from by_listing
    group by month_start
),
on_the_books as (
    select month_start, count(*) as on_the_books_nights
    from coming_nights
    group by month_start
),
months as (
    select month_start from by_month
    union
    select month_start from on_the_books
)
select
    months.month_start,
    nvl(by_month.occupied_nights, 0)::bigint as occupied_nights,
    nvl(by_month.sellable_nights, 0)::bigint as sellable_nights,
    round(by_month.occupied_nights::decimal(18,6) / nullif(by_month.sellable_nights, 0), 6)::decimal(8,6) as occupancy_rate,
    nvl(on_the_books.on_the_books_nights, 0)::bigint as on_the_books_nights,
    nvl(by_month.unlisted_nights, 0)::bigint as unlisted_nights,
    nvl(by_month.engaged_nights, 0)::bigint as engaged_nights,
    round(by_month.occupied_nights::decimal(18,6) / nullif(by_month.engaged_nights, 0), 6)::decimal(8,6) as occupancy_engaged,
    (
        nvl(by_month.listings, 0) * datediff(day, months.month_start, dateadd(day, 1, last_day(months.month_start))::date)
    )::bigint as calendar_nights,
    round(
        by_month.occupied_nights::decimal(18,6)
        / nullif(by_month.listings * datediff(day, months.month_start, dateadd(day, 1, last_day(months.month_start))::date), 0),
        6
    )::decimal(8,6) as occupancy_calendar,
    case
        when by_month.least_basis = by_month.greatest_basis then by_month.least_basis
        when by_month.least_basis is not null then 'mixed'
    end::varchar(16) as basis,
    last_day(months.month_start) < run_context.run_date as is_complete
from months
cross join curated.run_context
left join by_month on months.month_start = by_month.month_start
left join on_the_books on months.month_start = on_the_books.month_start
