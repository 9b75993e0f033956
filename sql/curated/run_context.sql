-- curated.run_context: one row about the state of the curated layer: the run and the run date for which it stands, the first day
-- on which anything was booked, and what the source tells. Nothing else reads a clock.
create table if not exists curated.run_context (
    run_id varchar(128) not null,
    run_date date not null,
    first_booked_on date,
    -- Whether the source has payment_status; without it payment says nothing about a booking.
    tells_payments boolean not null
)
diststyle all;
