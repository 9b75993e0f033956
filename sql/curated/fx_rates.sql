-- curated.fx_rates: reporting-currency units for one unit of the currency, as agreed on that day. Filled by load-redshift from
-- the rates file.
create table if not exists curated.fx_rates (
    currency varchar(10) not null,
    rate_date date not null,
    rate_to_reporting decimal(20,10) not null,
    source varchar(100),
    primary key (currency, rate_date)
)
diststyle all
sortkey (currency, rate_date);
