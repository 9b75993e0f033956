-- Parts of dates and times: EXTRACT (whose columns Redshift calls date_part), DATE_PART (pgdate_part) and DATE_TRUNC.
-- EXTRACT is the part alone, without what is above and below it, as a whole number; DATE_PART has the fraction.
-- The decade of the year 2000 is the 201st; for PostgreSQL it is the 200th.
do $each$
declare
    source text;
begin
    foreach source in array array['timestamp', 'time', 'timetz', 'interval'] loop
        execute format(
            $forms$
            create or replace function redshift_local.date_part(part text, value %1$s) returns integer
                language sql immutable as
                $$
                select case part
                    when 'milliseconds' then trunc(pg_catalog.extract(part, value) %% 1000)
                    when 'microseconds' then pg_catalog.extract(part, value) %% 1000
                    when 'decade' then pg_catalog.extract(part, value) + 1
                    else trunc(pg_catalog.extract(part, value))
                end::integer
                $$;
            create or replace function redshift_local.epoch_of(value %1$s) returns bigint language sql immutable as
                $$ select trunc(extract(epoch from value))::bigint $$;
            create or replace function redshift_local.pgdate_part(part text, value %1$s) returns double precision
                language sql immutable as
                $$
                select pg_catalog.date_part(part, value) + case when part = 'decade' then 1 else 0 end
                $$;
            $forms$,
            source
        );
    end loop;
    foreach source in array array['date', 'text'] loop
        execute format(
            $forms$
            create or replace function redshift_local.date_part(part text, value %1$s) returns integer
                language sql immutable as $$ select redshift_local.date_part(part, value::timestamp) $$;
            create or replace function redshift_local.epoch_of(value %1$s) returns bigint language sql immutable as
                $$ select redshift_local.epoch_of(value::timestamp) $$;
            create or replace function redshift_local.pgdate_part(part text, value %1$s) returns double precision
                language sql immutable as $$ select redshift_local.pgdate_part(part, value::timestamp) $$;
            create or replace function redshift_local.date_trunc(part text, value %1$s) returns timestamp
                language sql immutable strict as $$ select pg_catalog.date_trunc(part, value::timestamp) $$;
            $forms$,
            source
        );
    end loop;
end
$each$;
-- Of a TIMESTAMPTZ the part is DOUBLE PRECISION.
create or replace function redshift_local.date_part(part text, value timestamptz) returns double precision
    language sql stable as
    $$
    select case
        when part in ('timezone', 'timezone_hour', 'timezone_minute') then pg_catalog.date_part(part, value)
        else redshift_local.date_part(part, value::timestamp)
    end
    $$;
create or replace function redshift_local.epoch_of(value timestamptz) returns double precision language sql immutable as
    $$ select trunc(extract(epoch from value))::double precision $$;
create or replace function redshift_local.pgdate_part(part text, value timestamptz) returns double precision
    language sql stable as
    $$ select pg_catalog.date_part(part, value) + case when part = 'decade' then 1 else 0 end $$;
create or replace function redshift_local.date_part_year(value date) returns integer language sql immutable strict as
    $$ select extract(year from value)::integer $$
