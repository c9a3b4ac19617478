//! Growth that no collection explains: lists whose members hold the next, promises that wait, strings that are
//! added to, buffers that are replaced by larger ones.
//!
//! What is behind an object is known in every snapshot. From the leaves of the dominator tree to its root, what
//! has been explained below is taken off; where steady growth is left over, there is an accumulation point.

use std::collections::{HashMap, HashSet};

use super::collections::{self, Grower};
use super::entries::{self, Site};
use super::growth::{self, Trend, classify};
use super::scene::Scene;
use crate::snapshot::{EdgeKind, Link, NodeIndex, NodeKind};

/// Objects that must come at every step.
pub(super) const LEAST_OBJECTS: u64 = 10;
/// Bytes that must come in all.
pub(super) const LEAST_BYTES: u64 = 2 << 10;
/// Bytes that must come at every step where no objects do.
const LEAST_STEP_BYTES: u64 = 2 << 10;
/// A step of less than this part of what was there is noise.
const LEAST_STEP_PERCENT: u64 = 3;
/// Levels between an object and the place in it where the growth is.
const MAX_DESCENT: usize = 24;

/// An accumulation point that is no collection.
#[derive(Clone, Debug)]
pub(super) struct Pile {
    /// The object.
    owner: NodeIndex,
    /// The place in it that nearly all of the growth is behind.
    pub place: NodeIndex,
    pub counts: Vec<u64>,
    pub bytes: Vec<u64>,
    pub trend: Trend,
}

/// Objects and bytes by snapshot.
#[derive(Clone, Debug)]
struct Explained {
    counts: Vec<i64>,
    bytes: Vec<i64>,
}

impl Explained {
    fn nothing(steps: usize) -> Self {
        Self {
            counts: vec![0; steps],
            bytes: vec![0; steps],
        }
    }

    fn add(&mut self, other: &Self) {
        for (sum, more) in self.counts.iter_mut().zip(&other.counts) {
            *sum += more;
        }
        for (sum, more) in self.bytes.iter_mut().zip(&other.bytes) {
            *sum += more;
        }
    }

    /// All growth of an object.
    fn all(scene: &Scene<'_>, node: NodeIndex) -> Self {
        let holdings = scene.holdings(node);
        let since = |now: u64, first: u64| now.cast_signed().saturating_sub(first.cast_signed());
        Self {
            counts: holdings
                .iter()
                .map(|step| since(step.count, holdings[0].count))
                .collect(),
            bytes: holdings
                .iter()
                .map(|step| since(step.bytes, holdings[0].bytes))
                .collect(),
        }
    }

    /// What came with one object.
    fn one(scene: &Scene<'_>, node: NodeIndex) -> Self {
        let mut one = Self::nothing(scene.steps());
        for step in scene.born(node)..scene.steps() {
            one.counts[step] = scene.weights.count(node).cast_signed();
            one.bytes[step] = scene.weights.bytes(node).cast_signed();
        }
        one
    }
}

/// Finds what is left over when the growth of these collections is taken off.
pub(super) fn piles(scene: &Scene<'_>, explained: &[&Grower]) -> Vec<Pile> {
    let snapshot = scene.snapshot();
    let steps = scene.steps();
    let mut pending: HashMap<NodeIndex, Explained> = HashMap::new();
    let put = |node: NodeIndex, what: &Explained, pending: &mut HashMap<NodeIndex, Explained>| {
        pending
            .entry(node)
            .or_insert_with(|| Explained::nothing(steps))
            .add(what);
    };
    // What several collections share is taken off once.
    let mut shared: Vec<NodeIndex> = explained
        .iter()
        .flat_map(|grower| grower.shared.iter().copied())
        .collect();
    shared.sort_unstable();
    shared.dedup();
    for node in shared {
        put(scene.heap.dominator(node), &Explained::one(scene, node), &mut pending);
    }
    let mut known: HashSet<NodeIndex> = explained.iter().map(|grower| grower.owner).collect();
    let mut piles = Vec::new();
    for node in scene.heap.top_down().rev() {
        let below = if pending.is_empty() {
            None
        } else {
            pending.remove(&node)
        };
        let mut up = below;
        if known.contains(&node) || is_candidate(scene, node) && is_warm_up(scene, node) {
            up = Some(Explained::all(scene, node));
        } else if is_candidate(scene, node)
            && let Some(mut pile) = left_over(scene, node, up.as_ref())
        {
            pile.place = descend(scene, &pile, &known);
            known.extend([node, pile.place]);
            piles.push(pile);
            up = Some(Explained::all(scene, node));
        }
        if let Some(up) = up
            && node != snapshot.root()
        {
            put(scene.heap.dominator(node), &up, &mut pending);
        }
    }
    piles
}

/// Whether an object of the program's, old enough to be seen growing, has something behind it.
fn is_candidate(scene: &Scene<'_>, node: NodeIndex) -> bool {
    let enough = scene.weights.count(node) >= LEAST_OBJECTS || scene.weights.bytes(node) >= LEAST_STEP_BYTES;
    enough
        && matches!(
            scene.kind(node),
            NodeKind::Object | NodeKind::Closure | NodeKind::RegExp
        )
        && !scene.is_newest(node)
        && !scene.weights.is_engine(node)
        && scene.paths.last_edge(node).is_some()
        && !is_within_list(scene, node)
}

/// Whether what grows behind an object is no leak: modules that are loaded when they are needed, and the table of a
/// collection that holds no more than it did.
fn is_warm_up(scene: &Scene<'_>, node: NodeIndex) -> bool {
    collections::is_of_modules(scene, node)
        || scene.is_a(node, &["WeakMap", "WeakSet"])
        || is_only_the_table(scene, node)
}

/// Whether a `Map` or `Set` has as many entries as it had, and only room for more: a table grows by what was
/// deleted, too, until it is made anew.
fn is_only_the_table(scene: &Scene<'_>, node: NodeIndex) -> bool {
    let snapshot = scene.snapshot();
    let (Site::Table(table), Some(last)) = (entries::site(snapshot, node), scene.censuses.last()) else {
        return false;
    };
    let now = entries::edges(snapshot, node).unwrap_or(0);
    let before = last.entries(scene.key(node)).unwrap_or(0);
    let bytes: Vec<u64> = scene.holdings(node).iter().map(|holding| holding.bytes).collect();
    let room = scene.heap.shallow_size(node) + scene.heap.shallow_size(table);
    now > 0 && before >= now && room >= growth::total(&bytes) / 2
}

/// Levels above a member of a list in which the member before it is.
const LIST_PERIOD: usize = 3;

/// Whether an object is a member of a list, and not the first one: what grows at the end of a list is behind all
/// of its members.
fn is_within_list(scene: &Scene<'_>, node: NodeIndex) -> bool {
    let snapshot = scene.snapshot();
    let is_alike = |other: NodeIndex| {
        snapshot.raw_type(other) == snapshot.raw_type(node) && snapshot.name(other) == snapshot.name(node)
    };
    let next = |from: NodeIndex, to: &dyn Fn(NodeIndex) -> bool| {
        let mut edges = snapshot.edges(from).filter(|edge| !edge.link.is(EdgeKind::Element));
        edges.find(|edge| to(edge.link.target())).map(|edge| edge.name_or_index)
    };
    let before = scene.heap.dominator(node);
    if is_alike(before) {
        let name = next(before, &|target| target == node);
        let mut edges = snapshot.edges(node);
        return name.is_some() && edges.any(|edge| Some(edge.name_or_index) == name && is_alike(edge.link.target()));
    }
    let mut above = before;
    let is_of_class =
        !matches!(scene.name(node).as_str(), "Object" | "Array" | "" | "Map" | "Set") && !scene.is_context(node);
    is_of_class
        && (1..LIST_PERIOD).any(|_| {
            above = scene.heap.dominator(above);
            is_alike(above)
        })
}

fn left_over(scene: &Scene<'_>, node: NodeIndex, explained: Option<&Explained>) -> Option<Pile> {
    let holdings = scene.holdings(node);
    let nothing = Explained::nothing(scene.steps());
    let explained = explained.unwrap_or(&nothing);
    let rest = |all: u64, known: i64| all.saturating_add_signed(-known);
    let counts: Vec<u64> = holdings
        .iter()
        .zip(&explained.counts)
        .map(|(all, known)| rest(all.count, *known))
        .collect();
    let bytes: Vec<u64> = holdings
        .iter()
        .zip(&explained.bytes)
        .map(|(all, known)| rest(all.bytes, *known))
        .collect();
    let least = LEAST_OBJECTS.max(counts[0] * LEAST_STEP_PERCENT / 100);
    let trend = classify(&counts, least);
    if trend.is_growth() && growth::total(&bytes) >= LEAST_BYTES {
        return Some(Pile {
            owner: node,
            place: node,
            counts,
            bytes,
            trend,
        });
    }
    // A collection that keeps its number of entries replaces them, and sizes differ.
    let is_bounded = entries::edges(scene.snapshot(), node).is_some_and(|edges| u64::from(edges) >= LEAST_OBJECTS);
    let least_total = if is_bounded { bytes[0] } else { bytes[0] / 4 };
    let trend = classify(&bytes, LEAST_STEP_BYTES.max(bytes[0] * LEAST_STEP_PERCENT / 100));
    (trend.is_growth() && growth::total(&bytes) >= least_total).then_some(Pile {
        owner: node,
        place: node,
        counts,
        bytes,
        trend,
    })
}

/// From an object down to the place in it that nearly all of the growth is behind.
fn descend(scene: &Scene<'_>, pile: &Pile, known: &HashSet<NodeIndex>) -> NodeIndex {
    let snapshot = scene.snapshot();
    let growth_of = |node: NodeIndex| {
        let holdings = scene.holdings(node);
        let first = holdings[0].bytes;
        holdings.last().map_or(0, |now| now.bytes.saturating_sub(first))
    };
    let wanted = growth::total(&pile.bytes) * 6 / 10;
    let mut at = pile.owner;
    let mut visible = at;
    let make = |node: NodeIndex| {
        (
            snapshot.raw_type(node),
            snapshot.name(node),
            snapshot.locations().of(node),
        )
    };
    let mut passed = vec![make(at)];
    for _ in 0..MAX_DESCENT {
        let below = snapshot.links(at).filter(|link| {
            !link.is(EdgeKind::Weak)
                && link.target() != at
                && scene.heap.dominator(link.target()) == at
                && !scene.weights.is_engine(link.target())
                && !known.contains(&link.target())
        });
        let best = below.map(Link::target).max_by_key(|node| growth_of(*node));
        let Some(next) = best.filter(|next| growth_of(*next) >= wanted) else {
            break;
        };
        // A list's members follow each other: its head is the place.
        let is_list = passed.contains(&make(next)) && !matches!(scene.name(next).as_str(), "Object" | "Array");
        let is_plain_list = make(next) == make(at) && scene.is_new(next) == scene.is_new(at) && passed.len() > 2;
        if is_list || is_plain_list {
            break;
        }
        passed.push(make(next));
        at = next;
        if !matches!(scene.kind(at), NodeKind::Array | NodeKind::Hidden | NodeKind::Native) && !scene.is_context(at) {
            visible = at;
        }
    }
    visible
}
