-- occupancy_rate: the share of listing-nights that were booked, of those that could be booked (listed-night occupancy).
-- Grain: one row per month of the night.  Unit: ratio from 0 to 1.
-- Reads: curated.stay_night, curated.listing_day, curated.apartments, curated.run_context.
-- Period: month_start by month.  Moved by: stay_night.night, listing_day.calendar_date.
-- Value: occupancy_rate = occupied_nights / sellable_nights.
-- A night booked twice counts once. A night sold while the listing was not listed counts as booked and as sellable, and is
-- shown apart. Nights after the run date are on the books and in no rate. Two other conventions stand beside it under their
-- own names: occupancy_engaged looks only at listings with a booked night in the month, occupancy_calendar at all days of the
-- month of every listing that was sellable on one of them.
with
booked_nights as (
    select distinct apartment_id, night, month_start
    from curated.stay_night
    where night >= range_start and night < range_end
),
-- What a listing was before the first run that saw it, nobody observed.
first_seen as (
    select apartment_id, min(valid_from) as seen_on
    from curated.apartments
    where basis = 'observed'
    group by apartment_id
),
sellable_nights as (
    select
        listing_day.month_start,
        listing_day.apartment_id,
        case when booked_nights.apartment_id is not null then 1 else 0 end as is_booked,
        0 as is_unlisted,
        listing_day.basis
    from curated.listing_day
    left join booked_nights
        on listing_day.apartment_id = booked_nights.apartment_id and listing_day.calendar_date = booked_nights.night
    where listing_day.calendar_date >= range_start and listing_day.calendar_date < range_end
    union all
    select
        booked_nights.month_start,
        booked_nights.apartment_id,
        1,
        1,
        case when booked_nights.night >= first_seen.seen_on then 'observed' else 'reconstructed' end
    from booked_nights
    cross join curated.run_context
    left join curated.listing_day
        on booked_nights.apartment_id = listing_day.apartment_id
        and booked_nights.night = listing_day.calendar_date
        and listing_day.calendar_date >= range_start
        and listing_day.calendar_date < range_end
    left join first_seen on booked_nights.apartment_id = first_seen.apartment_id
    where booked_nights.night <= run_context.run_date and listing_day.apartment_id is null
),
by_listing as (
    select
        month_start,
        apartment_id,
        count(*) as sellable,
        sum(is_booked) as booked,
        sum(is_unlisted) as unlisted,
        min(basis) as least_basis,
        max(basis) as greatest_basis
    from sellable_nights
    group by month_start, apartment_id
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
    select booked_nights.month_start, count(*) as on_the_books_nights
    from booked_nights
    cross join curated.run_context
    where booked_nights.night > run_context.run_date
    group by booked_nights.month_start
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
