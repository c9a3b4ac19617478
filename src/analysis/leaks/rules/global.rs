//! Globals that no standard defines: what hangs on the global object is never garbage.
//!
//! In the graph: `global -property:<name>->`.

use super::{Evidence, Explanation, Rule};
use crate::analysis::leaks::globals;
use crate::analysis::leaks::naming::Anchor;

pub(super) const RULE: Rule = Rule {
    slug: "global",
    title: "Global variable",
    recognise,
};

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let Anchor::Global(name) = &evidence.named.anchor else {
        return None;
    };
    if globals::is_standard(name) {
        return None;
    }
    Some(Explanation {
        why: format!(
            "`{name}` is a property of the global object that no standard defines. What it leads to is never garbage, and \
             {} more objects than in the first snapshot are behind it.",
            evidence.added()
        ),
        advice: format!(
            "Declare `{name}` (const or let) in the function or module that needs it, and take out what is done with; \
             'use strict' makes an assignment without a declaration an error."
        ),
        owner: None,
    })
}
