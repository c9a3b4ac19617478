//! Progress, on standard error, only if that is a terminal, and only if there is something to wait for.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::shown;

/// What is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);
const DRAWN_PER_SECOND: u8 = 10;

/// A line that says what is being done; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self {
            bar,
            started: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// A file is being read; what is returned takes the bytes done and those in all, 0 where not known.
    pub(super) fn reading(&self, file: &Path) -> impl Fn(u64, u64) + Sync + '_ {
        let name = file.file_name().unwrap_or(file.as_os_str());
        let message = format!("reading {}", shown(&name.to_string_lossy()));
        move |done, total| {
            if !self.is_due() {
                return;
            }
            if self.bar.message() != message {
                let known = "{msg}  {bar:24}  {bytes} of {total_bytes}";
                self.bar.disable_steady_tick();
                self.bar
                    .set_style(style(if total > 0 { known } else { "{msg}  {bytes}" }));
                self.bar.set_message(message.clone());
            }
            if total > 0 {
                self.bar.set_length(total);
            }
            self.bar.set_position(done);
        }
    }

    /// Something that takes a while, of which it is not known how long.
    pub(super) fn step(&self, what: &'static str) {
        if self.is_due() {
            self.bar.set_style(style("{msg} {spinner}"));
            self.bar.set_message(what);
            self.bar.enable_steady_tick(Duration::from_millis(100));
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

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
