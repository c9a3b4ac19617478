//! What is said on standard error: why a command was not done, and what bears on its result.

use std::fmt::Write;
use std::io;
use std::path::Path;

use anstyle::{AnsiColor, Style};

use super::terminal;
use crate::error::{Code, Error};
use crate::report::shown;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = Style::new().bold();

/// Why a command did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// Told on standard error.
    Error(Error),
    /// The reader of standard output went away: it has seen enough.
    ClosedPipe,
}

impl Failure {
    /// Standard output would not take the result.
    pub(super) fn writing(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Error(Error::io(error, "write", Path::new("standard output"))),
        }
    }

    /// A panic, whose message is on standard error already.
    pub(super) fn internal() -> Self {
        let error = Error::new(Code::Aborted, "a fault of rs-heapdump's own, described above");
        Self::Error(error.with_hint("please report it, if you can with the file"))
    }

    /// What the parser of arguments has to say, in our form.
    pub(super) fn usage(error: &clap::Error) -> Self {
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            let error = Error::new(Code::Argument, "no command was given");
            return Self::Error(error.with_hint("rs-heapdump --help lists them"));
        }
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let fact = text.split("\n\n").next().unwrap_or(text);
        let fact = fact.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = |prefix: &str| {
            text.lines()
                .find_map(|line| line.trim().strip_prefix(prefix))
                .map(str::trim)
        };
        if error.kind() == clap::error::ErrorKind::TooFewValues {
            let error = Error::new(
                Code::Argument,
                "one snapshot is not enough: growth is seen between two or more",
            );
            return Self::Error(error.with_hint(line("Usage:").unwrap_or("rs-heapdump --help").to_owned()));
        }
        let hint = line("tip:").or_else(|| line("Usage:")).unwrap_or("rs-heapdump --help");
        Self::Error(Error::new(Code::Argument, fact).with_hint(hint.to_owned()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::writing(&error)
    }
}

/// Says why a command was not done, and what to do where there is something to do.
pub(super) fn report(error: &Error) {
    let fact = shown(&error.to_string());
    let mut text = format!("{}: {fact} [{}]\n", paint(ERROR, "error"), error.code().as_str());
    if let Some(hint) = error.hint() {
        let _ = writeln!(text, "{}: {}", paint(HINT, "hint"), shown(hint));
    }
    terminal::stderr(&text);
}

/// Says what does not stop the command but bears on its result.
pub(super) fn warn(fact: &str, hint: &str) {
    terminal::stderr(&format!(
        "{}: {}\n{}: {hint}\n",
        paint(WARNING, "warning"),
        shown(fact),
        paint(HINT, "hint")
    ));
}

fn paint(style: Style, text: &str) -> String {
    if terminal::stderr_has_color() {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}
