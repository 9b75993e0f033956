-- curated.stay: one row per realised booking, with the place of its listing as it was known when the booking was made. Places
-- are told apart by their names in lower case without blanks around.
create table if not exists curated.stay (
    booking_id bigint not null,
    user_id bigint not null,
    apartment_id bigint not null,
    booked_on date,
    booked_week date,
    checkin_date date not null,
    checkout_date date not null,
    nights integer not null,
    total_price decimal(12,2),
    currency varchar(40),
    payment_status varchar(80),
    rate_to_reporting decimal(20,10),
    total_price_rc decimal(32,12),
    city varchar(400),
    state varchar(200),
    -- NULL where the city is not known; the state alone says nothing then.
    city_key varchar(400),
    state_key varchar(200) not null,
    primary key (booking_id)
)
distkey (apartment_id)
sortkey (booked_on, apartment_id);
