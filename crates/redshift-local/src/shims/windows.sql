-- What PostgreSQL does not take as a window function: IGNORE NULLS, and ordered-set aggregates with OVER, which are functions
-- of the window's values here. The translation calls them by these names.
create or replace function redshift_local.first_of(state anyelement, value anyelement) returns anyelement
    language sql immutable as $$ select coalesce(state, value) $$;
create or replace function redshift_local.last_of(state anyelement, value anyelement) returns anyelement
    language sql immutable as $$ select coalesce(value, state) $$;
create or replace aggregate redshift_local.any_value(anyelement) (
    sfunc = redshift_local.first_of, stype = anyelement, parallel = safe
);
create or replace aggregate redshift_local.first_value_present(anyelement) (
    sfunc = redshift_local.first_of, stype = anyelement
);
create or replace aggregate redshift_local.last_value_present(anyelement) (
    sfunc = redshift_local.last_of, stype = anyelement
);

create or replace function redshift_local.percentile_disc_of(items anyarray, fraction double precision, is_descending boolean)
    returns anyelement language sql immutable as
    $$
    select case when is_descending
        then (select pg_catalog.percentile_disc(fraction) within group (order by item desc) from unnest(items) as item)
        else (select pg_catalog.percentile_disc(fraction) within group (order by item) from unnest(items) as item)
    end
    $$;
create or replace function redshift_local.listagg_of(items text[], keys jsonb[], delimiter text, is_descending boolean)
    returns text language sql immutable as
    $$
    select case when is_descending
        then string_agg(item, delimiter order by key is null desc, key desc)
        else string_agg(item, delimiter order by key is null, key)
    end
    from unnest(items, keys) as pair (item, key)
    $$;
-- The value `count` places in front of the end, among those that are not NULL.
create or replace function redshift_local.present_from_end(items anyarray, count integer) returns anyelement
    language sql immutable strict as
    $$ select present[cardinality(present) - count + 1] from (select array_remove(items, null)) as kept (present) $$
