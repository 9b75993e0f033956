-- curated.begin_rule: empty tables for one rule that looks at several rows: judged_keys for the keys that it looked at, unless
-- those are all, and found_violations for those that break it, both as curated.violations has them. curated.settle_violations
-- takes them in.
create or replace procedure curated.begin_rule()
as $$
begin
    create temp table if not exists judged_keys (
        row_key varchar(64) not null
    );
    delete from judged_keys;
    create temp table if not exists found_violations (
        row_key varchar(64) not null,
        row_day date,
        row_count bigint not null default 1,
        awaited_key bigint,
        reason varchar(1024) not null
    );
    delete from found_violations;
end;
$$ language plpgsql;
