-- Regular expressions. Parameters are letters: i ignores case, c minds it, p and e are about Redshift's own two dialects and
-- groups; PostgreSQL gives the last three other meanings. A position below 1 is the first character.
create or replace function redshift_local.regexp_flags(parameters text) returns text language sql immutable strict as
    $$ select pg_catalog.translate(parameters, 'ecp', '') $$;
-- The group that e asks for: the first, or the whole match when the pattern has none.
create or replace function redshift_local.regexp_group(pattern text, parameters text) returns integer
    language sql immutable strict as
    $$
    select case
        when strpos(parameters, 'e') > 0
            and pg_catalog.regexp_replace(pattern, '\\.|\[[^]]*\]', '', 'g') ~ '\((?!\?)'
            then 1
        else 0
    end
    $$;

-- An earlier stand-in left a form of two arguments, beside which the defaults would be ambiguous.
drop function if exists redshift_local.regexp_count(text, text);
create or replace function redshift_local.regexp_count(
    value text, pattern text, start integer default 1, parameters text default ''
) returns integer language sql immutable strict as
    $$ select pg_catalog.regexp_count(value, pattern, greatest(start, 1), redshift_local.regexp_flags(parameters)) $$;
create or replace function redshift_local.regexp_instr(
    value text, pattern text, start integer default 1, occurrence integer default 1, behind integer default 0,
    parameters text default ''
) returns integer language sql immutable strict as
    $$
    select case
        when occurrence between 1 and length(value)
            then pg_catalog.regexp_instr(
                value, pattern, greatest(start, 1), greatest(occurrence, 1), case when behind = 0 then 0 else 1 end,
                redshift_local.regexp_flags(parameters), redshift_local.regexp_group(pattern, parameters)
            )
        else 0
    end
    $$;
-- Without a match REGEXP_SUBSTR is empty; it is NULL for an occurrence that cannot be.
create or replace function redshift_local.regexp_substr(
    value text, pattern text, start integer default 1, occurrence integer default 1, parameters text default ''
) returns text language sql immutable strict as
    $$
    select case
        when occurrence = 1 or occurrence between 1 and length(value)
            then coalesce(
                pg_catalog.regexp_substr(
                    value, pattern, greatest(start, 1), greatest(occurrence, 1), redshift_local.regexp_flags(parameters),
                    redshift_local.regexp_group(pattern, parameters)
                ),
                ''
            )
    end
    $$;
-- Every match is replaced, not the first alone.
create or replace function redshift_local.regexp_replace(
    value text, pattern text, replacement text default '', start integer default 1, parameters text default ''
) returns text language sql immutable strict as
    $$
    select pg_catalog.substr(value, 1, greatest(start, 1) - 1)
        || pg_catalog.regexp_replace(
            pg_catalog.substr(value, greatest(start, 1)), pattern, replacement,
            'g' || redshift_local.regexp_flags(parameters)
        )
    $$
