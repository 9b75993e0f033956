//! Fills the source database from CSV files, and the bucket with the exchange rates beside them.

use crate::running_cloud::{RunningCloud, Sample};
use crate::seed::seed;
use crate::state_folder::read_json;
use anyhow::{Context as _, ensure};
use std::{fs, path::Path};

/// The project's sample data.
pub(crate) const SAMPLE_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
const FX_RATES_FILE: &str = "fx_rates.csv";
/// Where `load-redshift` looks for them by default.
const FX_RATES_KEY: &str = "reference/fx_rates.csv";
/// Only generated data has this file.
const SAMPLE_DESCRIPTION_FILE: &str = "planted.json";

/// Loads `folder`, or without one the sample data, in place of what the source held.
///
/// # Errors
/// When a file cannot be read or a server does not take it.
pub(crate) async fn fill_source(cloud: &RunningCloud, folder: Option<&Path>) -> anyhow::Result<()> {
    let folder = folder.unwrap_or(Path::new(SAMPLE_FOLDER));
    ensure!(folder.is_dir(), "{} is no folder; name one with --csv", folder.display());
    let source = cloud.connection.source.admin_options(Some(&cloud.deployment.source_database));
    for (table, row_count) in seed(&source, folder).await? {
        eprintln!("✓ {row_count} rows are in {table}");
    }
    let sample: Option<Sample> = read_json(&folder.join(SAMPLE_DESCRIPTION_FILE))?;
    cloud.remember_sample(sample.as_ref())?;
    put_fx_rates(cloud, &folder.join(FX_RATES_FILE)).await
}

async fn put_fx_rates(cloud: &RunningCloud, file: &Path) -> anyhow::Result<()> {
    if !file.is_file() {
        eprintln!("there is no {}: only amounts in the reporting currency can be compared", file.display());
        return Ok(());
    }
    let content = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let put = cloud.connection.s3().put_object().bucket(&cloud.deployment.bucket).key(FX_RATES_KEY);
    put.body(content.into()).send().await.with_context(|| format!("put {FX_RATES_KEY}"))?;
    eprintln!("✓ exchange rates are in s3://{}/{FX_RATES_KEY}", cloud.deployment.bucket);
    Ok(())
}
