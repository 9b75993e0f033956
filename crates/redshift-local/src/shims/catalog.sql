-- Redshift's catalog views, filled with what PostgreSQL knows. Sizes are those of PostgreSQL's files, in MB.
create table if not exists redshift_local.sys_query_history (
    query_id bigint, session_id integer, database_name text, query_type text, status text, start_time timestamp,
    end_time timestamp, elapsed_time bigint, error_message text, returned_rows bigint, query_text text
);
create table if not exists redshift_local.sys_load_history (
    query_id bigint, session_id integer, database_name text, table_name text, status text, start_time timestamp,
    end_time timestamp, duration bigint, data_source text, file_format text, loaded_rows bigint,
    source_file_count integer, source_file_bytes bigint, error_count bigint
);
create table if not exists redshift_local.sys_load_error_detail (
    query_id bigint, session_id integer, database_name text, table_name text, start_time timestamp, file_name text,
    error_code integer, error_message text
);

create or replace view redshift_local.relations as
    select n.nspname::text as schema_name, c.relname::text as table_name, c.oid, c.relkind::text as kind,
        pg_get_userbyid(c.relowner)::text as owner
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm') and n.nspname not in ('redshift_local', 'pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast|temp)';

-- Counted, as PostgreSQL's own estimates lag behind. Redshift says nothing of empty tables.
create or replace function redshift_local.row_count(relation oid) returns bigint language plpgsql stable as
    $$
    declare
        rows bigint;
    begin
        execute format('select count(*) from %s', relation::regclass) into rows;
        return rows;
    end
    $$;
create or replace view redshift_local.svv_table_info as
    select current_database()::text as database, schema_name as schema, oid as table_id, table_name as "table",
        'N'::text as encoded, 'AUTO(ALL)'::text as diststyle, null::text as sortkey1,
        pg_total_relation_size(oid) / 1048576 as size, 0::numeric as pct_used, 0::numeric as unsorted,
        0::numeric as stats_off, tbl_rows::numeric(38,0) as tbl_rows, null::numeric as skew_rows,
        tbl_rows::numeric(38,0) as estimated_visible_rows
    from redshift_local.relations
    cross join lateral redshift_local.row_count(oid) as counted (tbl_rows)
    where kind = 'r' and tbl_rows > 0;

create or replace view redshift_local.svv_tables as
    select current_database()::text as table_catalog, schema_name as table_schema, table_name,
        case kind when 'r' then 'BASE TABLE' else 'VIEW' end as table_type, null::text as remarks
    from redshift_local.relations;

create or replace view redshift_local.svv_redshift_tables as
    select current_database()::text as database_name, schema_name, table_name,
        case kind when 'r' then 'TABLE' else 'VIEW' end as table_type, null::text as table_acl, null::text as remarks,
        owner as table_owner
    from redshift_local.relations;

create or replace view redshift_local.svv_columns as
    select current_database()::text as table_catalog, r.schema_name as table_schema, r.table_name,
        a.attname::text as column_name, a.attnum::integer as ordinal_position,
        pg_get_expr(d.adbin, d.adrelid) as column_default, case when a.attnotnull then 'NO' else 'YES' end as is_nullable,
        format_type(a.atttypid, null) as data_type,
        case when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4 end as character_maximum_length,
        case when a.atttypid = 1700 and a.atttypmod > 4 then (a.atttypmod - 4) >> 16 end as numeric_precision,
        case when a.atttypid = 1700 and a.atttypmod > 4 then (a.atttypmod - 4) & 65535 end as numeric_scale,
        null::text as remarks
    from redshift_local.relations as r
    left join redshift_local.late_binding_views as late on late.relation = r.oid
    join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
    where late.relation is null;

create or replace view redshift_local.svv_redshift_columns as
    select table_catalog as database_name, table_schema as schema_name, table_name, column_name, ordinal_position, data_type,
        column_default, is_nullable, 'none'::text as encoding, false as distkey, 0 as sortkey, null::text as column_acl, remarks
    from redshift_local.svv_columns;

-- Shows tables of the search path only, as Redshift's does.
create or replace view redshift_local.pg_table_def as
    select c.table_schema as schemaname, c.table_name as tablename, c.column_name as "column",
        case
            when c.character_maximum_length is not null
                then c.data_type || '(' || c.character_maximum_length || ')'
            when c.numeric_precision is not null
                then c.data_type || '(' || c.numeric_precision || ',' || c.numeric_scale || ')'
            else c.data_type
        end as type,
        'none'::text as encoding, false as distkey, 0 as sortkey, c.is_nullable = 'NO' as "notnull"
    from redshift_local.svv_columns as c
    join redshift_local.svv_tables as t
        on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'
    where c.table_schema = any(current_schemas(false))
