//! The command line: arguments, commands, progress, exit codes. What is shown is the business of
//! [`report`](crate::report).
//!
//! ```no_run
//! let args = ["summary".into(), "before.heapsnapshot".into()];
//! let status = rs_heapdump::cli::run(args, "/srv/app/node_modules/rs-heapdump".as_ref());
//! std::process::ExitCode::from(status.0);
//! ```
//!
//! # Channels
//!
//! Results go to standard output, in one piece per command; warnings, errors and progress to standard error,
//! progress only where that is a terminal. Errors are `error: fact [CODE]`, and `hint: …` where there is
//! something to do. A reader that closes the pipe has seen enough: that is no error.
//!
//! # What it leaves alone
//!
//! It runs inside a Node process, so it neither ends that nor changes its signals: an interrupt has its
//! default effect, which a shell reports as 130; only `capture`, which must leave another process in good order, takes
//! the first one for itself. A panic would be a fault of ours;
//! it is caught and is an error like others.

mod args;
mod attach;
mod commands;
mod failure;
mod output;
mod progress;
mod terminal;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use clap::Parser;

use args::Arguments;
use failure::Failure;
use output::Sink;

/// What the process should end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub u8);

impl ExitStatus {
    /// Done.
    pub const DONE: Self = Self(0);
    /// Done, and there is what was looked for: only where that was asked to count as a failure.
    pub const FOUND: Self = Self(1);
    /// Not done; standard error says why.
    pub const ERROR: Self = Self(2);
    /// Broken off by a signal, in good order.
    pub const INTERRUPTED: Self = Self(130);
}

/// Runs a command; `args` begin after the program's name, and `addon` is what Node is to load for `run`.
///
/// Never panics, and never ends the process; but `run` becomes another program.
pub fn run(args: impl IntoIterator<Item = OsString>, addon: &Path) -> ExitStatus {
    let args: Vec<OsString> = args.into_iter().collect();
    let outcome = catch_unwind(AssertUnwindSafe(|| match Arguments::try_parse_from(args) {
        Ok(arguments) => commands::run(arguments, addon),
        Err(error) => usage(&error),
    }));
    match outcome.unwrap_or_else(|_| Err(Failure::internal())) {
        Ok(status) => status,
        Err(Failure::ClosedPipe) => ExitStatus::DONE,
        Err(Failure::Error(error)) => {
            failure::report(&error);
            ExitStatus::ERROR
        }
    }
}

/// Help that was asked for is a result; anything else that the parser says is an error.
fn usage(error: &clap::Error) -> Result<ExitStatus, Failure> {
    if error.use_stderr() {
        return Err(Failure::usage(error));
    }
    let help = error.render();
    let help = if terminal::stdout_has_color() {
        help.ansi().to_string()
    } else {
        help.to_string()
    };
    Sink::stdout()?.finish(help.as_bytes())?;
    Ok(ExitStatus::DONE)
}
