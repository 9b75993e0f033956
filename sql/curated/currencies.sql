-- curated.currencies: ISO 4217 and the decimals of the smallest unit (NULL: none defined). Filled by load-redshift from the
-- list with which rows are validated.
create table if not exists curated.currencies (
    currency varchar(10) not null,
    minor_units integer,
    primary key (currency)
)
diststyle all;
