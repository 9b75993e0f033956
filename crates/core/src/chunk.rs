//! Chunks: the unit of capture. A table is cut into a fixed grid; each chunk has a fingerprint; only chunks whose
//! fingerprint moved since the last sealed run are written, and the load replaces exactly those.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a table is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub enum ChunkGrid {
    /// By ranges of `width` consecutive values of an integer key; range `k` starts at `k * width`, also below zero.
    Key { column: String, width: u64 },
    /// By UTC day of a timestamp.
    Day { column: String },
}

/// One slice of a table. Key ranges name their first and last key, so that the largest key fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Chunk {
    Keys {
        first: i64,
        last: i64,
    },
    /// `None` holds the rows that have no place in the grid, of keyed tables too: their day or key is missing or cannot
    /// be read. They are all quarantined, but they are captured and counted.
    Day {
        day: Option<NaiveDate>,
    },
}

/// What identifies a chunk's content: equal fingerprints mean equal rows, duplicates included, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    pub row_count: u64,
    /// Sum of the rows' 128-bit hashes modulo 2^128, as 32 hex digits on the wire.
    #[serde(with = "hex_u128")]
    pub hash: u128,
}

impl ChunkGrid {
    /// The column that places a row in a chunk.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Key { column, .. } | Self::Day { column } => column,
        }
    }

    /// The chunk of this grid that one of a finer grid is a part of.
    #[must_use]
    pub fn place(&self, chunk: Chunk) -> Chunk {
        match self {
            Self::Key { width, .. } => chunk.within(*width),
            Self::Day { .. } => chunk,
        }
    }

    /// Whether the same column cuts in the same way; the widths may differ.
    #[must_use]
    pub fn cuts_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key { column, .. }, Self::Key { column: other, .. })
            | (Self::Day { column }, Self::Day { column: other }) => column == other,
            (Self::Key { .. } | Self::Day { .. }, _) => false,
        }
    }
}

impl fmt::Display for ChunkGrid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { column, .. } => write!(formatter, "by ranges of `{column}`"),
            Self::Day { column } => write!(formatter, "by days of `{column}`"),
        }
    }
}

impl Chunk {
    /// Holds the rows that have no place in the grid, of keyed tables too.
    pub const WITHOUT_PLACE: Self = Self::Day { day: None };

    /// The chunk of a grid of this width that holds `key`.
    #[must_use]
    pub fn of_key(key: i64, width: u64) -> Self {
        let first = i128::from(key).div_euclid(i128::from(width)) * i128::from(width);
        let clamp = |bound: i128| bound.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        Self::Keys { first: clamp(first), last: clamp(first + i128::from(width) - 1) }
    }

    /// The chunk of a coarser grid, whose width is a multiple, that this one is a part of.
    #[must_use]
    pub fn within(self, width: u64) -> Self {
        match self {
            Self::Keys { first, .. } => Self::of_key(first, width),
            Self::Day { .. } => self,
        }
    }
}

impl Fingerprint {
    /// The fingerprint of the rows of both, for parts of a chunk that were read apart.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { row_count: self.row_count + other.row_count, hash: self.hash.wrapping_add(other.hash) }
    }

    /// Adds one row by its hash. The sum makes the order of rows irrelevant and keeps duplicates apart from one row.
    pub fn add(&mut self, row_hash: u128) {
        self.row_count += 1;
        self.hash = self.hash.wrapping_add(row_hash);
    }
}

impl fmt::Display for Chunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { first, last } => write!(formatter, "keys {first}..={last}"),
            Self::Day { day: Some(day) } => write!(formatter, "day {day}"),
            Self::Day { day: None } => formatter.write_str("rows without a place in the grid"),
        }
    }
}

mod hex_u128 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom(format!("`{text}` is not a hex fingerprint")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_falls_into_exactly_its_range() {
        let cases = [
            (0, (0, 9)),
            (9, (0, 9)),
            (10, (10, 19)),
            (-1, (-10, -1)),
            (-10, (-10, -1)),
            (i64::MAX, (9_223_372_036_854_775_800, i64::MAX)),
            (i64::MIN, (i64::MIN, -9_223_372_036_854_775_801)),
        ];
        for (key, (first, last)) in cases {
            assert_eq!(Chunk::of_key(key, 10), Chunk::Keys { first, last }, "{key}");
        }
    }

    #[test]
    fn a_coarser_grid_holds_every_key_of_a_finer_one() {
        for key in [0, 1, -1, 159, 160, -160, -161, i64::MAX, i64::MIN] {
            assert_eq!(Chunk::of_key(key, 10).within(160), Chunk::of_key(key, 160), "{key}");
        }
        assert_eq!(Chunk::WITHOUT_PLACE.within(160), Chunk::WITHOUT_PLACE);
    }

    #[test]
    fn the_wire_forms_read_back() {
        let day = NaiveDate::from_ymd_opt(2025, 1, 31);
        for (chunk, text) in [
            (Chunk::Keys { first: 0, last: 9 }, r#"{"first":0,"last":9}"#),
            (Chunk::Day { day }, r#"{"day":"2025-01-31"}"#),
            (Chunk::Day { day: None }, r#"{"day":null}"#),
        ] {
            assert_eq!(serde_json::to_string(&chunk).unwrap(), text);
            assert_eq!(serde_json::from_str::<Chunk>(text).unwrap(), chunk);
        }
    }

    #[test]
    fn order_does_not_matter_and_duplicates_do() {
        let fingerprint = |hashes: &[u128]| {
            let mut sum = Fingerprint::default();
            hashes.iter().for_each(|hash| sum.add(*hash));
            sum
        };
        assert_eq!(fingerprint(&[1, u128::MAX]), fingerprint(&[u128::MAX, 1]));
        assert_ne!(fingerprint(&[5]), fingerprint(&[5, 5]));
        assert_ne!(fingerprint(&[5, 5]), fingerprint(&[10]));
    }
}
