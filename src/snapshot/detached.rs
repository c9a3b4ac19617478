//! Which native nodes are detached: cut off from what made them useful, such as a document, but still held.
//!
//! The embedder knows the state of some nodes. What an attached node reaches is attached; what a detached
//! node reaches and no attached one does is detached. Only native nodes take part, and nothing is passed
//! on through JavaScript or along hidden and weak edges (DevTools' rules).

use super::{EdgeKind, NodeIndex, NodeKind, Snapshot};

const ATTACHED: u8 = 1;
const DETACHED: u8 = 2;

/// All detached nodes, ascending.
pub(super) fn find(snapshot: &Snapshot) -> Vec<NodeIndex> {
    if snapshot.nodes.detachedness.is_empty() {
        return Vec::new();
    }
    let mut states = vec![0u8; snapshot.node_count()];
    let mut attached = Vec::new();
    let mut detached = Vec::new();
    let native = snapshot.nodes().filter(|node| snapshot.kind(*node) == NodeKind::Native);
    for node in native {
        let state = snapshot.nodes.detachedness.get(node);
        states[node.at()] = state;
        match state {
            ATTACHED => attached.push(node),
            DETACHED => detached.push(node),
            _ => {}
        }
    }
    spread(snapshot, attached, ATTACHED, &mut states);
    spread(snapshot, detached, DETACHED, &mut states);
    snapshot.nodes().filter(|node| states[node.at()] == DETACHED).collect()
}

fn spread(snapshot: &Snapshot, mut stack: Vec<NodeIndex>, state: u8, states: &mut [u8]) {
    while let Some(node) = stack.pop() {
        for link in snapshot.links(node) {
            let target = link.target();
            let passes = !matches!(link.kind(), EdgeKind::Hidden | EdgeKind::Invisible | EdgeKind::Weak);
            if passes && states[target.at()] == 0 && snapshot.kind(target) == NodeKind::Native {
                states[target.at()] = state;
                stack.push(target);
            }
        }
    }
}
