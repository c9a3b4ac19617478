//! Why a command was not done: a fact with its code, and what to do where there is something to do.

use std::fmt::Write;
use std::io;
use std::path::Path;

use anstyle::{AnsiColor, Style};

use super::terminal;
use crate::report::shown;
use crate::snapshot::{FormatError, Section, SnapshotError};

const ARGUMENT: &str = "ERR_HEAPDUMP_ARGUMENT";
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = Style::new().bold();

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    code: &'static str,
    fact: String,
    hint: Option<String>,
    closed_pipe: bool,
}

impl Failure {
    fn new(code: &'static str, fact: impl Into<String>) -> Self {
        Self {
            code,
            fact: fact.into(),
            hint: None,
            closed_pipe: false,
        }
    }

    /// What was asked for makes no sense.
    pub(super) fn argument(fact: impl Into<String>) -> Self {
        Self::new(ARGUMENT, fact)
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The file could not be read.
    pub(super) fn reading(file: &Path, error: &SnapshotError) -> Self {
        let fact = match error {
            SnapshotError::Io {
                operation,
                path,
                source,
            } => {
                format!("{operation} '{}': {}", shown(&path.to_string_lossy()), reason(source))
            }
            other => format!("'{}': {}", shown(&file.to_string_lossy()), shown(&other.to_string())),
        };
        Self {
            hint: hint(error),
            ..Self::new(error.code(), fact)
        }
    }

    /// Standard output would not take the result.
    pub(super) fn writing(error: &io::Error) -> Self {
        let closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self {
            closed_pipe,
            ..Self::new(
                "ERR_HEAPDUMP_IO",
                format!("write to standard output: {}", reason(error)),
            )
        }
    }

    /// The file could not be written.
    pub(super) fn saving(file: &Path, error: &io::Error) -> Self {
        let fact = format!("write '{}': {}", shown(&file.to_string_lossy()), reason(error));
        Self::new("ERR_HEAPDUMP_IO", fact)
    }

    /// A panic, whose message is on standard error already.
    pub(super) fn internal() -> Self {
        Self::new("ERR_HEAPDUMP_ABORTED", "a fault of rs-heapdump's own, described above")
            .with_hint("please report it, if you can with the file")
    }

    /// What the parser of arguments has to say, in our form.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let fact = text.split("\n\n").next().unwrap_or(text);
        let fact = fact.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = |prefix: &str| {
            text.lines()
                .find_map(|line| line.trim().strip_prefix(prefix))
                .map(str::trim)
        };
        let hint = match (line("tip:"), line("Usage:")) {
            (Some(tip), _) => tip.to_owned(),
            (None, Some(usage)) => usage.to_owned(),
            (None, None) => "rs-heapdump --help".to_owned(),
        };
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::argument("no command was given").with_hint("rs-heapdump --help lists them");
        }
        Self::argument(shown(&fact)).with_hint(shown(&hint))
    }

    /// Whether the reader of standard output went away.
    pub(super) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }

    /// Says so on standard error.
    pub(super) fn report(&self) {
        let mut text = format!("{}: {} [{}]\n", paint(ERROR, "error"), self.fact, self.code);
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{}: {hint}", paint(HINT, "hint"));
        }
        terminal::stderr(&text);
    }
}

/// Says on standard error what does not stop the command but bears on its result.
pub(super) fn warn(fact: &str, hint: &str) {
    terminal::stderr(&format!(
        "{}: {fact}\n{}: {hint}\n",
        paint(WARNING, "warning"),
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

/// What to do, in words of the command line.
fn hint(error: &SnapshotError) -> Option<String> {
    match error {
        SnapshotError::Format(FormatError {
            truncated: true,
            section: Section::Locations | Section::Strings,
            ..
        }) => Some("its graph is whole: --salvage reads what there is, with names missing".to_owned()),
        SnapshotError::Io { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
            Some("name a snapshot in it".to_owned())
        }
        other => other.hint().map(str::to_owned),
    }
}

/// The system's reason, without the number that the standard library appends.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}
