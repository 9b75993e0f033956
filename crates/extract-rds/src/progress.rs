//! How far a table has come: a line on a terminal, nothing elsewhere.

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use rental_core::TableSpec;
use std::{
    fmt,
    io::{IsTerminal as _, stderr},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const REDRAW: Duration = Duration::from_millis(200);

/// What has passed of one table.
pub(crate) struct TableProgress {
    bar: ProgressBar,
    written_bytes: AtomicU64,
}

impl TableProgress {
    /// `expected_rows` is an estimate, if there is one.
    pub(crate) fn new(spec: &TableSpec, expected_rows: Option<u64>) -> Self {
        let bar = match (stderr().is_terminal(), expected_rows) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(rows)) => ProgressBar::new(rows).with_style(style(
                "{prefix:<21} {bar:24} {human_pos:>13} of about {human_len} rows  {rate:>16}  {msg}",
            )),
            (true, None) => ProgressBar::no_length()
                .with_style(style("{prefix:<21} {spinner} {human_pos:>13} rows  {rate:>16}  {msg}")),
        };
        bar.set_prefix(spec.name.clone());
        if !bar.is_hidden() {
            bar.enable_steady_tick(REDRAW);
        }
        Self { bar, written_bytes: AtomicU64::new(0) }
    }

    pub(crate) fn read(&self, rows: u64) {
        self.bar.inc(rows);
    }

    pub(crate) fn wrote(&self, bytes: u64) {
        let sum = self.written_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bar.set_message(format!("{} written", indicatif::HumanBytes(sum)));
    }

    /// Takes the line away: the log says what came of it.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // Whole rows: nobody reads the decimals.
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{}/s", HumanCount(state.per_sec() as u64));
    };
    // Its faults are those of the texts above.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate)
}
