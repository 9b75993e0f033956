//! The rows of one chunk on their way: decoded, checked, and kept until it is known whether the chunk changed.

use crate::{
    cell::CellBuilder,
    source_schema::{ColumnOrigin, TableReading, Zone},
};
use arrow::{
    array::{BooleanArray, RecordBatch},
    compute::filter_record_batch,
    error::ArrowError,
};
use chrono_tz::Tz;
use rental_core::{
    Chunk, ContractFault, Fingerprint, PriceCase, RowRule, RowValidator, RuleAction, Severity, TableSpec, ValueFault,
    Violation, unchecked_schema,
};
use std::collections::BTreeMap;

/// Rows that are decoded and checked at a time.
const BATCH_ROWS: usize = 8192;
const SAMPLE_KEYS: usize = 3;

/// How one rule was broken so far.
#[derive(Debug, Clone)]
pub(crate) struct RuleCount {
    pub(crate) severity: Severity,
    pub(crate) action: RuleAction,
    pub(crate) count: u64,
    pub(crate) sample_keys: Vec<String>,
}

/// By rule and case.
pub(crate) type RuleCounts = BTreeMap<(RowRule, Option<PriceCase>), RuleCount>;

/// A row that was rejected, as it stands at the source.
#[derive(Debug, Clone)]
pub(crate) struct RejectedRow {
    pub(crate) violation: Violation,
    pub(crate) row_key: Option<String>,
    /// Values of the contract's columns in their order; columns that the source lacks are NULL.
    pub(crate) values: Vec<Option<String>>,
}

/// What a chunk holds once all its rows arrived.
#[derive(Debug)]
pub(crate) struct FinishedChunk {
    pub(crate) chunk: Chunk,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) good_rows: Vec<RecordBatch>,
    pub(crate) rejected_rows: Vec<RejectedRow>,
    pub(crate) rule_counts: RuleCounts,
}

/// What all chunks of a table share.
pub(crate) struct TableContext<'a> {
    pub(crate) spec: &'a TableSpec,
    pub(crate) reading: &'a TableReading,
    pub(crate) validator: &'a RowValidator<'a>,
    pub(crate) timezone: Tz,
    /// Position of the column by which a row is named, if the table has one.
    pub(crate) key_position: Option<usize>,
}

/// Why rows could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BufferError {
    #[error(transparent)]
    Contract(#[from] ContractFault),
    #[error(transparent)]
    Encode(#[from] ArrowError),
}

/// One chunk that is still filling.
pub(crate) struct ChunkBuffer {
    chunk: Chunk,
    fingerprint: Fingerprint,
    builders: Vec<CellBuilder>,
    pending: Vec<Vec<Option<String>>>,
    faults: Vec<ValueFault>,
    good_rows: Vec<RecordBatch>,
    rejected_rows: Vec<RejectedRow>,
    rule_counts: RuleCounts,
}

impl ChunkBuffer {
    pub(crate) fn new(chunk: Chunk, context: &TableContext<'_>) -> Self {
        let builder = |column: &rental_core::ColumnSpec| CellBuilder::new(column.column_type, context.timezone);
        Self {
            chunk,
            fingerprint: Fingerprint::default(),
            builders: context.spec.columns.iter().map(builder).collect(),
            pending: Vec::new(),
            faults: Vec::new(),
            good_rows: Vec::new(),
            rejected_rows: Vec::new(),
            rule_counts: RuleCounts::new(),
        }
    }

    /// Takes in one row: one value per contract column.
    ///
    /// # Errors
    /// When a full batch cannot be checked.
    pub(crate) fn push(
        &mut self,
        values: Vec<Option<String>>,
        row_hash: u128,
        context: &TableContext<'_>,
    ) -> Result<(), BufferError> {
        self.fingerprint.add(row_hash);
        let row = self.pending.len();
        for (column, (builder, value)) in self.builders.iter_mut().zip(&values).enumerate() {
            let fault = match &context.reading.origins[column] {
                ColumnOrigin::Selected { zone, .. } => builder.append(value.as_deref(), *zone),
                ColumnOrigin::Absent => builder.append(None, Zone::Utc),
                ColumnOrigin::Constant(value) => {
                    builder.append_constant(Some(*value));
                    None
                }
            };
            self.faults.extend(fault.map(|(rule, reason)| ValueFault { row, column, rule, reason }));
        }
        self.pending.push(values);
        if self.pending.len() == BATCH_ROWS { self.check(context) } else { Ok(()) }
    }

    /// The chunk, all of whose rows have arrived.
    ///
    /// # Errors
    /// When the last batch cannot be checked.
    pub(crate) fn finish(mut self, context: &TableContext<'_>) -> Result<FinishedChunk, BufferError> {
        self.check(context)?;
        Ok(FinishedChunk {
            chunk: self.chunk,
            fingerprint: self.fingerprint,
            good_rows: self.good_rows,
            rejected_rows: self.rejected_rows,
            rule_counts: self.rule_counts,
        })
    }

    fn check(&mut self, context: &TableContext<'_>) -> Result<(), BufferError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let columns = self.builders.iter_mut().map(CellBuilder::finish).collect();
        let batch = RecordBatch::try_new(unchecked_schema(context.spec), columns)?;
        let violations = context.validator.validate(&batch, &self.faults)?;
        self.faults.clear();
        let is_rejected = |violation: &Option<Violation>| {
            violation.as_ref().is_some_and(|violation| violation.action == RuleAction::Quarantine)
        };
        let kept: BooleanArray = violations.iter().map(|violation| Some(!is_rejected(violation))).collect();
        let good = filter_record_batch(&batch, &kept)?;
        if good.num_rows() > 0 {
            // From here on a required column has no NULL: such rows are all rejected.
            self.good_rows.push(RecordBatch::try_new(context.spec.arrow_schema(), good.columns().to_vec())?);
        }
        for (values, violation) in self.pending.drain(..).zip(violations) {
            let Some(violation) = violation else { continue };
            let row_key = context.key_position.and_then(|position| values[position].clone());
            count(&mut self.rule_counts, &violation, row_key.as_deref());
            if violation.action == RuleAction::Quarantine {
                self.rejected_rows.push(RejectedRow { violation, row_key, values });
            }
        }
        Ok(())
    }
}

fn count(counts: &mut RuleCounts, violation: &Violation, row_key: Option<&str>) {
    let entry = counts.entry((violation.rule, violation.case)).or_insert_with(|| RuleCount {
        severity: violation.severity,
        action: violation.action,
        count: 0,
        sample_keys: Vec::new(),
    });
    entry.count += 1;
    if entry.sample_keys.len() < SAMPLE_KEYS {
        entry.sample_keys.extend(row_key.map(str::to_owned));
    }
}

/// Adds the counts of one chunk to those of others.
pub(crate) fn add_counts(sum: &mut RuleCounts, part: &RuleCounts) {
    for (rule, part) in part {
        let Some(entry) = sum.get_mut(rule) else {
            sum.insert(*rule, part.clone());
            continue;
        };
        entry.count += part.count;
        let room = SAMPLE_KEYS.saturating_sub(entry.sample_keys.len());
        entry.sample_keys.extend(part.sample_keys.iter().take(room).cloned());
    }
}
