use super::*;
use crate::table_spec::{table_spec, table_specs};
use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, TimestampMicrosecondArray,
};

/// One row as column name and text, the rest of the row being in order.
type Change = &'static [(&'static str, Option<&'static str>)];

fn context() -> RuleContext {
    RuleContext {
        run_date: "2025-02-16".parse().unwrap(),
        reporting_timezone: chrono_tz::America::New_York,
        max_nights: 365,
    }
}

fn good_value(column: &str) -> Option<&'static str> {
    Some(match column {
        "id" | "booking_id" | "user_id" | "apartment_id" => "7",
        "price" | "total_price" | "fee" => "100.00",
        "currency" => "USD",
        "listing_created_on" => "2024-01-01",
        "last_modified_timestamp" | "booking_date" | "viewed_at" => "2025-01-10T12:00:00Z",
        "checkin_date" => "2025-02-01",
        "checkout_date" => "2025-02-04",
        "booking_status" => "confirmed",
        "payment_status" => "paid",
        "is_active" | "has_photo" | "is_wishlisted" | "booking_date_has_time" => "true",
        "latitude" | "longitude" => "45.5",
        "bathrooms" | "bedrooms" | "square_feet" | "num_guests" => "2",
        _ => "text",
    })
}

fn array(column_type: ColumnType, text: Option<&str>) -> ArrayRef {
    match column_type {
        ColumnType::BigInt => Arc::new(Int64Array::from(vec![text.map(|text| text.parse().unwrap())])),
        ColumnType::Integer => Arc::new(Int32Array::from(vec![text.map(|text| text.parse().unwrap())])),
        ColumnType::Double => Arc::new(Float64Array::from(vec![text.map(|text| text.parse().unwrap())])),
        ColumnType::Boolean => Arc::new(BooleanArray::from(vec![text.map(|text| text == "true")])),
        ColumnType::Varchar { .. } => Arc::new(StringArray::from(vec![text])),
        ColumnType::Date => Arc::new(Date32Array::from(vec![text.map(|text| day_number(text.parse().unwrap()))])),
        ColumnType::Timestamp => {
            let micros = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros();
            Arc::new(TimestampMicrosecondArray::from(vec![text.map(micros)]))
        }
        ColumnType::Decimal { precision, scale } => {
            let unscaled = text.map(|text| text.replace('.', "").parse::<i128>().unwrap());
            let array = Decimal128Array::from(vec![unscaled]).with_precision_and_scale(precision, scale);
            Arc::new(array.unwrap())
        }
    }
}

fn row(spec: &TableSpec, change: Change) -> RecordBatch {
    let columns = spec.columns.iter().map(|column| {
        let changed = change.iter().find(|(name, _)| *name == column.name);
        array(column.column_type, changed.map_or_else(|| good_value(&column.name), |(_, text)| *text))
    });
    RecordBatch::try_new(unchecked_schema(spec), columns.collect()).unwrap()
}

fn judge(table: &str, change: Change, faults: &[ValueFault]) -> Option<Violation> {
    let spec = table_spec(table).unwrap();
    let validator = RowValidator::new(spec, context(), []).unwrap();
    validator.validate(&row(spec, change), faults).unwrap().remove(&0)
}

fn fault(table: &str, column: &str, rule: RowRule) -> ValueFault {
    let spec = table_spec(table).unwrap();
    let column = spec.columns.iter().position(|declared| declared.name == column).unwrap();
    ValueFault { row: 0, column, rule, reason: "as read".into() }
}

#[test]
fn the_embedded_contracts_can_be_checked_and_a_good_row_breaks_nothing() {
    for spec in table_specs() {
        assert_eq!(judge(&spec.name, &[], &[]), None, "{}", spec.name);
    }
}

#[test]
fn each_rule_is_found() {
    use {
        PriceCase::*,
        RowRule::*,
        RuleAction::{Keep, Quarantine},
        Severity::*,
    };
    let long: &'static str = "é".repeat(511).leak();
    type Case = (&'static str, Change, RowRule, Option<PriceCase>, Severity, RuleAction);
    let cases: Vec<Case> = vec![
        ("apartments", &[("id", None)], KeyNull, None, Error, Quarantine),
        ("user_viewing", &[("viewed_at", None)], KeyNull, None, Error, Quarantine),
        ("apartments", vec![("title", Some(long))].leak(), TxtBytes, None, Error, Quarantine),
        (
            "apartments",
            &[("price", Some("1.50")), ("currency", Some("jpy"))],
            AptPrice,
            Some(Decimals),
            Error,
            Quarantine,
        ),
        ("apartments", &[("price", None)], AptPrice, Some(Null), Error, Keep),
        ("apartments", &[("price", Some("0.00"))], AptPrice, Some(NotPositive), Warn, Keep),
        ("apartments", &[("currency", Some("usdollar"))], CurIso, None, Error, Keep),
        ("apartments", &[("currency", None)], CurIso, None, Error, Keep),
        ("apartments", &[("listing_created_on", Some("2025-02-01"))], AptModifiedBeforeCreated, None, Warn, Keep),
        (
            "apartments",
            &[("listing_created_on", Some("2025-02-17")), ("last_modified_timestamp", None)],
            AptCreatedFuture,
            None,
            Warn,
            Keep,
        ),
        ("apartments", &[("is_active", None)], AptActiveNull, None, Warn, Keep),
        ("apartments", &[("listing_created_on", None)], AptCreatedNull, None, Warn, Keep),
        ("bookings", &[("user_id", None)], BkgUser, None, Error, Quarantine),
        ("bookings", &[("checkout_date", None)], BkgDatesNull, None, Error, Quarantine),
        ("bookings", &[("checkout_date", Some("2025-01-31"))], BkgDatesReversed, None, Error, Quarantine),
        ("bookings", &[("checkout_date", Some("2025-02-01"))], BkgZeroNights, None, Error, Quarantine),
        ("bookings", &[("checkout_date", Some("2026-02-02"))], BkgTooLong, None, Error, Quarantine),
        (
            "bookings",
            &[("total_price", Some("9.01")), ("currency", Some("KRW"))],
            BkgPrice,
            Some(Decimals),
            Error,
            Quarantine,
        ),
        ("bookings", &[("total_price", None)], BkgPrice, Some(Null), Error, Keep),
        ("bookings", &[("total_price", Some("-5.00"))], BkgPrice, Some(NotPositive), Warn, Keep),
        ("bookings", &[("booking_status", Some("done"))], BkgStatus, None, Warn, Keep),
        ("bookings", &[("booking_status", None)], BkgStatus, None, Warn, Keep),
        ("bookings", &[("payment_status", Some("owed"))], BkgPayment, None, Warn, Keep),
        ("bookings", &[("booking_date", Some("2025-02-02T12:00:00Z"))], BkgBookedAfterCheckin, None, Warn, Keep),
        (
            "bookings",
            &[
                ("booking_date", Some("2025-02-17T06:00:00Z")),
                ("checkin_date", Some("2025-03-01")),
                ("checkout_date", Some("2025-03-02")),
            ],
            BkgFuture,
            None,
            Warn,
            Keep,
        ),
        ("apartment_attributes", &[("latitude", Some("90.5"))], AttGeo, None, Warn, Keep),
        ("apartment_attributes", &[("state", Some("  "))], AttGeo, None, Warn, Keep),
        ("user_viewing", &[("viewed_at", Some("2025-02-17T06:00:00Z"))], ViewFuture, None, Warn, Keep),
    ];
    for (table, change, rule, case, severity, action) in cases {
        let found = judge(table, change, &[]).map(|found| (found.rule, found.case, found.severity, found.action));
        assert_eq!(found, Some((rule, case, severity, action)), "{table} {change:?}");
    }
}

#[test]
fn what_is_just_allowed_breaks_nothing() {
    let cases: [(&str, Change); 9] = [
        ("bookings", &[("checkout_date", Some("2026-02-01"))]),
        ("bookings", &[("booking_status", Some(" Cancelled "))]),
        ("bookings", &[("currency", Some(" eur "))]),
        ("bookings", &[("total_price", Some("500.00")), ("currency", Some("JPY"))]),
        // 04:30 UTC is still the evening before in the reporting zone: neither after check-in nor in the future.
        ("bookings", &[("booking_date", Some("2025-02-02T04:30:00Z"))]),
        ("user_viewing", &[("viewed_at", Some("2025-02-17T04:30:00Z"))]),
        ("apartments", &[("listing_created_on", Some("2025-01-10"))]),
        ("apartments", &[("listing_created_on", Some("2025-01-31")), ("last_modified_timestamp", None)]),
        ("apartment_attributes", &[("latitude", None), ("longitude", Some("-180"))]),
    ];
    for (table, change) in cases {
        assert_eq!(judge(table, change, &[]), None, "{table} {change:?}");
    }
}

#[test]
fn a_booking_date_without_time_is_not_shifted() {
    let midnight: Change = &[("booking_date", Some("2025-02-02T00:00:00Z")), ("booking_date_has_time", Some("false"))];
    assert_eq!(judge("bookings", midnight, &[]).map(|found| found.rule), Some(RowRule::BkgBookedAfterCheckin));
    let with_time: Change = &[("booking_date", Some("2025-02-02T00:00:00Z"))];
    assert_eq!(judge("bookings", with_time, &[]), None);
}

#[test]
fn a_faulty_value_becomes_null_where_it_may_and_else_quarantines_the_row() {
    let zero = |column| fault("bookings", column, RowRule::TsZero);
    let kept = judge("bookings", &[("booking_date", None)], &[zero("booking_date")]).unwrap();
    assert_eq!((kept.rule, kept.severity, kept.action), (RowRule::TsZero, Severity::Warn, RuleAction::Null));
    let rejected = judge("bookings", &[("checkin_date", None)], &[zero("checkin_date")]).unwrap();
    assert_eq!(
        (rejected.rule, rejected.severity, rejected.action),
        (RowRule::TsZero, Severity::Error, RuleAction::Quarantine)
    );
    assert_eq!(rejected.reason, "checkin_date: as read");
    let unreadable_key = fault("apartments", "id", RowRule::ValueUnreadable);
    let rejected = judge("apartments", &[("id", None)], &[unreadable_key]).unwrap();
    assert_eq!(rejected.rule, RowRule::ValueUnreadable);
}

#[test]
fn a_row_counts_once_and_rejection_goes_before_warning() {
    let both: Change = &[("booking_date", None), ("checkout_date", Some("2025-01-01"))];
    let zero = fault("bookings", "booking_date", RowRule::TsZero);
    assert_eq!(judge("bookings", both, &[zero]).unwrap().rule, RowRule::BkgDatesReversed);
    let two_warnings: Change = &[("total_price", Some("0.00")), ("booking_status", None)];
    assert_eq!(judge("bookings", two_warnings, &[]).unwrap().rule, RowRule::BkgPrice);
    let two_rejections: Change = &[("user_id", None), ("checkout_date", None)];
    assert_eq!(judge("bookings", two_rejections, &[]).unwrap().rule, RowRule::BkgUser);
}

#[test]
fn a_column_that_the_source_lacks_breaks_no_rule() {
    let spec = table_spec("bookings").unwrap();
    let validator = RowValidator::new(spec, context(), ["payment_status".to_owned()]).unwrap();
    let batch = row(spec, &[("payment_status", None)]);
    assert_eq!(validator.validate(&batch, &[]).unwrap(), BTreeMap::new());
}

#[test]
fn a_contract_whose_rules_do_not_fit_its_columns_is_refused() {
    let contract = |rules: &str| {
        let text = format!(
            "name = 't'\ncontract_version = 1\nunknown_columns = 'warn'\nprimary_key = 'id'\n\
             chunk = {{ by = 'key', column = 'id', width = 10 }}\n\
             columns = [{{ name = 'id', type = 'bigint', required = true }}, {{ name = 'price', type = 'bigint' }}]\n\
             rules = [{rules}]"
        );
        TableSpec::parse("t", &text).unwrap()
    };
    let unreadable = "{ id = 'VALUE-UNREADABLE', severity = 'error', action = 'quarantine' }";
    let key = "{ id = 'KEY-NULL', severity = 'error', action = 'quarantine' }";
    let price = "{ id = 'APT-PRICE', case = 'null', severity = 'error', action = 'keep' }";
    let cases = [
        (unreadable.to_owned(), "no rule KEY-NULL"),
        (format!("{key}, {unreadable}, {price}"), "needs column `price` of type decimal"),
    ];
    for (rules, expected) in cases {
        let message = RowValidator::new(&contract(&rules), context(), []).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
