//! Listeners of an `EventTarget`, most often of an `AbortSignal` that lives as long as the process.
//!
//! In the graph: `target -<symbol kEvents>-> Map … -next-> Listener -listener-> closure`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "event-target-listeners",
    title: "EventTarget listeners",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let of_target = evidence.step(|name| name.contains("kEvents") || name.contains("kDependantSignals"));
    let target = match of_target {
        Some(at) => evidence.scene.name(evidence.path[at].source),
        None if evidence.fresh_are(&["Listener"]) || evidence.scene.is_a(evidence.owner, &["Listener"]) => {
            "an EventTarget".to_owned()
        }
        None => return None,
    };
    let mut why = format!(
        "{} more listeners than in the first snapshot are on {target}, which lives on: they are never removed.",
        evidence.added()
    );
    why.extend(evidence.shared_context());
    Some(Explanation {
        why,
        advice:
            "Pass { once: true } or a signal to addEventListener, or call removeEventListener when the work is done; \
                 give every operation an AbortSignal of its own."
                .to_owned(),
        owner: None,
    })
}
