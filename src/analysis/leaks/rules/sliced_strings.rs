//! Short pieces of long strings: a slice keeps the whole string that it was cut from.
//!
//! In the graph: a `sliced string` with a large `parent`.

use super::{Evidence, Explanation, Rule};
use crate::snapshot::NodeKind;

pub(super) const RULE: Rule = Rule {
    slug: "sliced-strings",
    title: "Slices of large strings",
    recognise,
};

/// A parent of fewer bytes is not worth a copy.
const LEAST_PARENT_BYTES: u64 = 512;

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let parent = |node| {
        let parent = scene.internal(node, "parent")?;
        (scene.heap.shallow_size(parent) >= LEAST_PARENT_BYTES).then_some(parent)
    };
    let slice = |node| scene.kind(node) == NodeKind::SlicedString && parent(node).is_some();
    let near = |node| scene.nearest(node, 12, slice);
    let sample = evidence.fresh.iter().find_map(|node| near(*node))?;
    let held = scene.heap.shallow_size(parent(sample)?);
    let first = evidence.first_fresh();
    let behind = first
        .iter()
        .filter_map(|node| Some(scene.heap.shallow_size(parent(near(*node)?)?)));
    let looked_at = first.len() as u64;
    let all = evidence.first_fresh_bytes();
    if behind.sum::<u64>() * 2 < all.max(looked_at * LEAST_PARENT_BYTES) {
        return None;
    }
    Some(Explanation {
        why: format!(
            "The strings that stay are slices, and V8 keeps the whole string that a slice was cut from: {held} bytes \
             behind one of {}.",
            evidence.added()
        ),
        advice:
            "Copy the piece that is kept, so that it does not refer to the whole: Buffer.from(piece).toString(), or \
                 structuredClone(piece)."
                .to_owned(),
        owner: None,
    })
}
