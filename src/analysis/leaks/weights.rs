//! What of a heap is the program's own, counted up the dominator tree.
//!
//! Code, feedback and shapes grow while code warms up, and what only they hold is theirs: none of it counts.
//! What is left is added up from the leaves to the root, as retained sizes are, so that every node knows how
//! many of the program's objects would go with it, and how many bytes.

use crate::graph::Heap;
use crate::graph::bits::NodeSet;
use crate::snapshot::{NodeIndex, NodeKind, Snapshot};

/// Sizes are kept in units, so that 32 GiB fit 32 bits; V8's sizes are multiples of this.
pub(super) const UNIT_BYTES: u64 = 8;

/// The program's share of what every node retains.
#[derive(Debug)]
pub(super) struct Weights {
    counts: Vec<u32>,
    units: Vec<u32>,
    engine: NodeSet,
}

/// Whether a node belongs to V8's code, feedback or shapes. A cell is a variable that an ES module exports.
fn is_engine(snapshot: &Snapshot, node: NodeIndex) -> bool {
    match snapshot.kind(node) {
        NodeKind::Code => true,
        NodeKind::ObjectShape => !snapshot.is_known(snapshot.name(node), "system / Cell"),
        _ => false,
    }
}

impl Weights {
    pub(super) fn build(heap: &Heap) -> Self {
        let snapshot = heap.snapshot();
        let total = snapshot.node_count();
        let mut engine = NodeSet::new(total);
        for node in heap.top_down() {
            if is_engine(snapshot, node) || engine.contains(heap.dominator(node)) {
                engine.insert(node);
            }
        }
        let (mut counts, mut units) = (vec![0u32; total], vec![0u32; total]);
        for node in heap.top_down().rev().filter(|node| !engine.contains(*node)) {
            let own = u32::try_from(heap.shallow_size(node).div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
            let at = node.at();
            counts[at] = counts[at].saturating_add(u32::from(own > 0));
            units[at] = units[at].saturating_add(own);
            let dominator = heap.dominator(node);
            if dominator != node {
                counts[dominator.at()] = counts[dominator.at()].saturating_add(counts[at]);
                units[dominator.at()] = units[dominator.at()].saturating_add(units[at]);
            }
        }
        Self { counts, units, engine }
    }

    /// Whether only code, feedback or shapes hold the node.
    pub(super) fn is_engine(&self, node: NodeIndex) -> bool {
        self.engine.contains(node)
    }

    /// The program's objects that would go with the node.
    pub(super) fn count(&self, node: NodeIndex) -> u64 {
        u64::from(self.counts[node.at()])
    }

    /// Their bytes.
    pub(super) fn bytes(&self, node: NodeIndex) -> u64 {
        u64::from(self.units[node.at()]) * UNIT_BYTES
    }
}
