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
-- Integer aggregates: AVG truncates, SUM of BIGINT stays BIGINT and overflows.
create or replace function redshift_local.avg_accumulate(state bigint[], value bigint) returns bigint[]
    language sql immutable as
    $$ select case when value is null then state else array[state[1] + 1, state[2] + value] end $$;
create or replace function redshift_local.avg_final(state bigint[]) returns bigint language sql immutable as
    $$ select case when state[1] > 0 then state[2] / state[1] end $$;

create or replace aggregate redshift_local.avg(bigint) (
    sfunc = redshift_local.avg_accumulate, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final,
    parallel = safe
);
create or replace aggregate redshift_local.avg(integer) (
    sfunc = pg_catalog.int4_avg_accum, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final,
    combinefunc = pg_catalog.int4_avg_combine, parallel = safe
);
create or replace aggregate redshift_local.avg(smallint) (
    sfunc = pg_catalog.int2_avg_accum, stype = bigint[], initcond = '{0,0}', finalfunc = redshift_local.avg_final,
    combinefunc = pg_catalog.int4_avg_combine, parallel = safe
);
create or replace aggregate redshift_local.sum(bigint) (
    sfunc = pg_catalog.int8pl, stype = bigint, combinefunc = pg_catalog.int8pl, parallel = safe,
    msfunc = pg_catalog.int8pl, minvfunc = pg_catalog.int8mi, mstype = bigint
);

-- SUM of REAL is DOUBLE PRECISION.
create or replace function redshift_local.sum_accumulate(state double precision, value real) returns double precision
    language sql immutable as $$ select coalesce(state + value, state, value) $$;
create or replace aggregate redshift_local.sum(real) (
    sfunc = redshift_local.sum_accumulate, stype = double precision, parallel = safe
);

-- BOOL_AND and BOOL_OR also take integers, of which 0 is false.
create or replace function redshift_local.bool_and_accumulate(state boolean, value bigint) returns boolean
    language sql immutable as $$ select case when value is null then state else coalesce(state, true) and value <> 0 end $$;
create or replace function redshift_local.bool_or_accumulate(state boolean, value bigint) returns boolean
    language sql immutable as $$ select case when value is null then state else coalesce(state, false) or value <> 0 end $$;
create or replace aggregate redshift_local.bool_and(bigint) (
    sfunc = redshift_local.bool_and_accumulate, stype = boolean, parallel = safe
);
create or replace aggregate redshift_local.bool_or(bigint) (
    sfunc = redshift_local.bool_or_accumulate, stype = boolean, parallel = safe
);

-- A literal in which, as everywhere in Redshift, a backslash escapes; PostgreSQL's would be E'…'.
create or replace function redshift_local.quote_literal(value text) returns text language sql immutable strict as
    $$ select '''' || replace(replace(value, '\', '\\'), '''', '''''') || '''' $$;

-- The index that stands for a sort key, of columns by name or by number. Long texts fit into none, and have none. ANALYZE also counts
-- how many values several columns have together, 8 at most: PostgreSQL would expect few groups of them and read past the index.
create or replace function redshift_local.index_sort_key(sorted regclass, keys text[]) returns void language plpgsql as
    $$
    declare
        sort_columns text;
        has_text boolean;
    begin
        select
            string_agg(quote_ident(coalesce(attname, key)), ', ' order by place),
            bool_or(coalesce(atttypid in ('varchar'::regtype, 'bpchar'::regtype, 'text'::regtype), false))
        into sort_columns, has_text
        from unnest(keys) with ordinality as numbered (key, place)
        left join pg_attribute on attrelid = sorted and attnum > 0 and key in (attname, attnum::text);
        if not has_text then
            execute format('create index on %s (%s)', sorted, sort_columns);
            if cardinality(keys) between 2 and 8 then
                execute format(
                    'create statistics %s.%I (ndistinct) on %s from %s',
                    (select relnamespace::regnamespace from pg_class where oid = sorted),
                    'sort_key_of_' || sorted::oid, sort_columns, sorted
                );
            end if;
        end if;
    end
    $$;

-- Keys are declared, not enforced; VARCHAR counts bytes. A server whose data is made anew by every start may say
-- `redshift_local.is_durable=off`, and keeps no log of the rows. All of it is set right after a table is created or changed. Its own
-- ALTER TABLE calls this again, which the setting stops.
create or replace function redshift_local.on_table_change() returns event_trigger language plpgsql as
    $$
    declare
        changed oid;
        actions text;
        sort_columns text[];
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
            for sort_columns in
                select array_agg(attname::text order by place)
                from pg_constraint
                cross join unnest(conkey) with ordinality as keys (number, place)
                inner join pg_attribute on attrelid = conrelid and attnum = number
                where conrelid = changed and contype = 'u' and conname like 'sortkey\_of\_%'
                group by pg_constraint.oid
            loop
                perform redshift_local.index_sort_key(changed, sort_columns);
            end loop;
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
                select 'set unlogged' as action
                from pg_class
                where oid = changed and relpersistence = 'p' and current_setting('redshift_local.is_durable', true) = 'off'
                union all
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
