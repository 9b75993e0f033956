-- etl.close_periods: closes the periods of all metrics that end before a day. A later run that would change them keeps what readers
-- see. What was closed stays closed.
-- Reads and writes: etl.settings.
create or replace procedure etl.close_periods(first_open_day date)
as $$
declare
    known_day date;
begin
    select into known_day max(value)::date from etl.settings where name = 'closed_before';
    if known_day > first_open_day then
        raise exception 'ALREADY_CLOSED periods before % are closed, which is later than %', known_day, first_open_day;
    end if;
    call etl.set_setting('closed_before', first_open_day::varchar(10));
end;
$$ language plpgsql;
