-- curated.load_calendar: the days on which something can have happened, up to the run date.
-- Reads: curated.apartments, curated.bookings, curated.run_context.
-- Writes: curated.calendar, etl.changed_days.
create or replace procedure curated.load_calendar(as_of date)
as $$
declare
    first_listed date;
    first_booked date;
    first_day date;
    day_count integer;
begin
    select into first_listed min(valid_from) from curated.apartments;
    select into first_booked min(booked_on) from curated.bookings;
    first_day := least(nvl(first_listed, as_of), nvl(first_booked, as_of), as_of);

    delete from curated.calendar;
    insert into curated.calendar (calendar_date, week_start, month_start)
    select first_day, date_trunc('week', first_day)::date, date_trunc('month', first_day)::date;
    -- Each pass appends as many days as there are already, until the run date is reached.
    day_count := 1;
    while dateadd(day, day_count, first_day)::date <= as_of loop
        insert into curated.calendar (calendar_date, week_start, month_start)
        with
        days as (
            select dateadd(day, day_count, calendar_date)::date as next_date
            from curated.calendar
        )
        select next_date, date_trunc('week', next_date)::date, date_trunc('month', next_date)::date
        from days
        where next_date <= as_of;
        day_count := day_count * 2;
    end loop;

    -- Since the last run date nights have passed, and periods have ended.
    insert into etl.changed_days (fact, first_day, last_day)
    select 'run_context.run_date', nvl(run_date, as_of), as_of from previous_context;
end;
$$ language plpgsql;
