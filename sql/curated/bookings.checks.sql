-- What must hold for bookings before anything is published.
with
keyed_twice as (
    select booking_id from curated.bookings group by booking_id having count(*) > 1
),
without_nights as (
    select booking_id from curated.bookings where nights < 1
),
unbalanced as (
    select
        (select count(distinct booking_id) from "raw".bookings) as read_count,
        (select count(*) from curated.bookings) as kept_count,
        (select count(*) from curated.quarantine where table_name = 'bookings') as quarantined_count
)
select 'KEY-UNIQUE' as rule_id, 'error' as severity, 'curated.bookings holds a booking twice: ' || count(*)::varchar(20) as detail
from keyed_twice
having count(*) > 0
union all
select 'BKG-NIGHTS', 'error', 'bookings without a night: ' || count(*)::varchar(20)
from without_nights
having count(*) > 0
union all
select
    'TBL-BALANCE',
    'error',
    'raw.bookings has ' || read_count::varchar(20) || ' bookings; kept ' || kept_count::varchar(20) || ', quarantined '
    || quarantined_count::varchar(20)
from unbalanced
where read_count <> kept_count + quarantined_count
