-- curated.apartments: versions of listings. A version holds on days [valid_from, valid_to); an open one has no valid_to.
-- basis: observed by a run, or reconstructed for the time before the first run that saw the listing.
create table if not exists curated.apartments (
    apartment_id bigint not null,
    valid_from date not null,
    valid_to date,
    basis varchar(16) not null,
    title varchar(1020),
    source varchar(200),
    price decimal(10,2),
    currency varchar(40),
    listing_created_on date,
    is_active boolean not null,
    last_modified_timestamp timestamp,
    -- Two versions with equal fingerprints show the same listing.
    content_fingerprint varchar(32) not null
)
distkey (apartment_id)
sortkey (apartment_id, valid_from);
