-- farmFingerprint64: Fingerprint64 of Google's FarmHash (github.com/google/farmhash, farmhashna). Its numbers have 64 bits
-- without a sign; here they are BIGINT with the same bits, and what overflows is cut off.
create or replace function redshift_local.bits_64(value numeric) returns bigint language sql immutable strict as
    $$
    select (case when low >= 9223372036854775808 then low - 18446744073709551616 else low end)::bigint
    from (select mod(mod(value, 18446744073709551616) + 18446744073709551616, 18446744073709551616) as low) as cut
    $$;
create or replace function redshift_local.plus_64(variadic addends bigint[]) returns bigint language sql immutable strict as
    $$ select redshift_local.bits_64(sum(addend)) from unnest(addends::numeric[]) as addend $$;
create or replace function redshift_local.times_64(one bigint, other bigint) returns bigint
    language sql immutable strict as $$ select redshift_local.bits_64(one::numeric * other::numeric) $$;
create or replace function redshift_local.shift_right_64(value bigint, count integer) returns bigint
    language sql immutable strict as $$ select (value >> count) & ((1::bigint << (64 - count)) - 1) $$;
create or replace function redshift_local.rotate_right_64(value bigint, count integer) returns bigint
    language sql immutable strict as
    $$ select redshift_local.shift_right_64(value, count) | (value << (64 - count)) $$;
create or replace function redshift_local.shift_mix_64(value bigint) returns bigint language sql immutable strict as
    $$ select value # redshift_local.shift_right_64(value, 47) $$;
-- The number whose lowest byte stands at `place`, counted from 0.
create or replace function redshift_local.fetch_64(bytes bytea, place integer, size integer default 8) returns bigint
    language sql immutable strict as
    $$
    select bit_or(get_byte(bytes, place + offset_in_number)::bigint << (8 * offset_in_number))
    from generate_series(0, size - 1) as offset_in_number
    $$;
create or replace function redshift_local.farm_mix(one bigint, other bigint, factor bigint) returns bigint
    language plpgsql immutable strict as
    $$
    declare
        mixed bigint := redshift_local.shift_mix_64(redshift_local.times_64(one # other, factor));
    begin
        mixed := redshift_local.shift_mix_64(redshift_local.times_64(other # mixed, factor));
        return redshift_local.times_64(mixed, factor);
    end
    $$;
-- 32 bytes from `place` on, with two seeds.
create or replace function redshift_local.farm_pair(bytes bytea, place integer, one bigint, other bigint) returns bigint[]
    language plpgsql immutable strict as
    $$
    declare
        last bigint := redshift_local.fetch_64(bytes, place + 24);
        start bigint := redshift_local.plus_64(one, redshift_local.fetch_64(bytes, place));
        total bigint := redshift_local.plus_64(
            start, redshift_local.fetch_64(bytes, place + 8), redshift_local.fetch_64(bytes, place + 16)
        );
    begin
        return array[
            redshift_local.plus_64(total, last),
            redshift_local.plus_64(
                redshift_local.rotate_right_64(redshift_local.plus_64(other, start, last), 21),
                redshift_local.rotate_right_64(total, 44),
                start
            )
        ];
    end
    $$;

create or replace function redshift_local.farmfingerprint64(value text) returns bigint
    language plpgsql immutable strict as
    $$
    declare
        k0 constant bigint := -4348849565147123417;
        k1 constant bigint := -5435081209227447693;
        k2 constant bigint := -7286425919675154353;
        bytes bytea := convert_to(value, 'UTF8');
        size integer := length(bytes);
        factor bigint := redshift_local.plus_64(k2, size * 2);
        a bigint;
        b bigint;
        c bigint;
        d bigint;
        e bigint;
        f bigint;
        g bigint;
        x bigint;
        y bigint;
        z bigint;
        v bigint[] := array[0, 0];
        w bigint[] := array[0, 0];
        place integer := 0;
        is_last boolean := false;
    begin
        if size = 0 then
            return k2;
        elsif size < 4 then
            y := get_byte(bytes, 0) + (get_byte(bytes, size / 2) << 8);
            z := size + (get_byte(bytes, size - 1) << 2);
            return redshift_local.times_64(
                redshift_local.shift_mix_64(redshift_local.times_64(y, k2) # redshift_local.times_64(z, k0)), k2
            );
        elsif size < 8 then
            return redshift_local.farm_mix(
                size + (redshift_local.fetch_64(bytes, 0, 4) << 3), redshift_local.fetch_64(bytes, size - 4, 4), factor
            );
        elsif size <= 16 then
            a := redshift_local.plus_64(redshift_local.fetch_64(bytes, 0), k2);
            b := redshift_local.fetch_64(bytes, size - 8);
            c := redshift_local.plus_64(redshift_local.times_64(redshift_local.rotate_right_64(b, 37), factor), a);
            d := redshift_local.times_64(
                redshift_local.plus_64(redshift_local.rotate_right_64(a, 25), b), factor
            );
            return redshift_local.farm_mix(c, d, factor);
        elsif size <= 64 then
            a := redshift_local.times_64(redshift_local.fetch_64(bytes, 0), case when size <= 32 then k1 else k2 end);
            b := redshift_local.fetch_64(bytes, 8);
            c := redshift_local.times_64(redshift_local.fetch_64(bytes, size - 8), factor);
            d := redshift_local.times_64(redshift_local.fetch_64(bytes, size - 16), k2);
            y := redshift_local.plus_64(
                redshift_local.rotate_right_64(redshift_local.plus_64(a, b), 43), redshift_local.rotate_right_64(c, 30), d
            );
            z := redshift_local.farm_mix(
                y,
                redshift_local.plus_64(a, redshift_local.rotate_right_64(redshift_local.plus_64(b, k2), 18), c),
                factor
            );
            if size <= 32 then
                return z;
            end if;
            e := redshift_local.times_64(redshift_local.fetch_64(bytes, 16), factor);
            f := redshift_local.fetch_64(bytes, 24);
            g := redshift_local.times_64(
                redshift_local.plus_64(y, redshift_local.fetch_64(bytes, size - 32)), factor
            );
            return redshift_local.farm_mix(
                redshift_local.plus_64(
                    redshift_local.rotate_right_64(redshift_local.plus_64(e, f), 43),
                    redshift_local.rotate_right_64(g, 30),
                    redshift_local.times_64(
                        redshift_local.plus_64(z, redshift_local.fetch_64(bytes, size - 24)), factor
                    )
                ),
                redshift_local.plus_64(e, redshift_local.rotate_right_64(redshift_local.plus_64(f, a), 18), g),
                factor
            );
        end if;
        y := redshift_local.plus_64(redshift_local.times_64(81, k1), 113);
        z := redshift_local.times_64(
            redshift_local.shift_mix_64(redshift_local.plus_64(redshift_local.times_64(y, k2), 113)), k2
        );
        x := redshift_local.plus_64(redshift_local.times_64(81, k2), redshift_local.fetch_64(bytes, 0));
        factor := k1;
        -- Block by block, and then the last 64 bytes, whose rounds have another factor.
        loop
            if is_last then
                factor := redshift_local.plus_64(k1, (z & 255) << 1);
                place := size - 64;
                w[1] := redshift_local.plus_64(w[1], (size - 1) % 64);
                v[1] := redshift_local.plus_64(v[1], w[1]);
                w[1] := redshift_local.plus_64(w[1], v[1]);
            end if;
            x := redshift_local.times_64(
                redshift_local.rotate_right_64(
                    redshift_local.plus_64(x, y, v[1], redshift_local.fetch_64(bytes, place + 8)), 37
                ),
                factor
            );
            y := redshift_local.times_64(
                redshift_local.rotate_right_64(
                    redshift_local.plus_64(y, v[2], redshift_local.fetch_64(bytes, place + 48)), 42
                ),
                factor
            );
            x := x # redshift_local.times_64(w[2], case when is_last then 9 else 1 end);
            y := redshift_local.plus_64(
                y,
                redshift_local.times_64(v[1], case when is_last then 9 else 1 end),
                redshift_local.fetch_64(bytes, place + 40)
            );
            z := redshift_local.times_64(
                redshift_local.rotate_right_64(redshift_local.plus_64(z, w[1]), 33), factor
            );
            v := redshift_local.farm_pair(
                bytes, place, redshift_local.times_64(v[2], factor), redshift_local.plus_64(x, w[1])
            );
            w := redshift_local.farm_pair(
                bytes,
                place + 32,
                redshift_local.plus_64(z, w[2]),
                redshift_local.plus_64(y, redshift_local.fetch_64(bytes, place + 16))
            );
            a := x;
            x := z;
            z := a;
            exit when is_last;
            place := place + 64;
            is_last := place >= (size - 1) / 64 * 64;
        end loop;
        return redshift_local.farm_mix(
            redshift_local.plus_64(
                redshift_local.farm_mix(v[1], w[1], factor),
                redshift_local.times_64(redshift_local.shift_mix_64(y), k0),
                z
            ),
            redshift_local.plus_64(redshift_local.farm_mix(v[2], w[2], factor), x),
            factor
        );
    end
    $$
