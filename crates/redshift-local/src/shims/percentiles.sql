-- PERCENTILE_CONT and MEDIAN of all values of a group or window. The translation calls both with an array. The result
-- has the type of the values; of integers and DECIMAL it is DECIMAL, with as many more digits as the fraction has. Of the values
-- of a group only those in the middle come to MEDIAN; a window and DISTINCT have the aggregate.
create or replace function redshift_local.percentile_cont(items numeric[], fraction numeric) returns numeric
    language sql immutable strict as
    $$
    select sorted[floor(place)::integer] * (1 - (place - floor(place)))
        + sorted[ceil(place)::integer] * (place - floor(place))
    from (
        select array_agg(item order by item) as sorted, 1 + fraction * (count(item) - 1) as place
        from unnest(items) as item
        where item is not null
    ) as ordered
    $$;
create or replace function redshift_local.percentile_cont(items double precision[], fraction numeric)
    returns double precision language sql immutable strict as
    $$
    select pg_catalog.percentile_cont(fraction::double precision) within group (order by item) from unnest(items) as item
    $$;
create or replace function redshift_local.percentile_cont(items timestamp[], fraction numeric) returns timestamp
    language sql immutable strict as
    $$
    select sorted[floor(place)::integer]
        + (sorted[ceil(place)::integer] - sorted[floor(place)::integer]) * (place - floor(place))::double precision
    from (
        select array_agg(item order by item) as sorted, 1 + fraction * (count(item) - 1) as place
        from unnest(items) as item
        where item is not null
    ) as ordered
    $$;
do $each$
declare
    source text;
    computed text;
    result text;
begin
    for source, computed, result in
        values ('smallint', 'numeric', 'numeric'), ('integer', 'numeric', 'numeric'), ('bigint', 'numeric', 'numeric'),
            ('real', 'double precision', 'double precision'), ('date', 'timestamp', 'date'),
            ('timestamptz', 'timestamp', 'timestamptz')
    loop
        execute format(
            $forms$
            create or replace function redshift_local.percentile_cont(items %1$s[], fraction numeric) returns %3$s
                language sql stable strict as
                $$ select redshift_local.percentile_cont(items::%2$s[], fraction)::%3$s $$
            $forms$,
            source, computed, result
        );
    end loop;
    for source, result in
        values ('smallint', 'numeric'), ('integer', 'numeric'), ('bigint', 'numeric'), ('numeric', 'numeric'),
            ('real', 'double precision'), ('double precision', 'double precision'), ('date', 'date'),
            ('timestamp', 'timestamp'), ('timestamptz', 'timestamptz')
    loop
        execute format(
            $forms$
            create or replace function redshift_local.median(items %1$s[]) returns %2$s language sql stable as
                $$ select redshift_local.percentile_cont(items, 0.5) $$;
            create or replace aggregate redshift_local.median(%1$s) (
                sfunc = array_append, stype = %1$s[], initcond = '{}', finalfunc = redshift_local.median,
                parallel = safe
            );
            $forms$,
            source, result
        );
    end loop;
end
$each$
