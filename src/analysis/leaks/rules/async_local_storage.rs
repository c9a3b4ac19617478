//! What an `AsyncLocalStorage` carries from one asynchronous operation to the next, and on to operations that
//! never end.
//!
//! In the graph: `resource -<symbol kResourceStore>-> store` (to Node 22), `AsyncContextFrame -table->` (from 24).

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "async-local-storage",
    title: "AsyncLocalStorage",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    const CLASSES: [&str; 3] = ["AsyncContextFrame", "AsyncLocalStorage", "ActiveAsyncContextFrame"];
    let carries = evidence.step(|name| name.contains("kResourceStore")).is_some();
    if !carries && !evidence.passes(&CLASSES) && !evidence.scene.is_a(evidence.owner, &CLASSES) {
        return None;
    }
    Some(Explanation {
        why: format!(
            "{} more objects than in the first snapshot are in a store that an asynchronous operation carries on: every \
             operation that begins inside run() or after enterWith() keeps the store.",
            evidence.added()
        ),
        advice: "Put small things into the store and take them out when the request is done; begin what outlives a \
                 request outside of its store (exit(), or AsyncResource.bind)."
            .to_owned(),
        owner: None,
    })
}
