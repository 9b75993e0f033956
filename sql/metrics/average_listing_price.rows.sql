-- The rows behind average_listing_price: listing-days of the weeks, with what keeps one out of the average.
-- Reads: curated.listing_day.
select
    week_start,
    price_type,
    apartment_id,
    calendar_date,
    price,
    currency,
    price_rc,
    basis,
    case
        when price is null or price <= 0 then 'no positive price'
        when price_rc is null then 'no rate of the currency'
    end::varchar(256) as left_out
from curated.listing_day
where calendar_date >= range_start and calendar_date < range_end
