-- curated.load_stay_violations: realised bookings with a night that another one has as well, or on which the listing was not
-- listed. Looks at the stays that share a night with one that came or went, and at those with a night of which the listing is
-- another one or that has passed since the last run.
-- Reads: curated.apartments, curated.listed_spans, curated.stay, curated.stay_night, curated.listing_day.
-- Writes: curated.violations, curated.rule_counts.
create or replace procedure curated.load_stay_violations(as_of date)
as $$
declare
    whole_count bigint;
    known_run_date date;
    lowest_day date;
    highest_day date;
begin
    select into whole_count count(*) from etl.changed_days where fact = 'everything';
    select into known_run_date run_date from previous_context;

    drop table if exists touched_nights;
    create temp table touched_nights as
    select apartment_id, night from arrived_nights
    union
    select apartment_id, night from departed_nights;
    select into lowest_day, highest_day min(night), max(night) from touched_nights;
    drop table if exists judged_stays;
    create temp table judged_stays (
        booking_id bigint not null,
        apartment_id bigint not null,
        checkin_date date,
        checkout_date date
    );
    insert into judged_stays
    select distinct
        stay_night.booking_id,
        stay_night.apartment_id,
        dateadd(day, 1 - stay_night.night_number, stay_night.night)::date,
        dateadd(day, stay_night.nights + 1 - stay_night.night_number, stay_night.night)::date
    from curated.stay_night
    inner join touched_nights on stay_night.apartment_id = touched_nights.apartment_id and stay_night.night = touched_nights.night
    where stay_night.night between lowest_day and highest_day;

    call curated.begin_rule();
    insert into judged_keys (row_key)
    select booking_id::varchar(64) from judged_stays where whole_count = 0
    union
    select booking_id::varchar(64) from departed_stays where whole_count = 0;
    if whole_count > 0 then
        -- Stays of a listing in the order of their check-ins: one overlaps what came before where that reaches beyond its
        -- check-in, and what comes after where the next check-in is before its check-out.
        insert into found_violations (row_key, reason)
        with
        neighbours as (
            select
                booking_id,
                checkin_date,
                checkout_date,
                max(checkout_date) over (
                    partition by apartment_id order by checkin_date, booking_id rows between unbounded preceding and 1 preceding
                ) as reached,
                lead(checkin_date) over (partition by apartment_id order by checkin_date, booking_id) as next_checkin_date
            from curated.stay
            where nights > 0
        )
        select booking_id::varchar(64), 'another realised booking has a night of this one'
        from neighbours
        where reached > checkin_date or next_checkin_date < checkout_date;
    else
        select into lowest_day, highest_day min(checkin_date), max(checkout_date) from judged_stays;
        insert into found_violations (row_key, reason)
        with
        judged_nights as (
            select stay_night.booking_id, stay_night.apartment_id, stay_night.night
            from curated.stay_night
            inner join judged_stays on stay_night.booking_id = judged_stays.booking_id
            where stay_night.night >= lowest_day and stay_night.night < highest_day
        )
        select distinct judged_nights.booking_id::varchar(64), 'another realised booking has a night of this one'
        from judged_nights
        inner join curated.stay_night as of_others
            on judged_nights.apartment_id = of_others.apartment_id
            and judged_nights.night = of_others.night
            and judged_nights.booking_id <> of_others.booking_id
        where of_others.night >= lowest_day and of_others.night < highest_day;
    end if;
    call curated.settle_violations('BKG-OVERLAP', 1, 'warn', 'bookings', false, whole_count > 0);

    -- What happens to a listing after today is not known yet.
    select into lowest_day min(first_day) from stale_listings;
    insert into judged_stays
    select distinct
        stay_night.booking_id,
        stay_night.apartment_id,
        dateadd(day, 1 - stay_night.night_number, stay_night.night)::date,
        dateadd(day, stay_night.nights + 1 - stay_night.night_number, stay_night.night)::date
    from curated.stay_night
    inner join stale_listings
        on stay_night.apartment_id = stale_listings.apartment_id
        and stay_night.night >= stale_listings.first_day
    where
        whole_count = 0
        and stay_night.night >= lowest_day
        and stay_night.night <= as_of
        and stay_night.booking_id not in (select judged_stays.booking_id from judged_stays);
    insert into judged_stays
    select distinct
        booking_id,
        apartment_id,
        dateadd(day, 1 - night_number, night)::date,
        dateadd(day, nights + 1 - night_number, night)::date
    from curated.stay_night
    where
        whole_count = 0
        and night > known_run_date
        and night <= as_of
        and booking_id not in (select judged_stays.booking_id from judged_stays);
    if whole_count > 0 then
        insert into judged_stays select booking_id, apartment_id, checkin_date, checkout_date from curated.stay;
    end if;

    call curated.begin_rule();
    insert into judged_keys (row_key)
    select booking_id::varchar(64) from judged_stays where whole_count = 0
    union
    select booking_id::varchar(64) from departed_stays where whole_count = 0;
    -- Most stays lie within the days on which versions list their listing: their nights need no look each.
    drop table if exists suspect_stays;
    create temp table suspect_stays as
    with
    judged_spans as (
        select
            booking_id,
            apartment_id,
            checkin_date as first_day,
            least(checkout_date, dateadd(day, 1, as_of)::date) as end_day
        from judged_stays
        where checkin_date <= as_of
    )
    select judged_spans.booking_id, judged_spans.first_day, judged_spans.end_day
    from judged_spans
    left join curated.listed_spans
        on judged_spans.apartment_id = listed_spans.apartment_id
        and judged_spans.first_day < listed_spans.end_day
        and judged_spans.end_day > listed_spans.first_day
    group by judged_spans.booking_id, judged_spans.first_day, judged_spans.end_day
    having
        nvl(
            sum(
                case
                    when listed_spans.apartment_id is not null
                        then datediff(
                            day,
                            greatest(judged_spans.first_day, listed_spans.first_day),
                            least(judged_spans.end_day, listed_spans.end_day)
                        )
                end
            ),
            0
        ) < datediff(day, judged_spans.first_day, judged_spans.end_day);
    select into lowest_day, highest_day min(first_day), max(end_day) from suspect_stays;
    insert into found_violations (row_key, reason)
    with
    suspect_nights as (
        select stay_night.booking_id, stay_night.apartment_id, stay_night.night
        from curated.stay_night
        inner join suspect_stays on stay_night.booking_id = suspect_stays.booking_id
        where stay_night.night >= lowest_day and stay_night.night < highest_day and stay_night.night <= as_of
    )
    select suspect_nights.booking_id::varchar(64), 'not listed from ' || min(suspect_nights.night)::varchar(10)
    from suspect_nights
    left join curated.listing_day
        on suspect_nights.apartment_id = listing_day.apartment_id
        and suspect_nights.night = listing_day.calendar_date
        and listing_day.calendar_date >= lowest_day
        and listing_day.calendar_date < highest_day
    where listing_day.apartment_id is null
    group by suspect_nights.booking_id;
    call curated.settle_violations('NIGHT-NOT-LISTED', 1, 'warn', 'bookings', false, whole_count > 0);
end;
$$ language plpgsql;
