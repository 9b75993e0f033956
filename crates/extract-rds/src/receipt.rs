//! The receipt of a run on S3, to which this program adds what it extracted.

use crate::{
    bucket::{Bucket, Put},
    error::ExtractError,
};
use rental_core::{ExtractReceipt, ExtractedTable, Manifest, Receipt, RunDate, RunId, object_key};

/// More than ever meet: a run's steps come one after the other.
const MAX_ATTEMPTS: u32 = 5;

/// What a manifest says, in the form of the receipt.
pub(crate) fn extracted(manifest: &Manifest) -> ExtractedTable {
    ExtractedTable {
        rows: manifest.rows,
        replaced_chunk_count: manifest.replaced_chunks.len() as u64,
        unchanged_chunk_count: manifest.unchanged_chunk_count,
        file_count: manifest.files.len() as u64,
        byte_count: manifest.files.iter().map(|file| file.file_size_in_bytes).sum(),
        violations: manifest.violations.clone(),
    }
}

/// Adds the extracted tables to the run's receipt, beside those of earlier attempts, and returns it.
///
/// # Errors
/// When the bucket fails, what lies there is no receipt, or others keep writing it.
pub(crate) async fn add_extract(
    bucket: &Bucket,
    run_id: &RunId,
    run_date: RunDate,
    part: ExtractReceipt,
) -> Result<Receipt, ExtractError> {
    let key = object_key::receipt(run_id);
    let json = |source| ExtractError::Json { key: key.clone(), source };
    for _ in 0..MAX_ATTEMPTS {
        let object = bucket.read(&key).await?;
        let mut receipt = match &object {
            Some(object) => serde_json::from_slice(&object.content).map_err(json)?,
            None => Receipt::new(run_id.clone(), run_date),
        };
        let mut tables = receipt.extract.take().map(|earlier: ExtractReceipt| earlier.tables).unwrap_or_default();
        tables.extend(part.tables.clone());
        receipt.extract = Some(ExtractReceipt { tables, ..part.clone() });
        let content = serde_json::to_vec_pretty(&receipt).map_err(json)?;
        let etag = object.and_then(|object| object.etag);
        match bucket.replace(&key, content, etag.as_deref()).await? {
            Put::Done { .. } => return Ok(receipt),
            Put::Contended => {}
        }
    }
    Err(ExtractError::ReceiptContended { key })
}
