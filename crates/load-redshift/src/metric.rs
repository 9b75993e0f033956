//! The metrics of `sql/metrics`: a header and one SELECT each. Tables, refresh procedure and catalog row follow from them.

use crate::{
    data_api::Statement,
    literal,
    sha256::sha256_hex,
    sql_script::split_statements,
    sql_tree::{SqlFile, header, metric_files, relations_after},
};

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Name of the file and of the relation in `audit` and `presentation`.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) grain: String,
    pub(crate) unit: String,
    pub(crate) reads: Vec<String>,
    select: String,
    /// Of the file's text, in hex.
    pub(crate) sha256: String,
}

/// A file of `sql/metrics` that is no metric. The files are part of the program: a faulty one fails every test.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`sql/{path}` {fault}")]
pub struct MetricFault {
    path: &'static str,
    fault: &'static str,
}

/// A name that no file in `sql/metrics` has.
#[derive(Debug, thiserror::Error)]
#[error("unknown metric `{name}`; known metrics: {known}")]
pub struct UnknownMetric {
    name: String,
    known: String,
}

/// All metrics, by name.
///
/// # Errors
/// When a file is not one header and one SELECT.
pub(crate) fn metrics() -> Result<Vec<Metric>, MetricFault> {
    metric_files().into_iter().map(Metric::parse).collect()
}

/// The metric of that name.
///
/// # Errors
/// When there is none; the message lists the known ones.
pub(crate) fn find<'a>(metrics: &'a [Metric], name: &str) -> Result<&'a Metric, UnknownMetric> {
    metrics.iter().find(|metric| metric.name == name).ok_or_else(|| UnknownMetric {
        name: name.to_owned(),
        known: metrics.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", "),
    })
}

impl Metric {
    fn parse(file: SqlFile) -> Result<Self, MetricFault> {
        let faulty = |fault| MetricFault { path: file.path, fault };
        let name = file.stem();
        let is_name = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !is_name || !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return Err(faulty("has a name other than lower case letters, digits and `_`"));
        }
        let header = header(file.text);
        let about = header.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
        let about = about.ok_or_else(|| faulty("does not open with `-- <name>: <what it says>`"))?;
        let labelled = |label| labelled(&header, label);
        let grain = labelled("Grain:").ok_or_else(|| faulty("has no `Grain:` in its header"))?;
        let unit = labelled("Unit:").ok_or_else(|| faulty("has no `Unit:` in its header"))?;
        let reads: Vec<_> = relations_after("Reads:", file.text).into_iter().collect();
        if reads.is_empty() {
            return Err(faulty("has no `Reads:` in its header"));
        }
        if file.text.contains("$$") {
            return Err(faulty("holds `$$`, which would end the body of its refresh procedure"));
        }
        let statements = split_statements(file.text);
        let [select] = statements.as_slice() else { return Err(faulty("is not exactly one SELECT")) };
        let mut title = name.replace('_', " ");
        title[..1].make_ascii_uppercase();
        Ok(Self {
            name,
            title,
            description: one_line(about.split("Grain:").next().unwrap_or(about)),
            grain,
            unit,
            reads,
            select: select.clone(),
            sha256: sha256_hex([file.text]),
        })
    }

    /// What makes the audited table, the published one where there is none, and the refresh procedure. A published table
    /// of another shape stays until the next publication, so that readers see numbers until then.
    pub(crate) fn definition(&self) -> Vec<Statement> {
        let Self { name, select, .. } = self;
        let texts = [
            format!("drop table if exists audit.{name}"),
            format!("create table audit.{name} as\n{select}"),
            format!("create table if not exists presentation.{name} (like audit.{name})"),
            format!(
                "create or replace procedure audit.refresh_{name}()\nas $$\nbegin\n    delete from audit.{name};\n    \
                 insert into audit.{name}\n{select};\nend;\n$$ language plpgsql"
            ),
        ];
        let place = |(position, sql)| Statement::new(format!("sql/metrics/{name}.sql, step {}", position + 1), sql);
        texts.into_iter().enumerate().map(place).collect()
    }

    /// Gives the published table the audited one's shape.
    pub(crate) fn reshape(&self) -> [Statement; 2] {
        let Self { name, .. } = self;
        let texts = [
            format!("drop table if exists presentation.{name}"),
            format!("create table presentation.{name} (like audit.{name})"),
        ];
        texts.map(|sql| Statement::new(format!("reshape presentation.{name}"), sql))
    }

    /// The metric's row of `presentation.metric_catalog`, as SQL values.
    pub(crate) fn catalog_row(&self) -> String {
        let values =
            [self.name, &self.title, &self.description, &self.grain, &self.unit, &self.reads.join(", "), &self.sha256];
        format!("({})", values.map(literal::text).join(", "))
    }
}

/// The text after a label, up to the next label or the end of the paragraph.
fn labelled(header: &str, label: &str) -> Option<String> {
    let rest = &header[header.find(label)? + label.len()..];
    let ends = ["Grain:", "Unit:", "Reads:", "\n\n"].into_iter().filter_map(|end| rest.find(end));
    let text = one_line(&rest[..ends.min().unwrap_or(rest.len())]);
    let text = text.trim_end_matches('.');
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "-- occupancy_rate: booked nights as a share of\n-- available nights.\n-- Grain: one row per month.  \
                        Unit: ratio from 0 to 1.  Reads: curated.stay_night, curated.listing_day.\n-- A month without \
                        nights is absent.\nwith a as (select 1) -- why\nselect * from a;\n";

    fn parsed(text: &'static str) -> Result<Metric, MetricFault> {
        Metric::parse(SqlFile { path: "metrics/occupancy_rate.sql", text })
    }

    #[test]
    fn the_header_says_what_the_catalog_holds() {
        let metric = parsed(TEXT).unwrap();
        assert_eq!(metric.title, "Occupancy rate");
        assert_eq!(metric.description, "booked nights as a share of available nights.");
        assert_eq!((metric.grain.as_str(), metric.unit.as_str()), ("one row per month", "ratio from 0 to 1"));
        assert_eq!(metric.reads, ["curated.listing_day", "curated.stay_night"]);
        assert!(!metric.select.ends_with(';'), "{}", metric.select);
    }

    #[test]
    fn a_file_that_is_no_metric_is_refused() {
        let cases = [
            ("-- other: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect 1", "does not open"),
            ("-- occupancy_rate: x.\n-- Unit: b. Reads: c.d.\nselect 1", "Grain"),
            ("-- occupancy_rate: x.\n-- Grain: a. Reads: c.d.\nselect 1", "Unit"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b.\nselect 1", "Reads"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect 1; select 2", "exactly one"),
            ("-- occupancy_rate: x.\n-- Grain: a. Unit: b. Reads: c.d.\nselect $$a$$", "$$"),
        ];
        for (text, expected) in cases {
            let message = parsed(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn every_file_in_the_tree_is_a_metric() {
        metrics().unwrap();
    }
}
