-- Text: what PostgreSQL 15 lacks, or does otherwise under the same name.
create or replace function redshift_local.replicate(value text, count integer) returns text language sql immutable strict as
    $$ select pg_catalog.repeat(value, count) $$;

create or replace function redshift_local.listagg_result(value text) returns text language plpgsql immutable as
    $$
    begin
        if octet_length(value) > 65535 then
            raise exception 'Result size exceeds LISTAGG limit';
        end if;
        return value;
    end
    $$;

create or replace function redshift_local.octetindex(wanted text, value text) returns integer
    language sql immutable strict as
    $$ select coalesce(nullif(position(convert_to(wanted, 'UTF8') in convert_to(value, 'UTF8')), 0), 0) $$;

-- The part is counted from 1; PostgreSQL also counts from the end, with negative numbers.
create or replace function redshift_local.split_part(value text, delimiter text, part integer) returns text
    language sql immutable strict as $$ select pg_catalog.split_part(value, delimiter, greatest(part, 0)) $$;

-- Byte by byte; PostgreSQL gives how far the bytes are apart.
create or replace function redshift_local.bttext_pattern_cmp(one text, other text) returns integer
    language sql immutable strict as
    $$ select sign(pg_catalog.bttext_pattern_cmp(one, other)::numeric)::integer $$;
create or replace function redshift_local.bpcharcmp(one text, other text) returns integer
    language sql immutable strict as $$ select redshift_local.bttext_pattern_cmp(one, other) $$;

-- American Soundex of the ASCII letters alone: a letter and three digits, or nothing.
create or replace function redshift_local.soundex(value text) returns varchar language plpgsql immutable strict as
    $$
    declare
        letters text := regexp_replace(upper(value), '[^A-Z]', '', 'g');
        code text := left(letters, 1);
        letter text;
        digit text;
        digit_before text := pg_catalog.translate(code, 'BFPVCGJKQSXZDTLMNRAEIOUYHW', '11112222222233455600000000');
    begin
        for position in 2 .. length(letters) loop
            letter := substr(letters, position, 1);
            -- H and W do not part equal sounds; vowels do.
            continue when letter in ('H', 'W');
            digit := pg_catalog.translate(letter, 'BFPVCGJKQSXZDTLMNRAEIOUY', '111122222222334556000000');
            if digit <> '0' and digit <> digit_before then
                code := code || digit;
            end if;
            digit_before := digit;
        end loop;
        return case when code = '' then '' else rpad(left(code, 4), 4, '0') end;
    end
    $$;
-- How many places of the two Soundex codes agree; 1 when neither text has a letter.
create or replace function redshift_local.difference(one text, other text) returns integer
    language sql immutable strict as
    $$
    select case
        when redshift_local.soundex(one) = '' and redshift_local.soundex(other) = '' then 1
        else (
            select count(*)
            from generate_series(1, 4) as place
            where substr(redshift_local.soundex(one), place, 1) <> ''
                and substr(redshift_local.soundex(one), place, 1) = substr(redshift_local.soundex(other), place, 1)
        )::integer
    end
    $$;

-- The order is ICU's; servers built without ICU have no such collation.
do $$
begin
    create collation if not exists redshift_local.case_insensitive (
        provider = icu, locale = 'und-u-ks-level2', deterministic = false
    );
exception when feature_not_supported then
    raise notice 'this PostgreSQL has no ICU, so COLLATE(…, ''case_insensitive'') fails';
end
$$;

-- Functions of text also take numbers, dates and times, as their text.
do $each$
declare
    name text;
    parameters text;
    arguments text;
    result text;
begin
    for name, parameters, arguments, result in
        values
            ('substring', ', start integer', ', start', 'text'),
            ('substring', ', start integer, size integer', ', start, size', 'text'),
            ('length', '', '', 'integer'),
            ('octet_length', '', '', 'integer'),
            ('left', ', size integer', ', size', 'text'),
            ('right', ', size integer', ', size', 'text'),
            ('replace', ', part text, replacement text', ', part, replacement', 'text'),
            ('strpos', ', part text', ', part', 'integer'),
            ('lpad', ', size integer', ', size', 'text'),
            ('lpad', ', size integer, filling text', ', size, filling', 'text'),
            ('rpad', ', size integer', ', size', 'text'),
            ('rpad', ', size integer, filling text', ', size, filling', 'text'),
            ('upper', '', '', 'text'),
            ('lower', '', '', 'text'),
            ('reverse', '', '', 'text'),
            ('md5', '', '', 'text')
    loop
        execute format(
            $form$
            create or replace function redshift_local.%1$s(value anyelement%2$s) returns %4$s
                language sql stable strict as $$ select pg_catalog.%1$s(value::text%3$s) $$
            $form$,
            name, parameters, arguments, result
        );
    end loop;
end
$each$;
create or replace function redshift_local.split_part(value anyelement, delimiter text, part integer) returns text
    language sql stable strict as $$ select redshift_local.split_part(value::text, delimiter, part) $$;
-- LIKE, too; an operator that stands already is left alone, as it cannot be replaced.
do $each$
declare
    source text;
begin
    foreach source in array array['date', 'timestamp', 'timestamptz', 'smallint', 'integer', 'bigint', 'numeric'] loop
        execute format(
            $forms$
            create or replace function redshift_local.like_text(value %1$s, pattern text) returns boolean
                language sql stable strict as $$ select value::text like pattern $$;
            create or replace function redshift_local.not_like_text(value %1$s, pattern text) returns boolean
                language sql stable strict as $$ select value::text not like pattern $$;
            $forms$,
            source
        );
        if to_regoperator(format('redshift_local.~~ (%s, text)', source)) is null then
            execute format(
                $forms$
                create operator redshift_local.~~ (
                    leftarg = %1$s, rightarg = text, function = redshift_local.like_text
                );
                create operator redshift_local.!~~ (
                    leftarg = %1$s, rightarg = text, function = redshift_local.not_like_text
                );
                $forms$,
                source
            );
        end if;
    end loop;
end
$each$
