//! `info`: what a file's header says, and what an analysis of it will need.

use std::fmt::Write;

use serde::Serialize;

use super::facts::moment;
use super::{DIM, HEADING, Page, Report, text};
use crate::snapshot::{Header, Provenance};

/// A snapshot's header.
#[derive(Clone, Debug, Serialize)]
pub struct Info {
    file: String,
    file_bytes: u64,
    compression: &'static str,
    nodes: u64,
    edges: u64,
    extra_native_bytes: u64,
    allocation_traces: bool,
    node_types: Vec<String>,
    provenance: Option<Provenance>,
    analysis_memory_bytes: Needs,
}

/// Memory at the peak of a command.
#[derive(Clone, Copy, Debug, Serialize)]
struct Needs {
    summary: u64,
    diff: u64,
}

impl Needs {
    /// As measured: peaks of resident memory for files of 50 and 500 MB are within a tenth of this. The other
    /// file of a comparison counts as no larger.
    fn of(nodes: u64, edges: u64) -> Self {
        const PROCESS: u64 = 8 << 20;
        Self {
            summary: PROCESS + 58 * nodes + 8 * edges,
            diff: PROCESS + 28 * nodes + 8 * edges,
        }
    }
}

impl Info {
    /// Of the header of the file of this name.
    #[must_use]
    pub fn new(file: &str, header: &Header) -> Self {
        let schema = &header.schema;
        let (nodes, edges) = (u64::from(schema.node_count), u64::from(schema.edge_count));
        Self {
            file: file.to_owned(),
            file_bytes: header.file.bytes,
            compression: header.file.compression.as_str(),
            nodes,
            edges,
            extra_native_bytes: schema.extra_native_bytes,
            allocation_traces: schema.trace_function_count > 0,
            node_types: schema.node_types.clone(),
            provenance: header.provenance.clone(),
            analysis_memory_bytes: Needs::of(nodes, edges),
        }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let stored = match self.compression {
            "none" => text::size(self.file_bytes),
            how => format!("{}, compressed with {how}", text::size(self.file_bytes)),
        };
        let mut lines = vec![
            ("file", stored),
            (
                "graph",
                format!("{} nodes, {} edges", text::count(self.nodes), text::count(self.edges)),
            ),
        ];
        match &self.provenance {
            Some(provenance) => lines.extend(provenance_lines(provenance)),
            None => lines.push(("written by", "not said in the file".to_owned())),
        }
        if self.extra_native_bytes > 0 {
            lines.push((
                "native",
                format!("{} that belong to no node", text::size(self.extra_native_bytes)),
            ));
        }
        if self.allocation_traces {
            lines.push(("allocations", "tracked: nodes have allocation traces".to_owned()));
        }
        let Needs { summary, diff } = self.analysis_memory_bytes;
        let needs = format!(
            "summary needs about {}, diff about {}",
            text::size(summary),
            text::size(diff)
        );
        lines.push(("analysis", needs));
        lines
    }
}

/// What one of our own captures says of itself; each part only if it is there.
fn provenance_lines(provenance: &Provenance) -> Vec<(&'static str, String)> {
    let said = |part: &Option<String>| part.as_deref().map(text::shown);
    let join = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let size = |bytes: Option<u64>, what: &str| bytes.map(|bytes| format!("{} {what}", text::size(bytes)));
    let thread = provenance.thread_id.map(|thread| match thread {
        0 => "main thread".to_owned(),
        worker => format!("worker {worker}"),
    });
    let taken = vec![
        provenance.time.as_deref().map(moment),
        said(&provenance.trigger).map(|trigger| format!("by {trigger}")),
        said(&provenance.mode),
    ];
    let started = provenance.process_start_time.as_deref();
    let process = vec![
        said(&provenance.node_version).map(|version| format!("Node {version}")),
        provenance.pid.map(|pid| format!("pid {pid}")),
        thread,
        started.map(|time| format!("started {}", moment(time))),
    ];
    let memory = vec![
        size(provenance.memory.rss_bytes, "resident"),
        size(provenance.memory.heap_used_bytes, "of heap in use"),
        size(provenance.memory.heap_total_bytes, "reserved"),
        size(provenance.memory.external_bytes, "external"),
    ];
    let mut ids = said(&provenance.ids).unwrap_or_default();
    if let generation @ 1.. = provenance.ids_generation {
        // With which files ids compare.
        let _ = write!(
            ids,
            ", generation {generation}: numbered anew {generation} times before this"
        );
    }
    match provenance.ids_stable_up_to {
        Some(0) => ids.push_str(", comparing with no other snapshot"),
        Some(limit) => drop(write!(ids, ", comparing up to {limit}")),
        None => {}
    }
    let redacted = if provenance.redacted {
        "contents of strings are replaced by tags, and names that may be data"
    } else {
        ""
    };
    let lines = [
        ("not live", said(&provenance.fallback).unwrap_or_default()),
        ("taken", join(taken)),
        ("process", join(process)),
        ("memory", join(memory)),
        ("object ids", ids),
        ("redacted", redacted.to_owned()),
    ];
    lines.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

impl Report for Info {
    fn text(&self, page: &Page) -> String {
        const MARGIN: usize = 12;
        let name = text::shown(&self.file);
        let mut out = page.paint(HEADING, &text::cut_start(&name, page.width)) + "\n";
        for (what, value) in self.lines() {
            for (at, line) in wrap(&value, page.width.saturating_sub(MARGIN + 2)).iter().enumerate() {
                let what = format!("{:MARGIN$}", if at == 0 { what } else { "" });
                let _ = writeln!(out, "  {}{line}", page.paint(DIM, &what));
            }
        }
        let file = text::shell_word(&self.file).unwrap_or_else(|| "FILE".to_owned());
        out + "\n" + &page.next(&format!("summary {file}"))
    }
}

/// Breaks a list at its commas.
fn wrap(value: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in value.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if text::width(line) + text::width(part.trim_end()) <= room => {
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}
