//! State of a module: a variable or an export that leads to more and more, though it is no collection itself.
//!
//! In the graph: `Module -exports-> … closure -context-> Context -<variable>->`.

use super::{Evidence, Explanation, Rule};
use crate::analysis::leaks::naming::Anchor;

pub(super) const RULE: Rule = Rule {
    slug: "module-state",
    title: "State that only grows",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let is_of_module = matches!(evidence.named.anchor, Anchor::Variable { .. } | Anchor::Export { .. });
    is_of_module.then(|| Explanation {
        why: format!(
            "{} leads to more with every snapshot, and the variable lives as long as its module or function.",
            evidence.named.text
        ),
        advice: "Take out what is done with: cut the list, replace the text, drop the reference.".to_owned(),
        owner: None,
    })
}
