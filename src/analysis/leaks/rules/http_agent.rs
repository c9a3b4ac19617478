//! Sockets and requests that an http agent keeps.
//!
//! In the graph: `Agent -sockets|freeSockets|requests-> {'host:port:': [Socket]}`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "http-agent",
    title: "Sockets of an http agent",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let at = evidence.step(|name| matches!(name, "sockets" | "freeSockets" | "requests"))?;
    let scene = evidence.scene;
    let agent = evidence.path[at].source;
    let is_agent = scene.name(agent).contains("Agent") || scene.property(agent, "freeSockets").is_some();
    if !is_agent {
        return None;
    }
    Some(Explanation {
        why: format!(
            "{} more entries than in the first snapshot are in {}: connections or requests that the agent waits for.",
            evidence.added(),
            evidence.named.text
        ),
        advice: "Read every response to its end (or call resume() or destroy()), set maxSockets, maxFreeSockets and a \
                 timeout, and use one agent for all requests."
            .to_owned(),
        owner: None,
    })
}
