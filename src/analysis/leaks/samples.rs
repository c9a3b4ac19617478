//! New objects at an accumulation point: which tell most, what they are, under which keys they stand.

use std::collections::{HashMap, HashSet, VecDeque};

use super::collections;
use super::entries::{self, Site};
use super::naming;
use super::scene::{Hop, Scene};
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind, PlaceIndex};

/// Objects behind a point that are looked at.
const MAX_BEHIND: usize = 200_000;
/// Of a chain, so many of its members are samples.
const MAX_MEMBERS: usize = 4096;
/// Keys shown.
const MAX_KEYS: usize = 5;

/// How telling a kind of node is.
fn telling_rank(scene: &Scene<'_>, node: NodeIndex) -> u8 {
    let is_users = || scene.user_source(node).is_some();
    match scene.kind(node) {
        NodeKind::Object if scene.is_context(node) => 4,
        NodeKind::Object if matches!(scene.name(node).as_str(), "Object" | "Array") => 3,
        NodeKind::Object if is_users() => 0,
        NodeKind::Closure if is_users() => 1,
        NodeKind::Object => 2,
        NodeKind::Closure | NodeKind::RegExp | NodeKind::Native => 5,
        NodeKind::Hidden | NodeKind::Array => 7,
        _ => 6,
    }
}

/// Objects behind an object in the dominator tree: those of the most frequent class of new ones that tells
/// something.
pub(super) fn behind(scene: &Scene<'_>, owner: NodeIndex) -> Vec<NodeIndex> {
    let snapshot = scene.snapshot();
    let mut seen = HashSet::from([owner]);
    let mut queue = VecDeque::from([owner]);
    let mut classes: HashMap<Make, Vec<NodeIndex>> = HashMap::new();
    while let Some(node) = queue.pop_front() {
        for link in snapshot.links(node) {
            let target = link.target();
            let is_within =
                !link.is(EdgeKind::Weak) && !scene.weights.is_engine(target) && is_behind(scene, target, &seen);
            if !is_within || seen.len() >= MAX_BEHIND || !seen.insert(target) {
                continue;
            }
            queue.push_back(target);
            let members = classes.entry(make(scene, target)).or_default();
            if members.len() < MAX_MEMBERS {
                members.push(target);
            }
        }
    }
    let new = |members: &Vec<NodeIndex>| members.iter().filter(|node| scene.is_new(**node)).count();
    let mut classes: Vec<(usize, Vec<NodeIndex>)> =
        classes.into_values().map(|members| (new(&members), members)).collect();
    classes.sort_by_key(|(_, members)| members[0]);
    classes.retain(|(new, _)| *new > 0);
    // Objects and functions of the program's own, and other objects with a class, before all that hangs from them.
    let is_telling = |class: &(usize, Vec<NodeIndex>)| telling_rank(scene, class.1[0]) <= LEAST_TELLING;
    if classes.iter().any(|class| class.0 >= FEW && is_telling(class)) {
        classes.retain(is_telling);
    }
    let most = classes.iter().map(|(new, _)| *new).max().unwrap_or(0);
    classes.retain(|(new, _)| new * PART_OF_MOST >= most);
    let best = classes
        .into_iter()
        .min_by_key(|(_, members)| telling_rank(scene, members[0]));
    best.map(|(_, members)| members).unwrap_or_default()
}

/// Objects of a class, and functions with a place, are of this rank or a better one.
const LEAST_TELLING: u8 = 2;
/// Fewer objects than this are not what grows.
const FEW: usize = 10;
/// A class with fewer new objects than this part of the most frequent one is not what grows.
const PART_OF_MOST: usize = 3;

/// Type, name and place: what objects of one make have in common.
type Make = (u8, u32, Option<PlaceIndex>);

fn make(scene: &Scene<'_>, node: NodeIndex) -> Make {
    let snapshot = scene.snapshot();
    (
        snapshot.raw_type(node),
        snapshot.name(node).0,
        snapshot.locations().of(node),
    )
}

/// Whether an object goes with one that was seen: its dominator was seen, or is a part of such.
fn is_behind(scene: &Scene<'_>, node: NodeIndex, seen: &HashSet<NodeIndex>) -> bool {
    seen.contains(&scene.heap.dominator(node))
}

/// Of a collection's new entries, keys and values, those that tell most.
pub(super) fn telling(scene: &Scene<'_>, fresh: &[NodeIndex]) -> Vec<NodeIndex> {
    let mut by_rank: Vec<Vec<NodeIndex>> = vec![Vec::new(); 8];
    for node in fresh {
        by_rank[telling_rank(scene, *node) as usize].push(*node);
    }
    let most = by_rank.iter().map(Vec::len).max().unwrap_or(0);
    by_rank
        .into_iter()
        .find(|nodes| nodes.len() * 2 >= most && !nodes.is_empty())
        .unwrap_or_default()
}

/// The class of most of these, and how many of them there were.
pub(super) fn grows(scene: &Scene<'_>, members: &[NodeIndex], counts: &[u64]) -> super::Grows {
    let mut classes: HashMap<Make, Vec<NodeIndex>> = HashMap::new();
    for node in members {
        classes.entry(make(scene, *node)).or_default().push(*node);
    }
    let mut classes: Vec<Vec<NodeIndex>> = classes.into_values().collect();
    classes.sort_by_key(|nodes| (std::cmp::Reverse(nodes.len()), nodes[0]));
    let Some(nodes) = classes.first() else {
        return super::Grows {
            class: "(numbers)".to_owned(),
            counts: counts.to_vec(),
        };
    };
    let born_by = |step| nodes.iter().filter(|node| scene.born(**node) <= step).count() as u64;
    super::Grows {
        class: class(scene, nodes[0]),
        counts: (0..scene.steps()).map(born_by).collect(),
    }
}

/// Of a collection of small numbers, which are no objects, about how many there were, by the size of its store.
pub(super) fn numbers(scene: &Scene<'_>, owner: NodeIndex, bytes: &[u64]) -> Option<Vec<u64>> {
    let entry_bytes = match scene.name(owner).as_str() {
        "Array" => 8,
        "Set" => 20,
        "Map" => 28,
        _ => return None,
    };
    (scene.kind(owner) == NodeKind::Object).then(|| bytes.iter().map(|bytes| bytes / entry_bytes).collect())
}

fn class(scene: &Scene<'_>, node: NodeIndex) -> String {
    match scene.kind(node) {
        NodeKind::Object if scene.name(node) == "Object" => {
            format!("Object {}", crate::analysis::node_name(scene.snapshot(), node))
        }
        _ => naming::class(scene, node),
    }
}

/// A few of the keys that came last.
pub(super) fn keys(scene: &Scene<'_>, owner: NodeIndex) -> Vec<String> {
    let snapshot = scene.snapshot();
    let is_table = matches!(entries::site(snapshot, owner), Site::Table(_));
    let slots = collections::slots(scene, owner);
    let new = slots.iter().rev().filter(|(_, node)| scene.is_new(*node));
    let mut keys = Vec::new();
    for (edge, node) in new {
        let edge = snapshot.edge(*edge);
        let key = match edge.link.kind() {
            EdgeKind::Property => Some(scene.edge_name(edge)),
            EdgeKind::Internal if is_table && is_string(scene, *node) => {
                Some(crate::analysis::node_name(snapshot, *node))
            }
            _ => None,
        };
        keys.extend(key);
        if keys.len() >= MAX_KEYS {
            break;
        }
    }
    keys
}

fn is_string(scene: &Scene<'_>, node: NodeIndex) -> bool {
    matches!(
        scene.kind(node),
        NodeKind::String | NodeKind::ConcatenatedString | NodeKind::SlicedString
    )
}

/// The steps from an owner to what is directly in it.
pub(super) fn way(scene: &Scene<'_>, owner: NodeIndex, sample: NodeIndex) -> Vec<Hop> {
    let snapshot = scene.snapshot();
    let hop = |source: NodeIndex, wanted: NodeIndex| {
        let mut edges = snapshot.edges(source);
        let edge = edges.find(|edge| edge.link.target() == wanted && !edge.link.is(EdgeKind::Weak))?;
        Some(Hop {
            source,
            edge: edge.index,
            node: wanted,
        })
    };
    if let Some(direct) = hop(owner, sample) {
        return vec![direct];
    }
    let table = entries::table(snapshot, owner);
    let through = table.and_then(|table| Some(vec![hop(owner, table)?, hop(table, sample)?]));
    through.unwrap_or_default()
}
