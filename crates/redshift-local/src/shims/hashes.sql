-- Hashes of the bytes of a text or number, computed here, as PostgreSQL alone has only MD5 and SHA-2.

-- CRC-32C (Castagnoli), as hexadecimal digits.
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

create or replace function redshift_local.sha2(value text, bits integer) returns text language sql immutable strict as
    $$
    select case bits
        when 224 then encode(pg_catalog.sha224(convert_to(value, 'UTF8')), 'hex')
        when 384 then encode(pg_catalog.sha384(convert_to(value, 'UTF8')), 'hex')
        when 512 then encode(pg_catalog.sha512(convert_to(value, 'UTF8')), 'hex')
        when 0 then encode(pg_catalog.sha256(convert_to(value, 'UTF8')), 'hex')
        when 256 then encode(pg_catalog.sha256(convert_to(value, 'UTF8')), 'hex')
        else ''
    end
    $$;

-- SHA-1 (FIPS 180-4).
create or replace function redshift_local.rotate_left_32(value bigint, count integer) returns bigint
    language sql immutable strict as $$ select ((value << count) | (value >> (32 - count))) & 4294967295 $$;
create or replace function redshift_local.sha1(value text) returns text language plpgsql immutable strict as
    $$
    declare
        message bytea := convert_to(value, 'UTF8');
        padded bytea := message || '\x80' || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex')
            || int8send(length(message)::bigint * 8);
        state bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
        words bigint[];
        a bigint;
        b bigint;
        c bigint;
        d bigint;
        e bigint;
        mixed bigint;
        next bigint;
    begin
        for block in 0 .. length(padded) / 64 - 1 loop
            words := array_fill(0::bigint, array[80]);
            for word in 1 .. 16 loop
                words[word] := ('x' || encode(substr(padded, block * 64 + word * 4 - 3, 4), 'hex'))::bit(32)::bigint
                    & 4294967295;
            end loop;
            for word in 17 .. 80 loop
                words[word] := redshift_local.rotate_left_32(
                    words[word - 3] # words[word - 8] # words[word - 14] # words[word - 16], 1
                );
            end loop;
            a := state[1]; b := state[2]; c := state[3]; d := state[4]; e := state[5];
            for round in 1 .. 80 loop
                mixed := case (round - 1) / 20
                    when 0 then ((b & c) | ((b # 4294967295) & d)) + 1518500249
                    when 1 then (b # c # d) + 1859775393
                    when 2 then ((b & c) | (b & d) | (c & d)) + 2400959708
                    else (b # c # d) + 3395469782
                end;
                next := (redshift_local.rotate_left_32(a, 5) + mixed + e + words[round]) & 4294967295;
                e := d; d := c; c := redshift_local.rotate_left_32(b, 30); b := a; a := next;
            end loop;
            state := array[
                (state[1] + a) & 4294967295, (state[2] + b) & 4294967295, (state[3] + c) & 4294967295,
                (state[4] + d) & 4294967295, (state[5] + e) & 4294967295
            ];
        end loop;
        return (select string_agg(lpad(to_hex(part), 8, '0'), '' order by place)
            from unnest(state) with ordinality as digest (part, place));
    end
    $$;
create or replace function redshift_local.sha(value text) returns text language sql immutable strict as
    $$ select redshift_local.sha1(value) $$;
create or replace function redshift_local.func_sha1(value text) returns text language sql immutable strict as
    $$ select redshift_local.sha1(value) $$;

create or replace function redshift_local.multiply_32(value bigint, factor bigint) returns bigint
    language sql immutable strict as
    $$ select ((value * (factor & 65535)) + ((((value * (factor >> 16)) & 65535) << 16))) & 4294967295 $$;

-- Murmur3A in 32 bits of the bytes that the Apache Iceberg specification (appendix B) names: integers, dates and times as
-- eight bytes, the lowest first, text as UTF-8, decimals as their unscaled value, the highest first.
create or replace function redshift_local.murmur3_bytes(bytes bytea, seed integer) returns integer
    language plpgsql immutable strict as
    $$
    declare
        hash bigint := seed::bigint & 4294967295;
        block bigint;
        size integer := length(bytes);
    begin
        for place in 0 .. (size + 3) / 4 - 1 loop
            block := 0;
            for offset_in_block in 0 .. least(4, size - place * 4) - 1 loop
                block := block | (get_byte(bytes, place * 4 + offset_in_block)::bigint << (8 * offset_in_block));
            end loop;
            block := redshift_local.multiply_32(block, 3432918353);
            block := redshift_local.multiply_32(redshift_local.rotate_left_32(block, 15), 461845907);
            hash := hash # block;
            if place * 4 + 4 <= size then
                hash := (redshift_local.rotate_left_32(hash, 13) * 5 + 3864292196) & 4294967295;
            end if;
        end loop;
        hash := hash # size;
        hash := redshift_local.multiply_32(hash # (hash >> 16), 2246822507);
        hash := redshift_local.multiply_32(hash # (hash >> 13), 3266489909);
        hash := hash # (hash >> 16);
        return case when hash >= 2147483648 then hash - 4294967296 else hash end;
    end
    $$;
create or replace function redshift_local.murmur3_32_hash(value bigint, seed integer default 0) returns integer
    language sql immutable strict as
    $$ select redshift_local.murmur3_bytes(redshift_local.lowest_bytes(value, 8), seed) $$;
create or replace function redshift_local.murmur3_32_hash(value text, seed integer default 0) returns integer
    language sql immutable strict as $$ select redshift_local.murmur3_bytes(convert_to(value, 'UTF8'), seed) $$;
create or replace function redshift_local.murmur3_32_hash(value date, seed integer default 0) returns integer
    language sql immutable strict as $$ select redshift_local.murmur3_32_hash((value - date 'epoch')::bigint, seed) $$;
create or replace function redshift_local.murmur3_32_hash(value timestamp, seed integer default 0) returns integer
    language sql immutable strict as
    $$ select redshift_local.murmur3_32_hash((extract(epoch from value) * 1000000)::bigint, seed) $$
