//! `capture`: what was written, of which process.

use std::fmt::Write;

use serde::Serialize;

use super::{DIM, HEADING, Page, Report, text};
use crate::attach::{By, Captured};

/// Snapshots that have been taken.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshots {
    pub snapshots: Vec<Captured>,
}

impl Report for Snapshots {
    fn text(&self, page: &Page) -> String {
        let mut out = String::new();
        for captured in &self.snapshots {
            let snapshot = &captured.snapshot;
            let _ = writeln!(out, "{}", page.paint(HEADING, &text::shown(&snapshot.path)));
            let mut facts = vec![
                text::size(snapshot.bytes),
                format!("{} nodes", text::count(snapshot.nodes)),
                format!("pause {}", milliseconds(snapshot.pause_ms)),
            ];
            if snapshot.thread_id > 0 {
                facts.push(format!("worker {}", snapshot.thread_id));
            }
            facts.push(match (captured.by, snapshot.mode.as_str()) {
                (By::Inspector, _) => "by the inspector".to_owned(),
                (By::Addon, mode) => format!("by the addon, {}", text::shown(mode)),
            });
            let _ = writeln!(out, "  {}", facts.join(", "));
            if let Some(why) = &snapshot.fallback {
                let _ = writeln!(out, "  {} {}", page.paint(DIM, "not live:"), text::shown(why));
            }
            if let Some(path) = &captured.seen_as {
                let _ = writeln!(out, "  {} {}", page.paint(DIM, "from here:"), text::shown(path));
            }
        }
        let Some(first) = self.snapshots.first() else {
            return out;
        };
        let path = first.seen_as.as_ref().unwrap_or(&first.snapshot.path);
        let file = text::shell_word(path).unwrap_or_else(|| "FILE".to_owned());
        out + &page.next(&format!("summary {file}"))
    }
}

fn milliseconds(time: f64) -> String {
    if time < 1000.0 {
        format!("{time:.0} ms")
    } else {
        format!("{:.1} s", time / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Snapshot;

    #[test]
    fn a_file_in_a_container_is_named_as_seen_from_here() {
        let captured = Captured {
            pid: 4711,
            by: By::Addon,
            snapshot: Snapshot {
                path: "/app/a b.heapsnapshot".to_owned(),
                bytes: 3 << 20,
                nodes: 12_345,
                pause_ms: 1234.0,
                mode: "in-process".to_owned(),
                fallback: Some("no child".to_owned()),
                ..Snapshot::default()
            },
            seen_as: Some("/proc/4711/root/app/a b.heapsnapshot".to_owned()),
        };
        let report = Snapshots {
            snapshots: vec![captured],
        };
        let page = Page {
            width: 80,
            color: false,
        };
        assert_eq!(
            report.text(&page),
            "/app/a b.heapsnapshot\n  3.0 MiB, 12,345 nodes, pause 1.2 s, by the addon, in-process\n  not live: no child\n  \
             from here: /proc/4711/root/app/a b.heapsnapshot\nnext: rs-heapdump summary '/proc/4711/root/app/a b.heapsnapshot'\n"
        );
    }
}
