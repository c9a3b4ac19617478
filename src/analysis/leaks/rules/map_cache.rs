//! A `Map` that is only ever added to.
//!
//! In the graph: `Map -table-> array -i-> value`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "map-cache",
    title: "Map that only grows",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let has_table = evidence.scene.is_map(evidence.owner);
    has_table.then(|| Explanation {
        why: format!(
            "{} has {} entries more than in the first snapshot: entries are set, and not deleted.",
            evidence.named.text,
            evidence.added()
        ),
        advice: "Give the Map a bound (delete the oldest key beyond it), or a time after which entries go; a WeakMap where the \
                 keys are objects that others hold."
            .to_owned(),
        owner: None,
    })
}
