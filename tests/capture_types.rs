//! Every type that a source may have: a value arrives exactly, or its row lies in the quarantine file with the value as the
//! source has it.

use crate::support::{Case, Outcome, arrives, assert_outcomes, counts, rejected};

const DATES: &[&str] = &["alter table bookings modify booking_date datetime null"];

#[tokio::test]
async fn dates_with_a_zero_part_are_nulls_or_reject_their_row() {
    let cases = [
        counts("TS-ZERO", "apartments", "listing_created_on", "'0000-00-00'", None),
        counts("TS-ZERO", "apartments", "listing_created_on", "'2025-00-10'", None),
        counts("TS-ZERO", "apartments", "listing_created_on", "'2025-01-00'", None),
        counts("TS-ZERO", "apartments", "last_modified_timestamp", "'0000-00-00 00:00:00'", None),
        counts("TS-ZERO", "bookings", "booking_date", "'2025-01-00 10:00:00'", None),
        rejected("TS-ZERO", "bookings", "checkin_date", "'0000-00-00'", "0000-00-00"),
        rejected("TS-ZERO", "bookings", "checkout_date", "'2025-02-00'", "2025-02-00"),
        rejected("TS-ZERO", "user_viewing", "viewed_at", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        rejected("TS-ZERO", "user_viewing", "viewed_at", "'2025-00-10 11:12:13'", "2025-00-10 11:12:13"),
    ];
    assert_outcomes("types_zero_dates", "UTC", DATES, &cases).await;
}

#[tokio::test]
async fn days_that_no_month_has_reject_their_row() {
    let cases = [
        rejected("VALUE-UNREADABLE", "apartments", "listing_created_on", "'2025-02-30'", "2025-02-30"),
        rejected("VALUE-UNREADABLE", "bookings", "checkin_date", "'2025-04-31'", "2025-04-31"),
        rejected("VALUE-UNREADABLE", "user_viewing", "viewed_at", "'2025-02-29 01:02:03'", "2025-02-29 01:02:03"),
        arrives("user_viewing", "viewed_at", "'2024-02-29 01:02:03'", "2024-02-29 01:02:03.000000"),
    ];
    assert_outcomes("types_no_day", "UTC", &[], &cases).await;
}

#[tokio::test]
async fn times_beyond_the_calendar_are_nulls_or_reject_their_row() {
    let last = "9999-12-31 23:00:00";
    let cases = [
        arrives("apartments", "last_modified_timestamp", "'9999-12-31 18:59:59'", "9999-12-31 23:59:59.000000"),
        counts("TS-RANGE", "apartments", "last_modified_timestamp", "'9999-12-31 23:00:00'", None),
        counts("TS-RANGE", "bookings", "booking_date", "'9999-12-31 23:00:00'", None),
        rejected("TS-RANGE", "user_viewing", "viewed_at", "'9999-12-31 23:00:00'", last),
        arrives("apartments", "listing_created_on", "'0001-01-01'", "0001-01-01"),
        arrives("apartments", "listing_created_on", "'9999-12-31'", "9999-12-31"),
    ];
    assert_outcomes("types_range", "America/New_York", &[], &cases).await;
}

#[tokio::test]
async fn fractions_of_a_second_arrive() {
    let statements = [
        "alter table apartments modify last_modified_timestamp datetime(6) null",
        "alter table bookings modify booking_date datetime(3) null",
        "alter table user_viewing modify viewed_at timestamp(6) null",
    ];
    let cases = [
        arrives("apartments", "last_modified_timestamp", "'2025-01-31 12:00:05.123456'", "2025-01-31 12:00:05.123456"),
        arrives("apartments", "last_modified_timestamp", "'1000-01-01 00:00:00.000001'", "1000-01-01 00:00:00.000001"),
        arrives("bookings", "booking_date", "'2025-01-31 12:00:05.120'", "2025-01-31 12:00:05.120000"),
        arrives("user_viewing", "viewed_at", "'2025-01-31 23:59:59.999999'", "2025-01-31 23:59:59.999999"),
        rejected("TS-ZERO", "user_viewing", "viewed_at", "0", "0000-00-00 00:00:00.000000"),
    ];
    assert_outcomes("types_fractions", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn local_times_become_the_instants_that_they_name() {
    let statements = [
        "alter table bookings modify booking_date date null",
        "alter table apartments modify listing_created_on datetime null",
        "alter table apartments modify last_modified_timestamp timestamp null",
    ];
    let cases = [
        arrives("user_viewing", "viewed_at", "'2025-01-31 00:30:00'", "2025-01-30 23:30:00.000000"),
        arrives("user_viewing", "viewed_at", "'2025-03-30 01:59:59'", "2025-03-30 00:59:59.000000"),
        counts("TS-DST", "user_viewing", "viewed_at", "'2025-03-30 02:30:00'", "2025-03-30 01:30:00.000000"),
        arrives("user_viewing", "viewed_at", "'2025-03-30 03:00:00'", "2025-03-30 01:00:00.000000"),
        counts("TS-DST", "user_viewing", "viewed_at", "'2025-10-26 02:30:00'", "2025-10-26 00:30:00.000000"),
        arrives("user_viewing", "viewed_at", "'2025-10-26 03:00:00'", "2025-10-26 02:00:00.000000"),
        // Neither an instant nor a day is shifted.
        arrives("apartments", "last_modified_timestamp", "'2025-03-30 02:30:00'", "2025-03-30 02:30:00.000000"),
        arrives("apartments", "listing_created_on", "'2025-01-31 23:59:59'", "2025-01-31"),
        arrives("bookings", "booking_date", "'2025-01-31'", "2025-01-31 00:00:00.000000"),
        Case {
            table: "bookings",
            values: vec![],
            outcome: Outcome::Arrives { column: "booking_date_has_time", text: Some("false") },
        },
    ];
    assert_outcomes("types_zones", "Europe/Berlin", &statements, &cases).await;
}

#[tokio::test]
async fn whole_numbers_arrive_or_are_out_of_range() {
    let statements = [
        "alter table apartments modify id bigint unsigned null",
        "alter table bookings modify user_id bigint unsigned null",
        "alter table apartment_attributes modify bathrooms tinyint unsigned null, modify bedrooms int unsigned null",
        "alter table user_viewing modify user_id mediumint null",
    ];
    let unreadable = "VALUE-UNREADABLE";
    let cases = [
        arrives("apartments", "id", "9223372036854775807", "9223372036854775807"),
        rejected(unreadable, "apartments", "id", "9223372036854775808", "9223372036854775808"),
        rejected(unreadable, "apartments", "id", "18446744073709551615", "18446744073709551615"),
        rejected(unreadable, "bookings", "user_id", "18446744073709551615", "18446744073709551615"),
        arrives("bookings", "booking_id", "-9223372036854775808", "-9223372036854775808"),
        arrives("bookings", "num_guests", "-2147483648", "-2147483648"),
        rejected(unreadable, "bookings", "num_guests", "2147483648", "2147483648"),
        arrives("apartment_attributes", "bathrooms", "255", "255"),
        arrives("apartment_attributes", "bedrooms", "2147483647", "2147483647"),
        rejected(unreadable, "apartment_attributes", "bedrooms", "4294967295", "4294967295"),
        arrives("user_viewing", "user_id", "-8388608", "-8388608"),
    ];
    assert_outcomes("types_integers", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn exact_numbers_keep_every_digit() {
    let statements = [
        "alter table apartments modify price decimal(38,10) null",
        "alter table bookings modify total_price decimal(65,0) null",
        "alter table apartment_attributes modify fee bigint unsigned null",
    ];
    let unreadable = "VALUE-UNREADABLE";
    let widest = "99999999999999999999999999999999999999999999999999999999999999999";
    let cases = [
        arrives("apartments", "price", "99999999.99", "99999999.99"),
        arrives("apartments", "price", "-99999999.99", "-99999999.99"),
        arrives("apartments", "price", "0.01", "0.01"),
        rejected(unreadable, "apartments", "price", "100000000", "100000000.0000000000"),
        rejected(unreadable, "apartments", "price", "1.0010000000", "1.0010000000"),
        rejected(
            unreadable,
            "apartments",
            "price",
            "-9999999999999999999999999999.9999999999",
            "-9999999999999999999999999999.9999999999",
        ),
        arrives("bookings", "total_price", "9999999999", "9999999999.00"),
        rejected(unreadable, "bookings", "total_price", "10000000000", "10000000000"),
        rejected(unreadable, "bookings", "total_price", widest, widest),
        arrives("apartment_attributes", "fee", "99999999", "99999999.00"),
        rejected(unreadable, "apartment_attributes", "fee", "18446744073709551615", "18446744073709551615"),
    ];
    assert_outcomes("types_decimals", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn doubles_arrive_bit_by_bit() {
    let statements = ["alter table apartment_attributes modify longitude float null"];
    let cases = [
        arrives("apartment_attributes", "latitude", "0.1", "0.1"),
        arrives("apartment_attributes", "latitude", "-0.30000000000000004", "-0.30000000000000004"),
        counts("ATT-GEO", "apartment_attributes", "latitude", "123456789.123456789", "123456789.12345679"),
        // A FLOAT is the double nearest to it, not the decimal that it prints as.
        arrives("apartment_attributes", "longitude", "0.1", "0.10000000149011612"),
    ];
    assert_outcomes("types_doubles", "UTC", &statements, &cases).await;
    let statements = ["alter table apartment_attributes modify latitude decimal(15,12) null"];
    let cases = [arrives("apartment_attributes", "latitude", "45.123456789012", "45.123456789012")];
    assert_outcomes("types_degrees", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn flags_are_zero_or_one() {
    let statements = [
        "alter table user_viewing modify is_wishlisted bit(1) null",
        "alter table apartment_attributes modify has_photo bit(8) null, modify pets_allowed tinyint(1) null",
    ];
    let unreadable = "VALUE-UNREADABLE";
    let cases = [
        arrives("apartments", "is_active", "0", "false"),
        arrives("apartments", "is_active", "1", "true"),
        rejected(unreadable, "apartments", "is_active", "2", "2"),
        rejected(unreadable, "apartments", "is_active", "-1", "-1"),
        arrives("user_viewing", "is_wishlisted", "b'1'", "true"),
        arrives("user_viewing", "is_wishlisted", "b'0'", "false"),
        arrives("apartment_attributes", "has_photo", "1", "true"),
        rejected(unreadable, "apartment_attributes", "has_photo", "2", "0x02"),
        arrives("apartment_attributes", "pets_allowed", "1", "true"),
        arrives("apartment_attributes", "pets_allowed", "0", "false"),
        arrives("apartment_attributes", "pets_allowed", "null", None),
        rejected(unreadable, "apartment_attributes", "pets_allowed", "3", "3"),
    ];
    assert_outcomes("types_flags", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn text_arrives_byte_by_byte() {
    let statements = [
        "alter table apartments modify title varchar(500) character set latin1 null",
        "alter table apartment_attributes modify body varbinary(100) null, modify category enum('housing','ü') null,
         modify address mediumtext null, modify state char(10) null",
        "alter table user_viewing modify call_to_action blob null",
    ];
    let unreadable = "VALUE-UNREADABLE";
    let longest: &'static str = "é".repeat(510).leak();
    let too_long: &'static str = format!("{longest}x").leak();
    let quoted = |text: &str| -> &'static str { format!("'{text}'").leak() };
    let cases = [
        arrives("apartments", "title", "'Zürich, 10 £'", "Zürich, 10 £"),
        arrives("apartment_attributes", "body", "x'c3bc00f09f8fa0'", "ü\0🏠"),
        rejected(unreadable, "apartment_attributes", "body", "x'c328'", "0xc328"),
        rejected(unreadable, "user_viewing", "call_to_action", "x'eda080'", "0xeda080"),
        arrives("apartment_attributes", "category", "'ü'", "ü"),
        arrives("apartment_attributes", "amenities", "'🏠🏡 \\n\\t \\' \" \\\\ '", "🏠🏡 \n\t ' \" \\ "),
        arrives("apartment_attributes", "amenities", "''", ""),
        arrives("apartment_attributes", "amenities", "null", None),
        arrives("apartment_attributes", "address", quoted(longest), longest),
        rejected("TXT-BYTES", "apartment_attributes", "address", quoted(too_long), too_long),
    ];
    assert_outcomes("types_texts", "UTC", &statements, &cases).await;
}

#[tokio::test]
async fn nulls_arrive_where_they_are_legal() {
    let all_null = |table, columns: &[&'static str], expected| {
        let case = arrives(table, columns[0], "null", expected);
        columns[1..].iter().fold(case, |case, column| case.with(column, "null"))
    };
    let attributes = [
        "category",
        "body",
        "amenities",
        "bathrooms",
        "bedrooms",
        "fee",
        "has_photo",
        "pets_allowed",
        "price_display",
        "price_type",
        "address",
        "cityname",
        "state",
        "latitude",
        "longitude",
    ];
    let cases = [
        all_null("apartments", &["title", "price", "currency", "listing_created_on", "is_active"], None)
            .with("last_modified_timestamp", "null"),
        all_null("apartment_attributes", &attributes, None),
        all_null("bookings", &["booking_date", "total_price", "currency", "booking_status", "payment_status"], None)
            .with("num_guests", "null"),
        all_null("user_viewing", &["user_id", "is_wishlisted", "call_to_action"], None),
        rejected("KEY-NULL", "apartments", "id", "null", None),
        rejected("KEY-NULL", "apartment_attributes", "id", "null", None),
        rejected("KEY-NULL", "bookings", "booking_id", "null", None),
        rejected("BKG-USER", "bookings", "user_id", "null", None),
        rejected("BKG-DATES-NULL", "bookings", "checkin_date", "null", None),
        rejected("BKG-DATES-NULL", "bookings", "checkout_date", "null", None),
        rejected("KEY-NULL", "user_viewing", "viewed_at", "null", None),
    ];
    assert_outcomes("types_nulls", "UTC", &[], &cases).await;
}
