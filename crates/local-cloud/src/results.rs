//! What a finished run is shown as: the newest rows of each metric, the receipt, planted defects against caught ones.

use crate::{output::print, running_cloud::RunningCloud};
use anyhow::{Context as _, ensure};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use rental_core::{Receipt, RunId, object_key};
use std::{collections::BTreeMap, process::Command};

/// Newest rows shown of each metric.
const SHOWN_ROWS: &str = "8";

/// Prints everything to standard output.
///
/// # Errors
/// When the receipt or a metric cannot be read.
pub(crate) async fn print_results(cloud: &RunningCloud, run_id: &RunId) -> anyhow::Result<()> {
    let receipt = read_receipt(cloud, run_id).await?;
    let published = receipt.publish.as_ref().context("the run published nothing")?;
    print("the metrics")?;
    print_by_load_redshift(cloud, &["metric", "list"])?;
    for metric in &published.metrics {
        print(format!("\n{metric}, newest rows"))?;
        print_by_load_redshift(cloud, &["metric", "show", metric, "--limit", SHOWN_ROWS])?;
    }
    print(format!("\nreceipt of run {run_id} for {}\n{}", receipt.run_date, receipt_table(&receipt)))?;
    let caught = caught_defects(&receipt);
    match cloud.sample()? {
        Some(sample) => {
            let table = defects_table(&sample.planted, &caught);
            print(format!("\ndefects planted in the sample data, and caught\n{table}"))
        }
        None if caught.is_empty() => Ok(()),
        None => print(format!("\nrows that break a rule\n{}", caught_table(&caught))),
    }
}

async fn read_receipt(cloud: &RunningCloud, run_id: &RunId) -> anyhow::Result<Receipt> {
    let key = object_key::receipt(run_id);
    let object = cloud.connection.s3().get_object().bucket(&cloud.deployment.bucket).key(&key).send().await;
    let content = object.with_context(|| format!("read {key}"))?.body.collect().await?.into_bytes();
    serde_json::from_slice(&content).with_context(|| format!("read {key}"))
}

/// As a user would, from a shell with the variables of `rental-local env`.
fn print_by_load_redshift(cloud: &RunningCloud, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(RunningCloud::binary("load-redshift")?);
    let status = command.args(arguments).envs(cloud.environment()?).status().context("start load-redshift")?;
    ensure!(status.success(), "`load-redshift {}` failed ({status})", arguments.join(" "));
    Ok(())
}

fn receipt_table(receipt: &Receipt) -> Table {
    let mut table = new_table(&["table", "read", "unchanged", "written", "quarantined", "loaded", "files", "bytes"]);
    for (name, extracted) in receipt.extract.iter().flat_map(|extract| &extract.tables) {
        let loaded = receipt.load.as_ref().and_then(|load| load.tables.get(name)).map_or(0, |loaded| loaded.raw_rows);
        let rows = extracted.rows;
        let counts = [
            rows.read,
            rows.unchanged,
            rows.written,
            rows.quarantined,
            loaded,
            extracted.file_count,
            extracted.byte_count,
        ];
        table.add_row([name.clone()].into_iter().chain(counts.map(|count| count.to_string())));
    }
    table
}

/// Rows that break each rule now, over all tables: the row rules of extraction and the rules of the warehouse.
fn caught_defects(receipt: &Receipt) -> BTreeMap<String, u64> {
    let row_rules = receipt.extract.iter().flat_map(|extract| extract.tables.values());
    let row_rules = row_rules.flat_map(|table| &table.violations);
    let row_rules = row_rules.map(|violation| (violation.rule.to_string(), violation.standing));
    let warehouse_rules = receipt.transform.iter().flat_map(|transform| &transform.rule_counts);
    let warehouse_rules = warehouse_rules.map(|count| (count.rule.clone(), count.standing));
    let mut caught = BTreeMap::new();
    for (rule, count) in row_rules.chain(warehouse_rules).filter(|(_, count)| *count > 0) {
        *caught.entry(rule).or_default() += count;
    }
    caught
}

fn defects_table(planted: &BTreeMap<String, u64>, caught: &BTreeMap<String, u64>) -> Table {
    let mut table = new_table(&["rule", "planted", "caught", ""]);
    let mut rules: Vec<&String> = planted.keys().chain(caught.keys()).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let [planted, caught] = [planted, caught].map(|counts| counts.get(rule).copied().unwrap_or_default());
        let verdict = if planted == caught { "✓" } else { "differs" };
        table.add_row([rule, &planted.to_string(), &caught.to_string(), verdict]);
    }
    table
}

fn caught_table(caught: &BTreeMap<String, u64>) -> Table {
    let mut table = new_table(&["rule", "rows"]);
    for (rule, count) in caught {
        table.add_row([rule.clone(), count.to_string()]);
    }
    table
}

/// Names to the left, counts to the right.
fn new_table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header(columns);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_that_was_not_planted_is_shown_as_well() {
        let planted = BTreeMap::from([("KEY-DUP".to_owned(), 2)]);
        let caught = BTreeMap::from([("KEY-DUP".to_owned(), 2), ("CUR-CODE".to_owned(), 1)]);
        let text = defects_table(&planted, &caught).to_string();
        let line = |rule: &str| text.lines().find(|line| line.contains(rule)).unwrap().to_owned();
        assert!(line("KEY-DUP").contains('✓') && line("CUR-CODE").contains("differs"), "{text}");
    }
}
