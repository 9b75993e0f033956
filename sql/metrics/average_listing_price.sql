-- average_listing_price: what active listings cost, averaged over listing-days.
-- Grain: one row per week and price type.  Unit: reporting currency.
-- Reads: curated.listing_day, curated.calendar, curated.run_context.
-- Period: week_start by week.  Key: price_type.  Moved by: listing_day.calendar_date.
-- Value: average_price_rc = price_sum_rc / priced_days.
-- A listing counts on each day on which it is listed, at that day's price and rate, so two prices in one week weigh by days.
-- Days without a positive price or without a rate are left out of the average and counted. Price types are never mixed:
-- nightly and monthly prices are different things. A week in which nothing can be converted has no average, not 0.
-- native_averages are the averages per currency before conversion, such as 'EUR 120.50; USD 99.10'.
with
-- The last day that the week has so far: the current week ends with the run date.
weeks as (
    select week_start, max(calendar_date) as week_end
    from curated.calendar
    where calendar_date >= range_start and calendar_date < range_end
    group by week_start
),
by_currency as (
    select
        listing_day.week_start,
        listing_day.price_type,
        listing_day.currency,
        count(listing_day.price_rc) as priced_days,
        sum(listing_day.price_rc) as price_sum_rc,
        sum(case when listing_day.calendar_date = weeks.week_end then listing_day.price_rc end) as week_end_sum_rc,
        count(case when listing_day.calendar_date = weeks.week_end then listing_day.price_rc end) as week_end_listings,
        sum(case when listing_day.price > 0 then listing_day.price end) as native_sum,
        count(case when listing_day.price > 0 then 1 end) as native_days,
        count(case when listing_day.price > 0 and listing_day.price_rc is null then 1 end) as unconverted_rows,
        count(*) as listing_days,
        min(listing_day.basis) as least_basis,
        max(listing_day.basis) as greatest_basis
    from curated.listing_day
    inner join weeks on listing_day.week_start = weeks.week_start
    where listing_day.calendar_date >= range_start and listing_day.calendar_date < range_end
    group by listing_day.week_start, listing_day.price_type, listing_day.currency
),
-- Operands of a division are sized: a quotient keeps p1 + p2 + 1 digits, and beyond 38 Redshift cuts or overflows.
native as (
    select
        week_start,
        price_type,
        currency,
        currency || ' '
        || round(native_sum::decimal(26,10) / native_days::decimal(10,0), 2)::decimal(12,2)::varchar(16) as average
    from by_currency
    where native_days > 0 and nullif(currency, '') is not null
),
native_averages as (
    select
        week_start,
        price_type,
        listagg(average, '; ') within group (order by currency) as averages
    from native
    group by week_start, price_type
),
-- A median of the widest decimals may overflow while it interpolates.
medians as (
    select
        week_start,
        price_type,
        median(price_rc::decimal(26,10)) as median_price_rc
    from curated.listing_day
    where calendar_date >= range_start and calendar_date < range_end
    group by week_start, price_type
),
priced_listings as (
    select distinct week_start, price_type, apartment_id
    from curated.listing_day
    where calendar_date >= range_start and calendar_date < range_end and price_rc is not null
),
listings as (
    select
        week_start,
        price_type,
        count(*) as listings
    from priced_listings
    group by week_start, price_type
),
weekly as (
    select
        week_start,
        price_type,
        sum(priced_days) as priced_days,
        sum(price_sum_rc) as price_sum_rc,
        sum(week_end_sum_rc) as week_end_sum_rc,
        sum(week_end_listings) as week_end_listings,
        sum(listing_days - native_days) as unpriced_days,
        sum(unconverted_rows) as unconverted_rows,
        min(least_basis) as least_basis,
        max(greatest_basis) as greatest_basis
    from by_currency
    group by week_start, price_type
)
select
    weekly.week_start,
    weekly.price_type,
    round(weekly.price_sum_rc, 2)::decimal(24,2) as price_sum_rc,
    weekly.priced_days::bigint as priced_days,
    nvl(listings.listings, 0) as listings,
    round(
        weekly.price_sum_rc::decimal(26,10) / nullif(weekly.priced_days, 0)::decimal(10,0), 2
    )::decimal(18,2) as average_price_rc,
    round(medians.median_price_rc, 2)::decimal(18,2) as median_price_rc,
    round(
        weekly.week_end_sum_rc::decimal(26,10) / nullif(weekly.week_end_listings, 0)::decimal(10,0), 2
    )::decimal(18,2) as avg_price_week_end,
    native_averages.averages::varchar(1024) as native_averages,
    weekly.unpriced_days::bigint as unpriced_days,
    weekly.unconverted_rows::bigint as unconverted_rows,
    case when weekly.least_basis = weekly.greatest_basis then weekly.least_basis else 'mixed' end::varchar(16) as basis,
    dateadd(day, 6, weekly.week_start)::date < run_context.run_date as is_complete
from weekly
cross join curated.run_context
inner join medians on weekly.week_start = medians.week_start and weekly.price_type = medians.price_type
left join listings on weekly.week_start = listings.week_start and weekly.price_type = listings.price_type
left join native_averages
    on weekly.week_start = native_averages.week_start and weekly.price_type = native_averages.price_type
