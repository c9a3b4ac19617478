//! Retainers: who points to a node, and by which edge. Built when asked for, as paths need it and
//! summaries do not: 4 bytes an edge.

use crate::snapshot::{EdgeIndex, Link, NodeIndex, Snapshot};

/// An edge seen from its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retainer {
    /// Where the edge comes from.
    pub node: NodeIndex,
    /// The edge.
    pub edge: EdgeIndex,
}

/// All edges by their targets (compressed sparse rows).
#[derive(Clone, Debug)]
pub struct Retainers {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Retainers {
    /// Sorts the edges by target, those of one target by position.
    #[must_use]
    pub fn build(snapshot: &Snapshot) -> Self {
        let words = snapshot.link_words();
        let mut starts = vec![0u32; snapshot.node_count() + 1];
        for word in words {
            starts[Link::from_word(*word).target().at()] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut edges = vec![0; words.len()];
        for (edge, word) in words.iter().enumerate().rev() {
            let slot = &mut starts[Link::from_word(*word).target().at()];
            *slot -= 1;
            edges[*slot as usize] = edge as u32;
        }
        Self { starts, edges }
    }

    /// Who points to the node, weak edges included. A source is found in logarithmic time.
    pub fn of<'s>(&'s self, snapshot: &'s Snapshot, node: NodeIndex) -> impl ExactSizeIterator<Item = Retainer> + 's {
        let range = self.starts[node.at()] as usize..self.starts[node.at() + 1] as usize;
        let edges = self.edges[range].iter().map(|edge| EdgeIndex(*edge));
        edges.map(|edge| Retainer {
            node: snapshot.source(edge),
            edge,
        })
    }

    /// How many edges point to the node.
    #[must_use]
    pub fn count(&self, node: NodeIndex) -> usize {
        (self.starts[node.at() + 1] - self.starts[node.at()]) as usize
    }
}
