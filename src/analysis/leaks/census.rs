//! An earlier snapshot, boiled down to what the search asks of it: who was there, what collections held, and
//! how much was behind each object.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::keys::KeySet;
use super::weights::{UNIT_BYTES, Weights};
use super::{entries, identity};
use crate::analysis::{Cheapest, Comparability};
use crate::graph::Heap;
use crate::snapshot::{NodeIndex, NodeKind, Provenance, Snapshot};

/// What fewer objects or bytes than this hang from is not kept.
const LEAST_OBJECTS: u64 = 8;
const LEAST_BYTES: u64 = 2 << 10;
/// Names kept, to see whether ids mean the same in another snapshot.
const SAMPLE_NAMES: usize = 1 << 14;
/// In one process this part of the objects with equal ids have equal names.
const LEAST_AGREEMENT_PERCENT: usize = 97;

/// What was behind an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub count: u64,
    pub bytes: u64,
}

/// What is kept of a snapshot.
#[derive(Clone, Debug)]
pub struct Census {
    /// Up to this one ids are what objects are told by; those beyond are told by their places.
    limit: u32,
    alive: KeySet,
    /// Edges to entries by the collection's key, ascending.
    entries: Vec<(u32, u32)>,
    /// Objects and bytes by key, ascending; bytes in units of eight.
    holdings: Vec<(u32, u32, u32)>,
    /// A hash of the name, by id.
    names: Vec<(u32, u64)>,
    provenance: Option<Provenance>,
    total_bytes: u64,
}

impl Census {
    /// Boils a snapshot down; ids up to `limit` mean the same in the snapshots to come.
    #[must_use]
    pub fn build(snapshot: Snapshot, limit: u32) -> Self {
        // Before dominators, for which the names of edges are given back.
        let keys = (limit < u32::MAX).then(|| identity::keys(&snapshot, &Cheapest::search(&snapshot), limit));
        let key = |snapshot: &Snapshot, node: NodeIndex| match &keys {
            Some(keys) => keys[node.at()],
            None => snapshot.id(node).0,
        };
        let collections = snapshot.nodes().filter_map(|node| {
            let edges = entries::edges(&snapshot, node)?;
            Some((key(&snapshot, node), edges))
        });
        let mut collections: Vec<(u32, u32)> = collections.collect();
        collections.sort_unstable();
        let heap = Heap::without_distances(snapshot);
        let snapshot = heap.snapshot();
        let weights = Weights::build(&heap);
        let all = snapshot.nodes().map(|node| key(snapshot, node));
        let mut census = Self {
            limit,
            alive: KeySet::of(all),
            entries: collections,
            holdings: Vec::new(),
            names: names(snapshot),
            provenance: snapshot.provenance().cloned(),
            total_bytes: heap.retained_size(snapshot.root()),
        };
        for node in snapshot.nodes() {
            if weights.is_engine(node) {
                continue;
            }
            let (count, bytes) = (weights.count(node), weights.bytes(node));
            if count >= LEAST_OBJECTS || bytes >= LEAST_BYTES {
                census
                    .holdings
                    .push((key(snapshot, node), count as u32, (bytes / UNIT_BYTES) as u32));
            }
        }
        census.holdings.sort_unstable();
        // A copy made when the heap is gone lies where that was, and does not keep the allocator from giving
        // the rest back: a tenth of the peak, measured.
        drop((weights, keys));
        drop(heap);
        census.clone()
    }

    /// Up to which id objects are told by it.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// Whether an object was there.
    pub(super) fn has(&self, key: u32) -> bool {
        self.alive.contains(key)
    }

    /// Edges to entries that a collection had, if it was one.
    pub(super) fn entries(&self, key: u32) -> Option<u32> {
        let at = self.entries.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(self.entries[at].1)
    }

    /// What was behind an object; nothing if that was little.
    pub(super) fn holding(&self, key: u32) -> Holding {
        match self.holdings.binary_search_by_key(&key, |(key, ..)| *key) {
            Ok(at) => Holding {
                count: u64::from(self.holdings[at].1),
                bytes: u64::from(self.holdings[at].2) * UNIT_BYTES,
            },
            Err(_) => Holding::default(),
        }
    }

    /// All that the root retained.
    pub(super) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Whether ids mean the same in this snapshot and in a later one.
    #[must_use]
    pub fn comparability(&self, later: &Snapshot) -> Comparability {
        let declared = Comparability::declared(self.provenance.as_ref(), later.provenance());
        declared.unwrap_or_else(|| {
            let now: HashMap<u32, u64> = names(later).into_iter().collect();
            let common = self
                .names
                .iter()
                .filter_map(|(id, name)| Some((now.get(id)?, name)))
                .collect::<Vec<_>>();
            let agree = common.iter().filter(|(now, before)| now == before).count();
            if agree * 100 >= common.len() * LEAST_AGREEMENT_PERCENT {
                Comparability::Comparable
            } else {
                Comparability::DifferentProcess
            }
        })
    }
}

/// Names by id, of objects whose name does not change: the same ones in every snapshot of a process.
fn names(snapshot: &Snapshot) -> Vec<(u32, u64)> {
    let step = (snapshot.node_count() / SAMPLE_NAMES + 1).next_power_of_two() as u32;
    let has_lasting_name = |node: &NodeIndex| {
        matches!(
            snapshot.kind(*node),
            NodeKind::Object | NodeKind::Closure | NodeKind::Symbol
        ) && !snapshot.is_known(snapshot.name(*node), "Object")
    };
    let sample = snapshot
        .nodes()
        .filter(|node| (snapshot.id(*node).0 / 2).is_multiple_of(step))
        .filter(has_lasting_name);
    let mut hashes = HashMap::new();
    let known = sample.map(|node| {
        let name = snapshot.name(node);
        let hash = *hashes.entry(name).or_insert_with(|| {
            let mut state = DefaultHasher::new();
            snapshot.strings().utf16(name).hash(&mut state);
            state.finish()
        });
        (snapshot.id(node).0, hash)
    });
    known.collect()
}
