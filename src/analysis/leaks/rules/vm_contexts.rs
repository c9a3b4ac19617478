//! Contexts of `node:vm`: each has globals of its own, and costs hundreds of kilobytes.
//!
//! In the graph: several `NativeContext`.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "vm-contexts",
    title: "vm contexts",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    evidence.around_any(|node| scene.name(node) == "system / NativeContext" && scene.is_new(node))?;
    Some(Explanation {
        why: format!(
            "{} more objects than in the first snapshot keep a vm context each, with globals of its own.",
            evidence.added()
        ),
        advice: "Make one context and run scripts in it again, or drop the context and everything that came out of it."
            .to_owned(),
        owner: None,
    })
}
