-- top_listings: what each listing earned, best first.
-- Grain: one row per week and listing with a night or a new booking in the week.  Unit: reporting currency.
-- Reads: curated.stay_night, curated.stay, curated.run_context.
-- Period: week_start by week.  Key: apartment_id.  Moved by: stay.booked_on, stay_night.night.
-- Value: earned_revenue_rc.
-- Earned revenue is that of the nights of the week, up to the run date; later nights are on the books. booked_revenue is the
-- whole price of the bookings made in the week. Ranked by earned revenue, ties share a rank; a listing without a converted
-- night has no rank. Without nightly rates at the source a price is spread evenly, so an extended stay also moves the revenue
-- of weeks that are over. paid_revenue_rc is the part of earned revenue whose payment_status is paid; it is NULL where the
-- source tells no payment.
with
nights as (
    select
        stay_night.week_start,
        stay_night.apartment_id,
        sum(case when stay_night.night <= run_context.run_date then 1 else 0 end) as nights,
        sum(case when stay_night.night <= run_context.run_date and stay_night.revenue_rc is not null then 1 else 0 end)
            as converted_nights,
        sum(case when stay_night.night <= run_context.run_date then stay_night.revenue_rc end) as earned_rc,
        sum(
            case
                when stay_night.night > run_context.run_date then null
                when stay_night.payment_status = 'paid' then stay_night.revenue_rc
                when stay_night.revenue_rc is not null then 0
            end
        ) as paid_rc,
        sum(case when stay_night.night > run_context.run_date then 1 else 0 end) as nights_on_the_books,
        sum(case when stay_night.night > run_context.run_date then stay_night.revenue_rc end) as on_the_books_rc
    from curated.stay_night
    cross join curated.run_context
    where stay_night.night >= range_start and stay_night.night < range_end
    group by stay_night.week_start, stay_night.apartment_id
),
booked as (
    select
        booked_week as week_start,
        apartment_id,
        count(*) as bookings,
        sum(total_price_rc) as booked_rc,
        sum(case when total_price_rc is null then 1 else 0 end) as unconverted_rows
    from curated.stay
    where booked_on >= range_start and booked_on < range_end
    group by booked_week, apartment_id
),
joined as (
    select
        nvl(nights.week_start, booked.week_start) as week_start,
        nvl(nights.apartment_id, booked.apartment_id) as apartment_id,
        nvl(nights.nights, 0) as nights,
        nvl(nights.converted_nights, 0) as converted_nights,
        case when nvl(nights.nights, 0) = 0 then 0 else nights.earned_rc end as earned_rc,
        case when nvl(nights.nights, 0) = 0 then 0 else nights.paid_rc end as paid_rc,
        case when nvl(nights.nights_on_the_books, 0) = 0 then 0 else nights.on_the_books_rc end as on_the_books_rc,
        nvl(booked.bookings, 0) as bookings,
        booked.booked_rc,
        nvl(booked.unconverted_rows, 0) as unconverted_rows
    from nights
    full outer join booked on nights.week_start = booked.week_start and nights.apartment_id = booked.apartment_id
),
ranked as (
    select
        *,
        rank() over (
            partition by week_start, case when converted_nights > 0 then 1 else 0 end
            order by earned_rc desc
        ) as place
    from joined
)
select
    ranked.week_start,
    ranked.apartment_id,
    case when ranked.converted_nights > 0 then ranked.place end as revenue_rank,
    round(ranked.earned_rc, 2)::decimal(24,2) as earned_revenue_rc,
    ranked.nights::bigint as nights,
    ranked.converted_nights::bigint as converted_nights,
    -- Sized, because a quotient of more than 38 digits is cut or overflows on Redshift.
    round(
        ranked.earned_rc::decimal(26,10) / nullif(ranked.converted_nights, 0)::decimal(10,0), 2
    )::decimal(18,2) as adr_rc,
    case when run_context.tells_payments then round(ranked.paid_rc, 2)::decimal(24,2) end as paid_revenue_rc,
    round(ranked.on_the_books_rc, 2)::decimal(24,2) as on_the_books_revenue_rc,
    ranked.bookings::bigint as bookings,
    round(ranked.booked_rc, 2)::decimal(24,2) as booked_revenue_rc,
    ranked.unconverted_rows::bigint as unconverted_rows,
    dateadd(day, 6, ranked.week_start)::date < run_context.run_date as is_complete
from ranked
cross join curated.run_context
