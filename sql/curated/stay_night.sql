-- curated.stay_night: one row per realised booking and night, past and future. A night is the date of its evening.
-- The revenue of the nights adds up to the price of the booking exactly.
create table if not exists curated.stay_night (
    booking_id bigint not null,
    apartment_id bigint not null,
    user_id bigint not null,
    night date not null,
    week_start date not null,
    month_start date not null,
    revenue decimal(16,4),
    revenue_rc decimal(38,14),
    -- Whether the listing could be booked that night, as its versions tell.
    is_listed boolean not null,
    basis varchar(16) not null,
    primary key (booking_id, night)
)
distkey (apartment_id)
sortkey (night);
