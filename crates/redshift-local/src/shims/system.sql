-- What a session knows of itself and of the warehouse.

-- Ids as in SYS_QUERY_HISTORY; -1 when there was none.
create or replace function redshift_local.remembered_id(name text) returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift_local.' || name, true), ''), '-1')::bigint $$;
create or replace function redshift_local.pg_last_query_id() returns bigint language sql volatile as
    $$ select redshift_local.remembered_id('last_query_id') $$;
create or replace function redshift_local.last_user_query_id() returns bigint language sql volatile as
    $$ select redshift_local.remembered_id('last_query_id') $$;
create or replace function redshift_local.pg_last_copy_id() returns bigint language sql volatile as
    $$ select redshift_local.remembered_id('last_copy_id') $$;
create or replace function redshift_local.pg_last_unload_id() returns bigint language sql volatile as
    $$ select redshift_local.remembered_id('last_unload_id') $$;

create or replace function redshift_local.current_user_id() returns integer language sql stable as
    $$ select usesysid::integer from pg_catalog.pg_user where usename = current_user $$;
-- No account is asked for here; the number is that of stand-ins for AWS, whose twelve digits are zeros.
create or replace function redshift_local.current_aws_account() returns bigint language sql stable as
    $$ select 0::bigint $$;
create or replace function redshift_local.current_namespace() returns varchar language sql stable as
    $$ select '00000000-0000-0000-0000-000000000000'::varchar $$;
create or replace function redshift_local.db_collation() returns varchar language sql stable as
    $$ select 'case_sensitive'::varchar $$
