-- Every viewing of the raw table is in the curated one.
with
counts as (
    select
        (
            select max(row_counts.row_count)
            from curated.run_context
            inner join etl.row_counts on run_context.run_id = row_counts.run_id and row_counts.table_name = 'user_viewing'
        ) as read_count,
        (select count(*) from curated.user_viewing) as kept_count
)
select
    'TBL-BALANCE' as rule_id,
    'error' as severity,
    'raw.user_viewing has ' || read_count::varchar(20) || ' rows, curated ' || kept_count::varchar(20) as detail
from counts
where read_count <> kept_count
