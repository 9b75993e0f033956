-- Weeks and months count the same stays.
with
totals as (
    select
        (select nvl(sum(nights), 0) from audit.booking_duration where period_type = 'week') as nights_of_weeks,
        (select nvl(sum(nights), 0) from audit.booking_duration where period_type = 'month') as nights_of_months
)
select
    'MET-BOUNDS' as rule_id,
    'error' as severity,
    'nights by week: ' || nights_of_weeks::varchar(20) || ', by month: ' || nights_of_months::varchar(20) as detail
from totals
where nights_of_weeks <> nights_of_months
