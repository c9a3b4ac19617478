//! Who is who: what makes an object of one snapshot that of another.
//!
//! Where ids compare, the id. Where they do not (two processes, captures that numbered objects for themselves), the
//! place: the most telling path from the root by the names of its edges, with the class of each object on it. What
//! is at the same place in two snapshots counts as one object, so that a collection that grew has as many more
//! objects as it has entries. Where only some ids compare, the path begins at the nearest object that has one.
//!
//! # What this cannot see
//!
//! Whether the entry in a slot was replaced: it is where the one before was. And a name in the path that changes
//! from run to run (a directory, a random key) makes another object of all that is behind it.
//!
//! # Cost
//!
//! The search for paths, once for each snapshot. Places are hashes of 32 bits: of four million objects that came,
//! one in a thousand is taken for one that was there.

use std::collections::HashMap;

use crate::analysis::Cheapest;
use crate::snapshot::{Edge, EdgeKind, NodeIndex, NodeKind, Snapshot, StringIndex};

/// What each node is told by where only ids up to `limit` compare.
pub(super) fn keys(snapshot: &Snapshot, cheapest: &Cheapest, limit: u32) -> Vec<u32> {
    let mut places = Places {
        snapshot,
        limit,
        hashes: vec![UNKNOWN; snapshot.node_count()],
        texts: vec![UNKNOWN; snapshot.strings().len()],
        alike: HashMap::new(),
    };
    // All that leads to a node by a cheapest path is nearer to the root, so its place is known.
    for node in cheapest.outward() {
        places.settle(node);
        for (at, edge) in snapshot.edge_range(node).zip(snapshot.edges(node)) {
            let target = edge.link.target();
            if !places.has_id(target) && cheapest.is_cheapest(snapshot, node, edge) {
                places.reach(node, at, edge);
            }
        }
    }
    let key = |node: NodeIndex| {
        if places.has_id(node) {
            snapshot.id(node).0
        } else {
            // Above all ids that compare.
            let range = u64::from(u32::MAX - limit);
            limit + 1 + (places.hashes[node.at()] % range) as u32
        }
    };
    snapshot.nodes().map(key).collect()
}

const UNKNOWN: u64 = 0;
/// The text of a string that is missing: the file was cut off.
const NAMELESS: u64 = 2;

struct Places<'s> {
    snapshot: &'s Snapshot,
    limit: u32,
    /// By node.
    hashes: Vec<u64>,
    /// By string.
    texts: Vec<u64>,
    /// How many are at a place that has no name of its own.
    alike: HashMap<u64, u64>,
}

impl Places<'_> {
    fn has_id(&self, node: NodeIndex) -> bool {
        self.snapshot.id(node).0 <= self.limit
    }

    /// Settles the place of a node to which no nearer one leads any more.
    fn settle(&mut self, node: NodeIndex) {
        let place = if self.has_id(node) {
            mix(1, u64::from(self.snapshot.id(node).0))
        } else if self.hashes[node.at()] & OF_SEVERAL != 0 {
            let place = self.hashes[node.at()];
            let number = self.alike.entry(place).or_insert(0u64);
            *number += 1;
            mix(place, *number)
        } else {
            self.hashes[node.at()]
        };
        self.hashes[node.at()] = place.max(1);
    }

    /// Puts a node in its place; of several ways that are as good, the same one in every snapshot.
    fn reach(&mut self, source: NodeIndex, at: usize, edge: Edge) {
        let node = edge.link.target();
        let (what, step) = (self.what(node), self.step(source, at, edge));
        let is_of_several = self.is_list(source) || edge.link.is(EdgeKind::Property) && step & OF_SEVERAL != 0;
        let place = mix(mix(self.hashes[source.at()], step), what) & !OF_SEVERAL | u64::from(is_of_several);
        let known = &mut self.hashes[node.at()];
        if *known == UNKNOWN || place < *known {
            *known = place;
        }
    }

    /// Whether a node has others in an order that does not last.
    fn is_list(&self, node: NodeIndex) -> bool {
        self.snapshot.kind(node) == NodeKind::Synthetic && node != self.snapshot.root()
    }

    /// What an edge is called.
    fn step(&mut self, source: NodeIndex, at: usize, edge: Edge) -> u64 {
        let kind = edge.link.kind();
        let tag = match kind {
            EdgeKind::Context => 1,
            EdgeKind::Element => 2,
            EdgeKind::Property => 3,
            EdgeKind::Internal => 4,
            EdgeKind::Hidden => 5,
            _ => 6,
        };
        let name = match kind {
            _ if self.is_list(source) => 0,
            // The slots of a table move when it is made anew; their order stays.
            _ if self.snapshot.kind(source) == NodeKind::Array => (at - self.snapshot.edge_range(source).start) as u64,
            EdgeKind::Element | EdgeKind::Hidden => u64::from(edge.name_or_index),
            // It has the numbers of objects in it.
            EdgeKind::WeakMapKey | EdgeKind::WeakMapTable => 0,
            _ => self.text(StringIndex(edge.name_or_index)),
        };
        mix(tag, name) & !OF_SEVERAL | name & OF_SEVERAL
    }

    /// Kind, class and line of a node; the text of a string is no part of what it is.
    fn what(&mut self, node: NodeIndex) -> u64 {
        let kind = match self.snapshot.kind(node) {
            NodeKind::ConcatenatedString | NodeKind::SlicedString => NodeKind::String,
            kind => kind,
        };
        let name = match kind {
            NodeKind::Object | NodeKind::Closure | NodeKind::Native | NodeKind::Synthetic | NodeKind::Code => {
                self.text(self.snapshot.name(node))
            }
            _ => 0,
        };
        let locations = self.snapshot.locations();
        let line = locations.of(node).map_or(0, |place| {
            let place = locations.place(place);
            u64::from(place.line) << 32 | u64::from(place.column)
        });
        mix(mix(kind as u64, name), line)
    }

    /// A name without its numbers: ports, times and counters are those of a run.
    fn text(&mut self, string: StringIndex) -> u64 {
        let Some(known) = self.texts.get_mut(string.at()) else {
            return NAMELESS;
        };
        if *known == UNKNOWN {
            let text = self.snapshot.strings().utf16(string);
            let is_digit = |unit: &u16| (u16::from(b'0')..=u16::from(b'9')).contains(unit);
            let mut hash = 3;
            let mut has_number = 0;
            for part in text.chunk_by(|one, other| is_digit(one) == is_digit(other)) {
                if part.len() >= NUMBER_DIGITS && is_digit(&part[0]) {
                    has_number = OF_SEVERAL;
                } else {
                    hash = part.iter().fold(hash, |hash, unit| mix(hash, u64::from(*unit)));
                }
            }
            *known = hash & !OF_SEVERAL | has_number | 2;
        }
        *known
    }
}

/// So many digits are a number that says which, not what.
const NUMBER_DIGITS: usize = 4;
/// The bit of a hash that says whether several may have it: their number is put to it.
const OF_SEVERAL: u64 = 1;

/// Two hashes made one; never [`UNKNOWN`].
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9e37_79b9_7f4a_7c15) * u128::from(other ^ 0xd6e8_feb8_6659_fd93);
    ((product >> 64) as u64 ^ product as u64).max(1)
}
