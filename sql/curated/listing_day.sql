-- curated.listing_day: one row per listing and day up to the run date on which it could be booked, with its price that day.
create table if not exists curated.listing_day (
    apartment_id bigint not null,
    calendar_date date not null,
    week_start date not null,
    month_start date not null,
    price decimal(10,2),
    currency varchar(40),
    -- NULL when the price is missing or not positive, or has no rate on that day.
    price_rc decimal(32,12),
    price_type varchar(200) not null,
    cityname varchar(400),
    state varchar(200),
    basis varchar(16) not null,
    primary key (apartment_id, calendar_date)
)
distkey (apartment_id)
sortkey (calendar_date);
