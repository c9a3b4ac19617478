//! Classes: nodes by constructor, as in DevTools' Summary view.
//!
//! # What makes a class
//!
//! Objects count under their constructor's name, and where the file says where the constructor is, under
//! that place, too: two classes `Item` of two files are two classes. Plain objects count under their
//! interface (see [`Interfaces`]). Everything else counts under a name for its type: `(array)`,
//! `(string)`, `Function`, `(compiled code)`, `(system)` … Nodes of shallow size 0 count nowhere.
//!
//! A class's retained size is the sum over its nodes that no other node of the class dominates.
//!
//! # Difference to DevTools
//!
//! Where two kinds of nodes have the same key (an object whose constructor is called `(system)`, or two
//! equal strings in the table), DevTools shows one of the two and loses the other; here they are one class.

use std::collections::HashMap;

use super::interfaces::{Interfaces, Matcher, plain_objects};
use super::names::{Names, Text};
use super::sources::Sources;
use crate::graph::{Distance, Heap};
use crate::snapshot::{NodeIndex, NodeKind, Place, PlaceIndex, Snapshot};

/// Position in [`Classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIndex(pub u32);

impl ClassIndex {
    fn at(self) -> usize {
        self.0 as usize
    }
}

/// What identifies a class in all snapshots of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClassKey {
    name: Box<Text>,
    /// Where the constructor is, if the file says so.
    pub place: Option<Place>,
}

impl ClassKey {
    /// The constructor, interface or type.
    #[must_use]
    pub fn name(&self) -> String {
        String::from_utf16_lossy(&self.name)
    }

    /// Whether this is an interface, or objects of none.
    pub(crate) fn is_plain_object(&self) -> bool {
        self.place.is_none()
            && (self.name.first() == Some(&u16::from(b'{')) || "Object".encode_utf16().eq(self.name.iter().copied()))
    }

    /// As DevTools writes it: `script,line,column,name`, or `,name`.
    #[must_use]
    pub fn devtools(&self) -> String {
        match self.place {
            Some(Place {
                script_id,
                line,
                column,
            }) => format!("{script_id},{line},{column},{}", self.name()),
            None => format!(",{}", self.name()),
        }
    }
}

/// The class of every node.
#[derive(Clone, Debug)]
pub struct Classes {
    of_node: Vec<u32>,
    keys: Vec<ClassKey>,
    sources: Sources,
}

impl Classes {
    /// Assigns classes, with these interfaces for plain objects.
    #[must_use]
    pub fn build(snapshot: &Snapshot, interfaces: &Interfaces) -> Self {
        let mut names = Names::default();
        let mut of_node = class_names(snapshot, &mut names);
        name_plain_objects(snapshot, interfaces, &mut names, &mut of_node);
        let keys = number_classes(snapshot, &names.into_names(), &mut of_node);
        Self {
            of_node,
            keys,
            sources: Sources::build(snapshot),
        }
    }

    /// The class of a node.
    #[inline(always)]
    #[must_use]
    pub fn of(&self, node: NodeIndex) -> ClassIndex {
        ClassIndex(self.of_node[node.at()])
    }

    /// What identifies a class.
    #[must_use]
    pub fn key(&self, class: ClassIndex) -> &ClassKey {
        &self.keys[class.at()]
    }

    /// The files that they come from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn into_keys(self) -> Vec<ClassKey> {
        self.keys
    }
}

/// The number of each node's class name.
fn class_names(snapshot: &Snapshot, names: &mut Names) -> Vec<u32> {
    let types = &snapshot.schema().node_types;
    // Names that depend on the type alone.
    let by_type: Vec<Option<u32>> = types
        .iter()
        .enumerate()
        .map(|(raw, name)| {
            let fixed = match snapshot.schema().node_kind(raw as u8) {
                NodeKind::Object | NodeKind::Native => return None,
                NodeKind::Hidden => "(system)".to_owned(),
                NodeKind::Code => "(compiled code)".to_owned(),
                NodeKind::Closure => "Function".to_owned(),
                NodeKind::RegExp => "RegExp".to_owned(),
                _ => format!("({name})"),
            };
            Some(names.number(&fixed.encode_utf16().collect::<Vec<u16>>()))
        })
        .collect();
    // Neighbours are often of one class, and most objects are of few.
    let mut last = None;
    let mut of_node = Vec::with_capacity(snapshot.node_count());
    of_node.extend(snapshot.nodes().map(|node| {
        if let Some(number) = by_type[snapshot.raw_type(node) as usize] {
            return number;
        }
        let string = snapshot.name(node);
        match last {
            Some((known, number)) if known == string => number,
            _ => {
                let number = names.class_number(snapshot, string);
                last = Some((string, number));
                number
            }
        }
    }));
    for &node in snapshot.detached() {
        of_node[node.at()] = names.detached_number(snapshot, snapshot.name(node));
    }
    of_node
}

fn name_plain_objects(snapshot: &Snapshot, interfaces: &Interfaces, names: &mut Names, of_node: &mut [u32]) {
    if interfaces.is_empty() {
        return;
    }
    let numbers: Vec<u32> = interfaces
        .0
        .iter()
        .map(|interface| names.number(&interface.name))
        .collect();
    let mut matcher = Matcher::new(snapshot, interfaces);
    let mut scratch = Vec::new();
    for node in plain_objects(snapshot) {
        if let Some(interface) = matcher.find(snapshot, node, &mut scratch) {
            of_node[node.at()] = numbers[interface as usize];
        }
    }
}

/// Turns names into classes: located objects count by place, too.
fn number_classes(snapshot: &Snapshot, names: &[Box<Text>], of_node: &mut [u32]) -> Vec<ClassKey> {
    let mut located: HashMap<(PlaceIndex, u32), u32> = HashMap::new();
    let mut keys: Vec<ClassKey> = names
        .iter()
        .map(|name| ClassKey {
            name: name.clone(),
            place: None,
        })
        .collect();
    for (node, place) in snapshot.locations().rows() {
        if snapshot.kind(node) == NodeKind::Object {
            let name = of_node[node.at()];
            of_node[node.at()] = *located.entry((place, name)).or_insert_with(|| {
                let place = Some(snapshot.locations().place(place));
                keys.push(ClassKey {
                    name: names[name as usize].clone(),
                    place,
                });
                keys.len() as u32 - 1
            });
        }
    }
    keys
}

/// A row of the Summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The class.
    pub class: ClassIndex,
    /// Its nodes of a shallow size other than 0.
    pub count: u64,
    /// Their sizes.
    pub shallow_bytes: u64,
    /// What would be freed with all of them.
    pub retained_bytes: u64,
    /// Least distance of a node; [`Distance::NONE`] if nothing reaches one of them.
    pub distance: Distance,
}

/// The Summary: a row for every class that has nodes, in the order in which they first occur.
#[must_use]
pub fn summarize(heap: &Heap, classes: &Classes) -> Vec<Aggregate> {
    let snapshot = heap.snapshot();
    let mut rows: Vec<Option<Aggregate>> = vec![None; classes.len()];
    for node in snapshot.nodes().filter(|node| !heap.shallow_sizes().is_zero(*node)) {
        let class = classes.of(node);
        let distance = heap.distance(node);
        let row = rows[class.at()].get_or_insert(Aggregate {
            class,
            count: 0,
            shallow_bytes: 0,
            retained_bytes: 0,
            distance,
        });
        row.count += 1;
        row.shallow_bytes = row.shallow_bytes.saturating_add(heap.shallow_size(node));
        // DevTools counts what nothing reaches as nearer than anything.
        row.distance = if distance == Distance::NONE || row.distance == Distance::NONE {
            Distance::NONE
        } else {
            row.distance.min(distance)
        };
    }
    add_retained(heap, classes, &mut rows);
    rows.into_iter().flatten().collect()
}

/// Adds the retained sizes of the nodes that no node of their class dominates.
///
/// Nodes are taken in preorder of the dominator tree, where the nodes that one node dominates follow it in
/// one run; for each class the end of the current run is kept.
fn add_retained(heap: &Heap, classes: &Classes, rows: &mut [Option<Aggregate>]) {
    let preorder = Preorder::new(heap);
    let mut ends = vec![0u32; classes.len()];
    for (position, &node) in preorder.nodes.iter().enumerate() {
        let node = NodeIndex(node);
        let class = classes.of(node).at();
        if heap.shallow_sizes().is_zero(node) || (position as u32) < ends[class] {
            continue;
        }
        ends[class] = position as u32 + preorder.counts[node.at()];
        if let Some(row) = &mut rows[class] {
            row.retained_bytes = row.retained_bytes.saturating_add(heap.retained_size(node));
        }
    }
}

/// The nodes such that those a node dominates follow it in one run.
struct Preorder {
    nodes: Vec<u32>,
    /// Length of the run, by node, the node itself included.
    counts: Vec<u32>,
}

impl Preorder {
    fn new(heap: &Heap) -> Self {
        let total = heap.snapshot().node_count();
        let root = heap.snapshot().root();
        let mut counts = vec![1u32; total];
        for node in heap.top_down().rev().filter(|node| *node != root) {
            counts[heap.dominator(node).at()] += counts[node.at()];
        }
        // Position of the next node to be dominated, by dominator.
        let mut next = vec![0u32; total];
        let mut nodes = vec![0u32; total];
        for node in heap.top_down() {
            let position = if node == root {
                0
            } else {
                let slot = &mut next[heap.dominator(node).at()];
                let position = *slot;
                *slot += counts[node.at()];
                position
            };
            nodes[position as usize] = node.0;
            next[node.at()] = position + 1;
        }
        Self { nodes, counts }
    }
}
