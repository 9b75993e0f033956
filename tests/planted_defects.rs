//! The sample data's planted defects: every one is caught under the rule it was planted for, and nothing else is.

use crate::support::{Pipeline, cloud, project_path};
use serde_json::Value;
use std::{collections::BTreeMap, fs};

#[tokio::test]
async fn every_planted_defect_is_caught_under_its_rule() {
    let pipeline = Pipeline::seeded("planted", &project_path("data")).await;
    let planted: Value = serde_json::from_slice(&fs::read(project_path("data/planted.json")).expect("planted.json"))
        .expect("read planted.json");
    let as_of = planted["as_of"].as_str().expect("as_of of planted.json");
    pipeline.run_all("planted", as_of);

    let receipt = cloud().get_json(&pipeline.bucket, "runs/planted/receipt.json").await;
    let mut caught: BTreeMap<String, u64> = BTreeMap::new();
    let extracted = receipt["extract"]["tables"].as_object().expect("extracted tables").values();
    let row_rules = extracted.flat_map(|table| table["violations"].as_array().expect("violations"));
    let warehouse_rules = receipt["transform"]["rule_counts"].as_array().expect("warehouse rule counts");
    for count in row_rules.chain(warehouse_rules) {
        let (rule, standing) = (count["rule"].as_str(), count["standing"].as_u64());
        *caught.entry(rule.expect("rule id").to_owned()).or_default() += standing.expect("standing count");
    }
    caught.retain(|_, count| *count > 0);
    let planted: BTreeMap<String, u64> = planted["planted"]
        .as_object()
        .expect("planted defects")
        .iter()
        .map(|(rule, count)| (rule.clone(), count.as_u64().expect("count")))
        .collect();
    assert!(planted.len() > 20, "planted: {planted:?}");
    assert_eq!(planted, caught);
    assert_eq!(
        receipt["verify"]["findings"]
            .as_array()
            .map(|findings| findings.iter().filter(|finding| finding["severity"] == "error").count()),
        Some(0)
    );
}
