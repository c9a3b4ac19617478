//! A `Set` that is only ever added to.
//!
//! In the graph: `Set -table-> array -i-> value`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "set-cache",
    title: "Set that only grows",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let has_table = evidence.scene.is_set(evidence.owner);
    has_table.then(|| Explanation {
        why: format!(
            "{} has {} members more than in the first snapshot: members are added, and not deleted.",
            evidence.named.text,
            evidence.added()
        ),
        advice: "Delete members when they are done with, or give the Set a bound; a WeakSet where the members are objects that \
                 others hold."
            .to_owned(),
        owner: None,
    })
}
