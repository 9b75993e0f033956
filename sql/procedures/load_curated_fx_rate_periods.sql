-- curated.load_fx_rate_periods: how long each dated rate holds: until the next one of its currency, and at most
-- fx_max_age_days beyond its own day. Leaves behind changed_rates: on which days the rate of a currency may be another one.
-- Reads: curated.fx_rates, etl.settings.
-- Writes: curated.fx_rate_periods.
create or replace procedure curated.load_fx_rate_periods(as_of date)
as $$
declare
    max_age_days integer;
    reporting_currency_code varchar(10);
begin
    select into max_age_days value::integer from etl.settings where name = 'fx_max_age_days';
    select into reporting_currency_code value from etl.settings where name = 'reporting_currency';

    drop table if exists known_rate_periods;
    create temp table known_rate_periods as
    select currency, valid_from, valid_to, rate_to_reporting from curated.fx_rate_periods;

    delete from curated.fx_rate_periods;
    insert into curated.fx_rate_periods (currency, valid_from, valid_to, rate_to_reporting)
    with
    rates as (
        select
            currency,
            rate_date,
            rate_to_reporting,
            lead(rate_date) over (partition by currency order by rate_date) as next_rate_date,
            dateadd(day, max_age_days + 1, rate_date)::date as too_old_on
        from curated.fx_rates
        where currency <> reporting_currency_code
    )
    select currency, rate_date, case when next_rate_date < too_old_on then next_rate_date else too_old_on end, rate_to_reporting
    from rates
    union all
    select reporting_currency_code, '0001-01-01'::date, '9999-12-31'::date, 1;

    drop table if exists changed_rates;
    create temp table changed_rates as
    with
    arrived as (
        select currency, valid_from, valid_to, rate_to_reporting from curated.fx_rate_periods
        except
        select currency, valid_from, valid_to, rate_to_reporting from known_rate_periods
    ),
    departed as (
        select currency, valid_from, valid_to, rate_to_reporting from known_rate_periods
        except
        select currency, valid_from, valid_to, rate_to_reporting from curated.fx_rate_periods
    )
    select currency, valid_from, valid_to from arrived
    union
    select currency, valid_from, valid_to from departed;
end;
$$ language plpgsql;
