create table apartments (
    id bigint not null primary key,
    title varchar(255) not null,
    source varchar(50) not null,
    price decimal(10, 2) not null,
    currency varchar(10) not null,
    listing_created_on date not null,
    is_active tinyint(1) not null,
    last_modified_timestamp datetime null
) character set utf8mb4;

insert into apartments
select
    64500 + seq,
    concat(
        elt(1 + crc32(seq * 7919) % 6, 'Sunny', 'Quiet', 'Bright', 'Cosy', 'Modern', 'Airy'), ' ',
        elt(1 + crc32(seq * 104729) % 4, 'studio', 'one-bedroom flat', '2-bedroom apartment', '3-bedroom apartment'),
        elt(1 + crc32(seq * 1299709) % 4, ' near the station, ', ' in the old town, ', ' by the park, ', ' upstairs, '),
        elt(1 + crc32(seq * 15485863) % 8, 'Austin', 'München', 'Chicago', 'Paris', 'Lisboa', 'Roma', 'Mumbai', 'Pune')
    ),
    elt(1 + crc32(seq * 32452843) % 4, 'direct', 'partner feed', 'agency', 'import'),
    50 + crc32(seq * 49979687) % 400000 / 100,
    elt(1 + crc32(seq * 15485863) % 8, 'USD', 'EUR', 'USD', 'EUR', 'EUR', 'EUR', 'INR', 'INR'),
    date('2022-06-01') + interval crc32(seq * 67867967) % 900 day,
    crc32(seq * 86028121) % 10 < 7,
    -- One in twenty was never changed.
    if(
        crc32(seq * 122949823) % 20 = 0,
        null,
        timestamp('2022-06-01')
        + interval 1 + crc32(seq * 67867967) % 900 + crc32(seq * 141650939) % 400 day
        + interval crc32(seq * 160481183) % 86400 second
    )
from seq_1_to_$rows;
