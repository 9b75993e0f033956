-- curated.load_viewing_violations: viewings of listings that no run ever saw, and viewings that occur more than once. Looks at the
-- days that changed, and at what waits for a listing that is new.
-- Reads: curated.user_viewing, curated.apartments.
-- Writes: curated.violations, curated.rule_counts.
create or replace procedure curated.load_viewing_violations(as_of date)
as $$
declare
    whole_count bigint;
    gone_count bigint;
    lowest_day date;
    highest_day date;
begin
    select into whole_count count(*) from etl.changed_rows where table_name = 'user_viewing' and row_day is null;
    select into gone_count count(*) from changed_versions where is_gone;
    if gone_count > 0 then
        -- Viewings of a listing that is known no more: there is no telling on which days.
        delete from changed_viewing_days;
        insert into changed_viewing_days (row_day) select distinct viewed_at::date from curated.user_viewing;
    end if;
    select into lowest_day, highest_day min(row_day), dateadd(day, 1, max(row_day))::date from changed_viewing_days;

    drop table if exists judged_viewings;
    create temp table judged_viewings as
    select viewing.user_id, viewing.apartment_id, viewing.viewed_at, viewing.is_wishlisted, viewing.call_to_action
    from curated.user_viewing as viewing
    inner join changed_viewing_days on viewing.viewed_at::date = changed_viewing_days.row_day
    where viewing.viewed_at >= lowest_day and viewing.viewed_at < highest_day;

    call curated.begin_rule();
    insert into judged_keys (row_key)
    select violations.row_key
    from curated.violations
    inner join changed_viewing_days on violations.row_day = changed_viewing_days.row_day
    where violations.rule_id = 'VIEW-REF-APARTMENT'
    union
    select violations.row_key
    from curated.violations
    inner join changed_versions on violations.awaited_key = changed_versions.apartment_id and changed_versions.is_new
    where violations.rule_id = 'VIEW-REF-APARTMENT';
    insert into found_violations (row_key, row_day, row_count, awaited_key, reason)
    with
    known_apartments as (
        select distinct apartment_id
        from curated.apartments
        where apartment_id in (select judged_viewings.apartment_id from judged_viewings)
    )
    select
        nvl(viewing.apartment_id::varchar(32), 'NULL') || ' ' || viewing.viewed_at::date::varchar(10),
        viewing.viewed_at::date,
        count(*),
        viewing.apartment_id,
        'apartment_id ' || nvl(viewing.apartment_id::varchar(32), 'NULL') || ' is in no run''s apartments'
    from judged_viewings as viewing
    left join known_apartments on viewing.apartment_id = known_apartments.apartment_id
    where known_apartments.apartment_id is null
    group by viewing.apartment_id, viewing.viewed_at::date;
    call curated.settle_violations('VIEW-REF-APARTMENT', 1, 'warn', 'user_viewing', false, whole_count > 0);

    -- Surplus rows: a pair of equal viewings counts one.
    call curated.begin_rule();
    insert into judged_keys (row_key)
    select violations.row_key
    from curated.violations
    inner join changed_viewing_days on violations.row_day = changed_viewing_days.row_day
    where violations.rule_id = 'VIEW-EXACT-DUP';
    insert into found_violations (row_key, row_day, row_count, reason)
    with
    distinct_viewings as (
        select apartment_id, viewed_at::date as row_day, count(*) as row_count
        from judged_viewings
        group by user_id, apartment_id, viewed_at, is_wishlisted, call_to_action
        having count(*) > 1
    )
    select
        nvl(apartment_id::varchar(32), 'NULL') || ' ' || row_day::varchar(10),
        row_day,
        sum(row_count - 1)::bigint,
        'equal in all columns to another viewing'
    from distinct_viewings
    group by apartment_id, row_day;
    call curated.settle_violations('VIEW-EXACT-DUP', 1, 'info', 'user_viewing', false, whole_count > 0);
end;
$$ language plpgsql;
