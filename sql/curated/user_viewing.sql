-- curated.user_viewing: viewings with their day in the reporting time zone. True duplicates stay.
create table if not exists curated.user_viewing (
    user_id bigint,
    apartment_id bigint,
    viewed_at timestamp not null,
    viewed_on date not null,
    is_wishlisted boolean,
    call_to_action varchar(200)
)
distkey (apartment_id)
sortkey (viewed_at);
