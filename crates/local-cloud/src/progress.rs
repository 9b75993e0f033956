//! The container task that runs now, with its time; on a terminal with a spinner, elsewhere as lines.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(100);

/// States run one after the other, so at most one is shown as running.
#[derive(Default)]
pub(crate) struct Progress {
    running: Option<Step>,
}

struct Step {
    name: String,
    started: Instant,
    spinner: ProgressBar,
}

impl Progress {
    pub(crate) fn started(&mut self, name: &str) {
        let spinner = ProgressBar::new_spinner().with_message(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:<16} {elapsed}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(TICK);
        self.running = Some(Step { name: name.to_owned(), started: Instant::now(), spinner });
    }

    pub(crate) fn succeeded(&mut self) {
        self.end("✓", "");
    }

    pub(crate) fn failed(&mut self, reason: &str) {
        self.end("✗", reason);
    }

    fn end(&mut self, mark: &str, remark: &str) {
        if let Some(Step { name, started, spinner }) = self.running.take() {
            spinner.finish_and_clear();
            let line = format!("{mark} {name:<16} {:5.1} s  {remark}", started.elapsed().as_secs_f64());
            eprintln!("{}", line.trim_end());
        }
    }
}
