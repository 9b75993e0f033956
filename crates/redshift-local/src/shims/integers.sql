-- Functions of numbers that keep the type of their argument where PostgreSQL computes in DOUBLE PRECISION: CEIL, FLOOR and
-- TRUNC of integers and REAL. ROUND and SIGN of integers are DECIMAL.
do $each$
declare
    source text;
    name text;
begin
    foreach source in array array['smallint', 'integer', 'bigint'] loop
        foreach name in array array['ceil', 'ceiling', 'floor', 'trunc'] loop
            execute format(
                $forms$
                create or replace function redshift_local.%1$s(value %2$s) returns %2$s language sql immutable strict as
                    $$ select value $$
                $forms$,
                name, source
            );
        end loop;
        execute format(
            $forms$
            create or replace function redshift_local.trunc(value %1$s, digits integer) returns %1$s
                language sql immutable strict as $$ select pg_catalog.trunc(value::numeric, digits)::%1$s $$;
            create or replace function redshift_local.round(value %1$s) returns numeric language sql immutable strict as
                $$ select value::numeric $$;
            create or replace function redshift_local.sign(value %1$s) returns numeric language sql immutable strict as
                $$ select pg_catalog.sign(value::numeric) $$;
            $forms$,
            source
        );
    end loop;
    foreach name in array array['ceil', 'ceiling', 'floor', 'trunc', 'round'] loop
        execute format(
            $forms$
            create or replace function redshift_local.%1$s(value real) returns real language sql immutable strict as
                $$ select pg_catalog.%1$s(value::double precision)::real $$
            $forms$,
            name
        );
    end loop;
end
$each$;
create or replace function redshift_local.trunc(value double precision, digits integer) returns double precision
    language sql immutable strict as $$ select pg_catalog.trunc(value::numeric, digits)::double precision $$;
create or replace function redshift_local.to_hex(value smallint) returns text language sql immutable strict as
    $$ select pg_catalog.to_hex(value::integer) $$
