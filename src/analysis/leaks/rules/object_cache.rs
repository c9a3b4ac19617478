//! An object used as a dictionary that is only ever added to.
//!
//! In the graph: many `property` edges of unlike names.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "object-cache",
    title: "Object that only grows",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    evidence.is_collection.then(|| Explanation {
        why: format!(
            "{} has {} properties more than in the first snapshot: it serves as a dictionary, and keys are never deleted.",
            evidence.named.text,
            evidence.added()
        ),
        advice: "Use a Map with a bound, or delete keys that are done with; keep out of the key what changes with every \
                 request."
            .to_owned(),
        owner: None,
    })
}
