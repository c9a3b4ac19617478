//! Listeners of an `EventEmitter` that are added and never removed.
//!
//! In the graph: `emitter -_events-> object -event-> array -i-> closure`, or the closure itself where there is one.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "event-listeners",
    title: "EventEmitter listeners",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let (emitter, event) = evidence.emitter()?;
    let event = event.map_or_else(String::new, |event| format!(" for {event}"));
    let mut why = format!(
        "{} more listeners{event} than in the first snapshot are on {}: they are added again and again, and never removed.",
        evidence.added(),
        evidence.scene.name(emitter)
    );
    why.extend(evidence.shared_context());
    Some(Explanation {
        why,
        advice: "Remove the listener when its work is done (off, once, or an AbortSignal), or add it one time only, \
                 outside of what runs per request."
            .to_owned(),
        owner: None,
    })
}
