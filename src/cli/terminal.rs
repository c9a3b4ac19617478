//! What standard output and standard error are: how wide, and whether they take colours.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU8, Ordering};

use anstream::{AutoStream, ColorChoice};
use terminal_size::{Width, terminal_size};

use super::args::Color;
use super::output::Sink;
use crate::report::Page;

/// Where nobody says how wide a line may be.
const DEFAULT_WIDTH: usize = 120;
/// Narrower than this is not tried.
const MIN_WIDTH: usize = 40;

/// The page that results are shown on.
pub(super) fn page(color: Color) -> Page {
    let width = if io::stdout().is_terminal() {
        terminal_size().map(|(Width(columns), _)| columns.into())
    } else {
        None
    };
    let width = width.or_else(columns).unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH);
    let color = match color {
        Color::Auto => stdout_has_color(),
        Color::Always => true,
        Color::Never => false,
    };
    Page { width, color }
}

fn columns() -> Option<usize> {
    std::env::var("COLUMNS")
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|columns| *columns > 0)
}

/// Whether colours suit standard output, by what it is and what the environment wishes.
pub(super) fn stdout_has_color() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// What `--color` said, as far as it is known: errors of the arguments come before it.
static STDERR_COLOR: AtomicU8 = AtomicU8::new(0);

/// `--color` counts for errors, too.
pub(super) fn set_color(color: Color) {
    STDERR_COLOR.store(color as u8, Ordering::Relaxed);
}

/// Likewise for standard error.
pub(super) fn stderr_has_color() -> bool {
    match STDERR_COLOR.load(Ordering::Relaxed) {
        wish if wish == Color::Always as u8 => true,
        wish if wish == Color::Never as u8 => false,
        _ => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
    }
}

/// Writes to standard error; if that fails there is nobody left to tell.
pub(super) fn stderr(text: &str) {
    let _ = Sink::stderr().and_then(|sink| sink.finish(text.as_bytes()));
}
