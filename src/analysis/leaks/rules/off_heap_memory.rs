//! Buffers and other memory outside the JavaScript heap: small objects that keep much.
//!
//! In the graph: `Buffer -buffer-> ArrayBuffer -backing_store-> JSArrayBufferData`, a native node.

use super::{Evidence, Explanation, Rule};
use crate::snapshot::NodeKind;

pub(super) const RULE: Rule = Rule {
    slug: "off-heap-memory",
    title: "Memory outside the heap",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let native = |node| scene.kind(node) == NodeKind::Native && scene.heap.shallow_size(node) >= 256;
    let behind = |node: &crate::snapshot::NodeIndex| {
        scene
            .nearest(*node, 24, native)
            .map_or(0, |store| scene.heap.shallow_size(store))
    };
    let outside: u64 = evidence.first_fresh().iter().map(behind).sum();
    if outside == 0 || outside * 2 < evidence.first_fresh_bytes() {
        return None;
    }
    let samples = evidence.first_fresh().len() as u64;
    Some(Explanation {
        why: format!(
            "{} more objects than in the first snapshot keep buffers of {} bytes each outside of the JavaScript heap, \
             where V8's limit does not count them.",
            evidence.added(),
            outside / samples.max(1)
        ),
        advice:
            "Let go of the buffers when they are sent or written; keep a part by copying it (Buffer.from(part)), since \
                 a subarray keeps the whole."
                .to_owned(),
        owner: None,
    })
}
