-- Every value is a function of the row's number, so each run of the benchmark reads the same table. crc32 of its multiple
-- by a prime, one prime for each column, is a cheap hash.
create table bookings (
    booking_id bigint not null primary key,
    user_id bigint not null,
    apartment_id bigint not null,
    booking_date datetime not null,
    checkin_date date not null,
    checkout_date date not null,
    total_price decimal(12, 2) not null,
    currency varchar(10) not null,
    booking_status varchar(20) not null
) character set utf8mb4;

-- Ids grow with the time of booking, as AUTO_INCREMENT makes them; a user books ten times.
insert into bookings
select
    2147000000 + seq,
    900000 + crc32(seq * 7919) % greatest($rows div 10, 1),
    64501 + crc32(seq * 104729) % $apartments,
    booked_at,
    date(booked_at) + interval lead_days day,
    date(booked_at) + interval lead_days + nights day,
    nights * (30 + crc32(seq * 1299709) % 37000 / 100),
    elt(1 + crc32(seq * 15485863) % 5, 'USD', 'USD', 'EUR', 'EUR', 'INR'),
    elt(
        1 + crc32(seq * 32452843) % 8,
        'confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'pending', 'canceled', 'cancelled'
    )
from (
    select
        seq,
        timestamp('2023-01-01') + interval floor(seq / $rows * 900 * 86400) second as booked_at,
        crc32(seq * 49979687) % 120 as lead_days,
        1 + crc32(seq * 67867967) % 14 as nights
    from seq_1_to_$rows
) as numbered;
