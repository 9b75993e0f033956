-- curated.settle_violations: takes what a rule found into curated.violations, and counts it. What stands of the rule is replaced
-- where its key is in judged_keys, or all of it where is_whole; the rest was not looked at. curated.begin_rule makes the tables.
-- Reads: curated.run_context.
-- Writes: curated.violations, curated.rule_counts.
create or replace procedure curated.settle_violations(
    judged_rule varchar(64), judged_version integer, judged_severity varchar(16), judged_table varchar(64), keeps_out boolean,
    is_whole boolean
)
as $$
declare
    current_run varchar(128);
    current_day date;
    counted_run varchar(128);
    standing_before bigint;
    standing_now bigint;
    found_before bigint;
    found_now bigint;
begin
    select into current_run, current_day run_id, run_date from curated.run_context;

    drop table if exists moved_violations;
    create temp table moved_violations as
    with
    judged as (
        select row_key, row_count, reason, first_run_id, first_seen
        from curated.violations
        where
            rule_id = judged_rule
            and table_name = judged_table
            and (is_whole or row_key in (select judged_keys.row_key from judged_keys))
    )
    select
        nvl(breaking.row_key, judged.row_key) as row_key,
        breaking.row_day,
        nvl(breaking.row_count, 0) as row_count,
        nvl(judged.row_count, 0) as known_count,
        breaking.awaited_key,
        breaking.reason,
        judged.first_run_id,
        judged.first_seen
    from judged
    full join found_violations as breaking on judged.row_key = breaking.row_key
    where
        judged.row_key is null or breaking.row_key is null or judged.row_count <> breaking.row_count or judged.reason <> breaking.reason;

    delete from curated.violations
    where
        rule_id = judged_rule
        and table_name = judged_table
        and row_key in (select moved_violations.row_key from moved_violations);
    insert into curated.violations (
        rule_id, rule_version, severity, table_name, row_key, row_day, row_count, is_quarantined, awaited_key, reason,
        first_run_id, first_seen
    )
    select
        judged_rule, judged_version, judged_severity, judged_table, row_key, row_day, row_count, keeps_out, awaited_key, reason,
        nvl(first_run_id, current_run), nvl(first_seen, current_day)
    from moved_violations
    where row_count > 0;

    select into standing_before, found_before, counted_run max(standing), max(found_by_run), max(run_id)
    from curated.rule_counts
    where rule_id = judged_rule and table_name = judged_table;
    if nvl(counted_run, '') <> current_run then
        found_before := 0;
    end if;
    select into standing_now, found_now
        nvl(sum(row_count - known_count), 0), nvl(sum(greatest(row_count - known_count, 0)), 0)
    from moved_violations;
    delete from curated.rule_counts where rule_id = judged_rule and table_name = judged_table;
    insert into curated.rule_counts (rule_id, table_name, severity, standing, found_by_run, run_id)
    values (
        judged_rule, judged_table, judged_severity, nvl(standing_before, 0) + standing_now, nvl(found_before, 0) + found_now,
        current_run
    );
end;
$$ language plpgsql;
