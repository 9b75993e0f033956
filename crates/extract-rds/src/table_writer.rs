//! Takes batches of rows: checks them, writes those that pass, sets the rejected ones aside, and counts both by chunk.

use crate::{
    data_files::{DataFiles, FileLayout},
    error::ExtractError,
    progress::TableProgress,
    quarantine::{RejectedRow, quarantine_batch, quarantine_schema},
    row_batch::RowBatch,
    source_error::SourceError,
    source_schema::TableReading,
    wire::WireError,
};
use arrow::{
    array::{BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::SchemaRef,
};
use rental_core::{
    Chunk, ChunkViolations, DataFile, PriceCase, RowRule, RowValidator, RuleAction, RunId, Severity, TableSpec,
    Violation, ViolationCount, object_key,
};
use rental_task::Bucket;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
};
use tokio::runtime::Handle;

const SAMPLE_KEYS: usize = 3;

/// What was found in the checked rows of one chunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChunkTally {
    pub(crate) quarantined: u64,
    violations: RuleCounts,
}

/// A rule with what it said and did.
type Breach = (RowRule, Option<PriceCase>, Severity, RuleAction);

#[derive(Debug, Clone, Default)]
struct Count {
    count: u64,
    sample_keys: Vec<String>,
}

/// What one attempt at a table writes to.
pub(crate) struct Destination<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) runtime: Handle,
    pub(crate) run_id: &'a RunId,
    /// Part of the keys of all files, so that no other attempt writes the same.
    pub(crate) attempt: &'a str,
    pub(crate) layout: FileLayout,
}

pub(crate) struct TableWriter<'a> {
    spec: &'a TableSpec,
    reading: &'a TableReading,
    validator: &'a RowValidator<'a>,
    progress: &'a TableProgress,
    schema: SchemaRef,
    key_position: Option<usize>,
    data_files: DataFiles<'a>,
    quarantine_files: DataFiles<'a>,
    tallies: BTreeMap<Chunk, ChunkTally>,
}

/// The files and counts of a table.
pub(crate) struct WrittenTable {
    pub(crate) files: Vec<DataFile>,
    pub(crate) quarantine_files: Vec<DataFile>,
    pub(crate) tallies: BTreeMap<Chunk, ChunkTally>,
}

impl<'a> TableWriter<'a> {
    pub(crate) fn new(
        spec: &'a TableSpec,
        reading: &'a TableReading,
        validator: &'a RowValidator<'a>,
        progress: &'a TableProgress,
        to: &Destination<'a>,
    ) -> Self {
        let Destination { bucket, run_id, attempt, .. } = *to;
        let data_key = move |part| object_key::data_file(&spec.name, run_id, attempt, part);
        let quarantine_key = move |part| object_key::quarantine_file(&spec.name, run_id, attempt, part);
        // Nobody loads these in parallel.
        let one_file = FileLayout { slices: NonZero::<usize>::MIN, ..to.layout };
        let position = |name: &str| spec.columns.iter().position(|column| column.name == name);
        Self {
            spec,
            reading,
            validator,
            progress,
            schema: spec.arrow_schema(),
            key_position: spec.primary_key.as_deref().and_then(position),
            data_files: DataFiles::new(bucket, to.runtime.clone(), spec.arrow_schema(), to.layout, data_key),
            quarantine_files: DataFiles::new(bucket, to.runtime.clone(), quarantine_schema(), one_file, quarantine_key),
            tallies: BTreeMap::new(),
        }
    }

    /// Takes in a batch.
    ///
    /// # Errors
    /// When it cannot be checked or encoded, or the bucket fails.
    pub(crate) fn take(&mut self, batch: &RowBatch) -> Result<(), ExtractError> {
        let violations = self.validator.validate(&batch.columns, &batch.faults)?;
        let mut rejected = BTreeSet::new();
        let mut rejected_rows = Vec::new();
        for (row, violation) in violations {
            let is_rejected = violation.action == RuleAction::Quarantine;
            let tally = self.tallies.entry(batch.chunk(row)).or_default();
            tally.quarantined += u64::from(is_rejected);
            let count = tally.count_of(&violation);
            count.count += 1;
            let wants_key = count.sample_keys.len() < SAMPLE_KEYS && self.key_position.is_some();
            if !wants_key && !is_rejected {
                continue;
            }
            let values = batch.rows.texts(row, self.reading);
            let values = values.map_err(|error| Self::unreadable(self.spec, error))?;
            let row_key = self.key_position.and_then(|position| values[position].clone());
            if wants_key {
                count.sample_keys.extend(row_key.clone());
            }
            if is_rejected {
                rejected.insert(row);
                if batch.writes(row) {
                    rejected_rows.push(RejectedRow { violation, row_key, values });
                }
            }
        }
        if let Some(good) = self.good_rows(batch, &rejected)? {
            self.data_files.write(&good)?;
            self.progress.wrote(good.get_array_memory_size() as u64);
        }
        if !rejected_rows.is_empty() {
            let rejected = quarantine_batch(self.spec, &rejected_rows).map_err(|error| self.encoding(error))?;
            self.quarantine_files.write(&rejected)?;
        }
        Ok(())
    }

    /// Rows of a chunk that were rejected so far.
    pub(crate) fn quarantined(&self, chunk: &Chunk) -> u64 {
        self.tallies.get(chunk).map_or(0, |tally| tally.quarantined)
    }

    /// Forgets what was counted of chunks whose rows will come again, to be written.
    pub(crate) fn recount(&mut self, chunks: &BTreeSet<Chunk>) {
        self.tallies.retain(|chunk, _| !chunks.contains(chunk));
    }

    /// Gives up: nothing is left of files that are not complete.
    pub(crate) fn abort(self) {
        self.data_files.abort();
        self.quarantine_files.abort();
    }

    /// Closes all files.
    ///
    /// # Errors
    /// As [`TableWriter::take`].
    pub(crate) fn finish(self) -> Result<WrittenTable, ExtractError> {
        Ok(WrittenTable {
            files: self.data_files.finish()?,
            quarantine_files: self.quarantine_files.finish()?,
            tallies: self.tallies,
        })
    }

    fn good_rows(&self, batch: &RowBatch, rejected: &BTreeSet<usize>) -> Result<Option<RecordBatch>, ExtractError> {
        let columns = &batch.columns;
        let kept = if rejected.is_empty() && batch.writes_all() {
            columns.clone()
        } else {
            let is_kept = |row| Some(batch.writes(row) && !rejected.contains(&row));
            let kept: BooleanArray = (0..columns.num_rows()).map(is_kept).collect();
            if kept.true_count() == 0 {
                return Ok(None);
            }
            filter_record_batch(columns, &kept).map_err(|error| self.encoding(error))?
        };
        // From here on a required column has no NULL: such rows are all rejected.
        let good = RecordBatch::try_new(self.schema.clone(), kept.columns().to_vec());
        good.map(Some).map_err(|error| self.encoding(error))
    }

    /// Bytes that were read as a row once already.
    fn unreadable(spec: &TableSpec, error: WireError) -> ExtractError {
        let source = SourceError::Failed {
            action: "read a row again".to_owned(),
            place: "the source".to_owned(),
            source: Box::new(error.into()),
        };
        ExtractError::Read { table: spec.name.clone(), source }
    }

    fn encoding(&self, source: arrow::error::ArrowError) -> ExtractError {
        ExtractError::Encode { table: self.spec.name.clone(), source }
    }
}

impl Count {
    fn join(&mut self, count: u64, sample_keys: &[String]) {
        self.count += count;
        let room = SAMPLE_KEYS.saturating_sub(self.sample_keys.len());
        self.sample_keys.extend(sample_keys.iter().take(room).cloned());
    }
}

impl ChunkTally {
    fn count_of(&mut self, violation: &Violation) -> &mut Count {
        let breach = (violation.rule, violation.case, violation.severity, violation.action);
        self.violations.0.entry(breach).or_default()
    }

    /// Adds what was found in another part of the chunk.
    pub(crate) fn join(&mut self, other: Self) {
        self.quarantined += other.quarantined;
        self.violations.add(&other.violations());
    }

    /// In the form that manifest and state keep.
    pub(crate) fn violations(&self) -> Vec<ChunkViolations> {
        self.violations.of_chunk()
    }
}

/// Violations by rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleCounts(BTreeMap<Breach, Count>);

impl RuleCounts {
    pub(crate) fn add(&mut self, violations: &[ChunkViolations]) {
        for part in violations {
            let sum = self.0.entry((part.rule, part.case, part.severity, part.action)).or_default();
            sum.join(part.count, &part.sample_keys);
        }
    }

    /// In the form that manifest and state keep for a chunk.
    pub(crate) fn of_chunk(&self) -> Vec<ChunkViolations> {
        let of = |(&(rule, case, severity, action), count): (&Breach, &Count)| ChunkViolations {
            rule,
            case,
            severity,
            action,
            count: count.count,
            sample_keys: count.sample_keys.clone(),
        };
        self.0.iter().map(of).collect()
    }

    /// Each rule with these counts as those that stand among `row_count` rows, and those of `found` as the ones that a run
    /// found.
    pub(crate) fn with_found(&self, found: &Self, spec: &TableSpec, row_count: u64) -> Vec<ViolationCount> {
        let count = |(breach, standing): (&Breach, &Count)| {
            let &(rule, case, severity, action) = breach;
            let rule_spec = spec.rules.iter().find(|spec| (spec.rule, spec.case) == (rule, case));
            ViolationCount {
                rule,
                case,
                rule_version: RowRule::VERSION,
                severity,
                action,
                standing: standing.count,
                found: found.0.get(breach).map_or(0, |found| found.count),
                sample_keys: standing.sample_keys.clone(),
                breach: rule_spec.and_then(|spec| spec.breach(standing.count, row_count)),
            }
        };
        self.0.iter().map(count).collect()
    }
}
