-- curated.listed_spans: on which days [first_day, end_day) the versions of listings list them: those of curated.listing_day, as
-- spans of which there are far fewer. A listing counts from the day of creation, also where a run saw it before.
-- Reads: curated.apartments.
create or replace view curated.listed_spans as
select
    apartment_id,
    greatest(valid_from, listing_created_on) as first_day,
    nvl(valid_to, '9999-12-31'::date) as end_day
from curated.apartments
where is_active;
