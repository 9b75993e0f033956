-- Text, JSON and hashes: what PostgreSQL 15 lacks, or does otherwise under the same name.
create or replace function redshift_local.replicate(value text, count integer) returns text language sql immutable strict as
    $$ select pg_catalog.repeat(value, count) $$;

-- Regular expressions. Parameters are letters: i ignores case, c minds it, p and e are about Redshift's own two dialects and
-- groups; PostgreSQL gives the last three other meanings.
create or replace function redshift_local.regexp_flags(parameters text) returns text language sql immutable strict as
    $$ select pg_catalog.translate(parameters, 'ecp', '') $$;
create or replace function redshift_local.regexp_count(value text, pattern text) returns integer
    language sql immutable strict as $$ select pg_catalog.regexp_count(value, pattern) $$;
create or replace function redshift_local.regexp_count(value text, pattern text, start integer, parameters text)
    returns integer language sql immutable strict as
    $$ select pg_catalog.regexp_count(value, pattern, start, redshift_local.regexp_flags(parameters)) $$;
create or replace function redshift_local.regexp_instr(
    value text, pattern text, start integer, occurrence integer, behind integer, parameters text
) returns integer language sql immutable strict as
    $$
    select pg_catalog.regexp_instr(
        value, pattern, start, occurrence, behind, redshift_local.regexp_flags(parameters),
        case when strpos(parameters, 'e') > 0 then 1 else 0 end
    )
    $$;
-- Without a match REGEXP_SUBSTR is empty, not NULL.
create or replace function redshift_local.regexp_substr(
    value text, pattern text, start integer default 1, occurrence integer default 1, parameters text default ''
) returns text language sql immutable strict as
    $$
    select coalesce(
        pg_catalog.regexp_substr(
            value, pattern, start, occurrence, redshift_local.regexp_flags(parameters),
            case when strpos(parameters, 'e') > 0 then 1 else 0 end
        ),
        ''
    )
    $$;
-- Every match is replaced, not the first alone.
create or replace function redshift_local.regexp_replace(
    value text, pattern text, replacement text default '', start integer default 1, parameters text default ''
) returns text language sql immutable strict as
    $$
    select pg_catalog.substr(value, 1, start - 1)
        || pg_catalog.regexp_replace(
            pg_catalog.substr(value, start), pattern, replacement, 'g' || redshift_local.regexp_flags(parameters)
        )
    $$;

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

-- CRC-32C (Castagnoli) of the bytes, as hexadecimal digits.
create or replace function redshift_local.crc32(value text) returns varchar language plpgsql immutable strict as
    $$
    declare
        bytes bytea := convert_to(value, 'UTF8');
        register bigint := 4294967295;
    begin
        for position in 0 .. length(bytes) - 1 loop
            register := register # get_byte(bytes, position);
            for bit in 1 .. 8 loop
                register := (register >> 1) # (case when register & 1 = 1 then 2197175160 else 0 end);
            end loop;
        end loop;
        return lpad(to_hex(register # 4294967295), 8, '0');
    end
    $$;

-- FNV-1a in 64 bits, as a signed number. Integers are hashed by as many bytes as their type has, the lowest first; the hash
-- of one value may be the seed of the next. The default is the algorithm's own.
create or replace function redshift_local.fnv_bytes(bytes bytea, seed bigint) returns bigint
    language plpgsql immutable strict as
    $$
    declare
        hash numeric := case when seed < 0 then seed + 18446744073709551616 else seed end;
        low bigint;
    begin
        for index in 0 .. length(bytes) - 1 loop
            low := mod(hash, 256)::bigint;
            hash := mod((hash - low + (low # get_byte(bytes, index))) * 1099511628211, 18446744073709551616);
        end loop;
        return (case when hash >= 9223372036854775808 then hash - 18446744073709551616 else hash end)::bigint;
    end
    $$;
create or replace function redshift_local.lowest_bytes(value bigint, size integer) returns bytea language sql immutable as
    $$
    select string_agg(substr(int8send(value), 9 - place, 1), '' order by place)
    from generate_series(1, size) as place
    $$;
create or replace function redshift_local.fnv_hash(value text, seed bigint default -3750763034362895579) returns bigint
    language sql immutable strict as
    $$ select redshift_local.fnv_bytes(convert_to(value, 'UTF8'), seed) $$;
create or replace function redshift_local.fnv_hash(value smallint, seed bigint default -3750763034362895579) returns bigint
    language sql immutable strict as
    $$ select redshift_local.fnv_bytes(redshift_local.lowest_bytes(value, 2), seed) $$;
create or replace function redshift_local.fnv_hash(value integer, seed bigint default -3750763034362895579) returns bigint
    language sql immutable strict as
    $$ select redshift_local.fnv_bytes(redshift_local.lowest_bytes(value, 4), seed) $$;
create or replace function redshift_local.fnv_hash(value bigint, seed bigint default -3750763034362895579) returns bigint
    language sql immutable strict as
    $$ select redshift_local.fnv_bytes(redshift_local.lowest_bytes(value, 8), seed) $$;

-- JSON in text. What is no JSON is an error, or NULL where the last argument says so.
create or replace function redshift_local.is_valid_json(value text) returns boolean language plpgsql immutable strict as
    $$
    begin
        return json_typeof(value::json) = 'object';
    exception when others then
        return false;
    end
    $$;
create or replace function redshift_local.is_valid_json_array(value text) returns boolean
    language plpgsql immutable strict as
    $$
    begin
        return json_typeof(value::json) = 'array';
    exception when others then
        return false;
    end
    $$;
create or replace function redshift_local.json_array_length(value text) returns integer language sql immutable strict as
    $$ select pg_catalog.json_array_length(value::json) $$;
create or replace function redshift_local.json_array_length(value text, null_if_invalid boolean) returns integer
    language sql immutable strict as
    $$
    select case
        when redshift_local.is_valid_json_array(value) or not null_if_invalid then redshift_local.json_array_length(value)
    end
    $$;
create or replace function redshift_local.json_extract_array_element_text(value text, index integer) returns text
    language sql immutable strict as $$ select value::json ->> index $$;
create or replace function redshift_local.json_extract_array_element_text(
    value text, index integer, null_if_invalid boolean
) returns text language sql immutable strict as
    $$
    select case when redshift_local.is_valid_json_array(value) or not null_if_invalid then value::json ->> index end
    $$;
create or replace function redshift_local.json_extract_path_text(value text, variadic path text[]) returns text
    language sql immutable strict as $$ select pg_catalog.json_extract_path_text(value::json, variadic path) $$;
-- The flag stands last in Redshift; the translation puts it in front of the path.
create or replace function redshift_local.json_extract_path_text_or_null(
    null_if_invalid boolean, value text, variadic path text[]
) returns text language sql immutable strict as
    $$
    select case
        when redshift_local.is_valid_json(value) or redshift_local.is_valid_json_array(value) or not null_if_invalid
            then redshift_local.json_extract_path_text(value, variadic path)
    end
    $$;

-- A value in another type, or NULL where it has none there.
create or replace function redshift_local.try_cast(value text, type_name text) returns text language plpgsql immutable as
    $$
    declare
        result text;
    begin
        execute format('select %L::%s::text', value, type_name) into result;
        return result;
    exception when others then
        return null;
    end
    $$;

create or replace function redshift_local.sign(value integer) returns numeric language sql immutable strict as
    $$ select pg_catalog.sign(value::numeric) $$;
create or replace function redshift_local.sign(value bigint) returns numeric language sql immutable strict as
    $$ select pg_catalog.sign(value::numeric) $$
