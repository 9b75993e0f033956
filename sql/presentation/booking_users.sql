-- presentation.booking_users: how many users booked in each week, and how much each of them on average. A week without a
-- realised booking has no row.
create or replace view presentation.booking_users as
select
    week_start,
    count(*) as booking_users,
    sum(bookings) as bookings,
    round(sum(bookings)::decimal(18,6) / count(*)::decimal(10,0), 6)::decimal(18,6) as bookings_per_booking_user,
    max(week_bookings_all_statuses) as bookings_all_statuses,
    is_complete
from presentation.bookings_per_user
group by week_start, is_complete
with no schema binding
