//! What only a `FinalizationRegistry` still knows: held values and tokens of registrations.
//!
//! In the graph: `FinalizationRegistry -active_cells-> WeakCell -> …`, the cells in a chain.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "finalization-registry",
    title: "FinalizationRegistry",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    const CLASSES: [&str; 1] = ["FinalizationRegistry"];
    if !evidence.passes(&CLASSES) && !evidence.scene.is_a(evidence.owner, &CLASSES) {
        return None;
    }
    Some(Explanation {
        why: format!(
            "{} more objects than in the first snapshot are held by registrations: the held value is kept until its \
             object is collected, and for ever if it leads back to that object.",
            evidence.added()
        ),
        advice: "Register a value that does not refer to the object, call unregister() when the object is closed, and \
                 do not rely on finalization to free what can be freed by hand."
            .to_owned(),
        owner: None,
    })
}
