-- Every viewing of the raw table is in the curated one, and they go on coming.
with
counts as (
    select
        (
            select max(row_counts.row_count)
            from curated.run_context
            inner join etl.row_counts on run_context.run_id = row_counts.run_id and row_counts.table_name = 'user_viewing'
        ) as read_count,
        (select count(*) from curated.user_viewing) as kept_count
),
newest as (
    select datediff(day, max(user_viewing.viewed_at)::date, max(run_context.run_date)) as days_old
    from curated.run_context
    inner join curated.user_viewing on user_viewing.viewed_at < dateadd(day, 1, run_context.run_date)
),
-- Without an agreement a few days without a viewing are worth a look, and no reason to keep numbers from readers.
agreed as (
    select max(nullif(value, ''))::integer as max_days from etl.settings where name = 'freshness_max_days'
)
select
    'TBL-BALANCE' as rule_id,
    'error' as severity,
    'raw.user_viewing has ' || read_count::varchar(20) || ' rows, curated ' || kept_count::varchar(20) as detail
from counts
where read_count <> kept_count
union all
select
    'TBL-FRESH',
    case when agreed.max_days is null then 'warn' else 'error' end,
    'the newest viewing is ' || newest.days_old::varchar(20) || ' days older than the run date'
from newest
cross join agreed
where newest.days_old > nvl(agreed.max_days, 3)
