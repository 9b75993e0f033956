-- booking_duration: how long realised bookings stay, by the week and by the month of check-in.
-- Grain: one row per period with a check-in up to the run date.  Unit: nights.  Reads: curated.stay_night, curated.run_context.
-- Period: period_start by week and month.  Key: period_type.  Moved by: stay_night.night.
-- Value: average_nights = nights / bookings.
-- A stay under way counts with its planned check-out; a check-in after the run date does not count yet. Periods without a
-- check-in have no row.
with
checked_in as (
    -- The first night of a stay is that of its check-in. A month that begins in the range ends after it.
    select stay_night.night as checkin_date, stay_night.nights, run_context.run_date
    from curated.stay_night
    cross join curated.run_context
    where
        stay_night.night >= range_start
        and stay_night.night < dateadd(month, 1, range_end)::date
        and stay_night.night <= run_context.run_date
        and stay_night.night_number = 1
),
periods as (
    select
        'week'::varchar(8) as period_type,
        date_trunc('week', checkin_date)::date as period_start,
        dateadd(day, 6, date_trunc('week', checkin_date))::date as period_end,
        nights,
        run_date
    from checked_in
    union all
    select
        'month'::varchar(8),
        date_trunc('month', checkin_date)::date,
        last_day(checkin_date),
        nights,
        run_date
    from checked_in
)
select
    period_type,
    period_start,
    sum(nights)::bigint as nights,
    count(*) as bookings,
    round(sum(nights)::decimal(18,6) / count(*), 6)::decimal(18,6) as average_nights,
    (percentile_cont(0.5) within group (order by nights))::decimal(18,2) as median_nights,
    (percentile_cont(0.9) within group (order by nights))::decimal(18,2) as p90_nights,
    sum(case when nights >= 28 then 1 else 0 end)::bigint as long_stays,
    round(sum(case when nights >= 28 then 1 else 0 end)::decimal(18,6) / count(*), 6)::decimal(8,6) as long_stay_share,
    max(period_end) < max(run_date) as is_complete
from periods
where period_start >= range_start and period_start < range_end
group by period_type, period_start
