//! Shallow sizes: what V8 measured, with the innards of objects counted as theirs.
//!
//! A hidden node or an array that belongs to exactly one object (a backing store, a table of properties)
//! hands its size to that object and is left with 0. To belong means to be reached from no other object
//! without passing through an object. Snapshots without roots of the program (`exposeInternals`) keep
//! V8's sizes. These are DevTools' rules.
//!
//! # How
//!
//! Every node's owner is the least upper bound of its retainers' owners in the order
//! nobody < one object < several. Objects are taken in the order of the file, what changes is put on a
//! stack; a node changes at most twice, so this is linear in the edges.

use super::bits::NodeSet;
use super::page::is_user_root;
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind, Sizes, Snapshot};

const NOBODY: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

/// Moves the sizes of what is owned to its owners.
pub(crate) fn transfer(snapshot: &Snapshot, sizes: &mut Sizes) {
    if !snapshot
        .links(snapshot.root())
        .any(|link| is_user_root(snapshot, link.target()))
    {
        return;
    }
    let owners = owners(snapshot);
    for (owned, owner) in snapshot.nodes().zip(owners) {
        if owner == NOBODY || owner == SEVERAL || owner == owned.0 {
            continue;
        }
        let owner = NodeIndex(owner);
        if snapshot.kind(owner) == NodeKind::Synthetic || owner == snapshot.root() {
            continue;
        }
        let bytes = sizes.get(owned);
        if bytes > 0 {
            sizes.set(owned, 0);
            sizes.set(owner, sizes.get(owner).saturating_add(bytes));
        }
    }
}

/// Nodes that may be a part of another one.
fn parts(snapshot: &Snapshot) -> NodeSet {
    let external = snapshot.strings().known("system / ExternalStringData");
    let mut parts = NodeSet::new(snapshot.node_count());
    for node in snapshot.nodes() {
        let is_part = match snapshot.kind(node) {
            NodeKind::Hidden | NodeKind::Array => true,
            NodeKind::Native => external.contains(&snapshot.name(node)) && !snapshot.is_detached(node),
            _ => false,
        };
        if is_part {
            parts.insert(node);
        }
    }
    parts
}

fn owners(snapshot: &Snapshot) -> Vec<u32> {
    let parts = parts(snapshot);
    let mut owners: Vec<u32> = vec![NOBODY; snapshot.node_count()];
    let mut changed = Vec::new();
    for object in snapshot.nodes().filter(|node| !parts.contains(*node)) {
        owners[object.at()] = object.0;
        spread(snapshot, &parts, object, object.0, &mut owners, &mut changed);
        while let Some(node) = changed.pop() {
            let owner = owners[node.at()];
            spread(snapshot, &parts, node, owner, &mut owners, &mut changed);
        }
    }
    owners
}

#[inline(always)]
fn spread(
    snapshot: &Snapshot,
    parts: &NodeSet,
    source: NodeIndex,
    owner: u32,
    owners: &mut [u32],
    changed: &mut Vec<NodeIndex>,
) {
    for link in snapshot.links(source) {
        let target = link.target();
        if !parts.contains(target) || link.is(EdgeKind::Weak) {
            continue;
        }
        let known = &mut owners[target.at()];
        if *known == owner || *known == SEVERAL {
            continue;
        }
        *known = if *known == NOBODY { owner } else { SEVERAL };
        changed.push(target);
    }
}
