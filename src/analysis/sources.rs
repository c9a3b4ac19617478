//! From an object to the line it comes from: file, line, column and function, and the names of captured
//! variables, all from the snapshot alone.
//!
//! # Where things are
//!
//! - A closure's location is where the function stands; an object's is where its constructor does.
//! - A script's number leads nowhere by itself. But every closure of the script leads to it: `shared`, then
//!   `script` (Node 22 on) or `script_or_debug_info` (to Node 20), whose name is the file's path or URL.
//! - A function's context has an edge of type `context` for each captured variable. The context of a block
//!   or a loop has edges without names; their names are the strings at the beginning of its `scope_info`,
//!   in the order of the slots. A slot that holds a small integer has no edge, so names are certain only
//!   where there are as many edges as names; otherwise all names are candidates.

use std::collections::HashMap;

use crate::snapshot::{EdgeKind, NodeIndex, NodeKind, Snapshot, StringIndex};

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// Path or URL; `None` if no closure of the script is left to tell.
    pub file: Option<String>,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Name of the function or constructor; empty if it has none.
    pub function: String,
}

/// A variable that a closure holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// What it holds.
    pub node: NodeIndex,
    /// Its name, or several if it may be any of them; empty if nothing is known.
    pub names: Vec<String>,
}

/// The files of a snapshot's scripts.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: HashMap<u32, StringIndex>,
}

impl Sources {
    /// Finds the file of every script that has a closure.
    #[must_use]
    pub fn build(snapshot: &Snapshot) -> Self {
        let mut files = HashMap::new();
        for (node, place) in snapshot.locations().rows() {
            let script_id = snapshot.locations().place(place).script_id;
            if snapshot.kind(node) == NodeKind::Closure
                && !files.contains_key(&script_id)
                && let Some(file) = file_of_closure(snapshot, node)
            {
                files.insert(script_id, file);
            }
        }
        Self { files }
    }

    /// The name of a script's file.
    #[must_use]
    pub fn file(&self, script_id: u32) -> Option<StringIndex> {
        self.files.get(&script_id).copied()
    }

    /// The files by script, for when the snapshot is gone.
    pub(crate) fn files(&self, snapshot: &Snapshot) -> HashMap<u32, String> {
        self.files
            .iter()
            .map(|(script, file)| (*script, snapshot.strings().get(*file)))
            .collect()
    }

    /// How many scripts have a name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether no script has a name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Where a closure, or an object's constructor, stands.
    #[must_use]
    pub fn of(&self, snapshot: &Snapshot, node: NodeIndex) -> Option<Source> {
        let place = snapshot.locations().place(snapshot.locations().of(node)?);
        Some(Source {
            file: self.file(place.script_id).map(|file| snapshot.strings().get(file)),
            line: place.line.saturating_add(1),
            column: place.column.saturating_add(1),
            function: snapshot.strings().get(snapshot.name(node)),
        })
    }
}

/// Target of the first internal edge with one of these names.
fn internal(snapshot: &Snapshot, node: NodeIndex, names: &[&'static str]) -> Option<NodeIndex> {
    names.iter().find_map(|name| {
        let known = snapshot.strings().known(name);
        let found = |edge: &crate::snapshot::Edge| {
            edge.link.is(EdgeKind::Internal) && known.contains(&StringIndex(edge.name_or_index))
        };
        snapshot.edges(node).find(found).map(|edge| edge.link.target())
    })
}

fn file_of_closure(snapshot: &Snapshot, closure: NodeIndex) -> Option<StringIndex> {
    let shared = internal(snapshot, closure, &["shared"])?;
    let script = internal(snapshot, shared, &["script", "script_or_debug_info"])?;
    let name = snapshot.name(script);
    (!snapshot.strings().get(name).is_empty()).then_some(name)
}

/// The variables in a context, in the order of its edges.
#[must_use]
pub fn captured(snapshot: &Snapshot, context: NodeIndex) -> Vec<Captured> {
    let text = |name| snapshot.strings().get(name);
    let slots = snapshot
        .edges(context)
        .filter(|edge| edge.link.is(EdgeKind::Hidden))
        .count();
    let mut names = block_names(snapshot, context);
    let exact = names.len() == slots;
    if !exact && slots > MAX_CANDIDATES {
        names.clear();
    }
    let mut taken = 0;
    let mut captured = Vec::new();
    for edge in snapshot.edges(context) {
        let node = edge.link.target();
        match edge.link.kind() {
            EdgeKind::Context => {
                captured.push(Captured {
                    node,
                    names: vec![text(StringIndex(edge.name_or_index))],
                });
            }
            EdgeKind::Hidden => {
                let names = if exact {
                    vec![std::mem::take(&mut names[taken])]
                } else {
                    names.clone()
                };
                taken += 1;
                captured.push(Captured { node, names });
            }
            _ => {}
        }
    }
    captured
}

/// More names than this are no help.
const MAX_CANDIDATES: usize = 64;

/// The strings a context's scope begins with.
fn block_names(snapshot: &Snapshot, context: NodeIndex) -> Vec<String> {
    let Some(scope) = internal(snapshot, context, &["scope_info"]) else {
        return Vec::new();
    };
    let slots = snapshot
        .edges(scope)
        .filter(|edge| edge.link.is(EdgeKind::Hidden))
        .take(MAX_CANDIDATES);
    let strings = slots
        .map(|edge| edge.link.target())
        .take_while(|node| snapshot.kind(*node) == NodeKind::String);
    strings
        .map(|node| snapshot.strings().get(snapshot.name(node)))
        .collect()
}

/// Whether a node is a context: what closures of one scope share.
#[must_use]
pub fn is_context(snapshot: &Snapshot, node: NodeIndex) -> bool {
    snapshot.kind(node) == NodeKind::Object
        && snapshot
            .strings()
            .known("system / Context")
            .contains(&snapshot.name(node))
}
