-- What must hold for bookings before anything is published.
-- Moved by: bookings.booked_on.
with
checked as (
    select booking_id, nights from curated.bookings where booked_on >= range_start and booked_on < range_end
    union all
    select booking_id, nights from curated.bookings where booked_on is null
),
keyed_twice as (
    select booking_id from checked group by booking_id having count(*) > 1
),
without_nights as (
    select booking_id from checked where nights < 1
),
-- All rows, whatever changed: counting them reads no column.
counts as (
    select
        (
            select max(row_counts.row_count)
            from curated.run_context
            inner join etl.row_counts on run_context.run_id = row_counts.run_id and row_counts.table_name = 'bookings'
        ) as read_count,
        (select count(*) from curated.bookings) as kept_count,
        (select count(*) from curated.quarantine where table_name = 'bookings') as quarantined_count,
        (
            select nvl(sum(standing), 0)::bigint from curated.rule_counts where rule_id = 'KEY-DUP' and table_name = 'bookings'
        ) as surplus_count
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
    'raw.bookings has ' || read_count::varchar(20) || ' rows, ' || surplus_count::varchar(20) || ' of a key that another one has; kept '
    || kept_count::varchar(20) || ', quarantined ' || quarantined_count::varchar(20)
from counts
where read_count - surplus_count <> kept_count + quarantined_count
