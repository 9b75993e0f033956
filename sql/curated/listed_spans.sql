-- curated.listed_spans: on which days [first_day, end_day) the versions of listings list them, and at what price: the days of
-- curated.listing_day, as spans of which there are far fewer. A listing counts from the day of creation, also where a run saw it
-- before.
-- Reads: curated.apartments.
-- Dropped first: Redshift replaces a view only by one with the same columns (Database Developer Guide, page r_CREATE_VIEW).
drop view if exists curated.listed_spans;
create view curated.listed_spans as
select
    apartment_id,
    greatest(valid_from, listing_created_on) as first_day,
    nvl(valid_to, '9999-12-31'::date) as end_day,
    price,
    currency,
    basis
from curated.apartments
where is_active;
