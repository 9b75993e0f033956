-- raw.apartment_attributes: what listings offer and where they are, as the source showed them last.
create table if not exists "raw".apartment_attributes (
    id bigint not null,
    category varchar(400),
    body varchar(65535),
    amenities varchar(65535),
    bathrooms integer,
    bedrooms integer,
    fee decimal(10,2),
    has_photo boolean,
    pets_allowed varchar(200),
    price_display varchar(200),
    price_type varchar(200),
    square_feet integer,
    address varchar(1020),
    cityname varchar(400),
    state varchar(200),
    latitude double precision,
    longitude double precision,
    run_id varchar(128) not null
)
distkey (id)
sortkey (id);
