//! What a run reads of a table and in which statements: from the state of the last run and, where not everything is looked
//! at, the contract's hints. Nothing here asks anybody anything.

use crate::{
    reader::{ChunkReading, ChunkReadings, Others},
    source_schema::quoted,
};
use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rental_core::{Chunk, ChunkGrid, ChunkState, Fingerprint, Hint, RuleAction, RunDate, Scope, TableSpec, TableState};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

/// Without an index every statement reads the whole table, so there is one; with more ranges than this it reads all rows and
/// those of other chunks are passed over.
const MAX_RANGES_OF_A_SCAN: usize = 64;
/// Sparse keys are not cut without an end: each cut asks the server.
const MAX_RANGES: usize = 10_000;
/// No local time is further from UTC, and no clock change moves a time by more.
const ZONE_MARGIN: Duration = Duration::hours(26);
const LAST_YEAR: i32 = 9999;
/// How far back a row may have been committed with an earlier time than one that was seen.
const COMMIT_MARGIN: Duration = Duration::days(1);

/// How a table is read.
#[derive(Debug, Clone)]
pub(crate) struct ExtractPlan {
    pub(crate) scope: Scope,
    /// What the first pass does with each chunk.
    pub(crate) readings: ChunkReadings,
    /// Where the rows to read lie; all of the table without any.
    pub(crate) ranges: Option<Vec<ChunkRange>>,
}

/// Neighbouring chunks, the first and the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChunkRange {
    Keys {
        first: i64,
        last: i64,
    },
    Days {
        first: NaiveDate,
        last: NaiveDate,
    },
    /// The rows without a place in the grid.
    Nowhere,
}

impl ExtractPlan {
    /// Everything; or, where `hinted` names some, these ranges, the last known chunk, and what lies beyond it.
    pub(crate) fn new(state: &TableState, basis: &str, run_date: RunDate, hinted: Option<Vec<ChunkRange>>) -> Self {
        // Under another basis nothing that is known holds, so that all of it is read.
        let Some(mut ranges) = hinted.filter(|_| state.basis == basis && !state.chunks.is_empty()) else {
            let named = state.chunks.iter().map(|(chunk, known)| (*chunk, reading(state, known, basis, run_date)));
            let readings = ChunkReadings { named: named.collect(), others: Others::Write };
            return Self { scope: Scope::Sweep, readings, ranges: None };
        };
        // The last chunk is where a growing table grows.
        if let Some(last) = state.chunks.keys().rfind(|chunk| **chunk != Chunk::WITHOUT_PLACE) {
            ranges.extend(ChunkRange::from(*last));
        }
        Self::within(state, basis, run_date, Scope::Hinted, merged(ranges))
    }

    /// These ranges and nothing else.
    pub(crate) fn within(
        state: &TableState,
        basis: &str,
        run_date: RunDate,
        scope: Scope,
        ranges: Vec<ChunkRange>,
    ) -> Self {
        let named = state.chunks.iter().map(|(chunk, known)| {
            let is_read = ranges.iter().any(|range| range.contains(chunk));
            (*chunk, if is_read { reading(state, known, basis, run_date) } else { ChunkReading::Ignore })
        });
        // While nothing is known the grid may become coarser, so that chunks reach beyond the ranges, though no row does.
        let others = if state.chunks.is_empty() { Others::Write } else { Others::WriteWithin(ranges.clone()) };
        let readings = ChunkReadings { named: named.collect(), others };
        Self { scope, readings, ranges: Some(ranges) }
    }

    /// Whether the plan looks at a chunk of the state.
    pub(crate) fn reads(&self, chunk: &Chunk) -> bool {
        !matches!(self.readings.named.get(chunk), Some(ChunkReading::Ignore))
    }
}

/// What is done with a chunk that was seen before.
fn reading(state: &TableState, known: &ChunkState, basis: &str, run_date: RunDate) -> ChunkReading {
    if state.basis != basis {
        ChunkReading::Write
    } else if known.holds_for(run_date) {
        ChunkReading::Hash
    } else {
        ChunkReading::Check
    }
}

impl ChunkRange {
    /// A chunk and all that lies beyond it; none for the rows without a place.
    fn from(chunk: Chunk) -> Option<Self> {
        match chunk {
            Chunk::Keys { first, .. } => Some(Self::Keys { first, last: i64::MAX }),
            Chunk::Day { day } => Some(Self::Days { first: day?, last: NaiveDate::MAX }),
        }
    }

    fn of(chunk: Chunk) -> Self {
        match chunk {
            Chunk::Keys { first, last } => Self::Keys { first, last },
            Chunk::Day { day: Some(day) } => Self::Days { first: day, last: day },
            Chunk::Day { day: None } => Self::Nowhere,
        }
    }

    pub(crate) fn contains(&self, chunk: &Chunk) -> bool {
        match (self, chunk) {
            (Self::Keys { first, last }, Chunk::Keys { first: chunk_first, last: chunk_last }) => {
                first <= chunk_first && chunk_last <= last
            }
            (Self::Days { first, last }, Chunk::Day { day: Some(day) }) => (first..=last).contains(&day),
            (Self::Nowhere, Chunk::Day { day: None }) => true,
            (Self::Keys { .. } | Self::Days { .. } | Self::Nowhere, Chunk::Keys { .. } | Chunk::Day { .. }) => false,
        }
    }

    /// This range with one that begins in it or right behind it.
    fn joined(self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Keys { first, last }, Self::Keys { first: next_first, last: next_last })
                if next_first <= last.saturating_add(1) =>
            {
                Some(Self::Keys { first, last: last.max(next_last) })
            }
            (Self::Days { first, last }, Self::Days { first: next_first, last: next_last })
                if next_first <= last.succ_opt().unwrap_or(last) =>
            {
                Some(Self::Days { first, last: last.max(next_last) })
            }
            (Self::Nowhere, Self::Nowhere) => Some(self),
            (Self::Keys { .. } | Self::Days { .. } | Self::Nowhere, _) => None,
        }
    }
}

/// A range in words: its keys or days.
impl fmt::Display for ChunkRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, first, last) = match *self {
            Self::Keys { first, last } => {
                let (first, last) = ((first > i64::MIN).then_some(first), (last < i64::MAX).then_some(last));
                ("keys", first.map(|key| key.to_string()), last.map(|key| key.to_string()))
            }
            Self::Days { first, last } => {
                let last = (last < NaiveDate::MAX).then_some(last);
                ("days", Some(first.to_string()), last.map(|day| day.to_string()))
            }
            Self::Nowhere => return formatter.write_str("rows without a readable key or day"),
        };
        match (first, last) {
            (Some(first), Some(last)) => write!(formatter, "{what} {first} to {last}"),
            (Some(first), None) => write!(formatter, "{what} from {first} on"),
            (None, Some(last)) => write!(formatter, "{what} up to {last}"),
            (None, None) => write!(formatter, "all {what}"),
        }
    }
}

/// The same ranges in order, without overlaps: a row that came twice would be counted twice.
fn merged(mut ranges: Vec<ChunkRange>) -> Vec<ChunkRange> {
    ranges.sort_unstable();
    let mut merged: Vec<ChunkRange> = Vec::new();
    for range in ranges {
        match merged.last().and_then(|last| last.joined(range)) {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(range),
        }
    }
    merged
}

/// What is read again to be written: the chunks whose rows were only hashed or checked and are other ones than before.
pub(crate) fn changed_chunks(
    state: &TableState,
    plan: &ExtractPlan,
    found: &HashMap<Chunk, Fingerprint>,
    quarantined: impl Fn(&Chunk) -> u64,
) -> BTreeSet<Chunk> {
    let is_changed = |(chunk, fingerprint): &(&Chunk, &Fingerprint)| {
        let Some(known) = state.chunks.get(*chunk) else { return false };
        let quarantined_before = || -> u64 {
            let rejected = known.violations.iter().filter(|part| part.action == RuleAction::Quarantine);
            rejected.map(|part| part.count).sum()
        };
        match plan.readings.named.get(*chunk) {
            Some(ChunkReading::Hash) => known.fingerprint != **fingerprint,
            // The same rows, some of which time has made acceptable or not.
            Some(ChunkReading::Check) => {
                known.fingerprint != **fingerprint || quarantined(chunk) != quarantined_before()
            }
            Some(ChunkReading::Ignore | ChunkReading::Write) | None => false,
        }
    };
    found.iter().filter(is_changed).map(|(chunk, _)| *chunk).collect()
}

/// Chunks as ranges, neighbours together.
pub(crate) fn ranges(chunks: impl IntoIterator<Item = Chunk>) -> Vec<ChunkRange> {
    merged(chunks.into_iter().map(ChunkRange::of).collect())
}

/// The conditions of the statements that read these ranges; one without a condition reads the whole table. Rows of other
/// chunks may come along and have to be passed over; no row comes twice.
pub(crate) fn conditions(
    grid: &ChunkGrid,
    ranges: &[ChunkRange],
    finds_chunks: bool,
    is_shifted: bool,
) -> Vec<Option<String>> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let Some(parts) = ranges.iter().map(|range| condition(grid, range, is_shifted)).collect::<Option<Vec<_>>>() else {
        return vec![None];
    };
    match grid {
        // One each, for whichever connection is free.
        ChunkGrid::Key { .. } if finds_chunks => parts.into_iter().map(Some).collect(),
        // In one statement: days of another zone overlap at their ends.
        ChunkGrid::Key { .. } | ChunkGrid::Day { .. } if parts.len() <= MAX_RANGES_OF_A_SCAN => {
            vec![Some(parts.join(" or "))]
        }
        ChunkGrid::Key { .. } | ChunkGrid::Day { .. } => vec![None],
    }
}

/// The conditions by which several readers share out a table that is cut by days: each row is for exactly one of them, and each
/// reader gets about as many as the others, by what is known of the days. Without an index each looks at all rows, which costs
/// the server less than to send them. Of a table that nobody has seen there is nothing to go by.
pub(crate) fn shares(grid: &ChunkGrid, state: &TableState, readers: usize) -> Vec<Option<String>> {
    let ChunkGrid::Day { column } = grid else { return vec![None] };
    let column = quoted(column);
    let row_count: u64 = state.chunks.values().map(|chunk| chunk.fingerprint.row_count).sum();
    let share = (row_count / readers as u64).max(1);
    let (mut before, mut cuts) = (0, Vec::new());
    for (chunk, known) in &state.chunks {
        if let Chunk::Day { day: Some(day) } = chunk
            && before >= share * (cuts.len() as u64 + 1)
            && cuts.len() + 1 < readers
        {
            cuts.push(*day);
        }
        before += known.fingerprint.row_count;
    }
    let Some((first, last)) = cuts.first().zip(cuts.last()) else { return vec![None] };
    // Rows without a day are for the first.
    let mut conditions = vec![Some(format!("{column} < '{first}' or {column} is null"))];
    let between = |pair: &[NaiveDate]| Some(format!("{column} >= '{}' and {column} < '{}'", pair[0], pair[1]));
    conditions.extend(cuts.windows(2).map(between));
    conditions.push(Some(format!("{column} >= '{last}'")));
    conditions
}

fn condition(grid: &ChunkGrid, range: &ChunkRange, is_shifted: bool) -> Option<String> {
    let column = quoted(grid.column());
    match *range {
        // Bounded above in any case: keys of an unsigned column go further, and those have no place in the grid.
        ChunkRange::Keys { first, last } => Some(format!("{column} between {first} and {last}")),
        ChunkRange::Days { first, last } => {
            // Days are those of UTC, the column may be in another zone.
            let margin = if is_shifted { ZONE_MARGIN } else { Duration::zero() };
            let start = first.and_time(NaiveTime::MIN).checked_sub_signed(margin)?;
            let end = last.succ_opt().and_then(|end| end.and_time(NaiveTime::MIN).checked_add_signed(margin));
            let start = format!("{column} >= '{}'", time_literal(start));
            // A server knows no later year.
            Some(match end.filter(|end| end.year() <= LAST_YEAR) {
                Some(end) => format!("({start} and {column} < '{}')", time_literal(end)),
                None => start,
            })
        }
        ChunkRange::Nowhere => match grid {
            ChunkGrid::Key { .. } => Some(format!("{column} is null or {column} > {}", i64::MAX)),
            // Told by no condition that every server understands in the same way.
            ChunkGrid::Day { .. } => None,
        },
    }
}

fn time_literal(time: NaiveDateTime) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M:%S")
}

/// What the contract's hints ask of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hinted {
    /// Read these.
    Ranges(Vec<ChunkRange>),
    /// Read the chunks of the rows for which this holds.
    RowsWhere(String),
}

/// What is worth reading beside what is new.
pub(crate) fn hinted(spec: &TableSpec, run_date: RunDate, last_snapshot: Option<DateTime<Utc>>) -> Hinted {
    let mut conditions = Vec::new();
    for hint in &spec.hints {
        match hint {
            Hint::Recent { columns, days } => {
                let from = run_date - Duration::days(i64::from(*days) + 1);
                if let (ChunkGrid::Day { column }, [only]) = (&spec.chunk_grid, columns.as_slice())
                    && column == only
                {
                    return Hinted::Ranges(vec![ChunkRange::Days { first: from, last: NaiveDate::MAX }]);
                }
                conditions.extend(columns.iter().map(|column| format!("{} >= '{from}'", quoted(column))));
            }
            Hint::ModifiedSinceLastRun { column } => {
                let since = last_snapshot.unwrap_or_default().naive_utc() - ZONE_MARGIN - COMMIT_MARGIN;
                conditions.push(format!("{} >= '{}'", quoted(column), time_literal(since)));
            }
        }
    }
    if conditions.is_empty() { Hinted::Ranges(Vec::new()) } else { Hinted::RowsWhere(conditions.join(" or ")) }
}

/// Cuts key ranges in halves until each has at most `target` rows by the server's `estimate`; cuts lie between chunks.
pub(crate) async fn split_keys<E>(
    range: (i64, i64),
    width: u64,
    target: u64,
    mut estimate: impl AsyncFnMut(i64, i64) -> Result<u64, E>,
) -> Result<Vec<ChunkRange>, E> {
    let mut open = vec![range];
    let mut ranges = Vec::new();
    while let Some((first, last)) = open.pop() {
        let middle = i128::from(first) + (i128::from(last) - i128::from(first)) / 2;
        let cut = middle.div_euclid(i128::from(width)) * i128::from(width);
        let cut = i64::try_from(cut).ok().filter(|cut| *cut > first && *cut <= last);
        match cut {
            Some(cut) if open.len() + ranges.len() < MAX_RANGES && estimate(first, last).await? > target => {
                open.extend([(cut, last), (first, cut - 1)])
            }
            _ => ranges.push(ChunkRange::Keys { first, last }),
        }
    }
    Ok(ranges)
}

/// Chunks that had rows, were looked at, and have none now.
pub(crate) fn emptied_chunks(
    state: &TableState,
    plan: &ExtractPlan,
    found: &BTreeMap<Chunk, Fingerprint>,
) -> Vec<Chunk> {
    state.chunks.keys().filter(|chunk| plan.reads(chunk) && !found.contains_key(chunk)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_shared_out_by_their_rows() {
        let grid = ChunkGrid::Day { column: "viewed_at".into() };
        let mut state = TableState::new();
        assert_eq!(shares(&grid, &state, 3), [None]);
        for (day, row_count) in [("2025-01-01", 7), ("2025-01-02", 6), ("2025-01-03", 1), ("2025-01-04", 7)] {
            let fingerprint = Fingerprint { row_count, hash: 0 };
            let chunk = Chunk::Day { day: day.parse().ok() };
            state.chunks.insert(chunk, ChunkState { fingerprint, ..ChunkState::default() });
        }
        let shared = |readers| shares(&grid, &state, readers).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(shared(1), Vec::<String>::new());
        assert_eq!(shared(2), ["`viewed_at` < '2025-01-03' or `viewed_at` is null", "`viewed_at` >= '2025-01-03'"]);
        assert_eq!(
            shared(3),
            [
                "`viewed_at` < '2025-01-02' or `viewed_at` is null",
                "`viewed_at` >= '2025-01-02' and `viewed_at` < '2025-01-04'",
                "`viewed_at` >= '2025-01-04'",
            ]
        );
    }
    use rental_core::{ChunkViolations, RowRule, Severity, table_spec};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn keys(first: i64, last: i64) -> ChunkRange {
        ChunkRange::Keys { first, last }
    }

    fn chunk(first: i64) -> Chunk {
        Chunk::of_key(first, 10)
    }

    fn known(hash: u128, violations: Vec<ChunkViolations>) -> ChunkState {
        ChunkState { fingerprint: Fingerprint { row_count: 1, hash }, checked_for: day("2025-02-16"), violations }
    }

    fn future_bookings() -> Vec<ChunkViolations> {
        vec![ChunkViolations {
            rule: RowRule::BkgFuture,
            case: None,
            severity: Severity::Warn,
            action: RuleAction::Keep,
            count: 1,
            sample_keys: vec![],
        }]
    }

    fn state() -> TableState {
        let chunks =
            [(chunk(0), known(1, vec![])), (chunk(10), known(2, future_bookings())), (chunk(50), known(3, vec![]))];
        TableState { basis: "b".into(), chunks: chunks.into(), ..TableState::new() }
    }

    #[test]
    fn a_sweep_hashes_what_it_knows_and_writes_what_is_new() {
        let plan = ExtractPlan::new(&state(), "b", day("2025-02-17"), None);
        assert_eq!((plan.scope, plan.ranges.is_none()), (Scope::Sweep, true));
        let cases = [
            (0, ChunkReading::Hash),
            // Time may have changed what its rows break.
            (10, ChunkReading::Check),
            (50, ChunkReading::Hash),
            (20, ChunkReading::Write),
        ];
        for (first, expected) in cases {
            assert_eq!(plan.readings.of(chunk(first)), expected, "{first}");
        }
    }

    #[test]
    fn another_basis_writes_everything_whatever_was_hinted() {
        let plan = ExtractPlan::new(&state(), "other", day("2025-02-17"), Some(vec![keys(0, 9)]));
        assert_eq!(plan.scope, Scope::Sweep);
        assert_eq!(plan.readings.of(chunk(50)), ChunkReading::Write);
    }

    #[test]
    fn a_hinted_run_reads_the_hinted_the_last_and_what_lies_beyond() {
        let plan = ExtractPlan::new(&state(), "b", day("2025-02-16"), Some(vec![keys(0, 9)]));
        assert_eq!(plan.ranges, Some(vec![keys(0, 9), keys(50, i64::MAX)]));
        let cases = [
            (0, ChunkReading::Hash),
            (10, ChunkReading::Ignore),
            (20, ChunkReading::Ignore),
            (50, ChunkReading::Hash),
            (60, ChunkReading::Write),
        ];
        for (first, expected) in cases {
            assert_eq!(plan.readings.of(chunk(first)), expected, "{first}");
        }
        let found = BTreeMap::from([(chunk(0), Fingerprint::default())]);
        // The unread one may still be there.
        assert_eq!(emptied_chunks(&state(), &plan, &found), [chunk(50)]);
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let plan = ExtractPlan::new(&state(), "b", day("2025-02-17"), None);
        let print = |hash| Fingerprint { row_count: 1, hash };
        let found =
            HashMap::from([(chunk(0), print(1)), (chunk(10), print(2)), (chunk(50), print(9)), (chunk(60), print(4))]);
        assert_eq!(changed_chunks(&state(), &plan, &found, |_| 0), BTreeSet::from([chunk(50)]));
        // A row that was kept is to be rejected now.
        let quarantined = |of: &Chunk| u64::from(*of == chunk(10));
        assert_eq!(changed_chunks(&state(), &plan, &found, quarantined), BTreeSet::from([chunk(10), chunk(50)]));
    }

    #[test]
    fn ranges_join_where_they_touch() {
        let cases = [
            (vec![keys(0, 9), keys(10, 19), keys(30, 39)], vec![keys(0, 19), keys(30, 39)]),
            (vec![keys(30, i64::MAX), keys(0, 9), keys(40, 49)], vec![keys(0, 9), keys(30, i64::MAX)]),
            (vec![keys(i64::MIN, -1), keys(0, 9)], vec![keys(i64::MIN, 9)]),
            (vec![ChunkRange::Nowhere, ChunkRange::Nowhere], vec![ChunkRange::Nowhere]),
        ];
        for (ranges, expected) in cases {
            assert_eq!(merged(ranges.clone()), expected, "{ranges:?}");
        }
    }

    #[test]
    fn conditions_hold_every_row_of_their_ranges() {
        let by_key = ChunkGrid::Key { column: "id".into(), width: 10 };
        let by_day = ChunkGrid::Day { column: "at".into() };
        let days = ChunkRange::Days { first: day("2025-02-01"), last: day("2025-02-02") };
        type Case<'a> = (&'a ChunkGrid, Vec<ChunkRange>, bool, bool, &'a [Option<&'a str>]);
        let cases: [Case<'_>; 7] = [
            (&by_key, vec![], true, false, &[]),
            (
                &by_key,
                vec![keys(0, 9), keys(50, i64::MAX)],
                true,
                false,
                &[Some("`id` between 0 and 9"), Some("`id` between 50 and 9223372036854775807")],
            ),
            (&by_key, vec![ChunkRange::Nowhere], true, false, &[Some("`id` is null or `id` > 9223372036854775807")]),
            (&by_day, vec![days, ChunkRange::Nowhere], true, false, &[None]),
            (
                &by_day,
                vec![days],
                false,
                false,
                &[Some("(`at` >= '2025-02-01 00:00:00' and `at` < '2025-02-03 00:00:00')")],
            ),
            (
                &by_day,
                vec![days],
                false,
                true,
                &[Some("(`at` >= '2025-01-30 22:00:00' and `at` < '2025-02-04 02:00:00')")],
            ),
            (
                &by_day,
                vec![ChunkRange::Days { first: day("2025-02-01"), last: NaiveDate::MAX }],
                true,
                false,
                &[Some("`at` >= '2025-02-01 00:00:00'")],
            ),
        ];
        for (grid, ranges, finds_chunks, is_shifted, expected) in cases {
            let found = conditions(grid, &ranges, finds_chunks, is_shifted);
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{ranges:?}");
        }
        let many: Vec<_> = (0..100).map(|index| keys(index * 20, index * 20 + 9)).collect();
        assert_eq!(conditions(&by_key, &many, true, false).len(), 100);
        assert_eq!(conditions(&by_key, &many, false, false), [None]);
    }

    #[test]
    fn hints_ask_for_what_can_still_change() {
        let run_date = day("2025-02-16");
        let bookings = hinted(table_spec("bookings").unwrap(), run_date, None);
        let expected =
            "`booking_date` >= '2025-01-11' or `checkin_date` >= '2025-01-11' or `checkout_date` >= '2025-01-11'";
        assert_eq!(bookings, Hinted::RowsWhere(expected.into()));
        let viewings = hinted(table_spec("user_viewing").unwrap(), run_date, None);
        assert_eq!(viewings, Hinted::Ranges(vec![ChunkRange::Days { first: day("2025-02-08"), last: NaiveDate::MAX }]));
        let at = DateTime::from_timestamp(1_739_664_000, 0);
        let apartments = hinted(table_spec("apartments").unwrap(), run_date, at);
        assert_eq!(apartments, Hinted::RowsWhere("`last_modified_timestamp` >= '2025-02-13 22:00:00'".into()));
        assert_eq!(hinted(table_spec("apartment_attributes").unwrap(), run_date, at), Hinted::Ranges(vec![]));
    }

    #[tokio::test]
    async fn keys_are_cut_where_the_rows_are() {
        // 1,000 rows with keys 0..1000, and one far out on either side.
        let estimate = async |first: i64, last: i64| {
            let dense = (last.min(999) - first.max(0) + 1).max(0) as u64;
            Ok::<_, ()>(dense + u64::from(first <= -1_000_000) + u64::from(last >= 1_000_000_000_000))
        };
        let ranges = split_keys((-1_000_000, 1_000_000_000_000), 10, 300, estimate).await.unwrap();
        assert!(ranges.len() >= 4, "{ranges:?}");
        let mut next = -1_000_000;
        for range in &ranges {
            let ChunkRange::Keys { first, last } = *range else { panic!("{range:?}") };
            assert_eq!(first, next);
            assert!(first == -1_000_000 || first % 10 == 0, "{first}");
            assert!((last.min(999) - first.max(0)) < 310, "{range:?}");
            next = last + 1;
        }
        assert_eq!(next, 1_000_000_000_001);
    }
}
