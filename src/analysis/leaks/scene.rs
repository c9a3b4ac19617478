//! The last snapshot with all that the search asks of it, and questions that rules ask of a graph.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::census::{Census, Holding};
use super::identity;
use super::weights::Weights;
use crate::analysis::{Paths, Source, Sources, is_context};
use crate::graph::Heap;
use crate::snapshot::{Edge, EdgeIndex, EdgeKind, NodeIndex, NodeKind, Snapshot};

/// A step of a path: the edge, where it comes from, where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub source: NodeIndex,
    pub edge: EdgeIndex,
    pub node: NodeIndex,
}

/// Steps of a path that is followed upwards.
const MAX_HOPS: usize = 2000;

pub(super) struct Scene<'h> {
    pub heap: &'h Heap,
    pub weights: Weights,
    pub paths: Paths<'h>,
    pub sources: Sources,
    pub censuses: &'h [Census],
    /// What objects are told by, where not by their ids.
    keys: Option<Vec<u32>>,
    /// Whether the snapshots are of one process, so that what is there again can have stayed.
    pub is_one_process: bool,
    /// Contexts of `node:vm` and the like that came after the first snapshot.
    new_realms: OnceLock<u64>,
    /// By their descriptions.
    symbols: OnceLock<HashMap<String, Vec<NodeIndex>>>,
}

impl<'h> Scene<'h> {
    pub(super) fn new(heap: &'h Heap, censuses: &'h [Census], is_one_process: bool) -> Self {
        let snapshot = heap.snapshot();
        // First, as the search takes memory that the others can have afterwards.
        let paths = Paths::build(heap);
        let limit = censuses.first().map_or(u32::MAX, Census::limit);
        let keys = (limit < u32::MAX).then(|| identity::keys(snapshot, paths.cheapest(), limit));
        Self {
            heap,
            weights: Weights::build(heap),
            paths,
            sources: Sources::build(snapshot),
            censuses,
            keys,
            is_one_process,
            new_realms: OnceLock::new(),
            symbols: OnceLock::new(),
        }
    }

    pub(super) fn snapshot(&self) -> &'h Snapshot {
        self.heap.snapshot()
    }

    /// How many snapshots there are.
    pub(super) fn steps(&self) -> usize {
        self.censuses.len() + 1
    }

    /// What the object is told by in every snapshot.
    pub(super) fn key(&self, node: NodeIndex) -> u32 {
        match &self.keys {
            Some(keys) => keys[node.at()],
            None => self.snapshot().id(node).0,
        }
    }

    /// The first snapshot that has the object.
    pub(super) fn born(&self, node: NodeIndex) -> usize {
        let key = self.key(node);
        let first = self.censuses.iter().position(|census| census.has(key));
        first.unwrap_or(self.censuses.len())
    }

    /// Whether the object came after the first snapshot.
    pub(super) fn is_new(&self, node: NodeIndex) -> bool {
        self.born(node) > 0
    }

    /// Whether the object came after the last snapshot but one, so that its growth cannot be seen.
    pub(super) fn is_newest(&self, node: NodeIndex) -> bool {
        self.born(node) >= self.censuses.len()
    }

    /// What is behind an object, in each snapshot.
    pub(super) fn holdings(&self, node: NodeIndex) -> Vec<Holding> {
        let key = self.key(node);
        let now = Holding {
            count: self.weights.count(node),
            bytes: self.weights.bytes(node),
        };
        let before = self.censuses.iter().map(|census| census.holding(key));
        before.chain([now]).collect()
    }

    /// V8's name for a node: an object's class, a function's name, a string's text.
    pub(super) fn name(&self, node: NodeIndex) -> String {
        self.snapshot().strings().get(self.snapshot().name(node))
    }

    pub(super) fn kind(&self, node: NodeIndex) -> NodeKind {
        self.snapshot().kind(node)
    }

    /// Whether this is an object of one of these classes.
    pub(super) fn is_a(&self, node: NodeIndex, classes: &[&str]) -> bool {
        self.kind(node) == NodeKind::Object && classes.contains(&self.name(node).as_str())
    }

    pub(super) fn is_closure(&self, node: NodeIndex) -> bool {
        self.kind(node) == NodeKind::Closure
    }

    pub(super) fn is_context(&self, node: NodeIndex) -> bool {
        is_context(self.snapshot(), node)
    }

    pub(super) fn edge(&self, hop: Hop) -> Edge {
        self.snapshot().edge(hop.edge)
    }

    /// What an edge is called; its index where it has no name.
    pub(super) fn edge_name(&self, edge: Edge) -> String {
        crate::analysis::edge_name(self.snapshot(), edge)
    }

    /// Target of an edge of this kind and name.
    fn target(&self, node: NodeIndex, kind: EdgeKind, name: &str) -> Option<NodeIndex> {
        let found = |edge: &Edge| edge.link.is(kind) && self.edge_name(*edge) == name;
        self.snapshot().edges(node).find(found).map(|edge| edge.link.target())
    }

    pub(super) fn property(&self, node: NodeIndex, name: &str) -> Option<NodeIndex> {
        self.target(node, EdgeKind::Property, name)
    }

    pub(super) fn internal(&self, node: NodeIndex, name: &str) -> Option<NodeIndex> {
        self.target(node, EdgeKind::Internal, name)
    }

    /// Where a closure or a constructor stands, if that is no part of Node itself.
    pub(super) fn user_source(&self, node: NodeIndex) -> Option<Source> {
        self.sources.of(self.snapshot(), node).filter(is_user)
    }

    /// How many sets of globals came after the first snapshot.
    pub(super) fn new_realms(&self) -> u64 {
        *self.new_realms.get_or_init(|| {
            let snapshot = self.snapshot();
            let realms = snapshot.strings().known("system / NativeContext");
            let new = snapshot
                .nodes()
                .filter(|node| realms.contains(&snapshot.name(*node)) && self.is_new(*node));
            new.count() as u64
        })
    }

    /// The symbols of this description.
    pub(super) fn symbols(&self, description: &str) -> &[NodeIndex] {
        let symbols = self.symbols.get_or_init(|| {
            let mut symbols = HashMap::<_, Vec<_>>::new();
            for symbol in self
                .snapshot()
                .nodes()
                .filter(|node| self.kind(*node) == NodeKind::Symbol)
            {
                if let Some(text) = self.internal(symbol, "name") {
                    symbols.entry(self.name(text)).or_default().push(symbol);
                }
            }
            symbols
        });
        symbols.get(description).map_or(&[], Vec::as_slice)
    }

    /// The most telling path from the root.
    pub(super) fn path(&self, node: NodeIndex) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut at = node;
        while let Some(edge) = self.paths.last_edge(at).filter(|_| hops.len() < MAX_HOPS) {
            let source = self.snapshot().source(edge);
            hops.push(Hop { source, edge, node: at });
            at = source;
        }
        hops.reverse();
        hops
    }
}

/// Whether a place is in the program and not in Node.
pub(super) fn is_user(source: &Source) -> bool {
    source.file.as_deref().is_some_and(is_user_file)
}

/// Whether a file is the program's.
pub(super) fn is_user_file(file: &str) -> bool {
    !file.is_empty() && !file.starts_with("node:") && !file.starts_with("internal/")
}
