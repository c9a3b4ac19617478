//! What every report says about the snapshots it is made from.

use std::fmt::Write;

use serde::Serialize;

use super::{Page, text};
use crate::graph::Heap;
use crate::snapshot::Snapshot;

/// A snapshot in a line.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotFacts {
    /// The file's name, as it was given.
    pub file: String,
    /// Nodes in it.
    pub nodes: u64,
    /// Edges in it.
    pub edges: u64,
    /// Shallow sizes of all nodes.
    pub bytes: u64,
    /// Size on disk.
    pub file_bytes: u64,
    /// When it was taken, if the file says so.
    #[serde(skip)]
    pub time: Option<String>,
}

impl SnapshotFacts {
    /// Of a snapshot that was just read.
    #[must_use]
    pub fn of_snapshot(file: &str, snapshot: &Snapshot) -> Self {
        let sizes = snapshot.self_sizes();
        let bytes = snapshot
            .nodes()
            .map(|node| sizes.get(node))
            .fold(0, u64::saturating_add);
        Self::new(file, snapshot, bytes)
    }

    /// Of a heap.
    #[must_use]
    pub fn of_heap(file: &str, heap: &Heap) -> Self {
        let bytes = heap
            .snapshot()
            .nodes()
            .map(|node| heap.shallow_size(node))
            .fold(0, u64::saturating_add);
        Self::new(file, heap.snapshot(), bytes)
    }

    fn new(file: &str, snapshot: &Snapshot, bytes: u64) -> Self {
        Self {
            file: file.to_owned(),
            nodes: snapshot.node_count() as u64,
            edges: snapshot.edge_count() as u64,
            bytes,
            file_bytes: snapshot.file().bytes,
            time: snapshot.provenance().and_then(|provenance| provenance.time.clone()),
        }
    }

    /// The first line of a report.
    pub(super) fn heading(&self, page: &Page) -> String {
        let mut rest = format!(
            "  {} in {}",
            text::size(self.bytes),
            text::counted(self.nodes, "node", "nodes")
        );
        if let Some(time) = &self.time {
            let _ = write!(rest, ", taken {}", moment(time));
        }
        let room = page.width.saturating_sub(text::width(&rest)).max(16);
        let name = text::cut_start(&text::shown(&self.file), room);
        format!("{}{rest}\n", page.paint(super::HEADING, &name))
    }
}

/// `2026-11-22T16:16:36.864Z` to the second, as one reads it.
pub(super) fn moment(time: &str) -> String {
    let time = text::shown(time);
    match (time.get(..10), time.get(10..11), time.get(11..19)) {
        (Some(date), Some("T"), Some(clock)) if time.ends_with('Z') => {
            format!("{date} {clock} UTC")
        }
        _ => text::cut_end(&time, 32),
    }
}
