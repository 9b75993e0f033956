//! Results on standard output: metrics as table, CSV or JSON, the state of the warehouse, the receipt of a run.

use crate::{
    data_api::DataApi,
    doctor::Examined,
    error::LoadError,
    explain::{Explanation, RowsBehind, UnknownRows},
    ledger::Ledger,
    metric::{Metric, MetricValue, find, metrics},
    migrate::{Difference, DifferenceKind},
    moving_periods::MovingPeriods,
    plan::{Plan, PlannedLoad},
    reconcile::Reconciled,
    relation::{RelationColumn, columns_of},
    result_rows::{Cell, Column, ResultRows, Row},
};
use chrono::NaiveDate;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use rental_core::Receipt;
use rental_task::OutputFormat;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Write, stdout},
};

/// Every metric with its unit, grain and what it says.
pub(crate) fn list_metrics() -> Result<(), LoadError> {
    let mut table = new_table(&["metric", "what it says", "grain", "unit"]);
    for metric in metrics()? {
        table.add_row([metric.name, &metric.description, &metric.grain, &metric.unit]);
    }
    print(&format!("{table}\n"))
}

/// The published rows of a metric, newest periods first.
pub(crate) async fn show_metric(
    api: &DataApi,
    name: &str,
    format: OutputFormat,
    limit: Option<u32>,
) -> Result<(), LoadError> {
    let metrics = metrics()?;
    let metric = find(&metrics, name)?;
    let limit = limit.map_or_else(String::new, |rows| format!(" limit {rows}"));
    let mut relations = columns_of(api, "presentation").await?;
    let columns = relations.remove(metric.name).ok_or(LoadError::NoMetricTable { name: metric.name })?;
    let sql = format!(
        "select shown.* from presentation.{} as shown cross join curated.run_context order by {}{limit}",
        metric.name,
        row_order(&columns)
    );
    let result = api.query(&format!("read presentation.{}", metric.name), &sql).await?;
    print_rows(&result, format)
}

/// Why a metric says what it says. As CSV only the rows behind.
///
/// # Errors
/// When they are asked for and no file lists them.
pub(crate) fn print_explanation(explanation: &Explanation, format: OutputFormat) -> Result<(), LoadError> {
    match (format, &explanation.behind) {
        (OutputFormat::Table, _) => print(&explanation_text(explanation)),
        (OutputFormat::Json, _) => print_json(&JsonExplanation::of(explanation)),
        (OutputFormat::Csv, Some(behind)) => print_rows(&behind.rows, format),
        (OutputFormat::Csv, None) => Err(UnknownRows::NoRowsFile { metric: explanation.metric.name }.into()),
    }
}

fn explanation_text(explanation: &Explanation) -> String {
    let Explanation { metric, published_count, published, behind, run_id, is_published, kept_back } = explanation;
    let Metric { name, title, description, rules, grain, unit, reads, value, .. } = metric;
    let shown = |shown: usize, count: u64| {
        if shown as u64 == count { String::new() } else { format!(", the first {shown} of {count}") }
    };
    let formula = value.as_ref().map(|MetricValue { column, quotient }| match quotient {
        Some((numerator, denominator)) => format!("{column} = {numerator} / {denominator}"),
        None => column.clone(),
    });
    let mut text =
        format!("{title}: {description}\n{rules}\nGrain: {grain}. Unit: {unit}. Reads: {}.\n", reads.join(", "));
    let of_published = shown(published.rows.len(), *published_count);
    text += &format!("\n{}, as published{of_published}\n", formula.as_deref().unwrap_or(name));
    text += &format!("{}\n", as_table(&published.only(&explanation.telling_columns())));
    if *kept_back > 0 {
        text += &format!(
            "Values of closed periods that are kept back: {kept_back}; `load-redshift metric restatements`.\n"
        );
    }
    let Some(RowsBehind { counted, left_out, rows }) = behind else {
        return text + &format!("No file `sql/metrics/{name}.rows.sql` lists the rows behind.\n");
    };
    let unseen = if *is_published { "" } else { ", which is not published as it stands" };
    text += &format!("\nThe rows behind are those of run {run_id}{unseen}. Rows that count: {counted}. ");
    if left_out.rows.is_empty() {
        text += "None is left out.";
    } else {
        text += &format!("Left out:\n{}", as_table(left_out));
    }
    let count = counted + left_out.rows.iter().filter_map(|cells| Row(cells).count(1).ok()).sum::<u64>();
    text += "\nRows that a rule keeps in quarantine count nowhere: `load-redshift quarantine list`.\n";
    text + &format!("\nThe rows behind{}\n{}\n", shown(rows.rows.len(), count), as_table(rows))
}

/// What changed in periods that readers had seen complete, newest first; before it what is kept back.
pub(crate) async fn show_restatements(
    api: &DataApi,
    format: OutputFormat,
    limit: Option<u32>,
) -> Result<(), LoadError> {
    let limit = limit.map_or_else(String::new, |rows| format!(" limit {rows}"));
    let sql = format!(
        "select case when is_applied then 'published' else 'kept back' end as state, noted_at, run_id, metric, period_start, \
         row_key, column_name, old_value, new_value, reason from etl.metric_restatements \
         order by is_applied, noted_at desc, metric, period_start desc, row_key, column_name{limit}"
    );
    print_rows(&api.query("read etl.metric_restatements", &sql).await?, format)
}

/// A line for each chunk that differs; as a table also one for each table of the warehouse.
pub(crate) fn print_reconciled(tables: &[Reconciled], format: OutputFormat) -> Result<(), LoadError> {
    let columns = [
        column("table", "varchar"),
        column("chunk", "varchar"),
        column("source_rows", "int8"),
        column("warehouse_rows", "int8"),
        column("difference", "varchar"),
    ];
    let count = |count: u64| Cell::Integer(count.try_into().unwrap_or(i64::MAX));
    let rows = tables.iter().flat_map(|table| {
        table.differences.iter().map(move |difference| {
            vec![
                Cell::Text(table.table.clone()),
                Cell::Text(difference.chunk.to_string()),
                count(difference.source_rows),
                count(difference.warehouse_rows),
                Cell::Text(difference.kind.to_string()),
            ]
        })
    });
    let result = ResultRows { columns: columns.into(), rows: rows.collect() };
    if format != OutputFormat::Table {
        return print_rows(&result, format);
    }
    if !result.rows.is_empty() {
        print_rows(&result, format)?;
    }
    let summary = |table: &Reconciled| {
        let Reconciled { table, chunk_count, row_count, differences } = table;
        let verdict = match differences.len() {
            0 => "all equal".to_owned(),
            count => format!("{count} differ"),
        };
        format!("{table}: {row_count} rows in {chunk_count} chunks, {verdict}\n")
    };
    print(&tables.iter().map(summary).collect::<String>())
}

/// A line for each thing that was looked at.
pub(crate) fn print_examined(examined: &[Examined], format: OutputFormat) -> Result<(), LoadError> {
    let columns = ["what", "state", "found", "way_out"].map(|name| column(name, "varchar"));
    let row = |Examined { what, health, found, way_out }: &Examined| {
        [(*what).to_owned(), health.to_string(), found.clone(), way_out.clone()].map(Cell::Text).into()
    };
    print_rows(&ResultRows { columns: columns.into(), rows: examined.iter().map(row).collect() }, format)
}

fn column(name: &str, type_name: &str) -> Column {
    Column { name: name.to_owned(), type_name: type_name.to_owned() }
}

/// Rows as a table, CSV or JSON.
pub(crate) fn print_rows(result: &ResultRows, format: OutputFormat) -> Result<(), LoadError> {
    match format {
        OutputFormat::Table => print(&format!("{}\n", as_table(result))),
        OutputFormat::Csv => print_csv(result),
        OutputFormat::Json => print_json(&JsonRows(result)),
    }
}

/// Newest periods first, in them by rank where there is one, else by the leading columns. Periods that begin after the run
/// date hold only what is on the books and come last.
pub(crate) fn row_order(columns: &[RelationColumn]) -> String {
    let period = columns.iter().find(|column| column.type_name == "date").map(|column| {
        let name = &column.name;
        format!("case when shown.{name} > run_context.run_date then 1 else 0 end, shown.{name} desc")
    });
    let rank = columns.iter().find(|column| column.name.ends_with("_rank"));
    let rank = rank.map(|column| format!("shown.{} nulls last", column.name));
    let leading = ["1", "2", "3"].into_iter().take(columns.len()).map(str::to_owned);
    period.into_iter().chain(rank).chain(leading).collect::<Vec<_>>().join(", ")
}

/// What a migration would apply, and what it would leave alone.
pub(crate) fn print_differences(differences: &[Difference]) -> Result<(), LoadError> {
    if differences.is_empty() {
        return print("the warehouse is up to date\n");
    }
    let mut table = new_table(&["object", "in the warehouse"]);
    for difference in differences {
        let state = match difference.kind {
            DifferenceKind::New => "missing",
            DifferenceKind::Changed => "another version",
            DifferenceKind::Unknown => "not of this program, left alone",
        };
        table.add_row([difference.object.as_str(), state]);
    }
    print(&format!("{table}\n"))
}

/// How many rows the next transformation judges again.
pub(crate) fn print_requeued(count: u64) -> Result<(), LoadError> {
    print(&format!("rows that the next transformation judges again: {count}\n"))
}

/// What a run would do: as a table what it loads and below it what may move, else one list of both with the columns of both.
pub(crate) fn print_plan(plan: &Plan, format: OutputFormat) -> Result<(), LoadError> {
    let loads: Vec<_> = plan.loads.iter().map(load_cells).collect();
    let moving: Vec<_> = plan.moving.iter().map(moving_cells).collect();
    if format != OutputFormat::Table {
        let blank = |count: usize| vec![Cell::Null; count];
        let step = |name: &str| vec![Cell::Text(name.to_owned())];
        let loads = loads.into_iter().map(|cells| [step("load"), cells, blank(MOVING_COLUMNS.len())].concat());
        let moving = moving.into_iter().map(|cells| [step("may move"), blank(LOAD_COLUMNS.len()), cells].concat());
        let columns = [&[("step", "varchar")][..], &LOAD_COLUMNS, &MOVING_COLUMNS].concat();
        return print_rows(&result_rows(&columns, loads.chain(moving).collect()), format);
    }
    if loads.is_empty() {
        print("nothing to load: the ledger holds every sealed manifest\n")?;
    } else {
        print_rows(&result_rows(&LOAD_COLUMNS, loads), format)?;
    }
    if moving.is_empty() {
        return print("no metric is published yet\n");
    }
    print(
        "\nPublished periods that may move, those that begin from first_day to before end_day. Most often fewer do.\n",
    )?;
    print_rows(&result_rows(&MOVING_COLUMNS, moving), format)
}

const LOAD_COLUMNS: [(&str, &str); 7] = [
    ("run_id", "varchar"),
    ("run_date", "date"),
    ("table", "varchar"),
    ("chunks", "int8"),
    ("files", "int8"),
    ("rows", "int8"),
    ("bytes", "int8"),
];
const MOVING_COLUMNS: [(&str, &str); 7] = [
    ("metric", "varchar"),
    ("first_day", "date"),
    ("end_day", "date"),
    ("periods", "int8"),
    ("complete", "int8"),
    ("closed", "int8"),
    ("reason", "varchar"),
];

fn load_cells(load: &PlannedLoad) -> Vec<Cell> {
    let PlannedLoad { run_id, run_date, table, chunk_count, file_count, row_count, bytes } = load;
    let texts = [run_id.to_string(), run_date.to_string(), table.clone()].map(Cell::Text);
    let counts = [*chunk_count as u64, *file_count as u64, *row_count, *bytes].map(count);
    texts.into_iter().chain(counts).collect()
}

fn moving_cells(moving: &MovingPeriods) -> Vec<Cell> {
    let MovingPeriods { metric, first_day, end_day, published, complete, closed, reason } = moving;
    let day = |day: &Option<NaiveDate>| day.map_or(Cell::Null, |day| Cell::Text(day.to_string()));
    let [published, complete, closed] = [*published, *complete, *closed].map(|number| count(number as u64));
    let metric = Cell::Text((*metric).to_owned());
    vec![metric, day(first_day), day(end_day), published, complete, closed, Cell::Text(reason.clone())]
}

fn count(number: u64) -> Cell {
    i64::try_from(number).map_or(Cell::Null, Cell::Integer)
}

/// Rows that no query gave.
fn result_rows(columns: &[(&str, &str)], rows: Vec<Vec<Cell>>) -> ResultRows {
    let column =
        |(name, type_name): &(&str, &str)| Column { name: (*name).to_owned(), type_name: (*type_name).to_owned() };
    ResultRows { columns: columns.iter().map(column).collect(), rows }
}

/// How far each loaded run came, newest last.
pub(crate) fn print_status(ledger: &Ledger) -> Result<(), LoadError> {
    let mut table = new_table(&["run", "run date", "tables", "rows", "chunks", "transformed", "published"]);
    for run_id in ledger.loaded_runs() {
        let entries: Vec<_> = ledger.entries_of(run_id).collect();
        let run = ledger.runs.get(run_id);
        table.add_row([
            run_id.to_string(),
            ledger.run_date(run_id).map(|date| date.to_string()).unwrap_or_default(),
            entries.len().to_string(),
            entries.iter().map(|entry| entry.row_count).sum::<u64>().to_string(),
            entries.iter().map(|entry| entry.chunk_count).sum::<u64>().to_string(),
            run.map(|run| format!("{} for {}", run.transformed_at, run.run_date)).unwrap_or_default(),
            run.and_then(|run| run.published_at.clone()).unwrap_or_default(),
        ]);
    }
    align_right(&mut table, 2..5);
    print(&format!("{table}\n"))
}

/// What a run did, in a line per table.
pub(crate) fn print_receipt(receipt: &Receipt) -> Result<(), LoadError> {
    let mut table = new_table(&["table", "read", "unchanged", "written", "quarantined", "loaded"]);
    let extracted = receipt.extract.as_ref().map(|extract| &extract.tables);
    let loaded = receipt.load.as_ref().map(|load| &load.tables);
    let names: BTreeSet<_> =
        extracted.into_iter().flat_map(BTreeMap::keys).chain(loaded.into_iter().flat_map(BTreeMap::keys)).collect();
    for name in names {
        let rows = extracted.and_then(|tables| tables.get(name)).map(|table| table.rows);
        let counts = rows.map(|rows| [rows.read, rows.unchanged, rows.written, rows.quarantined]);
        let loaded = loaded.and_then(|tables| tables.get(name)).map(|table| table.raw_rows);
        let counts = counts.map_or([None; 4], |counts| counts.map(Some)).into_iter().chain([loaded]);
        let counts = counts.map(|count| count.map_or_else(String::new, |count| count.to_string()));
        table.add_row([name.clone()].into_iter().chain(counts));
    }
    align_right(&mut table, 1..6);
    let state = match (&receipt.publish, &receipt.verify) {
        (Some(publish), _) => {
            let counts = [(publish.restated, "restated"), (publish.kept_back, "of closed periods kept back")];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            let counts: String = counts.map(|(count, what)| format!(", {count} values {what}")).collect();
            format!("published {} metrics{counts}", publish.metrics.len())
        }
        (None, Some(verify)) => format!("verified by {} checks, not published", verify.checks_run),
        (None, None) => "transformed, not verified".to_owned(),
    };
    print(&format!("{table}\nrun {} for {}: {state}\n", receipt.run_id, receipt.run_date))
}

fn new_table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header(columns);
    table
}

fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn as_table(result: &ResultRows) -> Table {
    let names: Vec<_> = result.columns.iter().map(|column| column.name.as_str()).collect();
    let mut table = new_table(&names);
    for row in &result.rows {
        table.add_row(row.iter().map(|cell| cell.to_text().unwrap_or_default()));
    }
    let is_number = |column: &Column| {
        column.is_decimal() || column.type_name.starts_with("int") || column.type_name.starts_with("float")
    };
    let numbers = result.columns.iter().enumerate().filter(|(_, column)| is_number(column));
    align_right(&mut table, numbers.map(|(index, _)| index));
    table
}

fn print_csv(result: &ResultRows) -> Result<(), LoadError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| LoadError::Output { source: error.into() };
    writer.write_record(result.columns.iter().map(|column| &column.name)).map_err(failed)?;
    for row in &result.rows {
        writer.write_record(row.iter().map(|cell| cell.to_text().unwrap_or_default())).map_err(failed)?;
    }
    let content = writer.into_inner().map_err(|error| LoadError::Output { source: error.into_error() })?;
    print(&String::from_utf8_lossy(&content))
}

fn print_json(value: &impl Serialize) -> Result<(), LoadError> {
    let text = serde_json::to_string_pretty(value);
    print(&(text.map_err(|error| LoadError::Output { source: error.into() })? + "\n"))
}

/// All that is known of why a metric says what it says.
#[derive(Serialize)]
struct JsonExplanation<'a> {
    metric: &'a str,
    description: &'a str,
    rules: &'a str,
    grain: &'a str,
    unit: &'a str,
    reads: &'a [String],
    value: Option<&'a str>,
    numerator: Option<&'a str>,
    denominator: Option<&'a str>,
    published_count: u64,
    published: JsonRows<'a>,
    kept_back: u64,
    behind: Option<JsonBehind<'a>>,
}

#[derive(Serialize)]
struct JsonBehind<'a> {
    /// The run for which the rows stand, and whether readers see it.
    run_id: &'a str,
    is_published: bool,
    counted: u64,
    left_out: JsonRows<'a>,
    rows: JsonRows<'a>,
}

impl<'a> JsonExplanation<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let Explanation { metric, published_count, published, behind, run_id, is_published, kept_back } = explanation;
        let value = metric.value.as_ref();
        let quotient = value.and_then(|value| value.quotient.as_ref());
        Self {
            metric: metric.name,
            description: &metric.description,
            rules: &metric.rules,
            grain: &metric.grain,
            unit: &metric.unit,
            reads: &metric.reads,
            value: value.map(|value| value.column.as_str()),
            numerator: quotient.map(|(numerator, _)| numerator.as_str()),
            denominator: quotient.map(|(_, denominator)| denominator.as_str()),
            published_count: *published_count,
            published: JsonRows(published),
            kept_back: *kept_back,
            behind: behind.as_ref().map(|RowsBehind { counted, left_out, rows }| JsonBehind {
                run_id,
                is_published: *is_published,
                counted: *counted,
                left_out: JsonRows(left_out),
                rows: JsonRows(rows),
            }),
        }
    }
}

/// A list of objects, members in the order of the columns. Decimals are numbers; CSV has all their digits.
struct JsonRows<'a>(&'a ResultRows);

struct JsonRow<'a>(&'a [Column], &'a [Cell]);

impl Serialize for JsonRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| JsonRow(&self.0.columns, row)))
    }
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = |column: &Column, cell: &Cell| match cell {
            Cell::Null => Value::Null,
            Cell::Boolean(value) => Value::from(*value),
            Cell::Integer(value) => Value::from(*value),
            Cell::Double(value) => Value::from(*value),
            Cell::Text(text) if column.is_decimal() => {
                text.parse::<f64>().map_or_else(|_| Value::from(text.as_str()), Value::from)
            }
            Cell::Text(text) => Value::from(text.as_str()),
        };
        serializer.collect_map(self.0.iter().zip(self.1).map(|(column, cell)| (&column.name, value(column, cell))))
    }
}

/// A reader that went away, such as `head`, has what it wanted.
fn print(text: &str) -> Result<(), LoadError> {
    match stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|source| LoadError::Output { source }),
    }
}
