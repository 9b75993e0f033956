-- curated.location: the cities of realised bookings, with the spelling that most of them have; of equally frequent ones the first
-- by bytes.
create table if not exists curated.location (
    city_key varchar(400) not null,
    state_key varchar(200) not null,
    city varchar(400) not null,
    state varchar(200),
    primary key (city_key, state_key)
)
diststyle all;
