//! Distances: how many edges a node is away from the program's roots.
//!
//! # How
//!
//! Breadth first over edges that are not weak, from the children of the root that are no groups of V8's
//! (the global objects). What these do not reach is then counted from the root itself, at
//! [`Distance::SYSTEM`] and beyond. The exceptions are DevTools':
//!
//! - the value of a `WeakMap` pair is as far as the farther of key and table, plus one: of the pair's two
//!   edges the one met first is passed over;
//! - maps share descriptor arrays, so only their first two slots and the keys count;
//! - a native context's `sloppy_function_map` does not count.

use std::collections::{HashMap, HashSet};

use super::bits::NodeSet;
use super::page::is_user_root;
use crate::snapshot::{Edge, EdgeIndex, EdgeKind, Link, NodeIndex, NodeKind, Snapshot};

/// Distance of a node, in edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Distance(u32);

impl Distance {
    /// Added where only V8's own roots reach a node.
    pub const SYSTEM: u32 = 100_000_000;
    /// Nothing reaches the node, other than weakly.
    pub const NONE: Self = Self(u32::MAX);

    /// Edges from the program's roots; `None` if it is only reached from V8's, or not at all.
    #[must_use]
    pub fn get(self) -> Option<u32> {
        (self.0 < Self::SYSTEM).then_some(self.0)
    }

    /// As DevTools has it: from [`Distance::SYSTEM`] on for V8's own, -5 where nothing reaches the node.
    #[must_use]
    pub fn devtools(self) -> i64 {
        if self == Self::NONE { -5 } else { i64::from(self.0) }
    }
}

/// The distance of every node.
#[derive(Clone, Debug)]
pub struct Distances(Vec<u32>);

impl Distances {
    /// Of one node; [`Distance::NONE`] where distances were not asked for.
    #[inline(always)]
    #[must_use]
    pub fn of(&self, node: NodeIndex) -> Distance {
        self.0
            .get(node.at())
            .map_or(Distance::NONE, |distance| Distance(*distance))
    }

    /// Of a heap of which they are not asked.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn build(snapshot: &Snapshot, exceptions: Exceptions) -> Self {
        let mut search = Search {
            snapshot,
            distances: vec![Distance::NONE.0; snapshot.node_count()],
            exceptions,
        };
        let roots = user_roots(snapshot);
        for node in &roots {
            search.distances[node.at()] = 1;
        }
        let system = if roots.is_empty() { 0 } else { Distance::SYSTEM };
        search.run(roots, 1);
        search.distances[snapshot.root().at()] = system;
        search.run(vec![snapshot.root()], system);
        Self(search.distances)
    }
}

/// In the order of the root's edges. A root that stands there more than once is visited twice: on the
/// second visit both edges of a `WeakMap` pair have been met. Further visits would find nothing new.
fn user_roots(snapshot: &Snapshot) -> Vec<NodeIndex> {
    let mut visits = HashMap::new();
    let roots = snapshot.links(snapshot.root()).map(Link::target);
    roots
        .filter(|node| is_user_root(snapshot, *node))
        .filter(|node| {
            let visits = visits.entry(*node).or_insert(0);
            *visits += 1;
            *visits <= 2
        })
        .collect()
}

/// Edges that do not count, or not always. Found beforehand, as the search does without edges' names.
pub(crate) struct Exceptions {
    /// Edges that never count, ascending.
    skipped: Vec<u32>,
    /// The nodes these may belong to.
    nodes: NodeSet,
    /// Descriptor arrays: the edges of pairs count here like others.
    descriptors: NodeSet,
    /// Pairs of which one edge was met.
    pending: HashSet<u32>,
}

impl Exceptions {
    pub(crate) fn find(snapshot: &Snapshot) -> Self {
        let strings = snapshot.strings();
        let descriptors = strings.known("(map descriptors)");
        let native_context = strings.known("system / NativeContext");
        let sloppy_map = strings.known("sloppy_function_map");
        let mut skipped = Vec::new();
        let mut nodes = NodeSet::new(snapshot.node_count());
        let mut descriptor_arrays = NodeSet::new(snapshot.node_count());
        for node in snapshot.nodes() {
            match snapshot.kind(node) {
                NodeKind::Array if descriptors.contains(&snapshot.name(node)) => {
                    let edges = snapshot.edges(node).filter(|edge| is_shared_descriptor(snapshot, edge));
                    skipped.extend(edges.map(|edge| edge.index.0));
                    descriptor_arrays.insert(node);
                    nodes.insert(node);
                }
                NodeKind::Hidden if native_context.contains(&snapshot.name(node)) => {
                    let is_sloppy = |edge: &Edge| edge.string().is_some_and(|name| sloppy_map.contains(&name));
                    skipped.extend(snapshot.edges(node).filter(is_sloppy).map(|edge| edge.index.0));
                    nodes.insert(node);
                }
                _ => {}
            }
        }
        Self {
            skipped,
            nodes,
            descriptors: descriptor_arrays,
            pending: HashSet::new(),
        }
    }
}

fn is_shared_descriptor(snapshot: &Snapshot, edge: &Edge) -> bool {
    let index = match edge.string() {
        Some(name) => leading_number(&snapshot.strings().get(name)),
        None => Some(u64::from(edge.name_or_index)),
    };
    index.is_some_and(|index| index >= 2 && index % 3 == 1)
}

struct Search<'s> {
    snapshot: &'s Snapshot,
    distances: Vec<u32>,
    exceptions: Exceptions,
}

impl Search<'_> {
    /// Visits level by level, in the order of discovery.
    fn run(&mut self, mut level: Vec<NodeIndex>, mut distance: u32) {
        let mut next = Vec::new();
        while !level.is_empty() {
            distance += 1;
            for node in level.drain(..) {
                self.visit(node, distance, &mut next);
            }
            std::mem::swap(&mut level, &mut next);
        }
    }

    #[inline(always)]
    fn visit(&mut self, node: NodeIndex, distance: u32, next: &mut Vec<NodeIndex>) {
        let edges = self.snapshot.edge_range(node);
        let has_exceptions = self.exceptions.nodes.contains(node);
        for (link, edge) in self.snapshot.links(node).zip(edges) {
            let target = link.target();
            if self.distances[target.at()] != Distance::NONE.0 || link.is(EdgeKind::Weak) {
                continue;
            }
            let is_pair = link.is(EdgeKind::WeakMapKey) || link.is(EdgeKind::WeakMapTable);
            if (has_exceptions || is_pair) && !self.counts(node, EdgeIndex::from(edge)) {
                continue;
            }
            self.distances[target.at()] = distance;
            next.push(target);
        }
    }

    fn counts(&mut self, node: NodeIndex, edge: EdgeIndex) -> bool {
        if self.exceptions.skipped.binary_search(&edge.0).is_ok() {
            return false;
        }
        if self.exceptions.descriptors.contains(node) {
            return true;
        }
        match self.snapshot.weak_map_pair(edge) {
            // The second edge of a pair counts, the first one waits for it.
            Some(pair) => self.exceptions.pending.remove(&pair) || !self.exceptions.pending.insert(pair),
            None => true,
        }
    }
}

/// The number a name begins with, as `parseInt` has it.
fn leading_number(name: &str) -> Option<u64> {
    let name = name.trim_start();
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    name[..end].parse().ok()
}
