//! One batch of rows against its contract: which rule each row breaks first, and what happens to the row.
//!
//! A row counts once. If it breaks any rule that quarantines, it counts under the first of those in contract order;
//! otherwise it is kept and counts under the first rule that it breaks at all.

use crate::{
    column_type::ColumnType,
    currency::Currency,
    row_rule::{PriceCase, RowRule, RuleAction, RuleSpec, Severity},
    run::RunDate,
    steady_offsets::SteadyOffsets,
    table_spec::TableSpec,
};
use arrow::{
    array::{Array, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray},
    datatypes::{
        ArrowPrimitiveType, Date32Type, Decimal128Type, Field, Float64Type, Schema, SchemaRef, TimestampMicrosecondType,
    },
};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// Booking states that the marketplace knows; both spellings of the third are in use.
const BOOKING_STATUSES: [&str; 4] = ["confirmed", "pending", "canceled", "cancelled"];
/// Payment states that the marketplace knows.
const PAYMENT_STATUSES: [&str; 4] = ["paid", "pending", "failed", "refunded"];
/// Decimals allowed where the currency is unknown or has no defined unit: those that nearly all currencies have.
const USUAL_MINOR_UNITS: u8 = 2;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What rules need to know beside the row.
#[derive(Debug, Clone)]
pub struct RuleContext {
    /// The "today" of rules about the future.
    pub run_date: RunDate,
    /// The zone in which an instant gets its date.
    pub reporting_timezone: Tz,
    /// Longest stay that is believed.
    pub max_nights: u32,
}

/// A value that could not be taken over as it stands, found while it was read. In the batch it is NULL, except for
/// [`RowRule::TsDst`], where it is the instant that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// Row within the batch.
    pub row: usize,
    /// Position of the column in the contract.
    pub column: usize,
    pub rule: RowRule,
    pub reason: Cow<'static, str>,
}

/// The rule under which a row counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: RowRule,
    pub case: Option<PriceCase>,
    pub severity: Severity,
    pub action: RuleAction,
    pub reason: Cow<'static, str>,
}

/// A contract that cannot be checked: a rule looks at a column that is missing or has another type, or a column can
/// be faulty in a way for which there is no rule.
#[derive(Debug, thiserror::Error)]
pub enum ContractFault {
    #[error("rule {rule} of table `{table}` needs column `{column}` of type {expected}")]
    Column { table: String, rule: RowRule, column: &'static str, expected: &'static str },
    #[error("the contract of table `{table}` has no rule {rule}, which its columns need")]
    MissingRule { table: String, rule: RowRule },
    #[error("rule {rule} of table `{table}` needs a case: decimals, null or not_positive")]
    MissingCase { table: String, rule: RowRule },
}

/// Checks the rows of one table.
#[derive(Debug)]
pub struct RowValidator<'s> {
    spec: &'s TableSpec,
    context: RuleContext,
    /// The context's run date as days since 1970-01-01.
    run_day: i32,
    reporting_offsets: SteadyOffsets,
    absent_columns: HashSet<String>,
}

/// One row that breaks the rule under consideration.
struct Breach {
    row: usize,
    reason: Cow<'static, str>,
    /// The value is missing from a column that must have one, so it cannot simply become NULL.
    in_required_column: bool,
}

impl Breach {
    fn new(row: usize, reason: &'static str) -> Self {
        Self { row, reason: Cow::Borrowed(reason), in_required_column: false }
    }
}

/// The schema of a table's rows before validation: the contract's columns, every one nullable.
#[must_use]
pub fn unchecked_schema(spec: &TableSpec) -> SchemaRef {
    let field = |column: &crate::ColumnSpec| Field::new(&column.name, column.column_type.arrow(), true);
    Arc::new(Schema::new(spec.columns.iter().map(field).collect::<Vec<_>>()))
}

impl<'s> RowValidator<'s> {
    /// A validator of rows of `spec`. Rules about `absent_columns` (optional ones that the source lacks) are left out.
    ///
    /// # Errors
    /// When the contract's rules and columns do not fit together.
    pub fn new(
        spec: &'s TableSpec,
        context: RuleContext,
        absent_columns: impl IntoIterator<Item = String>,
    ) -> Result<Self, ContractFault> {
        let reporting_offsets = SteadyOffsets::new(context.reporting_timezone);
        let run_day = day_number(context.run_date);
        let absent_columns = absent_columns.into_iter().collect();
        let validator = Self { spec, context, run_day, reporting_offsets, absent_columns };
        let has_type = |wanted: fn(&ColumnType) -> bool| spec.columns.iter().any(|column| wanted(&column.column_type));
        let has_dates = has_type(|column_type| matches!(column_type, ColumnType::Date | ColumnType::Timestamp));
        let has_instants = has_type(|column_type| matches!(column_type, ColumnType::Timestamp));
        let has_text = has_type(|column_type| matches!(column_type, ColumnType::Varchar { .. }));
        let needed = [
            (RowRule::KeyNull, true),
            (RowRule::ValueUnreadable, true),
            (RowRule::TxtBytes, has_text),
            (RowRule::TsZero, has_dates),
            (RowRule::TsRange, has_dates),
            (RowRule::TsDst, has_instants),
        ];
        for (rule, is_needed) in needed {
            if is_needed && !spec.rules.iter().any(|present| present.rule == rule) {
                return Err(ContractFault::MissingRule { table: spec.name.clone(), rule });
            }
        }
        validator.validate(&RecordBatch::new_empty(unchecked_schema(spec)), &[])?;
        Ok(validator)
    }

    /// For each row of `batch`, whose schema is [`unchecked_schema`] that breaks a rule, by its position, the rule under which it counts.
    ///
    /// # Errors
    /// When the batch has other columns than the contract.
    pub fn validate(
        &self,
        batch: &RecordBatch,
        faults: &[ValueFault],
    ) -> Result<BTreeMap<usize, Violation>, ContractFault> {
        let mut found: BTreeMap<usize, Violation> = BTreeMap::new();
        for spec in &self.spec.rules {
            for breach in self.breaches(spec, batch, faults)? {
                let quarantines = spec.action == RuleAction::Quarantine || breach.in_required_column;
                let counts = found
                    .get(&breach.row)
                    .is_none_or(|earlier| quarantines && earlier.action != RuleAction::Quarantine);
                if counts {
                    let violation = Violation {
                        rule: spec.rule,
                        case: spec.case,
                        severity: if breach.in_required_column { Severity::Error } else { spec.severity },
                        action: if quarantines { RuleAction::Quarantine } else { spec.action },
                        reason: breach.reason,
                    };
                    found.insert(breach.row, violation);
                }
            }
        }
        Ok(found)
    }

    fn breaches(
        &self,
        spec: &RuleSpec,
        batch: &RecordBatch,
        faults: &[ValueFault],
    ) -> Result<Vec<Breach>, ContractFault> {
        let rows = RuleColumns { table: &self.spec.name, rule: spec.rule, batch };
        let breaches = match spec.rule {
            RowRule::KeyNull => self.missing_keys(batch, faults),
            RowRule::TsZero | RowRule::TsRange | RowRule::ValueUnreadable | RowRule::TsDst => {
                self.faulty_values(spec, faults)
            }
            RowRule::TxtBytes => self.long_texts(batch),
            RowRule::AptPrice => self.prices(&rows, spec, "price")?,
            RowRule::BkgPrice => self.prices(&rows, spec, "total_price")?,
            RowRule::BkgUser => {
                let users = rows.any("user_id")?;
                rows.nulls("user_id is NULL", users)
            }
            RowRule::BkgDatesNull => {
                let (checkin, checkout) = (rows.dates("checkin_date")?, rows.dates("checkout_date")?);
                if checkin.null_count() + checkout.null_count() == 0 {
                    return Ok(Vec::new());
                }
                rows.each("checkin_date or checkout_date is NULL", |row| checkin.is_null(row) || checkout.is_null(row))
            }
            RowRule::BkgDatesReversed => rows.nights("checkout_date is before checkin_date", |nights| nights < 0)?,
            RowRule::BkgZeroNights => rows.nights("checkout_date equals checkin_date", |nights| nights == 0)?,
            RowRule::BkgTooLong => {
                let most = i64::from(self.context.max_nights);
                rows.nights("the stay has more nights than are believed", |nights| nights > most)?
            }
            RowRule::CurIso => {
                let currencies = rows.texts("currency")?;
                rows.each("currency is not an ISO 4217 code", |row| {
                    text(currencies, row).and_then(Currency::parse).is_none()
                })
            }
            RowRule::BkgStatus => {
                rows.outside("booking_status", &BOOKING_STATUSES, "booking_status is not a known one")?
            }
            RowRule::BkgPayment if self.is_absent("payment_status") => Vec::new(),
            RowRule::BkgPayment => {
                rows.outside("payment_status", &PAYMENT_STATUSES, "payment_status is not a known one")?
            }
            RowRule::BkgBookedAfterCheckin => {
                let checkin = rows.dates("checkin_date")?;
                let booked = self.booking_days(&rows)?;
                rows.each("booked after check-in", |row| {
                    booked(row).zip(value(checkin, row)).is_some_and(|(booked, checkin)| booked > checkin)
                })
            }
            RowRule::BkgFuture => {
                let booked = self.booking_days(&rows)?;
                rows.each("booked after the run date", |row| booked(row).is_some_and(|day| day > self.run_day))
            }
            RowRule::AptModifiedBeforeCreated => {
                let created = rows.dates("listing_created_on")?;
                let modified = rows.instants("last_modified_timestamp")?;
                rows.each("modified before it was created", |row| {
                    let modified = value(modified, row).map(|micros| self.reporting_day(micros));
                    modified.zip(value(created, row)).is_some_and(|(modified, created)| modified < created)
                })
            }
            RowRule::AptCreatedFuture => {
                let created = rows.dates("listing_created_on")?;
                rows.each("created after the run date", |row| value(created, row).is_some_and(|day| day > self.run_day))
            }
            RowRule::AptActiveNull => {
                let active = rows.flags("is_active")?;
                rows.nulls("is_active is NULL", active)
            }
            RowRule::AptCreatedNull => {
                let created = rows.dates("listing_created_on")?;
                rows.nulls("listing_created_on is NULL", created)
            }
            RowRule::AttGeo => {
                let (latitude, longitude) = (rows.numbers("latitude")?, rows.numbers("longitude")?);
                let states = rows.texts("state")?;
                rows.each("latitude or longitude is out of range, or state is blank", |row| {
                    value(latitude, row).is_some_and(|degrees| !(-90.0..=90.0).contains(&degrees))
                        || value(longitude, row).is_some_and(|degrees| !(-180.0..=180.0).contains(&degrees))
                        || text(states, row).is_none_or(|state| state.trim().is_empty())
                })
            }
            RowRule::ViewFuture => {
                let viewed = rows.instants("viewed_at")?;
                rows.each("viewed after the run date", |row| {
                    value(viewed, row).is_some_and(|micros| self.reporting_day(micros) > self.run_day)
                })
            }
        };
        Ok(breaches)
    }

    /// Rows without a value in the primary key or in the column that places them in a chunk. A value that is there but
    /// cannot be read breaks another rule.
    fn missing_keys(&self, batch: &RecordBatch, faults: &[ValueFault]) -> Vec<Breach> {
        let chunk_column = self.spec.chunk_grid.column();
        let is_key = |name: &str| name == chunk_column || self.spec.primary_key.as_deref() == Some(name);
        let mut breaches = Vec::new();
        for (index, column) in self.spec.columns.iter().enumerate().filter(|(_, column)| is_key(&column.name)) {
            let faulty: HashSet<_> =
                faults.iter().filter(|fault| fault.column == index).map(|fault| fault.row).collect();
            if batch.column(index).null_count() == 0 {
                continue;
            }
            let nulls = (0..batch.num_rows()).filter(|row| batch.column(index).is_null(*row) && !faulty.contains(row));
            breaches.extend(nulls.map(|row| Breach {
                row,
                reason: format!("{} is NULL", column.name).into(),
                in_required_column: false,
            }));
        }
        breaches
    }

    fn faulty_values(&self, spec: &RuleSpec, faults: &[ValueFault]) -> Vec<Breach> {
        let faults = faults.iter().filter(|fault| fault.rule == spec.rule);
        let breach = |fault: &ValueFault| {
            let column = &self.spec.columns[fault.column];
            Breach {
                row: fault.row,
                reason: format!("{}: {}", column.name, fault.reason).into(),
                in_required_column: column.required && spec.action == RuleAction::Null,
            }
        };
        faults.map(breach).collect()
    }

    fn long_texts(&self, batch: &RecordBatch) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (index, column) in self.spec.columns.iter().enumerate() {
            let ColumnType::Varchar { max_bytes } = column.column_type else { continue };
            let Some(texts) = batch.column(index).as_string_opt::<i32>() else { continue };
            let lengths = texts.offsets().lengths().enumerate();
            let too_long = lengths.filter(|(row, length)| *length > max_bytes as usize && texts.is_valid(*row));
            breaches.extend(too_long.map(|(row, length)| Breach {
                row,
                reason: format!("{} has {length} bytes, {max_bytes} fit", column.name).into(),
                in_required_column: false,
            }));
        }
        breaches
    }

    fn prices(
        &self,
        rows: &RuleColumns<'_>,
        spec: &RuleSpec,
        column: &'static str,
    ) -> Result<Vec<Breach>, ContractFault> {
        let prices = rows.decimals(column)?;
        let currencies = rows.texts("currency")?;
        match spec.case {
            Some(PriceCase::Decimals) => {
                let scale = prices.scale();
                Ok(rows.each("the price has more decimals than its currency", |row| {
                    let Some(used) = value(prices, row).map(|price| decimals(price, scale)).filter(|used| *used > 0)
                    else {
                        return false;
                    };
                    let currency = text(currencies, row).and_then(Currency::parse);
                    let allowed = currency.and_then(|currency| currency.minor_units).unwrap_or(USUAL_MINOR_UNITS);
                    used > u32::from(allowed)
                }))
            }
            Some(PriceCase::Null) => Ok(rows.nulls("the price is NULL", prices)),
            Some(PriceCase::NotPositive) => {
                Ok(rows.each("the price is not positive", |row| value(prices, row).is_some_and(|price| price <= 0)))
            }
            None => Err(ContractFault::MissingCase { table: self.spec.name.clone(), rule: spec.rule }),
        }
    }

    /// The day of each booking: in the reporting zone where the source has a time, the stored date where it has none.
    fn booking_days<'a>(
        &'a self,
        rows: &RuleColumns<'a>,
    ) -> Result<impl Fn(usize) -> Option<i32> + use<'a, 's>, ContractFault> {
        let booked = rows.instants("booking_date")?;
        let has_time = rows.flags("booking_date_has_time")?;
        Ok(move |row| {
            let micros = value(booked, row)?;
            let shifted = has_time.is_valid(row) && has_time.value(row);
            Some(if shifted { self.reporting_day(micros) } else { micros.div_euclid(MICROS_PER_DAY) as i32 })
        })
    }

    /// Days since 1970-01-01 of an instant in the reporting zone.
    fn reporting_day(&self, micros: i64) -> i32 {
        if let Some(offset) = self.reporting_offsets.on(micros.div_euclid(MICROS_PER_DAY) as i32) {
            return (micros + i64::from(offset) * 1_000_000).div_euclid(MICROS_PER_DAY) as i32;
        }
        match DateTime::from_timestamp_micros(micros) {
            Some(instant) => day_number(instant.with_timezone(&self.context.reporting_timezone).date_naive()),
            None => micros.div_euclid(MICROS_PER_DAY) as i32,
        }
    }

    fn is_absent(&self, column: &str) -> bool {
        self.absent_columns.contains(column)
    }
}

/// The columns of a batch as one rule asks for them.
struct RuleColumns<'a> {
    table: &'a str,
    rule: RowRule,
    batch: &'a RecordBatch,
}

impl<'a> RuleColumns<'a> {
    fn each(&self, reason: &'static str, is_broken: impl Fn(usize) -> bool) -> Vec<Breach> {
        (0..self.batch.num_rows()).filter(|row| is_broken(*row)).map(|row| Breach::new(row, reason)).collect()
    }

    /// Rows without a value; mostly there are none.
    fn nulls(&self, reason: &'static str, values: &dyn Array) -> Vec<Breach> {
        if values.null_count() == 0 { Vec::new() } else { self.each(reason, |row| values.is_null(row)) }
    }

    fn nights(&self, reason: &'static str, is_broken: impl Fn(i64) -> bool) -> Result<Vec<Breach>, ContractFault> {
        let (checkin, checkout) = (self.dates("checkin_date")?, self.dates("checkout_date")?);
        Ok(self.each(reason, |row| {
            let stay = value(checkin, row).zip(value(checkout, row));
            stay.is_some_and(|(checkin, checkout)| is_broken(i64::from(checkout) - i64::from(checkin)))
        }))
    }

    /// Rows whose text, trimmed and lower-cased, is missing or none of `known`.
    fn outside(
        &self,
        column: &'static str,
        known: &[&str],
        reason: &'static str,
    ) -> Result<Vec<Breach>, ContractFault> {
        let texts = self.texts(column)?;
        Ok(self.each(reason, |row| {
            // Nearly all are written as they are known.
            text(texts, row)
                .is_none_or(|found| !known.contains(&found) && !known.contains(&found.trim().to_lowercase().as_str()))
        }))
    }

    fn any(&self, column: &'static str) -> Result<&'a dyn Array, ContractFault> {
        self.batch.column_by_name(column).map(AsRef::as_ref).ok_or_else(|| self.lacks(column, "any"))
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<&'a PrimitiveArray<T>, ContractFault> {
        self.any(column)?.as_primitive_opt::<T>().ok_or_else(|| self.lacks(column, expected))
    }

    fn dates(&self, column: &'static str) -> Result<&'a PrimitiveArray<Date32Type>, ContractFault> {
        self.primitive(column, "date")
    }

    fn instants(&self, column: &'static str) -> Result<&'a PrimitiveArray<TimestampMicrosecondType>, ContractFault> {
        self.primitive(column, "timestamp")
    }

    fn decimals(&self, column: &'static str) -> Result<&'a PrimitiveArray<Decimal128Type>, ContractFault> {
        self.primitive(column, "decimal")
    }

    fn numbers(&self, column: &'static str) -> Result<&'a PrimitiveArray<Float64Type>, ContractFault> {
        self.primitive(column, "double")
    }

    fn texts(&self, column: &'static str) -> Result<&'a StringArray, ContractFault> {
        self.any(column)?.as_string_opt::<i32>().ok_or_else(|| self.lacks(column, "varchar"))
    }

    fn flags(&self, column: &'static str) -> Result<&'a BooleanArray, ContractFault> {
        self.any(column)?.as_boolean_opt().ok_or_else(|| self.lacks(column, "boolean"))
    }

    fn lacks(&self, column: &'static str, expected: &'static str) -> ContractFault {
        ContractFault::Column { table: self.table.to_owned(), rule: self.rule, column, expected }
    }
}

fn value<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

fn text(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

fn day_number(date: NaiveDate) -> i32 {
    (date - NaiveDate::default()).num_days() as i32
}

/// How many decimals an exact number really has, trailing zeros not counted.
fn decimals(unscaled: i128, scale: i8) -> u32 {
    let mut left = unscaled;
    let mut used = u32::try_from(scale).unwrap_or(0);
    // Nearly all prices fit 64 bits, whose remainder costs a fraction.
    let ends_with_zero =
        |number: i128| i64::try_from(number).map_or_else(|_| number % 10 == 0, |small| small % 10 == 0);
    while used > 0 && ends_with_zero(left) {
        left /= 10;
        used -= 1;
    }
    used
}

#[cfg(test)]
mod tests;
