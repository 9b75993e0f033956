-- No key, as at the source; the index is the one that its extract by days needs.
create table user_viewing (
    user_id bigint not null,
    apartment_id bigint not null,
    viewed_at datetime not null,
    is_wishlisted tinyint(1) not null,
    call_to_action varchar(255) null,
    key (viewed_at)
) character set utf8mb4;

insert into user_viewing
select
    900000 + crc32(seq * 7919) % greatest($rows div 8, 1),
    64501 + crc32(seq * 104729) % $apartments,
    timestamp('2023-01-01') + interval floor(seq / $rows * 900 * 86400) second,
    crc32(seq * 1299709) % 9 = 0,
    elt(1 + crc32(seq * 15485863) % 6, null, 'view_photos', 'contact_host', 'view_photos', 'save', 'book_now')
from seq_1_to_$rows;
