-- curated.bookings: one row per standing booking of a known listing, whatever its status.
-- A booking is realised when it is confirmed and its payment, where the source knows payments, did not fail.
create table if not exists curated.bookings (
    booking_id bigint not null,
    user_id bigint not null,
    apartment_id bigint not null,
    booking_date timestamp,
    -- Its day in the reporting time zone; a booking date without a time of day is never shifted.
    booked_on date,
    checkin_date date not null,
    checkout_date date not null,
    nights integer not null,
    total_price decimal(12,2),
    currency varchar(40),
    booking_status varchar(80),
    payment_status varchar(80),
    num_guests integer,
    is_realised boolean not null,
    -- Rate of the day of booking; without one the booking is unconverted, never converted at 1.
    rate_to_reporting decimal(20,10),
    total_price_rc decimal(32,12),
    primary key (booking_id)
)
distkey (apartment_id)
sortkey (booked_on, apartment_id);
