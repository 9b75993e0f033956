-- Dates and times. The translation has already turned each date part into one of PostgreSQL's names, and calls these
-- functions by the names that Redshift gives to their columns.
-- Redshift converts DATE, TIMESTAMPTZ and text to TIMESTAMP where it is called for; PostgreSQL takes a DATE for a
-- TIMESTAMPTZ and refuses the others. So each function has a form for each of these types.

create or replace function redshift_local.part_length(part text) returns interval language sql immutable as
    $$
    select case part
        when 'millennium' then interval '1000 years'
        when 'century' then interval '100 years'
        when 'decade' then interval '10 years'
        when 'year' then interval '1 year'
        when 'quarter' then interval '3 months'
        when 'month' then interval '1 month'
        when 'week' then interval '7 days'
        when 'day' then interval '1 day'
        when 'dow' then interval '1 day'
        when 'doy' then interval '1 day'
        when 'hour' then interval '1 hour'
        when 'minute' then interval '1 minute'
        when 'second' then interval '1 second'
        when 'epoch' then interval '1 second'
        when 'milliseconds' then interval '1 millisecond'
        when 'microseconds' then interval '1 microsecond'
    end
    $$;

-- Not STRICT: PostgreSQL then puts the expression itself in place of the call, which is ten times faster.
-- A year after 29 February is 1 March; twelve months after it is 28 February.
create or replace function redshift_local.date_add(part text, amount bigint, value timestamp) returns timestamp
    language sql immutable as
    $$
    select value + amount * redshift_local.part_length(part)
        + case
            when part in ('year', 'decade', 'century', 'millennium')
                and extract(month from value) = 2
                and extract(day from value) = 29
                and extract(day from value + amount * redshift_local.part_length(part)) = 28
                then interval '1 day'
            else interval '0'
        end
    $$;
create or replace function redshift_local.date_add(part text, amount bigint, value date) returns timestamp
    language sql immutable as $$ select redshift_local.date_add(part, amount, value::timestamp) $$;
create or replace function redshift_local.date_add(part text, amount bigint, value timestamptz) returns timestamp
    language sql stable as $$ select redshift_local.date_add(part, amount, value::timestamp) $$;
create or replace function redshift_local.date_add(part text, amount bigint, value text) returns timestamp
    language sql immutable as $$ select redshift_local.date_add(part, amount, value::timestamp) $$;
create or replace function redshift_local.date_add(part text, amount bigint, value time) returns time
    language sql immutable as $$ select value + amount * redshift_local.part_length(part) $$;
create or replace function redshift_local.date_add(part text, amount bigint, value timetz) returns timetz
    language sql immutable as $$ select (value at time zone 'UTC') + amount * redshift_local.part_length(part) $$;

create or replace function redshift_local.date_diff_in(part text, starting timestamp, ending timestamp) returns bigint
    language sql immutable as
    $$
    select case part
        when 'millennium' then (extract(millennium from ending) - extract(millennium from starting))::bigint
        when 'century' then (extract(century from ending) - extract(century from starting))::bigint
        when 'decade' then (extract(decade from ending) - extract(decade from starting))::bigint
        when 'year' then (extract(year from ending) - extract(year from starting))::bigint
        when 'quarter' then
            ((extract(year from ending) - extract(year from starting)) * 4
                + extract(quarter from ending) - extract(quarter from starting))::bigint
        when 'month' then
            ((extract(year from ending) - extract(year from starting)) * 12
                + extract(month from ending) - extract(month from starting))::bigint
        when 'week' then
            ((pg_catalog.date_trunc('week', ending)::date - pg_catalog.date_trunc('week', starting)::date) / 7)::bigint
        when 'hour' then
            (extract(epoch from pg_catalog.date_trunc('hour', ending) - pg_catalog.date_trunc('hour', starting)) / 3600)::bigint
        when 'minute' then
            (extract(epoch from pg_catalog.date_trunc('minute', ending) - pg_catalog.date_trunc('minute', starting)) / 60)::bigint
        when 'second' then
            extract(epoch from pg_catalog.date_trunc('second', ending) - pg_catalog.date_trunc('second', starting))::bigint
        when 'epoch' then
            extract(epoch from pg_catalog.date_trunc('second', ending) - pg_catalog.date_trunc('second', starting))::bigint
        when 'milliseconds' then
            (extract(epoch from pg_catalog.date_trunc('milliseconds', ending) - pg_catalog.date_trunc('milliseconds', starting)) * 1000)::bigint
        when 'microseconds' then (extract(epoch from ending - starting) * 1000000)::bigint
        else (ending::date - starting::date)::bigint
    end
    $$;
-- DATEDIFF counts the boundaries that lie between, not the time that has passed. Days are by far most asked for; the expression
-- for the other parts is so long that PostgreSQL leaves it a call.
create or replace function redshift_local.date_diff(part text, starting timestamp, ending timestamp) returns bigint
    language sql immutable as
    $$
    select case
        when part = 'day' then (ending::date - starting::date)::bigint
        else redshift_local.date_diff_in(part, starting, ending)
    end
    $$;
create or replace function redshift_local.date_diff(part text, starting time, ending time) returns bigint
    language sql immutable as
    $$ select redshift_local.date_diff(part, timestamp 'epoch' + starting, timestamp 'epoch' + ending) $$;
-- Times of the day in UTC.
create or replace function redshift_local.date_diff(part text, starting timetz, ending timetz) returns bigint
    language sql immutable as
    $$
    select redshift_local.date_diff(part, (starting at time zone 'UTC')::time, (ending at time zone 'UTC')::time)
    $$;

create or replace function redshift_local.last_day(value timestamp) returns date language sql immutable as
    $$ select (pg_catalog.date_trunc('month', value) + interval '1 month' - interval '1 day')::date $$;

-- Whole months when the days agree or both are last days; otherwise 31ths of a month.
create or replace function redshift_local.months_between(later timestamp, earlier timestamp) returns double precision
    language sql immutable as
    $$
    select redshift_local.date_diff('month', earlier, later)
        + case
            when extract(day from later) = extract(day from earlier) then 0
            when later::date = redshift_local.last_day(later) and earlier::date = redshift_local.last_day(earlier) then 0
            else (extract(day from later) - extract(day from earlier)
                + (extract(epoch from later::time) - extract(epoch from earlier::time)) / 86400) / 31
        end::double precision
    $$;

-- Unlike DATEADD, the last day of a month stays the last day.
create or replace function redshift_local.add_months(value timestamp, amount bigint) returns timestamp
    language sql immutable as
    $$
    select case
        when value::date = redshift_local.last_day(value)
            then redshift_local.last_day(value + amount * interval '1 month') + value::time
        else value + amount * interval '1 month'
    end
    $$;

create or replace function redshift_local.next_day(value timestamp, day_name text) returns date
    language plpgsql immutable strict as
    $$
    declare
        wanted integer := array_position(
            array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
            case lower(day_name)
                when 'su' then 'sun' when 'm' then 'mon' when 'mo' then 'mon' when 'tu' then 'tue' when 'w' then 'wed'
                when 'we' then 'wed' when 'th' then 'thu' when 'f' then 'fri' when 'fr' then 'fri' when 'sa' then 'sat'
                else left(lower(day_name), 3)
            end
        ) - 1;
    begin
        if wanted is null then
            raise exception 'NEXT_DAY: % is no name of a day', day_name;
        end if;
        return value::date + (wanted - extract(dow from value)::integer + 6) % 7 + 1;
    end
    $$;

create or replace function redshift_local.convert_timezone(source text, target text, value timestamp) returns timestamp
    language sql immutable as $$ select (value at time zone source) at time zone target $$;
create or replace function redshift_local.convert_timezone(target text, value timestamp) returns timestamp
    language sql immutable as $$ select (value at time zone 'UTC') at time zone target $$;

create or replace function redshift_local.trunc(value timestamp) returns date language sql immutable as
    $$ select value::date $$;

-- The other types in place of TIMESTAMP.
do $each$
declare
    source text;
    volatility text;
begin
    for source, volatility in values ('date', 'immutable'), ('timestamptz', 'stable'), ('text', 'immutable') loop
        execute format(
            $forms$
            create or replace function redshift_local.date_diff(part text, starting %1$s, ending %1$s) returns bigint
                language sql %2$s as
                $$ select redshift_local.date_diff(part, starting::timestamp, ending::timestamp) $$;
            create or replace function redshift_local.months_between(later %1$s, earlier %1$s) returns double precision
                language sql %2$s as
                $$ select redshift_local.months_between(later::timestamp, earlier::timestamp) $$;
            create or replace function redshift_local.last_day(value %1$s) returns date language sql %2$s as
                $$ select redshift_local.last_day(value::timestamp) $$;
            create or replace function redshift_local.add_months(value %1$s, amount bigint) returns timestamp
                language sql %2$s strict as $$ select redshift_local.add_months(value::timestamp, amount) $$;
            create or replace function redshift_local.next_day(value %1$s, day_name text) returns date
                language sql %2$s strict as $$ select redshift_local.next_day(value::timestamp, day_name) $$;
            create or replace function redshift_local.convert_timezone(source text, target text, value %1$s)
                returns timestamp language sql %2$s as
                $$ select redshift_local.convert_timezone(source, target, value::timestamp) $$;
            create or replace function redshift_local.convert_timezone(target text, value %1$s) returns timestamp
                language sql %2$s as $$ select redshift_local.convert_timezone(target, value::timestamp) $$;
            $forms$,
            source, volatility
        );
    end loop;
    for source, volatility in values ('date', 'immutable'), ('timestamptz', 'stable') loop
        execute format(
            $forms$
            create or replace function redshift_local.trunc(value %1$s) returns date language sql %2$s as
                $$ select value::date $$
            $forms$,
            source, volatility
        );
    end loop;
end
$each$;
-- Text beside a TIMESTAMP or what becomes one.
create or replace function redshift_local.date_diff(part text, starting text, ending timestamp) returns bigint
    language sql immutable as $$ select redshift_local.date_diff(part, starting::timestamp, ending) $$;
create or replace function redshift_local.date_diff(part text, starting timestamp, ending text) returns bigint
    language sql immutable as $$ select redshift_local.date_diff(part, starting, ending::timestamp) $$;
create or replace function redshift_local.months_between(later text, earlier timestamp) returns double precision
    language sql immutable as $$ select redshift_local.months_between(later::timestamp, earlier) $$;
create or replace function redshift_local.months_between(later timestamp, earlier text) returns double precision
    language sql immutable as $$ select redshift_local.months_between(later, earlier::timestamp) $$
