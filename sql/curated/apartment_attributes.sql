-- curated.apartment_attributes: versions of what listings offer and where they are. A version holds on days
-- [valid_from, valid_to). The first of a listing reaches back to the beginning: earlier ones are not known.
create table if not exists curated.apartment_attributes (
    apartment_id bigint not null,
    valid_from date not null,
    valid_to date,
    basis varchar(16) not null,
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
    content_fingerprint varchar(32) not null
)
distkey (apartment_id)
sortkey (apartment_id, valid_from);
