-- curated.location_spelling: how often realised bookings spell a city in which way.
create table if not exists curated.location_spelling (
    city_key varchar(400) not null,
    state_key varchar(200) not null,
    city varchar(400) not null,
    state varchar(200),
    stays bigint not null
)
diststyle all;
