-- curated.load_user_viewing: viewings with their day in the reporting time zone. Follows the days, in UTC, that changed.
-- Reads: raw.user_viewing, etl.changed_rows, etl.settings.
-- Writes: curated.user_viewing, etl.changed_days.
create or replace procedure curated.load_user_viewing(as_of date)
as $$
declare
    time_zone_name varchar(64);
    whole_count bigint;
    lowest_day date;
    highest_day date;
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';
    select into whole_count count(*) from etl.changed_rows where table_name = 'user_viewing' and row_day is null;
    drop table if exists changed_viewing_days;
    create temp table changed_viewing_days as
    select distinct row_day from etl.changed_rows where table_name = 'user_viewing' and row_day is not null;
    if whole_count > 0 then
        delete from changed_viewing_days;
        delete from curated.user_viewing;
        insert into changed_viewing_days (row_day) select distinct viewed_at::date from "raw".user_viewing;
    end if;

    select into lowest_day, highest_day min(row_day), dateadd(day, 1, max(row_day))::date from changed_viewing_days;
    delete from curated.user_viewing
    where
        viewed_at >= lowest_day
        and viewed_at < highest_day
        and viewed_at::date in (select changed_viewing_days.row_day from changed_viewing_days);
    insert into curated.user_viewing (user_id, apartment_id, viewed_at, viewed_on, is_wishlisted, call_to_action)
    select
        user_id,
        apartment_id,
        viewed_at,
        convert_timezone('UTC', time_zone_name, viewed_at)::date,
        is_wishlisted,
        call_to_action
    from "raw".user_viewing
    where
        viewed_at >= lowest_day
        and viewed_at < highest_day
        and viewed_at::date in (select changed_viewing_days.row_day from changed_viewing_days);

    -- A day in the reporting time zone may be the one before or after.
    insert into etl.changed_days (fact, first_day, last_day)
    select 'user_viewing.viewed_on', dateadd(day, -1, row_day)::date, dateadd(day, 1, row_day)::date
    from changed_viewing_days;
end;
$$ language plpgsql;
