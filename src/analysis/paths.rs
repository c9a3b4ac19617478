//! Retainer paths that tell: from the root to an object, along what a programmer would recognise.
//!
//! # How
//!
//! Every edge has a cost: little for properties, captured variables and elements, much for what is true but
//! says nothing (`__proto__`, maps, feedback, code, V8's lists), most for the stack and the handles in
//! use, which are the capture's own doing. One search from the root (Dijkstra's, with Dial's buckets, as costs are small
//! integers) gives every node its cheapest path; a path is then read off.
//!
//! Further paths of a node are searched backwards from it (A*, with the costs of the first search as
//! the estimate), with a toll on every node of the paths before. Nodes that dominate the object are on
//! all paths and take no toll; a path that brings nothing new is not given.
//!
//! # Cost
//!
//! The search visits every edge once, and takes 8 bytes a node. Retainers, 4 bytes an edge, are built when
//! a second path is first asked for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::OnceLock;

use crate::graph::{Heap, Retainers};
use crate::snapshot::{Edge, EdgeIndex, EdgeKind, Link, NodeIndex, NodeKind, Snapshot, StringIndex};

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the edge comes from.
    pub source: NodeIndex,
    /// The edge.
    pub edge: EdgeIndex,
    /// Where it leads.
    pub node: NodeIndex,
    /// Whether every path to the object passes through `node`: it is kept only by this.
    pub sole: bool,
}

/// A path from the root to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// From the root's edge to the one that leads to the object.
    pub steps: Vec<Step>,
    /// The less, the more it tells.
    pub cost: u32,
}

/// Cheapest paths from the root.
#[derive(Debug)]
pub struct Paths<'h> {
    heap: &'h Heap,
    cheapest: Cheapest,
    retainers: OnceLock<Retainers>,
}

/// What the search from the root found.
#[derive(Debug)]
pub(crate) struct Cheapest {
    costs: Costs,
    /// Cost of the cheapest path, by node.
    totals: Vec<u32>,
    /// Its last edge, by node.
    last_edges: Vec<u32>,
}

impl Cheapest {
    /// Searches the whole heap once.
    pub(crate) fn search(snapshot: &Snapshot) -> Self {
        let costs = Costs::new(snapshot);
        let mut search = Search {
            snapshot,
            costs: &costs,
            names: snapshot.edge_names(),
            totals: vec![UNREACHED; snapshot.node_count()],
            last_edges: vec![u32::MAX; snapshot.node_count()],
            buckets: (0..=MAX_COST).map(|_| Vec::new()).collect(),
        };
        search.run();
        let Search { totals, last_edges, .. } = search;
        Self {
            costs,
            totals,
            last_edges,
        }
    }

    /// Nodes that a path leads to, such that each stands after those on its paths.
    pub(crate) fn outward(&self) -> Vec<NodeIndex> {
        let all = (0..self.totals.len()).map(NodeIndex::from);
        let mut reached: Vec<NodeIndex> = all.filter(|node| self.totals[node.at()] != UNREACHED).collect();
        reached.sort_unstable_by_key(|node| (self.totals[node.at()], *node));
        reached
    }

    /// Whether no path to its target is cheaper than one by this edge.
    #[inline]
    pub(crate) fn is_cheapest(&self, snapshot: &Snapshot, source: NodeIndex, edge: Edge) -> bool {
        let cost = self.costs.of(snapshot, source, edge.link, edge.name_or_index);
        keeps(edge.link, source)
            && self.totals[edge.link.target().at()] == self.totals[source.at()].saturating_add(cost)
    }
}

const UNREACHED: u32 = u32::MAX;
/// On each node of an earlier path.
const TOLL: u32 = 400;
/// Nodes visited in the search for a further path.
const MAX_VISITS: usize = 200_000;
/// Steps of a path, so that no list makes a path without end.
const MAX_STEPS: usize = 10_000_000;

impl<'h> Paths<'h> {
    /// Searches the whole heap once.
    #[must_use]
    pub fn build(heap: &'h Heap) -> Self {
        Self {
            heap,
            cheapest: Cheapest::search(heap.snapshot()),
            retainers: OnceLock::new(),
        }
    }

    /// Up to `at_most` paths that differ, the most telling one first; none if only weak edges lead there.
    #[must_use]
    pub fn to(&self, object: NodeIndex, at_most: usize) -> Vec<Path> {
        if at_most == 0 || self.cheapest.totals[object.at()] == UNREACHED {
            return Vec::new();
        }
        let dominators = self.dominators(object);
        let first = self.read_off(object, &dominators);
        let mut seen: HashSet<NodeIndex> = first.steps.iter().map(|step| step.node).collect();
        let mut paths = vec![first];
        while paths.len() < at_most {
            let Some(path) = self.further(object, &seen, &dominators) else {
                break;
            };
            let new = path.steps.iter().filter(|step| !seen.contains(&step.node)).count();
            if new == 0 {
                break;
            }
            seen.extend(path.steps.iter().map(|step| step.node));
            paths.push(path);
        }
        paths
    }

    /// The last edge of the cheapest path; `None` at the root and where only weak edges lead.
    #[must_use]
    pub fn last_edge(&self, object: NodeIndex) -> Option<EdgeIndex> {
        let edge = self.cheapest.last_edges[object.at()];
        (edge != u32::MAX).then_some(EdgeIndex(edge))
    }

    /// The search that these paths are of.
    pub(crate) fn cheapest(&self) -> &Cheapest {
        &self.cheapest
    }

    /// What the cheapest path costs; `None` where only weak edges lead.
    #[must_use]
    pub fn cost(&self, object: NodeIndex) -> Option<u32> {
        let cost = self.cheapest.totals[object.at()];
        (cost != UNREACHED).then_some(cost)
    }

    /// The nearest object that alone keeps this one alive, if it is one of the program's own and no group of
    /// V8's.
    #[must_use]
    pub fn kept_only_by(&self, object: NodeIndex) -> Option<NodeIndex> {
        let snapshot = self.heap.snapshot();
        let mut node = object;
        loop {
            let dominator = self.heap.dominator(node);
            if dominator == node || dominator == snapshot.root() || snapshot.kind(dominator) == NodeKind::Synthetic {
                return None;
            }
            node = dominator;
            if matches!(
                snapshot.kind(node),
                NodeKind::Object | NodeKind::Closure | NodeKind::Native | NodeKind::RegExp
            ) {
                return Some(node);
            }
        }
    }

    fn dominators(&self, object: NodeIndex) -> HashSet<NodeIndex> {
        let up = |node: &NodeIndex| Some(self.heap.dominator(*node)).filter(|dominator| dominator != node);
        std::iter::successors(Some(object), up).collect()
    }

    /// The cheapest path.
    fn read_off(&self, object: NodeIndex, dominators: &HashSet<NodeIndex>) -> Path {
        let mut edges = Vec::new();
        let mut node = object;
        while self.cheapest.last_edges[node.at()] != u32::MAX && edges.len() < MAX_STEPS {
            let edge = EdgeIndex(self.cheapest.last_edges[node.at()]);
            edges.push(edge);
            node = self.heap.snapshot().source(edge);
        }
        edges.reverse();
        self.path(&edges, dominators)
    }

    fn path(&self, edges: &[EdgeIndex], dominators: &HashSet<NodeIndex>) -> Path {
        let snapshot = self.heap.snapshot();
        let mut cost = 0u32;
        let steps = edges.iter().map(|&edge| {
            let source = snapshot.source(edge);
            let link = snapshot.edge(edge).link;
            cost = cost.saturating_add(self.cheapest.costs.of(
                snapshot,
                source,
                link,
                snapshot.edge_names()[edge.at()],
            ));
            Step {
                source,
                edge,
                node: link.target(),
                sole: dominators.contains(&link.target()),
            }
        });
        let steps = steps.collect();
        Path { steps, cost }
    }

    /// Who points to what; built when it is asked for first.
    pub(crate) fn retainers(&self) -> &Retainers {
        self.retainers.get_or_init(|| Retainers::build(self.heap.snapshot()))
    }

    /// The cheapest path where nodes of earlier paths take a toll.
    fn further(&self, object: NodeIndex, tolled: &HashSet<NodeIndex>, dominators: &HashSet<NodeIndex>) -> Option<Path> {
        let snapshot = self.heap.snapshot();
        let retainers = self.retainers();
        let names = snapshot.edge_names();
        // The cost from a node down to the object, and the edge that path begins with.
        let mut best: HashMap<NodeIndex, (u32, Option<EdgeIndex>)> = HashMap::from([(object, (0, None))]);
        let mut done: HashSet<NodeIndex> = HashSet::new();
        let mut queue = BinaryHeap::from([(Reverse(self.cheapest.totals[object.at()]), object.0)]);
        while let Some((_, node)) = queue.pop() {
            let node = NodeIndex(node);
            if !done.insert(node) {
                continue;
            }
            if node == snapshot.root() {
                return Some(self.follow(object, &best, dominators));
            }
            if done.len() > MAX_VISITS {
                return None;
            }
            let below = best[&node].0;
            for retainer in retainers.of(snapshot, node).take(MAX_VISITS) {
                let link = snapshot.edge(retainer.edge).link;
                let source = retainer.node;
                let estimate = self.cheapest.totals[source.at()];
                if estimate == UNREACHED || done.contains(&source) || !keeps(link, source) {
                    continue;
                }
                let toll = if tolled.contains(&source) && !dominators.contains(&source) {
                    TOLL
                } else {
                    0
                };
                let cost = self
                    .cheapest
                    .costs
                    .of(snapshot, source, link, names[retainer.edge.at()]);
                let total = below.saturating_add(cost).saturating_add(toll);
                let known = best.entry(source).or_insert((u32::MAX, None));
                if total < known.0 {
                    *known = (total, Some(retainer.edge));
                    queue.push((Reverse(total.saturating_add(estimate)), source.0));
                }
            }
        }
        None
    }

    /// From the root down along the edges found.
    fn follow(
        &self,
        object: NodeIndex,
        best: &HashMap<NodeIndex, (u32, Option<EdgeIndex>)>,
        dominators: &HashSet<NodeIndex>,
    ) -> Path {
        let snapshot = self.heap.snapshot();
        let mut edges = Vec::new();
        let mut node = snapshot.root();
        while node != object {
            let Some((_, Some(edge))) = best.get(&node) else {
                break;
            };
            edges.push(*edge);
            node = snapshot.edge(*edge).link.target();
        }
        self.path(&edges, dominators)
    }
}

/// Whether an edge may be part of a path.
#[inline(always)]
fn keeps(link: Link, source: NodeIndex) -> bool {
    !link.is(EdgeKind::Weak) && link.target() != source
}

/// The search from the root: a bucket for each cost from the current one on, in a ring.
struct Search<'s> {
    snapshot: &'s Snapshot,
    costs: &'s Costs,
    names: &'s [u32],
    totals: Vec<u32>,
    last_edges: Vec<u32>,
    buckets: Vec<Vec<u32>>,
}

impl Search<'_> {
    fn run(&mut self) {
        self.totals[self.snapshot.root().at()] = 0;
        self.buckets[0].push(self.snapshot.root().0);
        let mut waiting = 1usize;
        let mut total = 0u32;
        while waiting > 0 {
            let bucket = total as usize % self.buckets.len();
            // No edge is free, so the bucket does not grow while it is emptied.
            let nodes = std::mem::take(&mut self.buckets[bucket]);
            waiting -= nodes.len();
            for node in nodes {
                // A node may stand in several buckets; the first one counts.
                if self.totals[node as usize] == total {
                    waiting += self.visit(NodeIndex(node), total);
                }
            }
            total = total.saturating_add(1);
        }
    }

    /// Returns how many nodes were put into buckets.
    fn visit(&mut self, node: NodeIndex, total: u32) -> usize {
        let mut added = 0;
        for (link, edge) in self.snapshot.links(node).zip(self.snapshot.edge_range(node)) {
            let target = link.target();
            if self.totals[target.at()] <= total || !keeps(link, node) {
                continue;
            }
            let through = total.saturating_add(self.costs.of(self.snapshot, node, link, self.names[edge]));
            if through < self.totals[target.at()] {
                self.totals[target.at()] = through;
                self.last_edges[target.at()] = edge as u32;
                let bucket = through as usize % self.buckets.len();
                self.buckets[bucket].push(target.0);
                added += 1;
            }
        }
        added
    }
}

/// Greatest cost of one edge.
const MAX_COST: u32 = 4095;

/// What edges cost.
#[derive(Debug)]
struct Costs {
    /// Strings with a cost of their own, one bit each.
    special: Vec<u64>,
    by_name: HashMap<StringIndex, u32>,
    /// What the capture itself holds.
    own_roots: Vec<StringIndex>,
    /// Exported variables of ES modules.
    cells: Vec<StringIndex>,
}

/// Names that are true but misleading.
const NAMES: [(&str, u32); 17] = [
    ("__proto__", 600),
    ("constructor", 300),
    ("prototype", 150),
    ("_idleNext", 300),
    ("_idlePrev", 300),
    ("map", 900),
    ("feedback_cell", 900),
    ("feedback_vector", 900),
    ("code", 900),
    ("shared", 900),
    ("native_context", 900),
    ("initial_map", 900),
    ("transitions", 900),
    ("dependent_code", 900),
    ("scope_info", 900),
    ("previous", 12),
    ("context", 3),
];

impl Costs {
    fn new(snapshot: &Snapshot) -> Self {
        let strings = snapshot.strings();
        let known = |name: &'static str, cost: u32| strings.known(name).iter().map(move |string| (*string, cost));
        let by_name: HashMap<StringIndex, u32> = NAMES.iter().flat_map(|(name, cost)| known(name, *cost)).collect();
        let mut special = vec![0u64; strings.len().div_ceil(64)];
        for string in by_name.keys() {
            special[string.at() / 64] |= 1 << (string.0 % 64);
        }
        let own_roots = ["(Stack roots)", "(Handle scope)"]
            .into_iter()
            .flat_map(|name| strings.known(name))
            .copied();
        Self {
            special,
            by_name,
            own_roots: own_roots.collect(),
            cells: strings.known("system / Cell").to_vec(),
        }
    }

    #[inline(always)]
    fn of(&self, snapshot: &Snapshot, source: NodeIndex, link: Link, name: u32) -> u32 {
        let kind = link.kind();
        let base = match kind {
            EdgeKind::Property | EdgeKind::Context | EdgeKind::Shortcut => 2,
            EdgeKind::Element => 3,
            EdgeKind::Internal => 5,
            EdgeKind::Hidden => 8,
            EdgeKind::WeakMapKey => 20,
            EdgeKind::WeakMapTable => 24,
            _ => 30,
        };
        let named = if kind.is_indexed() { 0 } else { self.of_name(name) };
        (base + named + self.of_source(snapshot, source)).min(MAX_COST)
    }

    #[inline(always)]
    fn of_name(&self, name: u32) -> u32 {
        match self.special.get(name as usize / 64) {
            Some(bits) if bits >> (name % 64) & 1 != 0 => self.by_name.get(&StringIndex(name)).copied().unwrap_or(0),
            _ => 0,
        }
    }

    #[inline(always)]
    fn of_source(&self, snapshot: &Snapshot, source: NodeIndex) -> u32 {
        match snapshot.kind(source) {
            NodeKind::Synthetic if source == snapshot.root() => 0,
            NodeKind::Synthetic if self.own_roots.contains(&snapshot.name(source)) => 3000,
            NodeKind::Synthetic => 60,
            NodeKind::Code => 500,
            NodeKind::ObjectShape if self.cells.contains(&snapshot.name(source)) => 40,
            NodeKind::ObjectShape => 700,
            NodeKind::Hidden => 40,
            _ => 0,
        }
    }
}
