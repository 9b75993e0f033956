-- curated.stay_night: one row per realised booking and night, past and future. A night is the date of its evening.
-- The revenue of the nights adds up to the price of the booking exactly.
create table if not exists curated.stay_night (
    booking_id bigint not null,
    apartment_id bigint not null,
    user_id bigint not null,
    night date not null,
    week_start date not null,
    month_start date not null,
    -- 1 is the night after check-in.
    night_number integer not null,
    nights integer not null,
    revenue decimal(16,4),
    revenue_rc decimal(38,14),
    payment_status varchar(80),
    city_key varchar(400),
    state_key varchar(200) not null,
    primary key (booking_id, night)
)
distkey (apartment_id)
sortkey (night, apartment_id);
