-- curated.fx_rate_periods: the rate of a day is that of the one period [valid_from, valid_to) that holds it; a day without a
-- period has no rate. The reporting currency has one period with rate 1.
create table if not exists curated.fx_rate_periods (
    currency varchar(10) not null,
    valid_from date not null,
    valid_to date not null,
    rate_to_reporting decimal(20,10) not null
)
diststyle all
sortkey (currency, valid_from);
