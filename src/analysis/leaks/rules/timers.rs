//! Timers and intervals that are never cleared, or run for too long.
//!
//! In the graph: `timerListMap[ms] -> TimersList -> Timeout -_onTimeout-> closure`, the Timeouts in a chain;
//! `_repeat` makes an interval of one.

use super::{Evidence, Explanation, Rule};

pub(super) const RULE: Rule = Rule {
    slug: "timers",
    title: "Timers",
    recognise,
};

/// What Node keeps timers in.
const LISTS: [&str; 3] = ["TimersList", "ImmediateList", "PriorityQueue"];

fn recognise(evidence: &Evidence<'_>) -> Option<Explanation> {
    let scene = evidence.scene;
    let in_list = scene.is_a(evidence.owner, &LISTS) || evidence.passes(&LISTS);
    if !in_list && !evidence.fresh_are(&["Timeout", "Immediate", "TimersList"]) {
        return None;
    }
    let timer = evidence.around(&["Timeout", "Immediate"]);
    let callback = timer.and_then(|timer| {
        let names = ["_onTimeout", "_onImmediate"];
        names.iter().find_map(|name| scene.property(timer, name))
    });
    let name = callback
        .map(|closure| scene.name(closure))
        .filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "…".to_owned());
    let is_interval = timer.is_some_and(|timer| scene.is_interval(timer));
    let is_immediate = timer.is_some_and(|timer| scene.is_a(timer, &["Immediate"]));
    let call = match (is_immediate, is_interval) {
        (true, _) => "setImmediate",
        (_, true) => "setInterval",
        _ => "setTimeout",
    };
    let delay = evidence.index_before(&["TimersList"]);
    let arguments = delay.map_or_else(|| name.clone(), |delay| format!("{name}, {delay}"));
    let owner = (!evidence.is_of_program()).then(|| format!("timers: {call}({arguments})"));
    let mut why = format!(
        "{} more timers than in the first snapshot wait, made by {call}({arguments}); each keeps its callback and all \
         that sees.",
        evidence.added()
    );
    why.extend(evidence.shared_context());
    let advice = if is_interval {
        "Keep what setInterval returns, and call clearInterval when the work is done; or have one interval for all."
    } else {
        "Call clearTimeout when the work is done before its time, and keep delays short."
    };
    Some(Explanation {
        why,
        advice: advice.to_owned(),
        owner,
    })
}
