-- raw.bookings: bookings as the source showed them last. booking_date is UTC where the source has a time of day, else that
-- day at midnight, as booking_date_has_time says.
create table if not exists "raw".bookings (
    booking_id bigint not null,
    user_id bigint not null,
    apartment_id bigint,
    booking_date timestamp,
    booking_date_has_time boolean,
    checkin_date date not null,
    checkout_date date not null,
    total_price decimal(12,2),
    currency varchar(40),
    booking_status varchar(80),
    payment_status varchar(80),
    num_guests integer,
    run_id varchar(128) not null
)
distkey (apartment_id)
sortkey (booking_id);
