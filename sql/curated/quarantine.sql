-- curated.quarantine: the queue of rows that rules across tables keep out of the curated layer. All of them stand as of the last
-- run that was transformed.
-- Reads: curated.violations, curated.run_context.
create or replace view curated.quarantine as
select
    violations.rule_id,
    violations.rule_version,
    violations.severity,
    violations.table_name,
    violations.row_key,
    violations.awaited_key,
    violations.reason,
    violations.first_run_id,
    violations.first_seen,
    run_context.run_date as last_seen
from curated.violations
cross join curated.run_context
where violations.is_quarantined;
