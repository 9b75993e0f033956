-- presentation.average_listing_price_all_types: one average per week over all price types. It mixes units (a nightly and a
-- monthly price are different things), so it is a view for those who ask for one number, not a metric.
-- It divides sums that are rounded to cents, so its last cent may differ from an average of the days themselves.
create or replace view presentation.average_listing_price_all_types as
select
    week_start,
    sum(price_sum_rc) as price_sum_rc,
    sum(priced_days) as priced_days,
    -- Sized, because a quotient of more than 38 digits is cut or overflows on Redshift.
    round(
        sum(price_sum_rc)::decimal(26,2) / nullif(sum(priced_days), 0)::decimal(10,0), 2
    )::decimal(18,2) as average_price_rc,
    sum(unpriced_days) as unpriced_days,
    sum(unconverted_rows) as unconverted_rows,
    is_complete
from presentation.average_listing_price
group by week_start, is_complete
with no schema binding
