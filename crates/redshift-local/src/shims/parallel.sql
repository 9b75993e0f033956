-- PostgreSQL plans a query for several processes only where each of its functions is said to allow it. Those do not that change
-- something or that catch errors, which takes a subtransaction; nor do those that call one of them.
do $$
declare
    allowed regprocedure;
begin
    for allowed in
        with recursive
        shims as (
            select oid, proname, prosrc, provolatile, prokind
            from pg_proc
            where pronamespace = 'redshift_local'::regnamespace
        ),
        lone as (
            select proname from shims where prokind = 'f' and (provolatile = 'v' or prosrc ~* '\mexception\s+when\M')
            union
            select shims.proname
            from shims
            inner join lone on shims.prosrc like '%redshift_local.' || lone.proname || '(%'
        )
        select oid from shims where prokind = 'f' and proname not in (select proname from lone)
    loop
        execute format('alter function %s parallel safe', allowed);
    end loop;
end
$$
