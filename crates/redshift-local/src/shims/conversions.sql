-- Conversions with a rule of their own.

-- A value in another type, or NULL where it has none there. A pair of types between which TRY_CAST knows no way is an error.
create or replace function redshift_local.try_cast(value anyelement, type_name text) returns text
    language plpgsql stable as
    $$
    declare
        source text := pg_typeof(value)::text;
        target text := regexp_replace(type_name, '\(.*', '');
        texts constant text[] := array['varchar', 'char', 'character varying', 'character', 'text'];
        numbers constant text[] := array['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];
        is_known constant boolean := case
            when source = any (texts) then target <> 'boolean'
            when source = 'boolean' then target in ('smallint', 'integer', 'bigint')
            when source in ('smallint', 'integer', 'bigint') then target = any (numbers || texts || array['boolean'])
            when source = any (numbers) then target = any (numbers || texts)
            else target <> 'boolean' and target <> all (numbers)
        end;
        result text;
    begin
        if not is_known then
            raise exception 'TRY_CAST does not convert % to %', source, target;
        end if;
        execute format('select ($1::%s)::text', type_name) into result using value;
        return result;
    exception when data_exception then
        return null;
    end
    $$;
create or replace function redshift_local.try_cast(value text, type_name text) returns text
    language plpgsql stable as
    $$
    declare
        result text;
    begin
        if type_name = 'boolean' then
            raise exception 'TRY_CAST does not convert text to boolean';
        end if;
        execute format('select ($1::%s)::text', type_name) into result using value;
        return result;
    exception when data_exception then
        return null;
    end
    $$;

-- Numbers as Teradata writes them: the sign may stand behind, the signs / , : % are passed over, blank text is 0.
create or replace function redshift_local.teradata_number(value text) returns numeric language sql immutable strict as
    $$
    select case
        when btrim(value) = '' then 0
        else pg_catalog.regexp_replace(
            pg_catalog.translate(btrim(value), '/,:%', ''), '^([^+-].*)([+-])$', '\2\1'
        )::numeric
    end
    $$;
create or replace function redshift_local.text_to_int_alt(value text) returns integer language sql immutable strict as
    $$ select pg_catalog.trunc(redshift_local.teradata_number(value))::integer $$;
-- What lies midway between two numbers becomes the even one.
create or replace function redshift_local.text_to_numeric_alt(value text, precision_ integer, scale_ integer)
    returns numeric language plpgsql immutable strict as
    $$
    declare
        number numeric := redshift_local.teradata_number(value);
        unit numeric := pg_catalog.power(10::numeric, scale_);
        rounded numeric := pg_catalog.round(number, scale_);
    begin
        if abs(number * unit - pg_catalog.trunc(number * unit)) = 0.5 and mod(pg_catalog.trunc(number * unit), 2) = 0 then
            rounded := pg_catalog.trunc(number, scale_);
        end if;
        if abs(rounded) >= pg_catalog.power(10::numeric, precision_ - scale_) then
            raise exception 'TEXT_TO_NUMERIC_ALT: % does not fit DECIMAL(%, %)', value, precision_, scale_;
        end if;
        return rounded;
    end
    $$;
create or replace function redshift_local.text_to_numeric_alt(value text) returns numeric
    language sql immutable strict as $$ select redshift_local.text_to_numeric_alt(value, 38, 0) $$
