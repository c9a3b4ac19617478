//! Progress, on standard error, only if that is a terminal, and only if there is something to wait for.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use humansize::{BINARY, format_size};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::warn;
use crate::files::Observer;
use crate::report::shown;
use crate::{attach, protocol};

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

impl attach::Observer for Progress {
    fn step(&self, what: &'static str) {
        Observer::step(self, what);
    }

    fn progress(&self, progress: &protocol::Progress) {
        if !self.is_due() {
            return;
        }
        let nodes = text_of(progress);
        self.bar.set_style(style("{msg} {spinner}"));
        self.bar.set_message(nodes);
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn share(&self, what: &'static str, share: f64) {
        if !self.is_due() {
            return;
        }
        self.bar.disable_steady_tick();
        self.bar.set_style(style("{msg}  {bar:24}  {percent} %"));
        self.bar.set_message(what);
        self.bar.set_length(1000);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
        self.bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
    }
}

/// How far a capture is, in words.
fn text_of(progress: &protocol::Progress) -> String {
    let thread = match progress.thread_id {
        0 => String::new(),
        id => format!("worker {id}: "),
    };
    let mut text = format!("{thread}{} objects", progress.nodes);
    if let Some(pause) = progress.pause_ms {
        let _ = write!(text, ", the process stands still for about {:.1} s", pause / 1e3);
    }
    if progress.bytes > 0 {
        let _ = write!(text, ", {} written", format_size(progress.bytes, BINARY));
    }
    text
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
