//! Promises that never settle: whatever waits for them waits for ever, and so do the values it needs.
//!
//! In the graph: `Promise -reactions_or_result-> PromiseReaction -> closure`, the reactions in a chain; or a
//! list of the functions that would settle promises, and are not called.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "promises",
    title: "Promises that never settle",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let waits = scene.is_a(evidence.owner, &["Promise"]) && !evidence.is_collection;
    let are_promises = evidence.fresh_are(&["Promise"]);
    let are_settlers = evidence.most_fresh(|node| scene.settles(node));
    if !waits && !are_promises && !are_settlers {
        return None;
    }
    let why = if waits {
        format!(
            "{} more callbacks than in the first snapshot wait for one promise that does not settle.",
            evidence.added()
        )
    } else {
        format!(
            "{} more promises than in the first snapshot are kept and wait: nothing settles them, so what follows them \
             never runs and never goes.",
            evidence.added()
        )
    };
    Some(Explanation {
        why,
        advice:
            "Settle every promise, by a time limit if need be (AbortSignal.timeout, Promise.race with a timer that is \
                 cleared), and take it out of lists of what is pending."
                .to_owned(),
        owner: None,
    })
}
