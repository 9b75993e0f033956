-- raw.apartments: listings as the source showed them at the last run that saw their chunk change. Times are UTC.
create table if not exists "raw".apartments (
    id bigint not null,
    title varchar(1020),
    source varchar(200),
    price decimal(10,2),
    currency varchar(40),
    listing_created_on date,
    is_active boolean,
    last_modified_timestamp timestamp,
    run_id varchar(128) not null
)
distkey (id)
sortkey (id);
