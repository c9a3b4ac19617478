//! One object: what it is called, what it is, where it comes from, what it holds.

use serde::Serialize;

use super::table::{Label, Span};
use super::{ACCENT, DIM, PLAIN, Script, Scripts, text};
use crate::analysis::{edge_label, node_name};
use crate::graph::Heap;
use crate::snapshot::{Edge, NodeIndex, NodeKind};

/// Of a string that is an object's name, so much is kept, in characters.
const MAX_NAME_CHARS: usize = 256;

/// An object.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    /// V8's id.
    pub id: u32,
    /// What it is called; of a string its beginning.
    pub name: String,
    /// Its type as the file has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the function or the constructor stands.
    pub script: Option<Script>,
    /// Its own size.
    pub shallow_bytes: u64,
    /// What would be freed with it.
    pub retained_bytes: u64,
    /// From the program's roots.
    pub distance: Option<u32>,
}

/// Describes objects of a heap.
#[derive(Debug)]
pub struct Objects<'h> {
    heap: &'h Heap,
    scripts: Scripts,
}

impl<'h> Objects<'h> {
    /// Of this heap.
    #[must_use]
    pub fn new(heap: &'h Heap) -> Self {
        Self {
            heap,
            scripts: Scripts::of(heap.snapshot()),
        }
    }

    /// The heap.
    #[must_use]
    pub fn heap(&self) -> &'h Heap {
        self.heap
    }

    /// One object.
    #[must_use]
    pub fn describe(&self, node: NodeIndex) -> Object {
        let snapshot = self.heap.snapshot();
        Object {
            id: snapshot.id(node).0,
            name: self.name(node),
            kind: snapshot.type_name(node).to_owned(),
            script: self.scripts.of_node(snapshot, node),
            shallow_bytes: self.heap.shallow_size(node),
            retained_bytes: self.heap.retained_size(node),
            distance: self.heap.distance(node).get(),
        }
    }

    /// How one node refers to another: as one would write it, or nothing where it is V8's own counting.
    #[must_use]
    pub fn edge(&self, source: NodeIndex, edge: Edge) -> Option<String> {
        let snapshot = self.heap.snapshot();
        let label = edge_label(snapshot, source, edge);
        let says_nothing = source == snapshot.root()
            || snapshot.kind(source) == NodeKind::Synthetic && !label.contains(char::is_alphabetic);
        (!says_nothing).then_some(label)
    }

    fn name(&self, node: NodeIndex) -> String {
        let snapshot = self.heap.snapshot();
        let name: String = node_name(snapshot, node).chars().take(MAX_NAME_CHARS).collect();
        match snapshot.kind(node) {
            _ if node == snapshot.root() => "(root)".to_owned(),
            NodeKind::String | NodeKind::ConcatenatedString | NodeKind::SlicedString => {
                format!("{name:?}")
            }
            NodeKind::Closure if name.is_empty() => "(anonymous)()".to_owned(),
            NodeKind::Closure => format!("{name}()"),
            _ if name.is_empty() => format!("({})", snapshot.type_name(node)),
            _ => name,
        }
    }
}

impl Object {
    /// `.cache: Map @123  /srv/app/cache.js:1:2`, after what leads to it.
    pub(super) fn label(&self, lead: String, edge: Option<&str>) -> Label {
        const MAX_EDGE_WIDTH: usize = 32;
        let edge = edge.filter(|edge| !edge.is_empty());
        let edge = edge
            .map(|edge| text::cut_end(&text::shown(edge), MAX_EDGE_WIDTH) + ": ")
            .unwrap_or_default();
        let style = if self.script.is_some() { ACCENT } else { PLAIN };
        Label {
            lead: lead + &edge,
            name: Span::new(text::shown(&self.name), style),
            tail: format!(" @{}", self.id),
            place: self.script.as_ref().map(|script| Span::new(script.text(), DIM)),
        }
    }

    /// `Map @123`
    pub(super) fn short(&self) -> String {
        const SHORT: usize = 40;
        format!("{} @{}", text::cut_end(&text::shown(&self.name), SHORT), self.id)
    }
}
