//! Listeners on sockets that are used again: keep-alive connections outlive the requests that listened to them.
//!
//! In the graph: as `event-listeners`, where the emitter is a socket.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "socket-listeners",
    title: "Listeners on reused sockets",
    recognise,
};

const SOCKETS: [&str; 4] = ["Socket", "TLSSocket", "ClientHttp2Session", "ServerHttp2Session"];

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let (emitter, event) = evidence.emitter()?;
    if !evidence.scene.is_a(emitter, &SOCKETS) {
        return None;
    }
    let event = event.map_or_else(String::new, |event| format!(" for {event}"));
    let sockets = match evidence.alike {
        1 => "a socket".to_owned(),
        several => format!("{several} sockets"),
    };
    let mut why = format!(
        "{} more listeners{event} are on {sockets} that live on: with keep-alive a connection serves many requests, \
         and each of them adds a listener that stays.",
        evidence.added()
    );
    why.extend(evidence.shared_context());
    Some(Explanation {
        why,
        advice:
            "Listen to the request or the response, which end with the call; or remove the listener from the socket \
                 when the response ends."
                .to_owned(),
        owner: None,
    })
}
