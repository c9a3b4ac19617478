//! A set of nodes, one bit each: the sets of a heap of ten million nodes stay in a second-level cache.

use crate::snapshot::NodeIndex;

#[derive(Clone, Debug)]
pub(crate) struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            words: vec![0; nodes.div_ceil(64)],
        }
    }

    #[inline(always)]
    pub(crate) fn contains(&self, node: NodeIndex) -> bool {
        self.words[node.at() / 64] >> (node.0 % 64) & 1 != 0
    }

    /// True if the node was not in the set before.
    #[inline(always)]
    pub(crate) fn insert(&mut self, node: NodeIndex) -> bool {
        let word = &mut self.words[node.at() / 64];
        let bit = 1 << (node.0 % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
