//! Exchange rates: a CSV file on S3 becomes `curated.fx_rates`, whole, whenever the file changed.

use crate::{
    data_api::{BATCH_MAX_BYTES, Statement},
    error::LoadError,
    job::Job,
    literal,
    result_rows::Row,
    sha256::sha256_hex,
};
use chrono::{Days, NaiveDate};
use rental_core::Currency;
use serde::Deserialize;
use std::{collections::BTreeSet, fmt::Write};

const SHA256_SETTING: &str = "fx_rates_sha256";
/// `decimal(20,10)` in the warehouse.
const MAX_INTEGER_DIGITS: usize = 10;
const MAX_DECIMALS: usize = 10;
const MAX_SOURCE_BYTES: usize = 100;
/// Room beside the rows for the other statements of the transaction.
const INSERT_MAX_BYTES: usize = BATCH_MAX_BYTES - 2_000;

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rate {
    currency: &'static str,
    rate_date: NaiveDate,
    rate_to_reporting: String,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Line {
    currency: String,
    rate_date: String,
    rate_to_reporting: String,
    #[serde(default)]
    source: Option<String>,
}

/// Why the file is refused, whole.
#[derive(Debug, thiserror::Error)]
pub enum FxRatesError {
    #[error(
        "the file cannot be read as CSV with the columns currency, rate_date, rate_to_reporting and, if known, source"
    )]
    Csv(#[from] csv::Error),
    #[error("line {line}: `{found}` is not {expected}")]
    Value { line: u64, found: String, expected: &'static str },
    #[error("line {line}: a second rate for {currency} on {rate_date}")]
    Duplicate { line: u64, currency: &'static str, rate_date: NaiveDate },
    #[error("line {line}: the reporting currency {currency} has the rate {found}, expected 1")]
    ReportingCurrency { line: u64, currency: &'static str, found: String },
}

/// The file's rates, where they are other ones than those of the warehouse.
struct NewRates {
    rates: Vec<Rate>,
    sha256: String,
}

/// Brings `curated.fx_rates` up to the file. Without a file the rates stay as they are.
///
/// # Errors
/// When the file is refused, or bucket or warehouse fail.
pub(crate) async fn load_fx_rates(job: &Job<'_>) -> Result<(), LoadError> {
    let Some(NewRates { rates, sha256 }) = new_rates(job).await? else { return Ok(()) };
    for transaction in transactions(&rates, &sha256) {
        job.api.execute(&transaction).await?;
    }
    tracing::info!(key = job.config.reporting.fx_rates_key, row_count = rates.len(), "loaded exchange rates");
    Ok(())
}

/// The days on which [`load_fx_rates`] may change a rate, from the first to the last one of each range.
///
/// # Errors
/// As [`load_fx_rates`].
pub(crate) async fn changed_rate_days(job: &Job<'_>) -> Result<Vec<(NaiveDate, NaiveDate)>, LoadError> {
    let Some(NewRates { rates, .. }) = new_rates(job).await? else { return Ok(Vec::new()) };
    let sql = "select currency, rate_date::varchar(10), rate_to_reporting::varchar(32) from curated.fx_rates";
    let known = job.api.query("read curated.fx_rates", sql).await?;
    let known_rate = |cells: &Vec<_>| {
        let row = Row(cells);
        Ok((row.text(0)?, row.date(1)?, decimal(&row.text(2)?)))
    };
    let known: Result<BTreeSet<_>, _> = known.rows.iter().map(known_rate).collect();
    let known = known.map_err(|source| LoadError::Result { what: "curated.fx_rates", source })?;
    let new = rates.into_iter().map(|rate| (rate.currency.to_owned(), rate.rate_date, Some(rate.rate_to_reporting)));
    let new: BTreeSet<_> = new.collect();
    // A rate holds from its day on until the next one, or until it is too old.
    let max_age = Days::new(u64::from(job.config.reporting.fx_max_age_days));
    let days: BTreeSet<_> = known.symmetric_difference(&new).map(|(_, day, _)| *day).collect();
    Ok(days.into_iter().map(|day| (day, day + max_age)).collect())
}

async fn new_rates(job: &Job<'_>) -> Result<Option<NewRates>, LoadError> {
    let key = &job.config.reporting.fx_rates_key;
    let Some(object) = job.bucket.read(key).await? else {
        tracing::warn!(
            key,
            bucket = job.bucket.name(),
            "no exchange rates: amounts in other currencies stay unconverted"
        );
        return Ok(None);
    };
    let currency = job.config.reporting.currency;
    // The rates are valid for one reporting currency, so it belongs to what identifies them.
    let sha256 = sha256_hex([currency.code.as_bytes(), &object.content]);
    let known = format!("select value from etl.settings where name = '{SHA256_SETTING}'");
    let known = job.api.query("read etl.settings", &known).await?;
    if known.rows.first().and_then(|row| row.first()).and_then(|cell| cell.to_text()).as_deref() == Some(&sha256) {
        return Ok(None);
    }
    let rates = parse(&object.content, currency).map_err(refused(job))?;
    Ok(Some(NewRates { rates, sha256 }))
}

/// The last day for which the file has a rate, if there is a file with rates.
///
/// # Errors
/// When the file is refused, or the bucket fails.
pub(crate) async fn newest_rate(job: &Job<'_>) -> Result<Option<NaiveDate>, LoadError> {
    let Some(object) = job.bucket.read(&job.config.reporting.fx_rates_key).await? else { return Ok(None) };
    let rates = parse(&object.content, job.config.reporting.currency).map_err(refused(job))?;
    Ok(rates.iter().map(|rate| rate.rate_date).max())
}

fn refused(job: &Job<'_>) -> impl FnOnce(FxRatesError) -> LoadError {
    let (key, bucket) = (job.config.reporting.fx_rates_key.clone(), job.bucket.name().to_owned());
    |source| LoadError::FxRates { key, bucket, source }
}

fn parse(content: &[u8], reporting: Currency) -> Result<Vec<Rate>, FxRatesError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content);
    let headers = reader.headers()?.clone();
    let mut rates = Vec::new();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let refused = |found: &str, expected| FxRatesError::Value { line, found: found.to_owned(), expected };
        let fields: Line = record.deserialize(Some(&headers))?;
        let currency = Currency::parse(&fields.currency)
            .ok_or_else(|| refused(&fields.currency, "a currency code of ISO 4217"))?
            .code;
        let rate_date = NaiveDate::parse_from_str(&fields.rate_date, "%Y-%m-%d")
            .map_err(|_| refused(&fields.rate_date, "a date like 2025-01-31"))?;
        let rate_to_reporting = decimal(&fields.rate_to_reporting)
            .ok_or_else(|| refused(&fields.rate_to_reporting, "a number above 0 with at most 10 decimals"))?;
        let source = fields.source.filter(|source| !source.is_empty());
        if let Some(source) = source.as_ref().filter(|source| source.len() > MAX_SOURCE_BYTES) {
            return Err(refused(source, "a source of at most 100 bytes"));
        }
        if currency == reporting.code && rate_to_reporting != "1" {
            return Err(FxRatesError::ReportingCurrency { line, currency, found: rate_to_reporting });
        }
        if !seen.insert((currency, rate_date)) {
            return Err(FxRatesError::Duplicate { line, currency, rate_date });
        }
        rates.push(Rate { currency, rate_date, rate_to_reporting, source });
    }
    Ok(rates)
}

/// The digits of a positive decimal that fits the warehouse's column exactly, without superfluous zeros.
fn decimal(text: &str) -> Option<String> {
    let (integer, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() && decimals.is_empty() || !is_number(integer) || !is_number(decimals) {
        return None;
    }
    let integer = integer.trim_start_matches('0');
    let decimals = decimals.trim_end_matches('0');
    if integer.len() > MAX_INTEGER_DIGITS || decimals.len() > MAX_DECIMALS || integer.len() + decimals.len() == 0 {
        return None;
    }
    let integer = if integer.is_empty() { "0" } else { integer };
    Some(if decimals.is_empty() { integer.to_owned() } else { format!("{integer}.{decimals}") })
}

/// One transaction, or several where one cannot hold all rates. What identifies the file is written last, so that an
/// interrupted replacement is done again before the next transformation.
fn transactions(rates: &[Rate], sha256: &str) -> Vec<Vec<Statement>> {
    const ORIGIN: &str = "load exchange rates";
    let statement = |sql: String| Statement::new(ORIGIN, sql);
    let lock = || statement("lock etl.guard".to_owned());
    let mut transactions = vec![vec![
        lock(),
        statement(format!("delete from etl.settings where name = '{SHA256_SETTING}'")),
        statement("delete from curated.fx_rates".to_owned()),
    ]];
    let mut rows = rates.iter().peekable();
    while rows.peek().is_some() {
        let mut insert =
            String::from("insert into curated.fx_rates (currency, rate_date, rate_to_reporting, source) values");
        let mut separator = "\n";
        while let Some(rate) = rows.next_if(|_| insert.len() < INSERT_MAX_BYTES - MAX_SOURCE_BYTES * 20) {
            let source = literal::optional_text(rate.source.as_deref());
            // Writing to a text cannot fail.
            let _ = write!(
                insert,
                "{separator}('{}','{}',{},{source})",
                rate.currency, rate.rate_date, rate.rate_to_reporting
            );
            separator = ",\n";
        }
        if transactions.last().is_some_and(|last| last.iter().any(|earlier| earlier.sql.starts_with("insert"))) {
            transactions.push(vec![lock()]);
        }
        transactions.last_mut().into_iter().for_each(|last| last.push(statement(insert.clone())));
    }
    let keep = statement(format!("call etl.set_setting('{SHA256_SETTING}', '{sha256}')"));
    transactions.last_mut().into_iter().for_each(|last| last.push(keep.clone()));
    transactions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Rate>, String> {
        let usd = Currency::parse("USD").unwrap();
        parse(text.as_bytes(), usd).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_is_read_whatever_the_order_of_its_columns() {
        let rates =
            parsed("rate_date,currency,rate_to_reporting\n2025-01-31, eur ,01.0400\n2025-01-31,USD,1.0\n").unwrap();
        let rate = |currency, rate: &str| Rate {
            currency,
            rate_date: NaiveDate::from_ymd_opt(2025, 1, 31).unwrap(),
            rate_to_reporting: rate.to_owned(),
            source: None,
        };
        assert_eq!(rates, [rate("EUR", "1.04"), rate("USD", "1")]);
    }

    #[test]
    fn a_file_with_one_wrong_line_is_refused_and_the_line_named() {
        let cases = [
            ("EURO,2025-01-31,1.04,x", "line 2: `EURO`"),
            ("EUR,31/01/2025,1.04,x", "line 2: `31/01/2025`"),
            ("EUR,2025-01-31,0,x", "line 2: `0`"),
            ("EUR,2025-01-31,-1,x", "line 2: `-1`"),
            ("EUR,2025-01-31,1e3,x", "line 2: `1e3`"),
            ("EUR,2025-01-31,,x", "line 2: ``"),
            ("EUR,2025-01-31,1.12345678901,x", "line 2"),
            ("EUR,2025-01-31,12345678901,x", "line 2"),
            ("USD,2025-01-31,1.01,x", "reporting currency USD"),
            ("EUR,2025-01-31,1.04,x\nEUR,2025-01-31,1.04,y", "line 3: a second rate"),
            ("EUR,2025-01-31", "CSV"),
        ];
        for (lines, expected) in cases {
            let message = parsed(&format!("currency,rate_date,rate_to_reporting,source\n{lines}\n")).unwrap_err();
            assert!(message.contains(expected), "{lines}: {message}");
        }
        assert!(parsed("currency,day,rate\nEUR,2025-01-31,1\n").is_err());
    }

    #[test]
    fn rates_beyond_one_transaction_take_several_and_the_mark_comes_last() {
        let rate = |day: u64| Rate {
            currency: "EUR",
            rate_date: NaiveDate::MIN + chrono::Days::new(day),
            rate_to_reporting: "1.0400000001".into(),
            source: Some("European Central Bank".into()),
        };
        let rates: Vec<_> = (0..4000).map(rate).collect();
        let all = transactions(&rates, "abc");
        assert!(all.len() > 1);
        for transaction in &all {
            assert!(transaction.iter().map(|statement| statement.sql.len()).sum::<usize>() < BATCH_MAX_BYTES);
            assert_eq!(transaction[0].sql, "lock etl.guard");
        }
        let marks = all.iter().flatten().filter(|statement| statement.sql.contains("set_setting")).count();
        assert_eq!(marks, 1);
        assert!(all.last().unwrap().last().unwrap().sql.contains("set_setting"));
        assert_eq!(transactions(&[], "abc").len(), 1);
    }
}
