//! Interfaces: plain objects told apart by the properties they have, as in `{id, name}`.
//!
//! # Rules (DevTools')
//!
//! Every plain object proposes the interface of its properties, in their order, cut where the name gets
//! longer than 120 characters. Those proposed by at least two objects and by one in a thousand become
//! definitions, the most popular first. An object then belongs to the definition with the most
//! properties among those it has all properties of; of equal ones, to the more popular.
//!
//! # How
//!
//! Objects of one make have the same names in the same order, so each sequence is looked at once. To match,
//! definitions form a tree of properties in sorted order, and an object walks it with its own sorted
//! properties, of which only those that occur in a definition are kept.
//!
//! # Cost
//!
//! One lookup for a property of a plain object; one walk for each distinct set of properties, which passes
//! over the branches of the tree that hold nothing better than what was found.

use std::collections::HashMap;

use super::names::{self, Text};
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind, Snapshot, StringIndex};

/// Longer than this, in UTF-16 units, an interface's name takes no more properties.
const MAX_NAME_UNITS: usize = 120;
/// A property takes at least two units of a name, and the first one any number.
const MAX_PROPERTIES: usize = 1 + MAX_NAME_UNITS / 2;
/// Objects an interface must have.
const MIN_OBJECTS: usize = 2;
/// One in so many objects must have the interface.
const MIN_SHARE: usize = 1000;

/// An interface of plain objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Such as `{id, name}`, in UTF-16.
    pub(crate) name: Box<Text>,
    /// In the order of the name.
    pub(crate) properties: Vec<Box<Text>>,
}

/// The interfaces of a snapshot, the most popular first. To compare two snapshots, the later one's are used
/// for both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces(pub(crate) Vec<Interface>);

/// The property edges of a plain object, in the order of the file.
fn properties(snapshot: &Snapshot, node: NodeIndex) -> impl Iterator<Item = u32> + '_ {
    let names = &snapshot.edge_names()[snapshot.edge_range(node)];
    let links = snapshot.links(node).zip(names);
    links
        .filter(|(link, _)| link.is(EdgeKind::Property))
        .map(|(_, name)| *name)
}

/// All plain objects, in the order of the file.
pub(crate) fn plain_objects(snapshot: &Snapshot) -> impl Iterator<Item = NodeIndex> + '_ {
    let object = snapshot.strings().known("Object");
    snapshot
        .nodes()
        .filter(move |node| snapshot.kind(*node) == NodeKind::Object && object.contains(&snapshot.name(*node)))
}

impl Interfaces {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = String> + '_ {
        self.0.iter().map(|interface| String::from_utf16_lossy(&interface.name))
    }

    /// Infers the interfaces of a snapshot.
    #[must_use]
    pub fn infer(snapshot: &Snapshot) -> Self {
        let (sequences, total) = sequences(snapshot);
        let mut candidates = candidates(snapshot, &sequences);
        // Stable: of equally popular ones the one met first comes first.
        candidates.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let popular = |count: usize| count >= MIN_OBJECTS && count * MIN_SHARE >= total;
        Self(
            candidates
                .into_iter()
                .take_while(|(_, count)| popular(*count))
                .map(|(interface, _)| interface)
                .collect(),
        )
    }
}

/// Names of properties, and how many objects have them in this order.
type Sequence = (Box<[u32]>, usize);

/// The distinct beginnings of objects' properties, with how many objects have each, in the order they are
/// met; and the number of plain objects.
fn sequences(snapshot: &Snapshot) -> (Vec<Sequence>, usize) {
    let proto = snapshot.strings().known("__proto__");
    let mut sequences: Vec<Sequence> = Vec::new();
    let mut known: HashMap<Box<[u32]>, usize> = HashMap::new();
    let mut total = 0;
    let mut sequence = Vec::with_capacity(MAX_PROPERTIES);
    for node in plain_objects(snapshot) {
        total += 1;
        sequence.clear();
        let names = properties(snapshot, node).filter(|name| !proto.contains(&StringIndex(*name)));
        sequence.extend(names.take(MAX_PROPERTIES));
        if let Some(&at) = known.get(&sequence[..]) {
            sequences[at].1 += 1;
        } else {
            known.insert(sequence.as_slice().into(), sequences.len());
            sequences.push((sequence.as_slice().into(), 1));
        }
    }
    (sequences, total)
}

fn candidates(snapshot: &Snapshot, sequences: &[Sequence]) -> Vec<(Interface, usize)> {
    let mut candidates: Vec<(Interface, usize)> = Vec::new();
    let mut known: HashMap<Box<Text>, usize> = HashMap::new();
    let mut names = NameCache::new(snapshot);
    for (sequence, count) in sequences {
        let Some(interface) = propose(sequence, &mut names) else {
            continue;
        };
        if let Some(&at) = known.get(&interface.name) {
            candidates[at].1 += count;
        } else {
            known.insert(interface.name.clone(), candidates.len());
            candidates.push((interface, *count));
        }
    }
    candidates
}

/// The interface that an object with these properties proposes; none without properties.
fn propose(sequence: &[u32], names: &mut NameCache<'_>) -> Option<Interface> {
    let mut name: Vec<u16> = vec![u16::from(b'{')];
    let mut properties = Vec::new();
    for &property in sequence {
        let (text, shown) = names.get(StringIndex(property));
        if name.len() > 1 && name.len() + shown.len() > MAX_NAME_UNITS {
            break;
        }
        if name.len() != 1 {
            name.extend([u16::from(b','), u16::from(b' ')]);
        }
        name.extend_from_slice(shown);
        properties.push(text.into());
    }
    name.push(u16::from(b'}'));
    (!properties.is_empty()).then(|| Interface {
        name: name.into(),
        properties,
    })
}

/// Names of properties and how they are shown, each read once.
struct NameCache<'s> {
    snapshot: &'s Snapshot,
    names: HashMap<StringIndex, (Box<Text>, Option<Box<Text>>)>,
}

impl<'s> NameCache<'s> {
    fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            names: HashMap::new(),
        }
    }

    /// The name, and what is shown of it.
    fn get(&mut self, name: StringIndex) -> (&Text, &Text) {
        // Of many unlike objects only the first properties are ever asked for again.
        const MOST: usize = 1 << 20;
        if self.names.len() >= MOST && !self.names.contains_key(&name) {
            self.names.clear();
        }
        let (text, shown) = self.names.entry(name).or_insert_with(|| {
            let text: Box<Text> = self.snapshot.strings().utf16(name).into();
            let shown = names::quoted(&text);
            (text, shown)
        });
        (text, shown.as_deref().unwrap_or(text))
    }
}

/// Finds the interface of objects.
pub(crate) struct Matcher {
    tree: Vec<TreeNode>,
    /// Place of a property among all properties of definitions, sorted; by string.
    ranks: Vec<u32>,
    known: HashMap<Box<[u32]>, Option<u32>>,
}

#[derive(Default)]
struct TreeNode {
    /// By rank of the property, ascending.
    next: Vec<(u32, u32)>,
    /// The interface that is complete here, and its number of properties.
    interface: Option<(u32, usize)>,
    /// The best interface from here on.
    best_below: Option<(u32, usize)>,
}

const NO_RANK: u32 = u32::MAX;

impl Matcher {
    pub(crate) fn new(snapshot: &Snapshot, interfaces: &Interfaces) -> Self {
        let mut sorted: Vec<&Text> = interfaces
            .0
            .iter()
            .flat_map(|i| i.properties.iter().map(|p| &**p))
            .collect();
        sorted.sort_unstable();
        sorted.dedup();
        let rank = |text: &Text| sorted.binary_search(&text).ok();
        let mut tree = vec![TreeNode::default()];
        for (index, interface) in interfaces.0.iter().enumerate() {
            let mut path: Vec<u32> = interface
                .properties
                .iter()
                .filter_map(|text| rank(text))
                .map(|r| r as u32)
                .collect();
            path.sort_unstable();
            add_path(&mut tree, &path, index as u32);
        }
        let mut ranks = Vec::new();
        if !sorted.is_empty() {
            ranks = vec![NO_RANK; snapshot.strings().len()];
            let longest = sorted.iter().map(|text| text.len()).max().unwrap_or(0);
            snapshot.strings().for_each_short(longest, |string, text| {
                if let Some(rank) = rank(text) {
                    ranks[string.at()] = rank as u32;
                }
            });
        }
        Self {
            tree,
            ranks,
            known: HashMap::new(),
        }
    }

    /// The interface of a plain object, as an index.
    pub(crate) fn find(&mut self, snapshot: &Snapshot, node: NodeIndex, scratch: &mut Vec<u32>) -> Option<u32> {
        if self.ranks.is_empty() {
            return None;
        }
        scratch.clear();
        let ranks = properties(snapshot, node).map(|name| self.ranks.get(name as usize).copied().unwrap_or(NO_RANK));
        scratch.extend(ranks.filter(|rank| *rank != NO_RANK));
        if let Some(found) = self.known.get(&scratch[..]) {
            return *found;
        }
        let unsorted: Box<[u32]> = scratch.as_slice().into();
        scratch.sort_unstable();
        let found = self.walk(scratch);
        self.known.insert(unsorted, found);
        found
    }

    fn walk(&self, ranks: &[u32]) -> Option<u32> {
        let mut best: Option<(u32, usize)> = None;
        // Nodes of the tree with the properties that are left.
        let mut stack = vec![(0u32, ranks)];
        while let Some((at, left)) = stack.pop() {
            let node = &self.tree[at as usize];
            best = better(best, node.interface);
            // Where nothing better follows nothing is looked for.
            if better(best, node.best_below) == best {
                continue;
            }
            if node.next.len() < left.len() {
                for &(rank, next) in &node.next {
                    let from = left.partition_point(|other| *other < rank);
                    if left.get(from) == Some(&rank) {
                        stack.push((next, &left[from + 1..]));
                    }
                }
            } else {
                let mut last = None;
                for (from, rank) in left.iter().enumerate() {
                    if last.replace(rank) == Some(rank) {
                        continue;
                    }
                    if let Ok(next) = node.next.binary_search_by_key(rank, |(rank, _)| *rank) {
                        stack.push((node.next[next].1, &left[from + 1..]));
                    }
                }
            }
        }
        best.map(|(interface, _)| interface)
    }
}

/// The one with more properties; of equal ones the more popular.
fn better(a: Option<(u32, usize)>, b: Option<(u32, usize)>) -> Option<(u32, usize)> {
    match (a, b) {
        (Some((index, count)), Some((other, others))) => {
            let first = count > others || (count == others && index <= other);
            Some(if first { (index, count) } else { (other, others) })
        }
        (a, b) => a.or(b),
    }
}

fn add_path(tree: &mut Vec<TreeNode>, path: &[u32], interface: u32) {
    let found = Some((interface, path.len()));
    let mut at = 0;
    for rank in path {
        tree[at].best_below = better(tree[at].best_below, found);
        let found = tree[at].next.binary_search_by_key(rank, |(rank, _)| *rank);
        at = match found {
            Ok(next) => tree[at].next[next].1 as usize,
            Err(place) => {
                let next = tree.len();
                tree.push(TreeNode::default());
                tree[at].next.insert(place, (*rank, next as u32));
                next
            }
        };
    }
    // The more popular of two interfaces with the same properties came first.
    tree[at].interface = better(tree[at].interface, found);
    tree[at].best_below = better(tree[at].best_below, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of interfaces whose properties are given by rank.
    fn matcher(interfaces: &[Vec<u32>]) -> Matcher {
        let mut tree = vec![TreeNode::default()];
        for (index, properties) in interfaces.iter().enumerate() {
            let mut path = properties.clone();
            path.sort_unstable();
            add_path(&mut tree, &path, index as u32);
        }
        Matcher {
            tree,
            ranks: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// By the rule itself: of those whose properties are all there, the one with most; the first of these.
    fn naive(interfaces: &[Vec<u32>], object: &[u32]) -> Option<u32> {
        let has_all = |interface: &&Vec<u32>| interface.iter().all(|property| object.contains(property));
        let most = interfaces.iter().filter(has_all).map(Vec::len).max()?;
        interfaces
            .iter()
            .position(|interface| interface.len() == most && has_all(&interface))
            .map(|at| at as u32)
    }

    #[test]
    fn agrees_with_the_rule_on_random_interfaces() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) % below
        };
        for _ in 0..3000 {
            let mut some = |most: u64| -> Vec<u32> {
                let mut properties: Vec<u32> = (0..=random(most)).map(|_| random(9) as u32).collect();
                properties.sort_unstable();
                properties.dedup();
                properties
            };
            let interfaces: Vec<Vec<u32>> = (0..8).map(|_| some(4)).collect();
            let object = some(9);
            assert_eq!(
                matcher(&interfaces).walk(&object),
                naive(&interfaces, &object),
                "{interfaces:?} {object:?}"
            );
        }
    }
}
