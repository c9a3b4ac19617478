//! Closures that keep variables they do not use: V8 gives all functions made in one call of a function one
//! shared context, so each keeps what any of them mentions.
//!
//! In the graph: `closure -context-> Context -<variable>-> …`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "closure-context",
    title: "Closures and what they see",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let are_closures = evidence.most_fresh(|node| scene.is_closure(node));
    let is_chain = !evidence.is_collection && (scene.is_closure(evidence.owner) || scene.is_context(evidence.owner));
    if !are_closures && !is_chain {
        return None;
    }
    let mut why = if is_chain {
        "A closure keeps the variables around it, and through them the closure of the call before, and so on: none \
         of them is ever garbage."
            .to_owned()
    } else {
        format!(
            "{} more functions than in the first snapshot are kept, each with the variables around it.",
            evidence.added()
        )
    };
    why.extend(evidence.shared_context());
    Some(Explanation {
        why,
        advice:
            "Let go of the functions when they are done with; set variables that they need not see to null, or make \
                 the function where those variables are not in sight."
                .to_owned(),
        owner: None,
    })
}
