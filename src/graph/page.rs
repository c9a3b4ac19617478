//! Which edges keep their target alive for the purpose of dominators ("essential edges").
//!
//! As DevTools has it, these do not: weak edges; an edge from a node to itself; shortcuts, but for those at
//! the root, which mark global objects; the table's edge to the value of a `WeakMap` pair, as the key's
//! edge says the same and more; and edges from nodes not owned by the page to nodes owned by it, so that
//! what a debugger holds does not change the picture. Owned by the page is what the global objects reach.

use super::bits::NodeSet;
use crate::snapshot::{EdgeKind, Link, NodeIndex, NodeKind, Snapshot};

pub(crate) struct EssentialEdges<'s> {
    snapshot: &'s Snapshot,
    words: &'s [u32],
    first_edges: &'s [u32],
    page: NodeSet,
    root: NodeIndex,
}

impl<'s> EssentialEdges<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            words: snapshot.link_words(),
            first_edges: snapshot.first_edges(),
            page: page_owned(snapshot),
            root: snapshot.root(),
        }
    }

    /// Whether the edge from `source` keeps its target alive.
    #[inline(always)]
    pub(crate) fn contains(&self, source: NodeIndex, link: Link) -> bool {
        let target = link.target();
        if link.is(EdgeKind::Weak) || link.is(EdgeKind::WeakMapTable) || target == source {
            return false;
        }
        if source == self.root {
            return true;
        }
        !link.is(EdgeKind::Shortcut) && (!self.page.contains(target) || self.page.contains(source))
    }
}

impl super::dominators::FlowGraph for EssentialEdges<'_> {
    fn node_count(&self) -> usize {
        self.snapshot.node_count()
    }

    fn root(&self) -> u32 {
        self.root.0
    }

    #[inline(always)]
    fn first_edge(&self, node: u32) -> u32 {
        self.first_edges[node as usize]
    }

    #[inline(always)]
    fn successor(&self, node: u32, edge: u32) -> Option<u32> {
        let link = Link::from_word(self.words[edge as usize]);
        self.contains(NodeIndex(node), link).then_some(link.target().0)
    }
}

/// What the global objects (and the trees of documents) reach by edges that are not weak.
fn page_owned(snapshot: &Snapshot) -> NodeSet {
    let mut owned = NodeSet::new(snapshot.node_count());
    let mut stack = Vec::new();
    for link in snapshot.links(snapshot.root()) {
        let entry = match link.kind() {
            EdgeKind::Shortcut => true,
            EdgeKind::Element => is_document_root(snapshot, link.target()),
            _ => false,
        };
        if entry && owned.insert(link.target()) {
            stack.push(link.target());
        }
    }
    while let Some(node) = stack.pop() {
        for link in snapshot.links(node) {
            if !link.is(EdgeKind::Weak) && owned.insert(link.target()) {
                stack.push(link.target());
            }
        }
    }
    owned
}

fn is_document_root(snapshot: &Snapshot, node: NodeIndex) -> bool {
    snapshot.kind(node) == NodeKind::Synthetic && snapshot.is_known(snapshot.name(node), "(Document DOM trees)")
}

/// Whether a child of the root counts as one of the program's own roots: anything but V8's groups.
pub(crate) fn is_user_root(snapshot: &Snapshot, node: NodeIndex) -> bool {
    snapshot.kind(node) != NodeKind::Synthetic || is_document_root(snapshot, node)
}
