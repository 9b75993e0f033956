-- Versions of a listing follow each other without overlap, and every listing of the source has exactly one open version.
with
followed as (
    select
        apartment_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by apartment_id order by valid_from) as next_valid_from
    from curated.apartments
),
overlapping as (
    select apartment_id from followed where valid_to <= valid_from or nvl(valid_to, '9999-12-31'::date) > next_valid_from
),
open_versions as (
    select apartment_id, count(*) as version_count from curated.apartments where valid_to is null group by apartment_id
),
counts as (
    select
        (select count(distinct id) from "raw".apartments) as listing_count,
        (select count(*) from open_versions where version_count = 1) as open_count
)
select 'VERSION-OVERLAP' as rule_id, 'error' as severity, 'overlapping versions of listings: ' || count(*)::varchar(20) as detail
from overlapping
having count(*) > 0
union all
select
    'TBL-BALANCE',
    'error',
    'raw.apartments has ' || listing_count::varchar(20) || ' listings, open versions ' || open_count::varchar(20)
from counts
where listing_count <> open_count
