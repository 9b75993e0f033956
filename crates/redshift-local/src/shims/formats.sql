-- TO_DATE, TO_TIMESTAMP, TO_CHAR and STRTOL: text read and written by a format.
-- Without is_strict, days and hours that are too large run over into the next month or day; PostgreSQL refuses them. Only
-- formats of numbers are read so; in others PostgreSQL's refusal stands.
create or replace function redshift_local.to_timestamp(value text, format text, is_strict boolean) returns timestamptz
    language plpgsql stable strict as
    $$
    declare
        pattern text := '^\s*';
        rest text := upper(format);
        fields text[] := '{}';
        field text;
        digits text[];
        result timestamp := '2000-01-01';
    begin
        return pg_catalog.to_timestamp(value, format);
    exception when datetime_field_overflow then
        if is_strict then
            raise;
        end if;
        while rest <> '' loop
            field := substring(rest from '^(?:YYYY|HH24|MM|DD|MI|SS|MS|US)');
            if field is null and rest ~ '^[A-Z]' then
                raise;
            end if;
            pattern := pattern || case
                when field is null then '\D?'
                when field = 'YYYY' then '(\d{4})'
                when field = 'MS' then '(\d{1,3})'
                when field = 'US' then '(\d{1,6})'
                else '(\d{1,2})'
            end;
            fields := case when field is null then fields else fields || field end;
            rest := substr(rest, coalesce(length(field), 1) + 1);
        end loop;
        digits := regexp_match(value, pattern);
        if digits is null then
            raise;
        end if;
        for index in 1 .. cardinality(fields) loop
            result := result + case fields[index]
                when 'YYYY' then make_interval(years => digits[index]::integer - 2000)
                when 'MM' then make_interval(months => digits[index]::integer - 1)
                when 'DD' then make_interval(days => digits[index]::integer - 1)
                when 'HH24' then make_interval(hours => digits[index]::integer)
                when 'MI' then make_interval(mins => digits[index]::integer)
                when 'SS' then make_interval(secs => digits[index]::integer)
                else make_interval(secs => ('0.' || digits[index])::numeric)
            end;
        end loop;
        return result;
    end
    $$;
create or replace function redshift_local.to_timestamp(value text, format text) returns timestamptz
    language sql stable strict as $$ select redshift_local.to_timestamp(value, format, false) $$;
create or replace function redshift_local.to_timestamp(value timestamp, format text) returns timestamptz
    language sql stable strict as $$ select redshift_local.to_timestamp(value::text, format, false) $$;
create or replace function redshift_local.to_date(value text, format text, is_strict boolean) returns date
    language sql stable strict as $$ select redshift_local.to_timestamp(value, format, is_strict)::date $$;
create or replace function redshift_local.to_date(value text, format text) returns date language sql stable strict as
    $$ select redshift_local.to_timestamp(value, format, false)::date $$;

-- TZ of a TIMESTAMP is the session's zone.
create or replace function redshift_local.to_char(value timestamp, format text) returns text
    language sql stable strict as $$ select pg_catalog.to_char(value::timestamptz, format) $$;

create or replace function redshift_local.strtol(value text, base integer) returns bigint
    language plpgsql immutable strict as
    $$
    declare
        digits text := lower(ltrim(value, E' \t\n\r\f\013'));
        is_negative boolean := left(digits, 1) = '-';
        total numeric := 0;
        digit integer;
    begin
        if base not between 2 and 36 then
            raise exception 'STRTOL: the base % is not between 2 and 36', base;
        end if;
        digits := regexp_replace(digits, '^[+-]', '');
        if base = 16 then
            digits := regexp_replace(digits, '^0x', '');
        end if;
        for position in 1 .. length(digits) loop
            digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, position, 1)) - 1;
            if digit < 0 or digit >= base then
                raise exception 'The input % is not valid to be converted to base %', value, base;
            end if;
            total := total * base + digit;
        end loop;
        return case when is_negative then -total else total end;
    end
    $$
