//! An array that is only ever pushed to.
//!
//! In the graph: `-element:i->`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "array",
    title: "Array that only grows",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    evidence.scene.is_a(evidence.owner, &["Array"]).then(|| Explanation {
        why: format!(
            "{} has {} elements more than in the first snapshot: it is added to, and nothing is taken out.",
            evidence.named.text,
            evidence.added()
        ),
        advice: "Keep the last so many elements, or write them out and empty the array.".to_owned(),
        owner: None,
    })
}
