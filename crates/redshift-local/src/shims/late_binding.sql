-- Views WITH NO SCHEMA BINDING: their queries, in PostgreSQL's words. A view of PostgreSQL stands for each of them, so that
-- DROP, GRANT, COMMENT and lists of views find it; who reads it gets there without the Data API.
create table if not exists redshift_local.late_binding_views (relation oid not null, query text not null);

create or replace function redshift_local.late_bound(name text) returns text language plpgsql volatile as
    $$
    begin
        raise 'view % WITH NO SCHEMA BINDING is read through the Data API only', name;
    end
    $$;

create or replace procedure redshift_local.create_late_binding_view(name text, query text, replaces boolean)
    language plpgsql as
    $$
    begin
        if replaces and not exists (select from redshift_local.late_binding_views where relation = to_regclass(name)) then
            -- A view that was bound has other columns, which PostgreSQL would not replace.
            execute format('drop view if exists %s', name);
            replaces := false;
        end if;
        execute format(
            'create %s view %s as select redshift_local.late_bound(%L) as late_bound',
            case when replaces then 'or replace' end, name, name
        );
        delete from redshift_local.late_binding_views where relation = name::regclass;
        insert into redshift_local.late_binding_views values (name::regclass, query);
    end
    $$;

create or replace function redshift_local.on_drop() returns event_trigger language plpgsql as
    $$
    begin
        delete from redshift_local.late_binding_views as v
        using pg_event_trigger_dropped_objects() as d
        where d.classid = 'pg_class'::regclass and d.objid = v.relation;
    end
    $$;
drop event trigger if exists redshift_local_on_drop;
create event trigger redshift_local_on_drop on sql_drop when tag in ('DROP VIEW', 'DROP SCHEMA')
    execute function redshift_local.on_drop()
