-- Every viewing of the raw table is in the curated one.
with
counts as (
    select
        (select count(*) from "raw".user_viewing) as read_count,
        (select count(*) from curated.user_viewing) as kept_count
)
select
    'TBL-BALANCE' as rule_id,
    'error' as severity,
    'raw.user_viewing has ' || read_count::varchar(20) || ' rows, curated ' || kept_count::varchar(20) as detail
from counts
where read_count <> kept_count
