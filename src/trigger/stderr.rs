//! The lines a person sees when a signal made a snapshot: one at the start, one at the end.
//!
//! They are written past JavaScript, because JavaScript stands still. A line that would have to
//! wait for a full pipe is dropped: logging must not stop the service.

#![cfg_attr(unix, expect(unsafe_code, reason = "poll and write on descriptor 2"))]

use humansize::{BINARY, format_size};
use std::time::Duration;

use crate::capture::{Estimate, Info, Mode, Trigger, exposure};
use crate::error::Error;
use crate::hostile::is_hostile;

/// A capture has begun, and this is what it will take.
pub fn started(thread_id: u32, trigger: Trigger, sender: Option<u32>, estimate: Estimate) {
    let sender = sender.map_or_else(String::new, |pid| format!(" from pid {pid}"));
    let asked = match trigger {
        Trigger::Capture => "asked for by rs-heapdump capture",
        Trigger::Watch => "whose memory is watched",
        Trigger::NearLimit => "which is about to reach its heap's limit",
        _ => "asked for by a signal",
    };
    let how = match estimate.mode {
        Mode::Live => "live, so the process goes on".to_owned(),
        _ => format!("about {}", seconds(estimate.pause)),
    };
    line(&format!(
        "taking a heap snapshot of {}, {asked}{sender}: {} objects, {how}",
        subject(thread_id),
        estimate.nodes,
    ));
}

/// It ended well.
pub fn finished(info: &Info) {
    let not_live = info
        .fallback
        .as_ref()
        .map_or_else(String::new, |why| format!(", not live: {why}"));
    line(&format!(
        "heap snapshot written to {} ({}, pause {}{not_live})",
        info.path.display(),
        format_size(info.bytes, BINARY),
        seconds(info.pause)
    ));
    if let Some(why) = exposure(&info.path) {
        line(&format!("warning: {why}"));
    }
}

/// Live heap before anything grew.
pub fn settled(thread_id: u32, heap_bytes: u64) {
    line(&format!(
        "the heap of {} has settled at {}; watching how it grows",
        subject(thread_id),
        format_size(heap_bytes, BINARY)
    ));
}

/// What `metric` was, and what it has become.
pub fn grown(thread_id: u32, metric: &str, before_bytes: u64, bytes: u64) {
    let percent = bytes.saturating_sub(before_bytes).saturating_mul(100) / before_bytes.max(1);
    line(&format!(
        "{metric} memory of {} grew from {} to {} (+{percent} %)",
        subject(thread_id),
        format_size(before_bytes, BINARY),
        format_size(bytes, BINARY)
    ));
}

/// What the environment asked for cannot be.
pub fn not_watching(error: &Error) {
    line(&error.to_string());
}

/// It did not.
pub fn failed(thread_id: u32, error: &Error) {
    let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
    line(&format!("no heap snapshot of {}: {error}{hint}", subject(thread_id)));
}

fn subject(thread_id: u32) -> String {
    let pid = std::process::id();
    if thread_id == 0 {
        format!("pid {pid}")
    } else {
        format!("pid {pid}, thread {thread_id}")
    }
}

fn seconds(time: Duration) -> String {
    match time.as_millis() {
        0..1000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn line(text: &str) {
    let mut line = harmless(text);
    line.push('\n');
    write(line.as_bytes());
}

/// A path may hold anything: nothing in it shall move the cursor, reorder the line or hide.
fn harmless(text: &str) -> String {
    let shown = text.chars().map(|c| if is_hostile(c) { '\u{fffd}' } else { c });
    "rs-heapdump: ".chars().chain(shown).collect()
}

#[cfg(unix)]
fn write(line: &[u8]) {
    let mut poll = libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one valid entry, and a buffer of the length given.
    unsafe {
        if libc::poll(&raw mut poll, 1, 0) == 1 && poll.revents & libc::POLLOUT != 0 {
            libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        }
    }
}

#[cfg(not(unix))]
fn write(line: &[u8]) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_reorder_the_line() {
        let line = harmless("/tmp/\u{202e}txt\u{1b}[2J\u{200b}");
        assert_eq!(line, "rs-heapdump: /tmp/\u{fffd}txt\u{fffd}[2J\u{fffd}");
    }
}
