-- curated.load_user_viewing: viewings with their day in the reporting time zone.
-- Reads: raw.user_viewing, etl.settings.
-- Writes: curated.user_viewing.
create or replace procedure curated.load_user_viewing(as_of date)
as $$
declare
    time_zone_name varchar(64);
begin
    select into time_zone_name value from etl.settings where name = 'reporting_timezone';

    delete from curated.user_viewing;
    insert into curated.user_viewing (user_id, apartment_id, viewed_at, viewed_on, is_wishlisted, call_to_action)
    select
        user_id,
        apartment_id,
        viewed_at,
        convert_timezone('UTC', time_zone_name, viewed_at)::date,
        is_wishlisted,
        call_to_action
    from "raw".user_viewing;
end;
$$ language plpgsql;
