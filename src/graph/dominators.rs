//! Dominators: for every node the one node all paths from the root must pass through last.
//!
//! # How
//!
//! Semi-NCA: depth-first numbers, semidominators with path compression (Lengauer and Tarjan, "A fast
//! algorithm for finding dominators in a flowgraph", 1979), and then each node's immediate dominator as
//! the nearest common ancestor of its semidominator and its parent in the tree so far (Georgiadis, "Linear-
//! Time Algorithms for Dominators and Related Problems", 2005, chapter 2).
//!
//! The plain last step walks up the tree node by node, which takes quadratic time on caches that thread a
//! long list through shared values. Every node therefore keeps a second, longer way up (a jump pointer:
//! Myers, "An applicative random-access stack", 1983), which makes a walk logarithmic.
//!
//! Everything happens in the space of depth-first numbers, where a node, its parent and its semidominator
//! lie close together. Edges down the tree and forwards are done with during the search; only those across
//! and back are stored. Nothing recurses.
//!
//! # Nodes the root does not reach
//!
//! As in DevTools: a node that nothing holds at all counts as held by the root; what is still not reached
//! (islands that only hold each other) is dominated by the root, each node by itself.
//!
//! # Cost
//!
//! O(m log n) time; at its peak 28 bytes a node and 4 an edge across or back.

use super::bits::NodeSet;
use crate::snapshot::NodeIndex;

/// What dominators are computed on.
pub(crate) trait FlowGraph {
    fn node_count(&self) -> usize;
    fn root(&self) -> u32;
    /// Position of a node's first edge; also asked for one past the last node.
    fn first_edge(&self, node: u32) -> u32;
    /// Where an edge leads, if it counts.
    fn successor(&self, node: u32, edge: u32) -> Option<u32>;
}

const NONE: u32 = u32::MAX;

/// The dominator tree, by depth-first number.
pub(crate) struct DominatorTree {
    /// Node by number. Nodes on islands stand at the end.
    pub order: Vec<u32>,
    /// Immediate dominator by number, as a number smaller than its own; the root's is itself.
    pub idoms: Vec<u32>,
}

/// Computes the dominator tree.
pub(crate) fn build(graph: &impl FlowGraph) -> DominatorTree {
    let mut search = Search::run(graph);
    let crossings = search.crossings(graph);
    let Search {
        order, trees, islands, ..
    } = search;
    let parents = trees.iter().map(|tree| tree.ancestor).collect();
    let semis = semidominate(trees, crossings);
    let idoms = nearest_common_ancestors(parents, semis);
    let mut tree = DominatorTree { order, idoms };
    tree.add_islands(graph, &islands);
    tree
}

impl DominatorTree {
    fn add_islands(&mut self, graph: &impl FlowGraph, islands: &[u32]) {
        debug_assert_eq!(self.order.len() + islands.len(), graph.node_count());
        self.order.extend_from_slice(islands);
        self.idoms.resize(self.order.len(), 0);
    }
}

/// A depth-first search, and what is learnt on the way.
struct Search {
    /// Node by number.
    order: Vec<u32>,
    /// Number by node.
    numbers: Vec<u32>,
    /// Parent, and smallest predecessor known so far, by number.
    trees: Vec<Tree>,
    /// Edges across and back into a node, by number.
    crossing_counts: Vec<u32>,
    /// Nodes that were not reached.
    islands: Vec<u32>,
    stack: Vec<Frame>,
}

/// A node whose edges are being followed.
#[derive(Clone, Copy)]
struct Frame {
    number: u32,
    next_edge: u32,
}

impl Search {
    fn run(graph: &impl FlowGraph) -> Self {
        let count = graph.node_count();
        let mut search = Self {
            order: Vec::with_capacity(count),
            numbers: vec![NONE; count],
            trees: Vec::with_capacity(count),
            crossing_counts: Vec::with_capacity(count + 1),
            islands: Vec::new(),
            stack: Vec::new(),
        };
        search.visit_from(graph, graph.root());
        if search.order.len() < count {
            for orphan in search.orphans(graph) {
                if search.numbers[orphan as usize] == NONE {
                    search.visit_from(graph, orphan);
                }
            }
            search.islands = (0..count as u32)
                .filter(|node| search.numbers[*node as usize] == NONE)
                .collect();
        }
        search
    }

    /// Nodes not reached that nothing holds. Whatever holds an unreached node is itself unreached.
    fn orphans(&self, graph: &impl FlowGraph) -> Vec<u32> {
        let unreached = || (0..graph.node_count() as u32).filter(|node| self.numbers[*node as usize] == NONE);
        let mut held = vec![false; graph.node_count()];
        for node in unreached() {
            for edge in graph.first_edge(node)..graph.first_edge(node + 1) {
                if let Some(target) = graph.successor(node, edge) {
                    held[target as usize] = true;
                }
            }
        }
        unreached().filter(|node| !held[*node as usize]).collect()
    }

    /// Visits what is reached from `start`, which becomes a child of the root (or the root).
    fn visit_from(&mut self, graph: &impl FlowGraph, start: u32) {
        self.enter(graph, start, 0);
        while let Some(Frame { number, next_edge }) = self.stack.pop() {
            let node = self.order[number as usize];
            let end = graph.first_edge(node + 1);
            for edge in next_edge..end {
                let Some(target) = graph.successor(node, edge) else {
                    continue;
                };
                let other = self.numbers[target as usize];
                if other == NONE {
                    self.stack.push(Frame {
                        number,
                        next_edge: edge + 1,
                    });
                    self.enter(graph, target, number);
                    break;
                }
                if other > number {
                    // Forwards: the source comes before the target and is not linked when it counts.
                    let tree = &mut self.trees[other as usize];
                    tree.label = tree.label.min(number);
                } else {
                    self.crossing_counts[other as usize] += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn enter(&mut self, graph: &impl FlowGraph, node: u32, parent: u32) {
        let number = self.order.len() as u32;
        self.numbers[node as usize] = number;
        self.order.push(node);
        self.trees.push(Tree {
            ancestor: parent,
            label: parent,
        });
        self.crossing_counts.push(0);
        self.stack.push(Frame {
            number,
            next_edge: graph.first_edge(node),
        });
    }

    /// The sources of edges across and back, by target.
    fn crossings(&mut self, graph: &impl FlowGraph) -> Crossings {
        let mut ends = std::mem::take(&mut self.crossing_counts);
        // Nothing is asked about the root, nor about nodes known to have it as semidominator.
        let mut settled = NodeSet::new(self.order.len());
        for (number, (count, tree)) in ends.iter_mut().zip(&self.trees).enumerate() {
            if tree.label == 0 {
                *count = 0;
                settled.insert(NodeIndex::from(number));
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        ends.push(total);
        let mut sources = vec![0; total as usize];
        for (number, &node) in self.order.iter().enumerate() {
            for edge in graph.first_edge(node)..graph.first_edge(node + 1) {
                let Some(target) = graph.successor(node, edge) else {
                    continue;
                };
                let other = self.numbers[target as usize];
                if other < number as u32 && !settled.contains(NodeIndex(other)) {
                    let end = &mut ends[other as usize];
                    *end -= 1;
                    sources[*end as usize] = number as u32;
                }
            }
        }
        self.numbers = Vec::new();
        Crossings { starts: ends, sources }
    }
}

/// The semidominator of every node, by number; from the last node to the first.
///
/// Each takes the place of a start in `crossings` that is not needed any more, one after its own.
fn semidominate(trees: Vec<Tree>, mut crossings: Crossings) -> Vec<u32> {
    let mut forest = Forest {
        trees,
        path: Vec::new(),
    };
    for number in (1..forest.trees.len() as u32).rev() {
        let mut semi = forest.trees[number as usize].label;
        for &source in crossings.of(number) {
            if semi == 0 {
                break;
            }
            semi = semi.min(forest.smallest(source, number));
        }
        forest.trees[number as usize].label = semi;
        crossings.starts[number as usize + 1] = semi;
    }
    let mut semis = crossings.starts;
    semis.remove(0);
    semis
}

/// Immediate dominators by number.
fn nearest_common_ancestors(parents: Vec<u32>, semis: Vec<u32>) -> Vec<u32> {
    let mut ways: Vec<Way> = Vec::with_capacity(parents.len());
    ways.push(Way {
        idom: 0,
        jump: 0,
        depth: 0,
    });
    for (parent, semi) in parents.into_iter().zip(semis).skip(1) {
        let mut idom = parent;
        while idom > semi {
            let Way { idom: up, jump, .. } = ways[idom as usize];
            idom = if jump > semi { jump } else { up };
        }
        let above = ways[idom as usize];
        let jump = ways[above.jump as usize];
        let landing = ways[jump.jump as usize];
        let balanced = above.depth - jump.depth == jump.depth - landing.depth;
        ways.push(Way {
            idom,
            jump: if balanced { jump.jump } else { idom },
            depth: above.depth + 1,
        });
    }
    ways.iter().map(|way| way.idom).collect()
}

/// Ways up the dominator tree.
#[derive(Clone, Copy)]
struct Way {
    idom: u32,
    /// An ancestor further up.
    jump: u32,
    depth: u32,
}

struct Crossings {
    starts: Vec<u32>,
    sources: Vec<u32>,
}

impl Crossings {
    #[inline(always)]
    fn of(&self, number: u32) -> &[u32] {
        let range = self.starts[number as usize] as usize..self.starts[number as usize + 1] as usize;
        &self.sources[range]
    }
}

/// The nodes after the one being looked at, linked to their parents; paths are compressed.
struct Forest {
    trees: Vec<Tree>,
    path: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Tree {
    ancestor: u32,
    /// Smallest semidominator from here up to, and without, `ancestor`; before the node is linked, the
    /// smallest of its predecessors that come before it.
    label: u32,
}

impl Forest {
    /// Smallest semidominator on the way from `number` to the top of its tree; what comes after `current`
    /// is linked.
    #[inline(always)]
    fn smallest(&mut self, number: u32, current: u32) -> u32 {
        let tree = self.trees[number as usize];
        if tree.ancestor <= current {
            tree.label
        } else {
            self.compress(number, current)
        }
    }

    fn compress(&mut self, number: u32, current: u32) -> u32 {
        let mut at = number;
        let mut above = self.trees[at as usize];
        while above.ancestor > current {
            self.path.push(at);
            at = above.ancestor;
            above = self.trees[at as usize];
        }
        while let Some(at) = self.path.pop() {
            let tree = &mut self.trees[at as usize];
            tree.ancestor = above.ancestor;
            tree.label = tree.label.min(above.label);
            above = *tree;
        }
        above.label
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A graph as lists of successors.
    pub(crate) struct Lists {
        first: Vec<u32>,
        targets: Vec<u32>,
    }

    impl Lists {
        pub(crate) fn new(lists: &[Vec<u32>]) -> Self {
            let mut first = vec![0];
            let mut targets = Vec::new();
            for list in lists {
                targets.extend_from_slice(list);
                first.push(targets.len() as u32);
            }
            Self { first, targets }
        }
    }

    impl FlowGraph for Lists {
        fn node_count(&self) -> usize {
            self.first.len() - 1
        }
        fn root(&self) -> u32 {
            0
        }
        fn first_edge(&self, node: u32) -> u32 {
            self.first[node as usize]
        }
        fn successor(&self, node: u32, edge: u32) -> Option<u32> {
            Some(self.targets[edge as usize]).filter(|target| *target != node)
        }
    }

    /// By definition: `d` dominates `n` if `n` is not reached once `d` is removed. With the rules for what
    /// the root does not reach.
    fn naive(graph: &Lists) -> Vec<u32> {
        let count = graph.node_count();
        let successors = |node: u32| {
            (graph.first_edge(node)..graph.first_edge(node + 1)).filter_map(move |edge| graph.successor(node, edge))
        };
        let mut held = vec![false; count];
        (0..count as u32).for_each(|node| successors(node).for_each(|target| held[target as usize] = true));
        let reach = |without: Option<u32>| {
            let mut seen = vec![false; count];
            let mut stack: Vec<u32> = (0..count as u32)
                .filter(|node| *node == 0 || !held[*node as usize])
                .collect();
            while let Some(node) = stack.pop() {
                if Some(node) != without && !std::mem::replace(&mut seen[node as usize], true) {
                    stack.extend(successors(node));
                }
            }
            seen
        };
        let reached = reach(None);
        let mut idoms = vec![0; count];
        let mut depths = vec![0; count];
        for dominator in 1..count as u32 {
            if reached[dominator as usize] {
                let left = reach(Some(dominator));
                for node in 0..count {
                    if node as u32 != dominator && reached[node] && !left[node] {
                        depths[node] += 1;
                    }
                }
            }
        }
        for dominator in 1..count as u32 {
            if reached[dominator as usize] {
                let left = reach(Some(dominator));
                for node in 0..count {
                    // The immediate dominator is the deepest one.
                    if node as u32 != dominator
                        && reached[node]
                        && !left[node]
                        && depths[dominator as usize] + 1 == depths[node]
                    {
                        idoms[node] = dominator;
                    }
                }
            }
        }
        idoms
    }

    fn by_node(tree: &DominatorTree) -> Vec<u32> {
        let mut idoms = vec![0; tree.order.len()];
        for (number, node) in tree.order.iter().enumerate() {
            idoms[*node as usize] = tree.order[tree.idoms[number] as usize];
        }
        idoms
    }

    fn random(state: &mut u64) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 32) as u32
    }

    #[test]
    fn agrees_with_the_definition_on_random_graphs() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..3000 {
            let count = 1 + random(&mut state) % 24;
            let edges = random(&mut state) % (3 * count);
            let mut lists = vec![Vec::new(); count as usize];
            for _ in 0..edges {
                lists[(random(&mut state) % count) as usize].push(random(&mut state) % count);
            }
            let graph = Lists::new(&lists);
            assert_eq!(by_node(&build(&graph)), naive(&graph), "round {round}: {lists:?}");
        }
    }

    #[test]
    fn deep_lists_wide_fans_and_islands_are_ordinary() {
        let deep = 300_000u32;
        // A list with ways back, whose values are shared between its two halves.
        let mut lists: Vec<Vec<u32>> = (0..deep)
            .map(|i| {
                let mut list = vec![deep + (i * 7919) % deep];
                list.extend((i + 1 < deep).then_some(i + 1));
                list.extend(i.checked_sub(1));
                list
            })
            .collect();
        for list in &mut lists {
            list.reverse();
        }
        lists.resize(2 * deep as usize, Vec::new());
        for i in 0..deep {
            lists[(i / 2) as usize].push(deep + (i * 31) % deep);
        }
        lists.push(vec![2 * deep + 1]);
        lists.push(vec![2 * deep]);
        let tree = build(&Lists::new(&lists));
        let idoms = by_node(&tree);
        assert!((1..deep).all(|i| idoms[i as usize] == i - 1));
        assert_eq!(idoms[2 * deep as usize..], [0, 0]);

        let wide: Vec<Vec<u32>> = std::iter::once((1..1_000_000).collect())
            .chain((1..1_000_000).map(|i| vec![i / 2]))
            .collect();
        assert!(by_node(&build(&Lists::new(&wide))).iter().all(|idom| *idom == 0));
    }
}
