//! Which nodes of the tree are listed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{TreeNode, TreeOptions};
use crate::graph::Heap;
use crate::report::object::Objects;
use crate::snapshot::{EdgeKind, NodeIndex};

/// The nodes each node dominates directly (compressed sparse rows).
struct Children {
    starts: Vec<u32>,
    nodes: Vec<NodeIndex>,
}

impl Children {
    fn build(heap: &Heap) -> Self {
        let root = heap.snapshot().root();
        let held = || heap.snapshot().nodes().filter(|node| *node != root);
        let mut starts = vec![0u32; heap.snapshot().node_count() + 1];
        for node in held() {
            starts[heap.dominator(node).at()] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut nodes = vec![root; total as usize];
        for node in held() {
            let start = &mut starts[heap.dominator(node).at()];
            *start -= 1;
            nodes[*start as usize] = node;
        }
        Self { starts, nodes }
    }

    fn of(&self, node: NodeIndex) -> &[NodeIndex] {
        &self.nodes[self.starts[node.at()] as usize..self.starts[node.at() + 1] as usize]
    }
}

/// A node that is listed, for a child or for the list that the child begins.
#[derive(Clone, Copy)]
struct Listed {
    node: NodeIndex,
    child: NodeIndex,
    /// From the child on to before the node.
    skipped: u64,
}

/// Opens the largest node next.
pub(super) struct Opening<'h> {
    heap: &'h Heap,
    children: Children,
    by_shallow: bool,
    /// The listed children of listed nodes, the largest first.
    listed: HashMap<NodeIndex, Vec<Listed>>,
    top: NodeIndex,
}

impl<'h> Opening<'h> {
    pub(super) fn run(heap: &'h Heap, top: NodeIndex, options: &TreeOptions) -> Self {
        let mut opening = Self {
            heap,
            children: Children::build(heap),
            by_shallow: options.by_shallow,
            listed: HashMap::new(),
            top,
        };
        opening.open(options);
        opening
    }

    fn key(&self, node: NodeIndex) -> (u64, Reverse<NodeIndex>) {
        let size = if self.by_shallow {
            self.heap.shallow_size(node)
        } else {
            self.heap.retained_size(node)
        };
        (size, Reverse(node))
    }

    /// The largest `most` children of a node, the largest first.
    fn largest(&self, node: NodeIndex, most: usize) -> Vec<NodeIndex> {
        let mut children = self.children.of(node).to_vec();
        if most < children.len() {
            children.select_nth_unstable_by_key(most, |child| Reverse(self.key(*child)));
            children.truncate(most);
        }
        children.sort_unstable_by_key(|child| Reverse(self.key(*child)));
        children
    }

    fn open(&mut self, options: &TreeOptions) {
        // The next child of an opened node: its size, parent, position among its siblings, and depth.
        let mut queue = BinaryHeap::new();
        let mut siblings: HashMap<NodeIndex, Vec<NodeIndex>> = HashMap::new();
        let mut rows = 1;
        let mut opened = Some((self.top, 0));
        while rows < options.top {
            if let Some((node, depth)) = opened.take().filter(|(_, depth)| *depth < options.depth) {
                let children = self.largest(node, options.top - rows);
                if let Some(first) = children.first() {
                    queue.push((self.key(*first), node, 0, depth + 1));
                }
                siblings.insert(node, children);
            }
            let Some((_, parent, at, depth)) = queue.pop() else {
                break;
            };
            let children = &siblings[&parent];
            let listed = self.last_of_list(parent, children[at]);
            if let Some(next) = children.get(at + 1) {
                queue.push((self.key(*next), parent, at + 1, depth));
            }
            self.listed.entry(parent).or_default().push(listed);
            rows += 1;
            opened = Some((listed.node, depth));
        }
    }

    /// Follows a list to its end.
    fn last_of_list(&self, parent: NodeIndex, child: NodeIndex) -> Listed {
        const MIN_SKIPPED: u64 = 2;
        let snapshot = self.heap.snapshot();
        let look = |node: NodeIndex| (snapshot.raw_type(node), snapshot.name(node));
        let next = |node: NodeIndex| {
            let largest = self
                .children
                .of(node)
                .iter()
                .copied()
                .max_by_key(|child| self.key(*child));
            largest.filter(|child| look(*child) == look(parent))
        };
        let (mut node, mut skipped) = (child, 0);
        while look(child) == look(parent)
            && let Some(further) = next(node)
        {
            node = further;
            skipped += 1;
        }
        if skipped < MIN_SKIPPED {
            Listed {
                node: child,
                child,
                skipped: 0,
            }
        } else {
            Listed { node, child, skipped }
        }
    }

    /// The listed nodes in preorder.
    pub(super) fn list(&self, objects: &Objects<'_>) -> Vec<TreeNode> {
        let mut rows = Vec::new();
        let mut stack = vec![(self.top, 0, 0, None, None)];
        while let Some((node, depth, skipped, parent, edge)) = stack.pop() {
            let listed = self.listed.get(&node).map_or(&[][..], Vec::as_slice);
            let all = self.children.of(node);
            let retained = |nodes: &mut dyn Iterator<Item = NodeIndex>| {
                nodes
                    .map(|node| self.heap.retained_size(node))
                    .fold(0, u64::saturating_add)
            };
            let shown = || listed.iter().map(|listed| listed.child);
            let mut edges = self.edges(objects, node, shown());
            let object = objects.describe(node);
            let id = object.id;
            rows.push(TreeNode {
                object,
                depth,
                parent,
                edge,
                more_count: (all.len() - listed.len()) as u64,
                skipped,
                more_bytes: retained(&mut all.iter().copied()).saturating_sub(retained(&mut shown())),
            });
            let children = listed.iter().rev();
            stack
                .extend(children.map(|Listed { node, child, skipped }| {
                    (*node, depth + 1, *skipped, Some(id), edges.remove(child))
                }));
        }
        rows
    }

    /// How a node refers to these children, where it does so directly and not weakly.
    fn edges(
        &self,
        objects: &Objects<'_>,
        node: NodeIndex,
        children: impl Iterator<Item = NodeIndex>,
    ) -> HashMap<NodeIndex, String> {
        let snapshot = self.heap.snapshot();
        let mut found: HashMap<NodeIndex, Option<Option<String>>> = children.map(|child| (child, None)).collect();
        let mut missing = found.len();
        for edge in snapshot.edges(node) {
            if missing == 0 {
                break;
            }
            match found.get_mut(&edge.link.target()) {
                Some(label) if label.is_none() && !edge.link.is(EdgeKind::Weak) => {
                    *label = Some(objects.edge(node, edge));
                    missing -= 1;
                }
                _ => {}
            }
        }
        found
            .into_iter()
            .filter_map(|(child, label)| Some((child, label??)))
            .collect()
    }
}
