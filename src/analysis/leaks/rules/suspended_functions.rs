//! Async functions and generators that are suspended and never go on: they keep all of their variables.
//!
//! In the graph: `Generator -parameters_and_registers-> array -> local`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "suspended-functions",
    title: "Suspended functions",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let are_generators = evidence.most_fresh(|node| scene.is_suspended(node));
    let waits = scene.is_a(evidence.owner, &["Promise"]) && !evidence.is_collection;
    let awaits = waits && evidence.around_any(|node| scene.is_suspended(node)).is_some();
    let awaits_own = evidence.most_fresh(|node| scene.settles(node))
        && evidence.around_any(|node| scene.is_suspended(node)).is_some();
    if !are_generators && !awaits && !awaits_own {
        return None;
    }
    let function = evidence
        .source
        .map(|source| source.function.clone())
        .filter(|name| !name.is_empty());
    let function = function.map_or_else(String::new, |name| format!(" of {name}"));
    Some(Explanation {
        why: format!(
            "{} more calls{function} than in the first snapshot are suspended at an await or a yield that never returns, \
             and keep their variables.",
            evidence.added()
        ),
        advice:
            "Give the await an end: a time limit, an AbortSignal, or a rejection when the other side is gone; call \
                 return() on generators that are not run to their end."
                .to_owned(),
        owner: None,
    })
}
