//! Collections that grow: objects whose entries went up from snapshot to snapshot.
//!
//! Where many collections of one make grow by a little (the history of every user, the listeners of every
//! socket), they count together: alike are those that are reached in the same way but for indices and keys.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::entries::{self, Site};
use super::growth;
use super::scene::Scene;
use crate::snapshot::{EdgeIndex, EdgeKind, NodeIndex, NodeKind, StringIndex};

/// Steps of a path that tell whether two collections are alike.
const MAX_TEMPLATE_STEPS: usize = 24;

/// A collection that has more entries than it had in the snapshot before.
#[derive(Clone, Debug)]
pub(super) struct Grower {
    pub owner: NodeIndex,
    /// Entries in each snapshot.
    pub counts: Vec<u64>,
    /// Bytes behind them in each snapshot.
    pub bytes: Vec<u64>,
    /// Entries, keys and values.
    pub held: Vec<NodeIndex>,
    /// Those of them that came after the first snapshot and are held by others, too.
    pub shared: Vec<NodeIndex>,
}

/// Edges to a collection's entries.
pub(super) fn slots(scene: &Scene<'_>, owner: NodeIndex) -> Vec<(EdgeIndex, NodeIndex)> {
    let snapshot = scene.snapshot();
    let proto = snapshot.strings().known("__proto__");
    let shape = snapshot.strings().known("map");
    let (source, is_table) = match entries::site(snapshot, owner) {
        Site::Own => (owner, false),
        Site::Table(table) => (table, true),
    };
    let edges = snapshot.edges(source);
    let wanted = edges.filter(|edge| match edge.link.kind() {
        EdgeKind::Element => true,
        EdgeKind::Property => !is_table && !proto.contains(&StringIndex(edge.name_or_index)),
        EdgeKind::Internal => is_table && !shape.contains(&StringIndex(edge.name_or_index)),
        EdgeKind::Hidden | EdgeKind::WeakMapTable | EdgeKind::Weak => is_table,
        _ => false,
    });
    let filled = wanted.filter(|edge| !is_table || !entries::is_hole(snapshot, edge.link.target()));
    filled.map(|edge| (edge.index, edge.link.target())).collect()
}

/// How many entries a table has, by the numbers of its slots: a key's number is one less than its value's.
fn entries_of_table(scene: &Scene<'_>, slots: &[(EdgeIndex, NodeIndex)]) -> u64 {
    let snapshot = scene.snapshot();
    let pairs = slots
        .iter()
        .filter(|(edge, _)| snapshot.edge(*edge).link.is(EdgeKind::WeakMapTable))
        .count();
    if pairs > 0 {
        return pairs as u64;
    }
    let number = |edge: &EdgeIndex| scene.edge_name(snapshot.edge(*edge)).parse::<u32>().ok();
    let mut numbers: Vec<u32> = slots.iter().filter_map(|(edge, _)| number(edge)).collect();
    numbers.sort_unstable();
    let mut entries = 0;
    let mut key = None;
    for number in numbers {
        if key == number.checked_sub(1) && key.is_some() {
            key = None;
        } else {
            entries += 1;
            key = Some(number);
        }
    }
    entries
}

/// All collections with more entries than in the snapshot before.
pub(super) fn growers(scene: &Scene<'_>) -> Vec<Grower> {
    let snapshot = scene.snapshot();
    let candidates = snapshot
        .nodes()
        .filter(|node| matches!(scene.kind(*node), NodeKind::Object | NodeKind::Closure))
        .filter(|node| !scene.is_newest(*node) && !scene.weights.is_engine(*node))
        .filter(|node| scene.paths.last_edge(*node).is_some() && !scene.is_context(*node))
        .filter(|node| !is_of_modules(scene, *node));
    candidates.filter_map(|node| grower(scene, node)).collect()
}

fn grower(scene: &Scene<'_>, owner: NodeIndex) -> Option<Grower> {
    let snapshot = scene.snapshot();
    let key = scene.key(owner);
    let now = entries::edges(snapshot, owner)?;
    let last = scene.censuses.last()?;
    if last.entries(key).is_some_and(|before| before >= now) {
        return None;
    }
    let slots = slots(scene, owner);
    let survivors = |step: usize| slots.iter().filter(|(_, node)| scene.born(*node) <= step).count() as u32;
    let edges = scene
        .censuses
        .iter()
        .enumerate()
        .map(|(step, census)| match census.entries(key) {
            Some(edges) => edges,
            // It was there, and too small to be counted: what was in it is still in it, if it only grows.
            None if census.has(key) => survivors(step).min(entries::DICTIONARY_PROPERTIES),
            None => 0,
        });
    let mut counts: Vec<u64> = edges.chain([now]).map(u64::from).collect();
    if matches!(entries::site(snapshot, owner), Site::Table(_)) {
        let entries = entries_of_table(scene, &slots).max(1);
        let edges = u64::from(now).max(1);
        for count in &mut counts {
            *count = (*count * entries).div_ceil(edges);
        }
    }
    if counts.windows(2).any(|step| step[1] < step[0]) {
        return None;
    }
    Some(weigh(scene, owner, counts, &slots))
}

/// Whether a collection is `require.cache`, or the like: as many modules as there are files, sooner or later.
pub(super) fn is_of_modules(scene: &Scene<'_>, owner: NodeIndex) -> bool {
    let Some(edge) = scene.paths.last_edge(owner) else {
        return false;
    };
    let source = scene.snapshot().source(edge);
    let name = || scene.edge_name(scene.snapshot().edge(edge));
    let is_module = scene.is_a(source, &["Module"]) || scene.is_closure(source) && scene.name(source) == "Module";
    is_module && matches!(name().as_str(), "_cache" | "_pathCache" | "children")
        || scene.is_a(owner, &["LoadCache", "ResolveCache"])
}

/// What came with the entries.
fn weigh(scene: &Scene<'_>, owner: NodeIndex, counts: Vec<u64>, slots: &[(EdgeIndex, NodeIndex)]) -> Grower {
    let mut held: Vec<NodeIndex> = slots.iter().map(|(_, node)| *node).collect();
    held.sort_unstable();
    held.dedup();
    held.retain(|node| !scene.weights.is_engine(*node));
    let new = held.iter().copied().filter(|node| scene.is_new(*node));
    // What was too little to be kept is what is left of it.
    let left = |step: usize| {
        let old = held.iter().filter(|node| scene.born(**node) <= step);
        old.map(|node| scene.weights.bytes(*node)).sum::<u64>()
    };
    let holdings = scene.holdings(owner);
    let bytes = holdings.iter().enumerate().map(|(step, holding)| match holding.bytes {
        0 => left(step),
        bytes => bytes,
    });
    let mut bytes: Vec<u64> = bytes.collect();
    let shared: Vec<NodeIndex> = new.filter(|node| !is_alone_behind(scene, owner, *node)).collect();
    for node in &shared {
        for step in &mut bytes[scene.born(*node)..] {
            *step += scene.weights.bytes(*node);
        }
    }
    Grower {
        owner,
        counts,
        bytes,
        held,
        shared,
    }
}

/// Whether nothing but the collection, or its table, holds an entry.
fn is_alone_behind(scene: &Scene<'_>, owner: NodeIndex, entry: NodeIndex) -> bool {
    let dominator = scene.heap.dominator(entry);
    dominator == owner
        || matches!(scene.kind(dominator), NodeKind::Array | NodeKind::Hidden)
            && scene.heap.dominator(dominator) == owner
}

/// What a collection has in common with others of its make: the way to it, without indices and keys.
pub(super) fn template(scene: &Scene<'_>, owner: NodeIndex) -> u64 {
    let snapshot = scene.snapshot();
    let mut hasher = DefaultHasher::new();
    let mut at = owner;
    for _ in 0..MAX_TEMPLATE_STEPS {
        snapshot.raw_type(at).hash(&mut hasher);
        snapshot.name(at).hash(&mut hasher);
        let Some(edge) = scene.paths.last_edge(at) else { break };
        let source = snapshot.source(edge);
        let edge = snapshot.edge(edge);
        let is_of_collection = scene.kind(source) == NodeKind::Array
            || edge.link.is(EdgeKind::Element)
            || edge.link.is(EdgeKind::Property) && is_dictionary(scene, source, at);
        if !is_of_collection {
            edge.name_or_index.hash(&mut hasher);
        }
        if scene.is_context(source) {
            // Contexts of one function are alike.
            scene.internal(source, "scope_info").hash(&mut hasher);
            break;
        }
        at = source;
    }
    hasher.finish()
}

/// Whether an object holds others like this one under names that mean no more than an index does.
fn is_dictionary(scene: &Scene<'_>, object: NodeIndex, member: NodeIndex) -> bool {
    let snapshot = scene.snapshot();
    let is_plain = snapshot.is_known(snapshot.name(object), "Object");
    let is_alike = |node: NodeIndex| {
        snapshot.raw_type(node) == snapshot.raw_type(member) && snapshot.name(node) == snapshot.name(member)
    };
    let properties = snapshot.links(object).filter(|link| link.is(EdgeKind::Property));
    let alike = properties.filter(|link| is_alike(link.target()));
    is_plain && alike.take(FEW_ALIKE).count() == FEW_ALIKE
        || entries::edges(snapshot, object).is_some_and(|edges| edges >= entries::DICTIONARY_PROPERTIES)
}

/// So many properties that are alike make a dictionary.
const FEW_ALIKE: usize = 3;

/// Collections that are alike, the one that grew most first.
pub(super) fn alike(scene: &Scene<'_>, growers: Vec<Grower>) -> Vec<Vec<Grower>> {
    let mut groups: HashMap<u64, Vec<Grower>> = HashMap::new();
    for grower in growers {
        groups.entry(template(scene, grower.owner)).or_default().push(grower);
    }
    let mut groups: Vec<Vec<Grower>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|grower| (std::cmp::Reverse(growth::total(&grower.counts)), grower.owner));
    }
    groups.sort_by_key(|group| group[0].owner);
    groups
}
