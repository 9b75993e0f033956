//! The four tables as a marketplace's database has them: wide enough for every fault that a source can hold. They have
//! indexes but no primary keys, since some files hold a key twice.

use std::borrow::Cow;

/// What a column of the source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// A MySQL type whose values are stored as they are written.
    Plain(&'static str),
    Flag,
    Date,
    Time,
    /// A date in some sources, a time in others.
    DateOrTime,
}

/// One source table.
pub(super) struct SourceTable {
    pub(super) name: &'static str,
    columns: &'static [(&'static str, Content)],
    /// Columns that some sources lack.
    optional: &'static [&'static str],
    index: &'static str,
}

const BIGINT: Content = Content::Plain("bigint");
const TEXT: Content = Content::Plain("mediumtext");
const NAME: Content = Content::Plain("varchar(255)");

const TABLES: [SourceTable; 4] = [
    SourceTable {
        name: "apartments",
        columns: &[
            ("id", BIGINT),
            ("title", NAME),
            ("source", Content::Plain("varchar(50)")),
            ("price", Content::Plain("decimal(10,2)")),
            ("currency", Content::Plain("varchar(10)")),
            ("listing_created_on", Content::DateOrTime),
            ("is_active", Content::Flag),
            ("last_modified_timestamp", Content::Time),
        ],
        optional: &[],
        index: "id",
    },
    SourceTable {
        name: "apartment_attributes",
        columns: &[
            ("id", BIGINT),
            ("category", Content::Plain("varchar(100)")),
            ("body", TEXT),
            ("amenities", TEXT),
            ("bathrooms", BIGINT),
            ("bedrooms", BIGINT),
            ("fee", Content::Plain("decimal(10,2)")),
            ("has_photo", Content::Flag),
            ("pets_allowed", Content::Plain("varchar(50)")),
            ("price_display", Content::Plain("varchar(50)")),
            ("price_type", Content::Plain("varchar(50)")),
            ("square_feet", BIGINT),
            ("address", NAME),
            ("cityname", Content::Plain("varchar(100)")),
            ("state", Content::Plain("varchar(50)")),
            ("latitude", Content::Plain("double")),
            ("longitude", Content::Plain("double")),
        ],
        optional: &["price_display", "price_type"],
        index: "id",
    },
    SourceTable {
        name: "user_viewing",
        columns: &[
            ("user_id", BIGINT),
            ("apartment_id", BIGINT),
            ("viewed_at", Content::Time),
            ("is_wishlisted", Content::Flag),
            ("call_to_action", NAME),
        ],
        optional: &[],
        index: "viewed_at",
    },
    SourceTable {
        name: "bookings",
        columns: &[
            ("booking_id", BIGINT),
            ("user_id", BIGINT),
            ("apartment_id", BIGINT),
            ("booking_date", Content::DateOrTime),
            ("checkin_date", Content::Date),
            ("checkout_date", Content::Date),
            ("total_price", Content::Plain("decimal(12,2)")),
            ("currency", Content::Plain("varchar(10)")),
            ("booking_status", Content::Plain("varchar(20)")),
            ("payment_status", Content::Plain("varchar(20)")),
            ("num_guests", BIGINT),
        ],
        optional: &["payment_status", "num_guests"],
        index: "booking_id",
    },
];

/// All source tables.
pub(super) fn source_tables() -> &'static [SourceTable] {
    &TABLES
}

impl SourceTable {
    fn content(&self, column: &str) -> Content {
        let known = self.columns.iter().find(|(name, _)| *name == column);
        // A column that nobody agreed on is kept as text, for extract-rds to report.
        known.map_or(TEXT, |(_, content)| *content)
    }

    /// Whether the file decides if the column is a date or a time.
    pub(super) fn may_have_time(&self, column: &str) -> bool {
        self.content(column) == Content::DateOrTime
    }

    /// The table for a file with these columns. Optional ones that the file lacks are left out, others stay empty.
    pub(super) fn definition(&self, file_columns: &[String], with_times: &[String]) -> String {
        let own = self.columns.iter().map(|(name, _)| *name);
        let is_there = |name: &&str| file_columns.iter().any(|column| column == name) || !self.optional.contains(name);
        let more =
            file_columns.iter().map(String::as_str).filter(|name| self.columns.iter().all(|(own, _)| own != name));
        let definition = |name: &str| {
            let mysql_type = match self.content(name) {
                Content::Plain(mysql_type) => mysql_type,
                Content::Flag => "tinyint(1)",
                Content::Date => "date",
                Content::Time => "datetime",
                Content::DateOrTime if with_times.iter().any(|column| column == name) => "datetime",
                Content::DateOrTime => "date",
            };
            format!("`{name}` {mysql_type} null")
        };
        let columns: Vec<_> = own.filter(is_there).chain(more).map(definition).collect();
        format!("create table {} ({}, key (`{}`))", self.name, columns.join(", "), self.index)
    }

    /// A value of the file as MySQL takes it: nothing is NULL, days may come before months, flags may be words.
    pub(super) fn stored_form<'a>(&self, column: &str, value: &'a str) -> Option<Cow<'a, str>> {
        if value.is_empty() {
            return None;
        }
        match self.content(column) {
            Content::Plain(_) => Some(value.into()),
            Content::Flag => Some(match value.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" => "1".into(),
                "false" | "f" | "no" | "n" => "0".into(),
                _ => value.into(),
            }),
            Content::Date | Content::Time | Content::DateOrTime => Some(year_first(value)),
        }
    }
}

/// `31/01/2025 10:00` as `2025-01-31 10:00`; any other text as it is.
fn year_first(text: &str) -> Cow<'_, str> {
    let (date, time) = text.split_once(' ').map_or((text, ""), |(date, time)| (date, time));
    let parts: Vec<&str> = date.split('/').collect();
    match parts.as_slice() {
        [day, month, year] if year.len() == 4 => {
            format!("{year}-{month:0>2}-{day:0>2} {time}").trim_end().to_owned().into()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bookings() -> &'static SourceTable {
        &source_tables()[3]
    }

    #[test]
    fn dates_are_read_with_day_or_year_first() {
        let stored = |value| bookings().stored_form("checkin_date", value).map(Cow::into_owned);
        for (value, expected) in [
            ("2025-01-31", Some("2025-01-31")),
            ("31/01/2025", Some("2025-01-31")),
            ("1/2/2025", Some("2025-02-01")),
            ("31/01/2025 10:20:30", Some("2025-01-31 10:20:30")),
            ("0000-00-00", Some("0000-00-00")),
            ("soon", Some("soon")),
            ("", None),
        ] {
            assert_eq!(stored(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_table_has_the_optional_columns_of_its_file_only() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let without = bookings().definition(&columns(&["booking_id", "booking_date"]), &[]);
        assert!(!without.contains("payment_status") && without.contains("`booking_date` date null"), "{without}");
        let with = bookings().definition(&columns(&["payment_status", "channel"]), &columns(&["booking_date"]));
        assert!(with.contains("`payment_status` varchar(20)") && with.contains("`channel` mediumtext"), "{with}");
        assert!(with.contains("`booking_date` datetime null"), "{with}");
    }
}
