-- What the listings earned and have on the books is what the nights of the weeks bring, up to a cent that rounding moves per number.
-- Moved by: stay_night.night.
with
weeks as (
    select
        date_trunc('week', range_start)::date as first_day,
        dateadd(day, 7, date_trunc('week', dateadd(day, -1, range_end)))::date as end_day
),
totals as (
    select
        (
            select nvl(sum(stay_night.revenue_rc), 0)::decimal(38,2)
            from weeks
            inner join curated.stay_night on stay_night.night >= weeks.first_day and stay_night.night < weeks.end_day
        ) as of_nights,
        (
            select nvl(sum(nvl(top_listings.earned_revenue_rc, 0) + nvl(top_listings.on_the_books_revenue_rc, 0)), 0)::decimal(38,2)
            from weeks
            inner join audit.top_listings on top_listings.week_start >= weeks.first_day and top_listings.week_start < weeks.end_day
        ) as of_listings,
        (
            select count(*) / 100.0
            from weeks
            inner join audit.top_listings on top_listings.week_start >= weeks.first_day and top_listings.week_start < weeks.end_day
        ) as rounding
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'revenue of nights: ' || of_nights::varchar(40) || ', counted by top_listings: ' || of_listings::varchar(40) as detail
from totals
where abs(of_nights - of_listings) > rounding
