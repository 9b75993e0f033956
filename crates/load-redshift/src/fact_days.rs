//! Which days of facts a file of `sql/` follows. Its header names them after `Moved by:`, and its SQL holds `range_start` and
//! `range_end` (not included) for the days that changed.

use crate::sql_tree::header;

/// Date columns of facts whose changes are recorded, by day.
const FACT_DAYS: [&str; 5] =
    ["bookings.booked_on", "listing_day.calendar_date", "stay.booked_on", "stay_night.night", "user_viewing.viewed_on"];

/// The days that the file follows; none where it has no `Moved by:`.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn moved_by(text: &str) -> Result<Option<Vec<String>>, &'static str> {
    let Some(sentence) = sentence_after("Moved by:", &header(text)) else { return Ok(None) };
    let facts: Vec<_> = sentence.split(", ").map(str::to_owned).collect();
    if facts.iter().any(|fact| !FACT_DAYS.contains(&fact.as_str())) {
        return Err("is `Moved by:` something whose changes nobody records");
    }
    Ok(Some(facts))
}

/// Whether a SELECT is for a range of days.
pub(crate) fn names_a_range(text: &str) -> bool {
    text.contains("range_start") && text.contains("range_end")
}

/// The SELECT for one range of days, both given as SQL.
pub(crate) fn within(select: &str, range_start: &str, range_end: &str) -> String {
    select.replace("range_start", range_start).replace("range_end", range_end)
}

/// The text after a label up to the next full stop; one inside a name is none.
pub(crate) fn sentence_after(label: &str, header: &str) -> Option<String> {
    let rest = one_line(&header[header.find(label)? + label.len()..]);
    let text = rest.split(". ").next().unwrap_or_default().trim_end_matches('.');
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_the_days_that_move_what_the_file_computes() {
        let text = "-- Sums agree.\n-- Moved by: stay.booked_on,\n-- stay_night.night. More.\nselect 1";
        let facts = ["stay.booked_on".to_owned(), "stay_night.night".to_owned()];
        assert_eq!(moved_by(text), Ok(Some(facts.to_vec())));
        assert_eq!(moved_by("-- Sums agree.\nselect 1"), Ok(None));
        assert!(moved_by("-- Moved by: stay.nights.\nselect 1").unwrap_err().contains("nobody records"));
    }
}
