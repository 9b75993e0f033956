//! Metrics as log lines: CloudWatch makes metrics of every line in its embedded format, so that a task needs no call and no
//! right for them. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use crate::log_format::LogFormat;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::io::{Write as _, stderr};

const NAMESPACE: &str = "RentalAnalytics";

/// The unit of a metric, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Bytes,
    Milliseconds,
}

/// Some values of one moment, all with the same dimensions.
#[derive(Debug, Clone)]
pub struct Metrics<'a> {
    pub dimensions: Vec<(&'a str, String)>,
    pub values: Vec<(&'a str, Unit, u64)>,
    /// Stand in the line, but make no metric of their own.
    pub properties: Vec<(&'a str, String)>,
}

impl Metrics<'_> {
    /// Writes the line to stderr, where log lines go; not where people read them.
    pub fn emit(&self, format: LogFormat) {
        if !format.is_text() {
            // Nobody is told of numbers that stderr does not take: the log is lost as well then.
            let _ = writeln!(stderr().lock(), "{}", self.line(Utc::now()));
        }
    }

    fn line(&self, at: DateTime<Utc>) -> Value {
        let unit = |unit| match unit {
            Unit::Count => "Count",
            Unit::Bytes => "Bytes",
            Unit::Milliseconds => "Milliseconds",
        };
        let named = |(name, of, _): &(&str, Unit, u64)| json!({ "Name": name, "Unit": unit(*of) });
        let dimensions: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let mut line = Map::new();
        let directive = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": self.values.iter().map(named).collect::<Vec<_>>(),
        });
        line.insert("_aws".into(), json!({ "Timestamp": at.timestamp_millis(), "CloudWatchMetrics": [directive] }));
        for (name, text) in self.dimensions.iter().chain(&self.properties) {
            line.insert((*name).to_owned(), text.clone().into());
        }
        for (name, _, value) in &self.values {
            line.insert((*name).to_owned(), (*value).into());
        }
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_metrics_and_holds_their_values() {
        let metrics = Metrics {
            dimensions: vec![("Table", "bookings".into())],
            values: vec![("RowsRead", Unit::Count, 7), ("ExtractDuration", Unit::Milliseconds, 120)],
            properties: vec![("run_id", "r1".into())],
        };
        let expected = json!({
            "_aws": {
                "Timestamp": 1_000,
                "CloudWatchMetrics": [{
                    "Namespace": "RentalAnalytics",
                    "Dimensions": [["Table"]],
                    "Metrics": [
                        { "Name": "RowsRead", "Unit": "Count" },
                        { "Name": "ExtractDuration", "Unit": "Milliseconds" },
                    ],
                }],
            },
            "Table": "bookings",
            "run_id": "r1",
            "RowsRead": 7,
            "ExtractDuration": 120,
        });
        assert_eq!(metrics.line(DateTime::from_timestamp_millis(1_000).unwrap()), expected);
    }
}
