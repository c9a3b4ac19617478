//! Contexts of `node:vm`: each has globals of its own, and costs hundreds of kilobytes.
//!
//! In the graph: several `NativeContext`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "vm-contexts",
    title: "vm contexts",
    recognise,
};

/// A context takes at least so many bytes.
const LEAST_BYTES: u64 = 20 << 10;

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let realms = evidence.scene.new_realms();
    let keeps = realms > 1 && realms * 2 >= evidence.added() && evidence.grown_bytes >= evidence.added() * LEAST_BYTES;
    keeps.then(|| Explanation {
        why: format!(
            "{} more objects than in the first snapshot keep a vm context each, with globals of its own.",
            evidence.added()
        ),
        advice: "Make one context and run scripts in it again, or drop the context and everything that came out of it."
            .to_owned(),
        owner: None,
    })
}
