//! `info`: what a file's header says, and what an analysis of it will need.

use std::fmt::Write;

use serde::Serialize;

use super::facts::moment;
use super::{DIM, HEADING, Page, Report, text};
use crate::snapshot::{Compression, Header, Provenance};

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
    provenance: Option<Writer>,
    analysis_memory_bytes: Needs,
}

/// What our own captures say of themselves.
#[derive(Clone, Debug, Serialize)]
struct Writer {
    pid: Option<u32>,
    thread_id: Option<u32>,
    process_start_time: Option<String>,
    node_version: Option<String>,
    time: Option<String>,
    trigger: Option<String>,
    mode: Option<String>,
    rss_bytes: Option<u64>,
    heap_used_bytes: Option<u64>,
    heap_total_bytes: Option<u64>,
    external_bytes: Option<u64>,
    ids: Option<String>,
    ids_generation: u32,
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
            compression: match header.file.compression {
                Compression::None => "none",
                Compression::Gzip => "gzip",
                Compression::Zstd => "zstd",
            },
            nodes,
            edges,
            extra_native_bytes: schema.extra_native_bytes,
            allocation_traces: schema.trace_function_count > 0,
            node_types: schema.node_types.clone(),
            provenance: header.provenance.as_ref().map(Writer::new),
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
            Some(writer) => lines.extend(writer.lines()),
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

impl Writer {
    fn new(provenance: &Provenance) -> Self {
        let Provenance {
            pid,
            thread_id,
            process_start_time,
            node_version,
            time,
            trigger,
            mode,
            memory,
            ids,
            ids_generation,
            ..
        } = provenance.clone();
        Self {
            pid,
            thread_id,
            process_start_time,
            node_version,
            time,
            trigger,
            mode,
            rss_bytes: memory.rss_bytes,
            heap_used_bytes: memory.heap_used_bytes,
            heap_total_bytes: memory.heap_total_bytes,
            external_bytes: memory.external_bytes,
            ids,
            ids_generation,
        }
    }

    /// After a renumbering, with which files ids compare.
    fn ids_line(&self, ids: Option<String>) -> String {
        let ids = ids.unwrap_or_default();
        match self.ids_generation {
            0 => ids,
            generation => format!("{ids}, generation {generation}: numbered anew {generation} times before this"),
        }
    }

    /// Each part only if it is there.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let said = |part: &Option<String>| part.as_deref().map(text::shown);
        let join = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let size = |bytes: Option<u64>, what: &str| bytes.map(|bytes| format!("{} {what}", text::size(bytes)));
        let thread = self.thread_id.map(|thread| match thread {
            0 => "main thread".to_owned(),
            worker => format!("worker {worker}"),
        });
        let taken = vec![
            self.time.as_deref().map(moment),
            said(&self.trigger).map(|trigger| format!("by {trigger}")),
            said(&self.mode),
        ];
        let process = vec![
            said(&self.node_version).map(|version| format!("Node {version}")),
            self.pid.map(|pid| format!("pid {pid}")),
            thread,
            self.process_start_time
                .as_deref()
                .map(|time| format!("started {}", moment(time))),
        ];
        let memory = vec![
            size(self.rss_bytes, "resident"),
            size(self.heap_used_bytes, "of heap in use"),
            size(self.heap_total_bytes, "reserved"),
            size(self.external_bytes, "external"),
        ];
        let lines = [
            ("taken", join(taken)),
            ("process", join(process)),
            ("memory", join(memory)),
            ("object ids", self.ids_line(said(&self.ids))),
        ];
        lines.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
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
