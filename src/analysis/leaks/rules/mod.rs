//! Causes: one file each, which recognises its mechanism on the path to the owner, in the owner itself or in
//! what grows, and says why it happens and what to do.
//!
//! The rules are asked in order, the more telling ones first: the listeners of a socket are listeners of an
//! emitter, too, and those are an array.

mod array;
mod async_local_storage;
mod closure_context;
mod event_listeners;
mod event_target_listeners;
mod evidence;
mod finalization_registry;
mod global;
mod http_agent;
mod map_cache;
mod module_state;
mod object_cache;
mod off_heap_memory;
mod promises;
mod set_cache;
mod sliced_strings;
mod socket_listeners;
mod suspended_functions;
mod timers;
mod vm_contexts;

pub(super) use evidence::Evidence;

/// A cause.
struct Rule {
    /// Its name in JSON.
    slug: &'static str,
    /// … and in plain words.
    title: &'static str,
    recognise: fn(&Evidence<'_>) -> Option<Explanation>,
}

/// What a rule says.
struct Explanation {
    why: String,
    advice: String,
    /// A better name for the owner.
    owner: Option<String>,
}

/// A cause that was found, or that none was.
pub(super) struct Verdict {
    pub slug: &'static str,
    pub title: &'static str,
    pub why: String,
    pub advice: String,
    pub owner: Option<String>,
}

const RULES: [Rule; 19] = [
    vm_contexts::RULE,
    socket_listeners::RULE,
    event_listeners::RULE,
    event_target_listeners::RULE,
    async_local_storage::RULE,
    http_agent::RULE,
    timers::RULE,
    finalization_registry::RULE,
    suspended_functions::RULE,
    promises::RULE,
    global::RULE,
    sliced_strings::RULE,
    off_heap_memory::RULE,
    map_cache::RULE,
    set_cache::RULE,
    closure_context::RULE,
    array::RULE,
    object_cache::RULE,
    module_state::RULE,
];

/// The first rule that recognises what happened.
pub(super) fn explain(evidence: &Evidence<'_>) -> Verdict {
    let found = RULES.iter().find_map(|rule| Some((rule, (rule.recognise)(evidence)?)));
    match found {
        Some((rule, explanation)) => Verdict {
            slug: rule.slug,
            title: rule.title,
            why: explanation.why,
            advice: explanation.advice,
            owner: explanation.owner,
        },
        None => Verdict {
            slug: "unnamed",
            title: "Growth without a known cause",
            why: format!("More is behind {} with every snapshot.", evidence.named.text),
            advice: "Follow the path from the root: whatever is first in it that should not live on is the cause."
                .to_owned(),
            owner: None,
        },
    }
}
