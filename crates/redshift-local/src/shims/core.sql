-- What Redshift has and PostgreSQL 15 lacks or does otherwise. Installed in every database that stands in for a
-- warehouse; the schema stands in front of pg_catalog in the search path, so that its aggregates win.
create schema if not exists redshift_local;

do $$
begin
    execute format('alter database %I set search_path to redshift_local, pg_catalog, public', current_database());
    execute format('alter database %I set timezone to ''UTC''', current_database());
    execute format('alter database %I set default_transaction_isolation to ''repeatable read''', current_database());
    execute format('alter database %I set datestyle to ''ISO, MDY''', current_database());
    execute format('alter database %I set intervalstyle to ''postgres''', current_database());
    execute format('alter database %I set escape_string_warning to off', current_database());
    -- A procedure's body is Redshift's PL/pgSQL, which PostgreSQL keeps and does not read.
    execute format('alter database %I set check_function_bodies to off', current_database());
end
$$;

-- Clock. GETDATE is the start of the statement, SYSDATE of the transaction; both UTC without a zone.
create or replace function redshift_local.getdate() returns timestamp language sql stable as
    $$ select pg_catalog.date_trunc('second', statement_timestamp() at time zone 'UTC') $$;
create or replace function redshift_local.sysdate() returns timestamp language sql stable as
    $$ select transaction_timestamp() at time zone 'UTC' $$;

-- Clients read Redshift's name and version out of this.
create or replace function redshift_local.version() returns text language sql stable as
    $$ select 'PostgreSQL 8.0.2, Redshift 1.0 (redshift-local on ' || split_part(pg_catalog.version(), ' (', 1) || ')' $$;

-- Rows of the session's last COPY.
create or replace function redshift_local.pg_last_copy_count() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift_local.last_copy_count', true), ''), '0')::bigint $$;
-- Rows of the session's last UNLOAD.
create or replace function redshift_local.pg_last_unload_count() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift_local.last_unload_count', true), ''), '0')::bigint $$;

-- Text and numbers.
create or replace function redshift_local.charindex(part text, value text) returns integer
    language sql immutable strict as
    $$ select strpos(value, part) $$;
create or replace function redshift_local.round(value double precision, digits integer) returns double precision
    language sql immutable strict as
    $$ select pg_catalog.round(value::numeric, digits)::double precision $$;
-- Roots, powers and logarithms are DOUBLE PRECISION even of DECIMAL.
create or replace function redshift_local.sqrt(value numeric) returns double precision language sql immutable strict as
    $$ select pg_catalog.sqrt(value::double precision) $$;
create or replace function redshift_local.exp(value numeric) returns double precision language sql immutable strict as
    $$ select pg_catalog.exp(value::double precision) $$;
create or replace function redshift_local.ln(value numeric) returns double precision language sql immutable strict as
    $$ select pg_catalog.ln(value::double precision) $$;
create or replace function redshift_local.log(value numeric) returns double precision language sql immutable strict as
    $$ select pg_catalog.log(value::double precision) $$;
create or replace function redshift_local.power(base numeric, exponent numeric) returns double precision
    language sql immutable strict as
    $$ select pg_catalog.power(base::double precision, exponent::double precision) $$;
create or replace function redshift_local.pow(base numeric, exponent numeric) returns double precision
    language sql immutable strict as
    $$ select pg_catalog.power(base::double precision, exponent::double precision) $$;
create or replace function redshift_local.sha2(value text, bits integer) returns text language plpgsql immutable strict as
    $$
    begin
        return case bits
            when 0 then encode(pg_catalog.sha256(convert_to(value, 'UTF8')), 'hex')
            when 224 then encode(pg_catalog.sha224(convert_to(value, 'UTF8')), 'hex')
            when 256 then encode(pg_catalog.sha256(convert_to(value, 'UTF8')), 'hex')
            when 384 then encode(pg_catalog.sha384(convert_to(value, 'UTF8')), 'hex')
            when 512 then encode(pg_catalog.sha512(convert_to(value, 'UTF8')), 'hex')
        end;
    end
    $$;

-- Integer aggregates: AVG truncates, SUM of BIGINT stays BIGINT and overflows.
create or replace function redshift_local.avg_accumulate(state bigint[], value bigint) returns bigint[]
    language sql immutable as
    $$ select case when value is null then state else array[state[1] + 1, state[2] + value] end $$;
create or replace function redshift_local.avg_final(state bigint[]) returns bigint language sql immutable as
    $$ select case when state[1] > 0 then state[2] / state[1] end $$;

create or replace aggregate redshift_local.avg(bigint) (
    sfunc = redshift_local.avg_accumulate, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final
);
create or replace aggregate redshift_local.avg(integer) (
    sfunc = pg_catalog.int4_avg_accum, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final
);
create or replace aggregate redshift_local.avg(smallint) (
    sfunc = pg_catalog.int2_avg_accum, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final
);
create or replace aggregate redshift_local.sum(bigint) (
    sfunc = pg_catalog.int8pl, stype = bigint,
    msfunc = pg_catalog.int8pl, minvfunc = pg_catalog.int8mi, mstype = bigint
);

-- MEDIAN: DECIMAL of exact numbers, else the type of its input.
create or replace function redshift_local.median_final(state numeric[]) returns numeric language sql immutable as
    $$
    select pg_catalog.avg(value)
    from (
        select value, row_number() over (order by value) as position, count(*) over () as total
        from unnest(state) as value
        where value is not null
    ) as ranked
    where position in ((total + 1) / 2, (total + 2) / 2)
    $$;
create or replace function redshift_local.median_final(state double precision[]) returns double precision
    language sql immutable as
    $$ select percentile_cont(0.5) within group (order by value) from unnest(state) as value $$;
create or replace aggregate redshift_local.median(numeric) (
    sfunc = array_append, stype = numeric[], initcond = '{}', finalfunc = redshift_local.median_final
);
create or replace aggregate redshift_local.median(double precision) (
    sfunc = array_append, stype = double precision[], initcond = '{}', finalfunc = redshift_local.median_final
);

-- A literal in which, as everywhere in Redshift, a backslash escapes; PostgreSQL's would be E'…'.
create or replace function redshift_local.quote_literal(value text) returns text language sql immutable strict as
    $$ select '''' || replace(replace(value, '\', '\\'), '''', '''''') || '''' $$;

-- Keys are declared, not enforced; VARCHAR counts bytes. Both are set right after a table is created or changed. Its own
-- ALTER TABLE calls this again, which the setting stops.
create or replace function redshift_local.on_table_change() returns event_trigger language plpgsql as
    $$
    declare
        changed oid;
        actions text;
    begin
        if current_setting('redshift_local.is_changing_table', true) = 'yes' then
            return;
        end if;
        perform set_config('redshift_local.is_changing_table', 'yes', true);
        for changed in
            select distinct objid
            from pg_event_trigger_ddl_commands()
            where object_type = 'table' and command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
        loop
            -- The check that stands for a length in bytes carries column and length in its name.
            with
            measured as (
                select attname, attnum, left(attname, 40) || '_bytes_' || (atttypmod - 4) as constraint_name, atttypmod - 4 as bytes
                from pg_attribute
                where attrelid = changed
                    and attnum > 0
                    and not attisdropped
                    and atttypid in ('varchar'::regtype, 'bpchar'::regtype)
                    and atttypmod > 4
            ),
            standing as (
                select conname, contype, conkey from pg_constraint where conrelid = changed and contype in ('p', 'u', 'c')
            )
            select string_agg(action, ', ')
            into actions
            from (
                select format('drop constraint %I', conname) as action
                from standing
                where contype in ('p', 'u') or conname not in (select constraint_name from measured)
                union all
                select format('add constraint %I check (octet_length(%I) <= %s)', constraint_name, attname, bytes)
                from measured
                where constraint_name not in (select conname from standing)
            ) as needed;
            if actions is not null then
                execute format('alter table %s %s', changed::regclass, actions);
            end if;
        end loop;
        perform set_config('redshift_local.is_changing_table', '', true);
    end
    $$;
drop event trigger if exists redshift_local_on_table_change;
create event trigger redshift_local_on_table_change on ddl_command_end
    when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
    execute function redshift_local.on_table_change()
