-- curated.calendar: every day from the first on which a listing existed or a booking was made, up to the run date.
-- Weeks are ISO 8601 and start on Monday.
create table if not exists curated.calendar (
    calendar_date date not null,
    week_start date not null,
    month_start date not null,
    primary key (calendar_date)
)
diststyle all
sortkey (calendar_date);
