-- The rows behind top_listings: nights of realised bookings, with what keeps the revenue of one out of the ranking.
-- Reads: curated.stay_night, curated.run_context.
select
    stay_night.week_start,
    stay_night.apartment_id,
    stay_night.booking_id,
    stay_night.user_id,
    stay_night.night,
    stay_night.night_number,
    stay_night.nights as nights_of_stay,
    stay_night.revenue,
    stay_night.revenue_rc,
    case
        when stay_night.night > run_context.run_date then 'on the books: after the run date'
        when stay_night.revenue_rc is null then 'no price, or no rate of its currency'
    end::varchar(256) as left_out
from curated.stay_night
cross join curated.run_context
where stay_night.night >= range_start and stay_night.night < range_end
