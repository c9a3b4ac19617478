//! What a heap's graph says about its nodes: shallow and retained sizes, distances, dominators, retainers.
//!
//! ```no_run
//! use rs_heapdump::graph::Heap;
//! use rs_heapdump::snapshot::{OpenOptions, Snapshot};
//!
//! let heap = Heap::build(Snapshot::open("before.heapsnapshot".as_ref(), &OpenOptions::default())?);
//! let root = heap.snapshot().root();
//! println!("{} bytes", heap.retained_size(root));
//! # Ok::<(), rs_heapdump::snapshot::SnapshotError>(())
//! ```
//!
//! The figures are those of DevTools, node for node. Other tools differ in two points: a strict reading of
//! the garbage collector's rules has a `WeakMap`'s value retained by key and table together, and some
//! charge it to the table. DevTools charges it to the key.
//!
//! # Cost
//!
//! Linear in nodes and edges but for dominators (n log n at worst), on two threads: dominators on one,
//! shallow sizes and distances on the other.

pub(crate) mod bits;
mod distances;
mod dominators;
mod page;
mod retainers;
mod shallow;

use std::thread;

pub use distances::{Distance, Distances};
pub use retainers::{Retainer, Retainers};

use distances::Exceptions;
use dominators::DominatorTree;
use page::EssentialEdges;

use crate::snapshot::{NodeIndex, Sizes, Snapshot};

/// A snapshot with everything that is computed once for all nodes.
#[derive(Debug)]
pub struct Heap {
    snapshot: Snapshot,
    shallow: Sizes,
    distances: Distances,
    /// Immediate dominator by node.
    dominators: Vec<u32>,
    /// In bytes, by node.
    retained: Vec<u64>,
    /// Nodes such that every node stands after its dominator.
    order: Vec<u32>,
}

impl Heap {
    /// Computes sizes, distances and dominators.
    ///
    /// # Panics
    /// Never; a panic of a helper thread would be passed on.
    #[must_use]
    pub fn build(snapshot: Snapshot) -> Self {
        let exceptions = Exceptions::find(&snapshot);
        Self::with(snapshot, |snapshot| Distances::build(snapshot, exceptions))
    }

    /// Computes sizes and dominators; [`Heap::distance`] then knows none.
    ///
    /// # Panics
    /// As [`Heap::build`].
    #[must_use]
    pub fn without_distances(snapshot: Snapshot) -> Self {
        Self::with(snapshot, |_| Distances::none())
    }

    fn with(mut snapshot: Snapshot, distances: impl FnOnce(&Snapshot) -> Distances + Send) -> Self {
        let mut shallow = snapshot.take_sizes();
        snapshot.release_edge_names();
        let (tree, distances) = thread::scope(|scope| {
            let distances = scope.spawn(|| {
                shallow::transfer(&snapshot, &mut shallow);
                distances(&snapshot)
            });
            let tree = dominators::build(&EssentialEdges::new(&snapshot));
            (tree, distances.join().expect("the search for distances does not panic"))
        });
        let (dominators, retained) = retained_sizes(&tree, &shallow);
        Self {
            snapshot,
            shallow,
            distances,
            dominators,
            retained,
            order: tree.order,
        }
    }

    /// The file's own columns.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Bytes of the node itself and of what is part of it.
    #[inline(always)]
    #[must_use]
    pub fn shallow_size(&self, node: NodeIndex) -> u64 {
        self.shallow.get(node)
    }

    /// Shallow sizes of all nodes.
    #[must_use]
    pub fn shallow_sizes(&self) -> &Sizes {
        &self.shallow
    }

    /// Bytes that would be freed with the node.
    #[inline(always)]
    #[must_use]
    pub fn retained_size(&self, node: NodeIndex) -> u64 {
        self.retained[node.at()]
    }

    /// Edges from the program's roots.
    #[inline(always)]
    #[must_use]
    pub fn distance(&self, node: NodeIndex) -> Distance {
        self.distances.of(node)
    }

    /// The node all paths to this one pass through last; the root's is itself.
    #[inline(always)]
    #[must_use]
    pub fn dominator(&self, node: NodeIndex) -> NodeIndex {
        NodeIndex(self.dominators[node.at()])
    }

    /// All nodes, each after its dominator.
    pub fn top_down(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + ExactSizeIterator + '_ {
        self.order.iter().map(|node| NodeIndex(*node))
    }
}

/// Shallow sizes alone, taken out of the snapshot: what a comparison needs.
pub(crate) fn shallow_sizes(snapshot: &mut Snapshot) -> Sizes {
    let mut sizes = snapshot.take_sizes();
    shallow::transfer(snapshot, &mut sizes);
    sizes
}

/// Dominators and retained sizes by node.
fn retained_sizes(tree: &DominatorTree, shallow: &Sizes) -> (Vec<u32>, Vec<u64>) {
    let mut sums: Vec<u64> = tree.order.iter().map(|node| shallow.get(NodeIndex(*node))).collect();
    for number in (1..sums.len()).rev() {
        let size = sums[number];
        let dominator = &mut sums[tree.idoms[number] as usize];
        *dominator = dominator.saturating_add(size);
    }
    let mut dominators = vec![0; sums.len()];
    let mut retained = vec![0; sums.len()];
    for (number, &node) in tree.order.iter().enumerate() {
        dominators[node as usize] = tree.order[tree.idoms[number] as usize];
        retained[node as usize] = sums[number];
    }
    (dominators, retained)
}
