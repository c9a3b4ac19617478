//! Progress, on standard error, only if that is a terminal, and only if there is something to wait for.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::warn;
use crate::opened::Observer;
use crate::report::shown;

/// What is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);
const DRAWN_PER_SECOND: u8 = 10;

/// A line that says what is being done; gone when it is dropped, and then the warnings are given.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_terminal: bool,
    warnings: Mutex<Vec<(String, &'static str)>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self {
            bar,
            started: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
            warnings: Mutex::default(),
        }
    }

    /// Whether progress is shown by now.
    fn is_due(&self) -> bool {
        if !self.is_terminal || self.started.elapsed() < PATIENCE {
            return false;
        }
        if self.bar.is_hidden() {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND);
            self.bar.set_draw_target(target);
        }
        true
    }
}

impl Observer for Progress {
    fn reading(&self, file: &Path, done: u64, total: u64) {
        if !self.is_due() {
            return;
        }
        let name = file.file_name().unwrap_or(file.as_os_str());
        let message = format!("reading {}", shown(&name.to_string_lossy()));
        if self.bar.message() != message {
            let known = "{msg}  {bar:24}  {bytes} of {total_bytes}";
            self.bar.disable_steady_tick();
            self.bar
                .set_style(style(if total > 0 { known } else { "{msg}  {bytes}" }));
            self.bar.set_message(message);
        }
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    fn step(&self, what: &'static str) {
        if self.is_due() {
            self.bar.set_style(style("{msg} {spinner}"));
            self.bar.set_message(what);
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn warning(&self, fact: String, hint: &'static str) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.push((fact, hint));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let warnings = self.warnings.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (fact, hint) in warnings {
            warn(fact, hint);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
