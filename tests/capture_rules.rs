//! A row for every rule of every contract: it counts under that rule, and what the contract says is done with it.

use crate::support::{Case, arrives, assert_outcomes, counts, rejected};
use rental_core::{PriceCase, RowRule, RuleAction, table_specs};
use std::collections::{BTreeMap, BTreeSet};

/// A case for each rule: table, rule with its price case, and the row.
fn cases() -> Vec<(&'static str, Case)> {
    let long_text = "repeat('x', 1021)";
    let long = |length: usize| -> &'static str { "x".repeat(length).leak() };
    let mut cases = Vec::new();
    let mut add = |rule: &'static str, case: Case| cases.push((rule, case));

    let table = "apartments";
    add("KEY-NULL", rejected("KEY-NULL", table, "id", "null", None));
    add("TS-ZERO", counts("TS-ZERO", table, "last_modified_timestamp", "'0000-00-00 00:00:00'", None));
    add("TS-RANGE", counts("TS-RANGE", table, "last_modified_timestamp", "'9999-12-31 23:30:00'", None));
    add("TXT-BYTES", rejected("TXT-BYTES", table, "title", long_text, long(1021)));
    add("VALUE-UNREADABLE", rejected("VALUE-UNREADABLE", table, "is_active", "2", "2"));
    add("APT-PRICE decimals", rejected("APT-PRICE", table, "price", "100.50", "100.5000").with("currency", "'jpy'"));
    add("APT-PRICE null", counts("APT-PRICE", table, "price", "null", None));
    add("APT-PRICE not_positive", counts("APT-PRICE", table, "price", "0", "0.00"));
    add("CUR-ISO", counts("CUR-ISO", table, "currency", "'GOLD'", "GOLD"));
    add(
        "APT-MODIFIED-BEFORE-CREATED",
        counts("APT-MODIFIED-BEFORE-CREATED", table, "listing_created_on", "'2025-01-11'", "2025-01-11"),
    );
    add(
        "APT-CREATED-FUTURE",
        counts("APT-CREATED-FUTURE", table, "listing_created_on", "'2026-01-01'", "2026-01-01")
            .with("last_modified_timestamp", "null"),
    );
    add("APT-ACTIVE-NULL", counts("APT-ACTIVE-NULL", table, "is_active", "null", None));
    add("APT-CREATED-NULL", counts("APT-CREATED-NULL", table, "listing_created_on", "null", None));
    add(
        "TS-DST",
        counts("TS-DST", table, "last_modified_timestamp", "'2025-03-09 02:30:00'", "2025-03-09 07:30:00.000000"),
    );

    let table = "apartment_attributes";
    add("KEY-NULL", rejected("KEY-NULL", table, "id", "null", None));
    add("TXT-BYTES", rejected("TXT-BYTES", table, "address", "repeat('x', 1021)", long(1021)));
    add("VALUE-UNREADABLE", rejected("VALUE-UNREADABLE", table, "bedrooms", "2147483648", "2147483648"));
    add("ATT-GEO", counts("ATT-GEO", table, "latitude", "90.5", "90.5"));

    let table = "bookings";
    add("KEY-NULL", rejected("KEY-NULL", table, "booking_id", "null", None));
    add("TS-ZERO", counts("TS-ZERO", table, "booking_date", "'0000-00-00 00:00:00'", None));
    add("TS-RANGE", counts("TS-RANGE", table, "booking_date", "'9999-12-31 23:30:00'", None));
    add("TXT-BYTES", rejected("TXT-BYTES", table, "booking_status", "repeat('é', 41)", "é".repeat(41).leak() as &str));
    add("VALUE-UNREADABLE", rejected("VALUE-UNREADABLE", table, "num_guests", "-2147483649", "-2147483649"));
    add("BKG-USER", rejected("BKG-USER", table, "user_id", "null", None));
    add("BKG-DATES-NULL", rejected("BKG-DATES-NULL", table, "checkout_date", "null", None));
    add("BKG-DATES-REVERSED", rejected("BKG-DATES-REVERSED", table, "checkout_date", "'2025-01-31'", "2025-01-31"));
    add("BKG-ZERO-NIGHTS", rejected("BKG-ZERO-NIGHTS", table, "checkout_date", "'2025-02-01'", "2025-02-01"));
    add("BKG-TOO-LONG", rejected("BKG-TOO-LONG", table, "checkout_date", "'2026-02-02'", "2026-02-02"));
    add("BKG-PRICE decimals", rejected("BKG-PRICE", table, "total_price", "0.5", "0.5000").with("currency", "'JPY'"));
    add("BKG-PRICE null", counts("BKG-PRICE", table, "total_price", "null", None));
    add("BKG-PRICE not_positive", counts("BKG-PRICE", table, "total_price", "-1", "-1.00"));
    add("CUR-ISO", counts("CUR-ISO", table, "currency", "null", None));
    add("BKG-STATUS", counts("BKG-STATUS", table, "booking_status", "'lost'", "lost"));
    add("BKG-PAYMENT", counts("BKG-PAYMENT", table, "payment_status", "null", None));
    add(
        "BKG-BOOKED-AFTER-CHECKIN",
        counts(
            "BKG-BOOKED-AFTER-CHECKIN",
            table,
            "booking_date",
            "'2025-02-02 00:00:00'",
            "2025-02-02 05:00:00.000000",
        ),
    );
    add(
        "BKG-FUTURE",
        counts("BKG-FUTURE", table, "booking_date", "'2026-01-01 00:00:00'", "2026-01-01 05:00:00.000000")
            .with("checkin_date", "'2026-02-01'")
            .with("checkout_date", "'2026-02-02'"),
    );
    add(
        "TS-DST",
        // Occurs twice: the earlier one.
        counts("TS-DST", table, "booking_date", "'2024-11-03 01:30:00'", "2024-11-03 05:30:00.000000"),
    );

    let table = "user_viewing";
    add("KEY-NULL", rejected("KEY-NULL", table, "viewed_at", "null", None));
    add("TS-ZERO", rejected("TS-ZERO", table, "viewed_at", "'2025-01-00 00:00:00'", "2025-01-00 00:00:00"));
    add("TS-RANGE", rejected("TS-RANGE", table, "viewed_at", "'9999-12-31 23:30:00'", "9999-12-31 23:30:00"));
    add("TXT-BYTES", rejected("TXT-BYTES", table, "call_to_action", "repeat('x', 201)", long(201)));
    add("VALUE-UNREADABLE", rejected("VALUE-UNREADABLE", table, "is_wishlisted", "-1", "-1"));
    add(
        "VIEW-FUTURE",
        counts("VIEW-FUTURE", table, "viewed_at", "'2026-01-01 00:00:00'", "2026-01-01 05:00:00.000000"),
    );
    add("TS-DST", counts("TS-DST", table, "viewed_at", "'2025-03-09 02:30:00'", "2025-03-09 07:30:00.000000"));
    cases
}

#[tokio::test]
async fn every_rule_of_the_contracts_has_a_row_that_breaks_it() {
    let (rules, mut rows): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let covered: BTreeSet<_> =
        rules.iter().zip(&rows).map(|(rule, case)| (case.table.to_owned(), (*rule).to_owned())).collect();
    let contracts = table_specs()
        .iter()
        .flat_map(|spec| spec.rules.iter().map(|rule| (spec.name.clone(), rule_name(rule.rule, rule.case))));
    assert_eq!(covered, contracts.collect(), "rules with a case, and rules of the contracts");

    // Rows that break none.
    rows.extend([
        arrives("apartments", "title", "'in order'", "in order"),
        arrives("apartment_attributes", "category", "'in order'", "in order"),
        arrives("bookings", "booking_status", "' CONFIRMED '", " CONFIRMED "),
        arrives("user_viewing", "call_to_action", "'in order'", "in order"),
    ]);
    let mirror = assert_outcomes("every_rule", "America/New_York", &[], &rows).await;
    for spec in table_specs() {
        let manifest = mirror.table(&spec.name).last();
        let mut expected: BTreeMap<String, (u64, RuleAction)> = BTreeMap::new();
        for rule in &spec.rules {
            expected.insert(rule_name(rule.rule, rule.case), (1, rule.action));
        }
        let found = manifest.violations.iter().map(|count| {
            assert_eq!(count.standing, count.found, "{count:?}");
            assert_eq!(count.rule_version, RowRule::VERSION, "{count:?}");
            (rule_name(count.rule, count.case), (count.found, count.action))
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected, "what counts under each rule of `{}`", spec.name);
    }
}

fn rule_name(rule: RowRule, case: Option<PriceCase>) -> String {
    let case = case.map(|case| match case {
        PriceCase::Decimals => " decimals",
        PriceCase::Null => " null",
        PriceCase::NotPositive => " not_positive",
    });
    format!("{rule}{}", case.unwrap_or_default())
}
