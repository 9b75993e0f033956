-- No table lost most of its rows since the run that readers see. One of a few hundred rows may.
with
published as (
    select runs.run_id, row_number() over (order by runs.published_at desc) as newest_first
    from etl.runs
    cross join curated.run_context
    where runs.published_at is not null and runs.run_id <> run_context.run_id
),
counted as (
    select row_counts.table_name, row_counts.row_count, nvl(before.row_count, 0) as published_count
    from curated.run_context
    inner join etl.row_counts on run_context.run_id = row_counts.run_id
    left join published on published.newest_first = 1
    left join etl.row_counts as before
        on published.run_id = before.run_id and row_counts.table_name = before.table_name
)
select
    'TBL-EMPTY' as rule_id,
    case when published_count > 0 then 'error' else 'warn' end as severity,
    'raw.' || table_name || ' has no row; when last published it had ' || published_count::varchar(20) as detail
from counted
where row_count = 0
union all
select
    'TBL-VOLUME',
    case when row_count < published_count * 0.5 then 'error' else 'warn' end,
    'raw.' || table_name || ' has ' || row_count::varchar(20) || ' rows; when last published it had '
    || published_count::varchar(20)
from counted
where row_count > 0 and published_count >= 1000 and row_count < published_count * 0.9
