-- A rule across tables keeps out no more than half of a table, as those of the contracts. Of one with fewer than 200 rows it may.
with
keeping_out as (
    select distinct rule_id, table_name
    from curated.quarantine
),
counted as (
    select rule_counts.rule_id, rule_counts.table_name, rule_counts.standing, row_counts.row_count
    from curated.run_context
    inner join etl.row_counts on run_context.run_id = row_counts.run_id
    inner join curated.rule_counts on row_counts.table_name = rule_counts.table_name
    inner join keeping_out
        on rule_counts.rule_id = keeping_out.rule_id and rule_counts.table_name = keeping_out.table_name
)
select
    rule_id,
    'error' as severity,
    'raw.' || table_name || ': ' || standing::varchar(20) || ' of ' || row_count::varchar(20)
    || ' rows break the rule, at most 50 % may' as detail
from counted
where row_count >= 200 and standing > row_count * 0.5
