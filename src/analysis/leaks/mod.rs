//! Leaks: what grows from snapshot to snapshot, who holds it, on which line, and why.
//!
//! ```no_run
//! use rs_heapdump::analysis::leaks::{Census, Leaks};
//! use rs_heapdump::graph::Heap;
//! use rs_heapdump::snapshot::{OpenOptions, Snapshot};
//!
//! let read = |file: &str| Snapshot::open(file.as_ref(), &OpenOptions::default());
//! let ids = u32::MAX; // all of one process
//! let before = [Census::build(read("before.heapsnapshot")?, ids), Census::build(read("between.heapsnapshot")?, ids)];
//! let leaks = Leaks::find(&Heap::without_distances(read("after.heapsnapshot")?), &before);
//! # Ok::<(), rs_heapdump::snapshot::SnapshotError>(())
//! ```
//!
//! # How
//!
//! Earlier snapshots are boiled down to a [`Census`], one after the other; the last one is kept whole. Two
//! searches then look for accumulation points, objects old enough to be seen growing:
//!
//! 1. collections (arrays, Maps, Sets, dictionaries) that have more entries at every step, those of one make
//!    together: this also finds what several owners hold, where no one dominates it;
//! 2. objects that have more behind them at every step, in the dominator tree, than those collections explain:
//!    lists, promises, strings, buffers.
//!
//! Each point is named as a JavaScript programmer would write it, led back to a line, and handed to the rules,
//! one for each cause. What is left is ordered by what it came to retain, weighed by how steadily.
//!
//! Objects are told again by their ids where those compare, else by their places (`identity`): growth is then that
//! of a place, and the rest goes the same way.
//!
//! # What does not count
//!
//! What code, feedback and shapes alone hold, and whatever stops growing: a cache that reached its bound, a
//! pool, `require.cache`.

mod census;
mod collections;
mod entries;
mod globals;
mod growth;
mod identity;
mod keys;
mod naming;
mod places;
mod residue;
mod rules;
mod samples;
mod scene;
mod weights;

use std::cmp::Reverse;
use std::collections::HashSet;

pub use census::Census;

use super::{Comparability, Source};
use crate::graph::Heap;
use crate::snapshot::{EdgeIndex, NodeIndex};
use collections::Grower;
use growth::{Trend, classify};
use places::Scopes;
use residue::{LEAST_BYTES, LEAST_OBJECTS};
use rules::Evidence;
use scene::{Hop, Scene};

/// Where nothing was counted: what is left of earlier snapshots is at least this part of what came since.
const LEAST_PART_LEFT: u64 = 20;
/// Suspects looked into, at most.
const MAX_SUSPECTS: usize = 40;
/// Ids given of what came.
const MAX_SAMPLES: usize = 8;
/// What nothing of the program's leads to counts from this size on.
const LEAST_ANONYMOUS_BYTES: u64 = 64 << 10;
/// A suspect that explains less than this part of what the first one does, in percent, is left out.
const LEAST_PART_PERCENT: u64 = 1;

/// A step of a suspect's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Where the edge comes from.
    pub source: NodeIndex,
    /// The edge.
    pub edge: EdgeIndex,
    /// Where it leads.
    pub node: NodeIndex,
}

/// The constructor whose objects grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grows {
    /// Its name.
    pub class: String,
    /// Objects in each snapshot, as far as they still are in the last.
    pub counts: Vec<u64>,
}

/// An accumulation point.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// The rule's name.
    pub cause: &'static str,
    /// The cause in plain words.
    pub name: &'static str,
    /// What happens here.
    pub why: String,
    /// What to do.
    pub advice: String,
    /// As one would write it.
    pub owner: String,
    /// The object.
    pub owner_node: NodeIndex,
    /// Entries, or objects behind it, in each snapshot.
    pub counts: Vec<u64>,
    /// In each snapshot.
    pub retained_bytes: Vec<u64>,
    /// What grows.
    pub grows: Grows,
    /// A few new keys.
    pub sample_keys: Vec<String>,
    /// The closure or constructor that makes what leaks.
    pub source: Option<Source>,
    /// The function or module whose variables hold the owner.
    pub holder: Option<Source>,
    /// The variables that what came keeps, whoever uses them.
    pub shared: Option<Shared>,
    /// From a root to the owner, and to one sample.
    pub path: Vec<PathStep>,
    /// A few new objects.
    pub samples: Vec<NodeIndex>,
    /// For the ranking.
    weight: u64,
}

/// A function and variables that it keeps: all functions made in one call share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The function.
    pub function: Source,
    /// What retains the most first.
    pub variables: Vec<String>,
}

impl Suspect {
    /// What it came to retain since the first snapshot.
    #[must_use]
    pub fn growth_bytes(&self) -> u64 {
        growth::total(&self.retained_bytes)
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Leaks {
    /// Whether objects could be told again by their ids.
    pub ids: Comparability,
    /// Retained by the root, in each snapshot.
    pub total_bytes: Vec<u64>,
    /// How much of the growth the suspects explain.
    pub explained_bytes: u64,
    /// What would settle doubts.
    pub notes: Vec<String>,
    /// The most suspicious first.
    pub suspects: Vec<Suspect>,
}

/// An accumulation point before it is named.
struct Point {
    owner: NodeIndex,
    counts: Vec<u64>,
    bytes: Vec<u64>,
    trend: Trend,
    /// What is in it, new and old.
    members: Vec<NodeIndex>,
    alike: usize,
    is_collection: bool,
}

impl Leaks {
    /// Looks for what grows through all these snapshots. Nothing is found where the censuses take ids for the same
    /// that are not: they are to be made again then, with the limit of [`Leaks::ids`].
    #[must_use]
    pub fn find(last: &Heap, earlier: &[Census]) -> Self {
        let ids = comparability(last, earlier);
        let mut total_bytes: Vec<u64> = earlier.iter().map(Census::total_bytes).collect();
        total_bytes.push(last.retained_size(last.snapshot().root()));
        let mut leaks = Self {
            ids,
            total_bytes,
            explained_bytes: 0,
            notes: Vec::new(),
            suspects: Vec::new(),
        };
        let limit = ids.limit().unwrap_or(0);
        if !earlier.is_empty() && earlier.iter().all(|census| census.limit() <= limit) {
            let scene = Scene::new(last, earlier, ids != Comparability::DifferentProcess);
            leaks.suspects = suspects(&scene);
        }
        let explained: u64 = leaks
            .suspects
            .iter()
            .map(Suspect::growth_bytes)
            .fold(0, u64::saturating_add);
        leaks.explained_bytes = explained.min(growth::total(&leaks.total_bytes));
        leaks.notes = notes(&leaks, earlier.len() + 1);
        leaks
    }
}

/// What goes for all of them.
fn comparability(last: &Heap, earlier: &[Census]) -> Comparability {
    let all = earlier.iter().map(|census| census.comparability(last.snapshot()));
    all.min_by_key(|ids| ids.limit()).unwrap_or(Comparability::Comparable)
}

fn notes(leaks: &Leaks, snapshots: usize) -> Vec<String> {
    let mut notes = Vec::new();
    match leaks.ids {
        Comparability::Comparable => {}
        Comparability::UpTo(_) => notes.push(
            "objects that came later than the ids that compare are told again by their places: what was replaced in \
             its place looks as if it had stayed"
                .to_owned(),
        ),
        Comparability::DifferentProcess | Comparability::Unstable => notes.push(
            "object ids of these snapshots do not compare: objects are told again by their places, so what was replaced \
             in its place looks as if it had stayed"
                .to_owned(),
        ),
    }
    if snapshots == 2 && !leaks.suspects.is_empty() {
        notes.push(
            "with two snapshots warm-up looks like a leak: a third one, after more of the same load, would show what \
             goes on growing"
                .to_owned(),
        );
    }
    if snapshots == 2 && leaks.suspects.is_empty() {
        notes.push(
            "nothing grew enough to be named; a third snapshot, after more load, would show slow leaks".to_owned(),
        );
    }
    let grown = growth::total(&leaks.total_bytes);
    if snapshots > 2 && leaks.suspects.is_empty() && grown > 0 {
        notes.push("what grew stopped growing, or belongs to code that was compiled: warm-up, not a leak".to_owned());
    }
    notes
}

fn suspects(scene: &Scene<'_>) -> Vec<Suspect> {
    let points = points(scene);
    let scopes = Scopes::build(scene);
    let mut suspects: Vec<Suspect> = points
        .iter()
        .filter_map(|point| suspect(scene, &scopes, point))
        .collect();
    suspects.sort_by_key(|suspect| (Reverse(suspect.weight), suspect.owner_node));
    let least = suspects
        .first()
        .map_or(0, |first| first.weight * LEAST_PART_PERCENT / 100);
    suspects.retain(|suspect| suspect.weight >= least);
    suspects
}

/// All accumulation points, those that came to retain the most first.
fn points(scene: &Scene<'_>) -> Vec<Point> {
    let groups = collections::alike(scene, collections::growers(scene));
    let grown: Vec<(Trend, Vec<Grower>)> = groups
        .into_iter()
        .filter_map(|group| Some((steady(&group)?, group)))
        .collect();
    let explained: Vec<&Grower> = grown.iter().flat_map(|(_, group)| group).collect();
    let piles = residue::piles(scene, &explained);
    let mut points: Vec<Point> = grown
        .into_iter()
        .map(|(trend, group)| together(trend, &group))
        .collect();
    points.retain(|point| !is_replaced(scene, &point.members, &point.counts));
    drop_twins(scene, &mut points);
    points.extend(piles.into_iter().filter_map(|pile| {
        let owner = pile.place;
        let members = samples::behind(scene, owner);
        (!is_too_high(scene, owner) && !is_replaced(scene, &members, &[])).then_some(Point {
            owner,
            counts: pile.counts,
            bytes: pile.bytes,
            trend: pile.trend,
            members,
            alike: 1,
            is_collection: false,
        })
    }));
    points.sort_by_key(|point| (Reverse(growth::total(&point.bytes)), point.owner));
    points.truncate(MAX_SUSPECTS);
    points
}

/// Whether collections of one make grow together like a leak.
fn steady(group: &[Grower]) -> Option<Trend> {
    let counts = sum(group.iter().map(|grower| &grower.counts));
    let bytes = sum(group.iter().map(|grower| &grower.bytes));
    let trend = classify(&counts, LEAST_OBJECTS);
    (trend.is_growth() && growth::total(&bytes) >= LEAST_BYTES / 2).then_some(trend)
}

fn sum<'v>(series: impl Iterator<Item = &'v Vec<u64>>) -> Vec<u64> {
    series.fold(Vec::new(), |mut sums: Vec<u64>, series| {
        sums.resize(series.len(), 0);
        for (sum, value) in sums.iter_mut().zip(series) {
            *sum = sum.saturating_add(*value);
        }
        sums
    })
}

fn together(trend: Trend, group: &[Grower]) -> Point {
    Point {
        owner: group[0].owner,
        counts: sum(group.iter().map(|grower| &grower.counts)),
        bytes: sum(group.iter().map(|grower| &grower.bytes)),
        trend,
        members: group.iter().flat_map(|grower| grower.held.iter().copied()).collect(),
        alike: group.len(),
        is_collection: true,
    }
}

/// Whether what was there in the snapshot before has gone since: a batch, or work in flight, which is as large as
/// the load between two snapshots, whatever came before. Of another process nothing ever stays.
fn is_replaced(scene: &Scene<'_>, members: &[NodeIndex], counts: &[u64]) -> bool {
    if !scene.is_one_process {
        return false;
    }
    let before = scene.steps() - 2;
    let survivors = members.iter().filter(|node| scene.born(**node) <= before).count() as u64;
    let newest = members.len() as u64 - survivors;
    // Without counts: a leak keeps at least a part of what it had.
    let expected = counts.get(before).copied().unwrap_or(newest / LEAST_PART_LEFT);
    newest >= LEAST_OBJECTS && expected >= LEAST_OBJECTS && survivors * 3 < expected
}

/// Of several owners that hold the same new objects, the one with the most telling path is the point.
fn drop_twins(scene: &Scene<'_>, points: &mut Vec<Point>) {
    points.sort_by_key(|point| (scene.paths.cost(point.owner), point.owner));
    let mut taken: HashSet<NodeIndex> = HashSet::new();
    points.retain(|point| {
        let new: Vec<NodeIndex> = point
            .members
            .iter()
            .copied()
            .filter(|node| scene.is_new(*node))
            .collect();
        let known = new.iter().filter(|node| taken.contains(node)).count();
        let is_twin = !new.is_empty() && known * 10 >= new.len() * 8;
        taken.extend(new);
        !is_twin
    });
}

/// Whether an object is the program as a whole, and its growth nobody's in particular.
fn is_too_high(scene: &Scene<'_>, owner: NodeIndex) -> bool {
    owner == scene.snapshot().root()
        || naming::is_global(scene, owner)
        || scene.name(owner).starts_with("system / NativeContext")
}

fn suspect(scene: &Scene<'_>, scopes: &Scopes, point: &Point) -> Option<Suspect> {
    let path = scene.path(point.owner);
    let named = renamed(scene, scopes, &path, naming::name(scene, &path));
    let holder = places::holder(scene, scopes, &named, &path);
    let members = samples::telling(scene, &point.members);
    let fresh: Vec<NodeIndex> = members.iter().copied().filter(|node| scene.is_new(*node)).collect();
    let beyond: HashSet<NodeIndex> = path.iter().map(|hop| hop.node).collect();
    let source = fresh
        .iter()
        .take(MAX_SAMPLES)
        .find_map(|node| places::source(scene, *node, &beyond))
        .or_else(|| places::callback(scene, point.owner));
    let is_anonymous = source.is_none() && holder.is_none();
    if is_anonymous && growth::total(&point.bytes) < LEAST_ANONYMOUS_BYTES {
        return None;
    }
    let evidence = Evidence {
        scene,
        owner: point.owner,
        path: &path,
        named: &named,
        fresh: &fresh,
        counts: &point.counts,
        grown_bytes: growth::total(&point.bytes),
        is_collection: point.is_collection,
        alike: point.alike,
        source: source.as_ref(),
    };
    let mut grows = samples::grows(scene, &members, &point.counts);
    // Of what is no collection the members are counted, not all that is behind them; numbers are no objects.
    let numbers = samples::numbers(scene, point.owner, &point.bytes).filter(|_| fresh.len() < 2);
    let counts = match numbers {
        _ if point.is_collection => point.counts.clone(),
        Some(numbers) => {
            grows = Grows {
                class: "(numbers)".to_owned(),
                counts: numbers.clone(),
            };
            numbers
        }
        None => grows.counts.clone(),
    };
    let verdict = rules::explain(&Evidence {
        counts: &counts,
        ..evidence
    });
    let shared = evidence.shared();
    let mut why = verdict.why;
    if point.alike > 1 {
        why = format!("{why} It is one of {} like it that grow.", point.alike);
    }
    let sample = fresh.last().copied();
    Some(Suspect {
        cause: verdict.slug,
        name: verdict.title,
        why,
        advice: verdict.advice,
        owner: verdict.owner.unwrap_or_else(|| named.text.clone()),
        owner_node: point.owner,
        counts,
        retained_bytes: point.bytes.clone(),
        grows,
        sample_keys: if point.is_collection {
            samples::keys(scene, point.owner)
        } else {
            Vec::new()
        },
        source,
        holder,
        shared,
        path: to_sample(scene, path, point.owner, sample),
        samples: fresh.iter().rev().take(MAX_SAMPLES).copied().collect(),
        weight: growth::total(&point.bytes).saturating_mul(point.trend.weight_percent())
            / 100
            / if is_anonymous { 10 } else { 1 },
    })
}

/// What a module exports is called by its variable, if it has one, and so is what Node itself leads to.
fn renamed(scene: &Scene<'_>, scopes: &Scopes, path: &[Hop], named: naming::Named) -> naming::Named {
    let begin = match named.anchor {
        naming::Anchor::Export { module } => path
            .iter()
            .position(|hop| hop.source == module)
            .map_or(path.len(), |exports| exports + 1),
        naming::Anchor::Object if !path.iter().any(|hop| scene.is_a(hop.node, &["process"])) => 0,
        _ => return named,
    };
    let mut rest = path.iter().enumerate().skip(begin);
    let found = rest.find_map(|(at, hop)| Some((at, scopes.variable(scene, hop.node)?)));
    found.map_or(named, |(at, variable)| {
        let steps: Vec<Hop> = std::iter::once(variable)
            .chain(path[at + 1..].iter().copied())
            .collect();
        naming::name(scene, &steps)
    })
}

/// The path to the owner, and on to a sample if one step, or two, lead there.
fn to_sample(scene: &Scene<'_>, mut path: Vec<Hop>, owner: NodeIndex, sample: Option<NodeIndex>) -> Vec<PathStep> {
    if let Some(sample) = sample {
        path.extend(samples::way(scene, owner, sample));
    }
    let step = |hop: Hop| PathStep {
        source: hop.source,
        edge: hop.edge,
        node: hop.node,
    };
    path.into_iter().map(step).collect()
}
