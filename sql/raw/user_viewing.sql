-- raw.user_viewing: who looked at which listing and when (UTC). True duplicates stay.
create table if not exists "raw".user_viewing (
    user_id bigint,
    apartment_id bigint,
    viewed_at timestamp not null,
    is_wishlisted boolean,
    call_to_action varchar(200),
    run_id varchar(128) not null
)
distkey (apartment_id)
sortkey (viewed_at);
