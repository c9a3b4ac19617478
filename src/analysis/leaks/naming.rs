//! What a JavaScript programmer would write to get at an object: `bus._events.price`, `sessions`,
//! `globalThis.auditTrail`, `Agent.sockets['host:80:'][0]`.
//!
//! The name begins at the last variable, global or export on the most telling path to the object. Variables of
//! Node's own modules say little to others: there the last object of a named class is the beginning.

use super::scene::{Hop, Scene, is_user_file};
use super::{entries, globals};
use crate::analysis::{Source, captured};
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind, ObjectId};

/// Longer keys are cut, in characters.
const MAX_KEY_CHARS: usize = 40;
/// More that hold a symbol are not looked at.
const MAX_HOLDERS: usize = 1000;
/// More parts than this say no more.
const MAX_PARTS: usize = 12;
/// Maps of the weak kind on one way that are named; the last ones.
const MAX_WEAK_MAPS: usize = 4;

/// Where a name begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// A property of the global object.
    Global(String),
    /// A variable in a context.
    Variable { context: NodeIndex },
    /// What a module exports.
    Export { module: NodeIndex },
    /// A function with properties: a class with static fields.
    Function { closure: NodeIndex },
    /// An object of a class, or nothing better.
    Object,
}

/// A name and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub text: String,
    pub anchor: Anchor,
    /// Whether the anchor itself is meant, not something in it.
    pub is_anchor: bool,
}

/// The name of what a path leads to.
pub(super) fn name(scene: &Scene<'_>, path: &[Hop]) -> Named {
    let users = |at: &usize| matches!(anchor(scene, path, *at), Some((_, _, true)));
    // A variable of a call that is over is part of what leaks, not the place where it does.
    let lasts = |at: &usize| users(at) && !scene.is_new(path[*at].source);
    let begin = (0..path.len())
        .rev()
        .find(lasts)
        .or_else(|| (0..path.len()).rev().find(users));
    if let Some((text, anchor, _)) = begin.and_then(|at| anchor(scene, path, at)) {
        let rest = &path[begin.unwrap_or(0) + 1..];
        return finish(scene, text, anchor, rest, MAX_WEAK_MAPS);
    }
    // Nothing of the program's: an object of a class, in Node's own variables.
    if let Some(at) = (0..path.len()).find(|at| is_instance(scene, path[*at].node) && !is_wrap(scene, path, *at)) {
        return finish(
            scene,
            scene.name(path[at].node),
            Anchor::Object,
            &path[at + 1..],
            MAX_WEAK_MAPS,
        );
    }
    let core = (0..path.len())
        .rev()
        .find_map(|at| Some((at, anchor(scene, path, at)?)));
    if let Some((at, (text, anchor, _))) = core {
        finish(scene, text, anchor, &path[at + 1..], MAX_WEAK_MAPS)
    } else {
        let text = path.last().map_or_else(String::new, |hop| class(scene, hop.node));
        Named {
            text,
            anchor: Anchor::Object,
            is_anchor: true,
        }
    }
}

fn finish(scene: &Scene<'_>, text: String, anchor: Anchor, rest: &[Hop], weak_maps: usize) -> Named {
    // The last value of a WeakMap on the way: its key comes before, what is in it after.
    let value = (0..if weak_maps == 0 { 0 } else { rest.len() })
        .rev()
        .find_map(|at| Some((at, weak_map(scene, rest[at])?)));
    if let Some((at, map)) = value {
        let key = finish(scene, text, anchor.clone(), &rest[..at], weak_maps - 1).text;
        let text = format!("{map}.get({key})");
        return Named {
            is_anchor: false,
            ..finish(scene, text, anchor, &rest[at + 1..], 0)
        };
    }
    let parts: Vec<String> = rest
        .iter()
        .enumerate()
        .filter_map(|(at, _)| part(scene, rest, at))
        .collect();
    let is_anchor = parts.is_empty();
    let skipped = parts.len().saturating_sub(MAX_PARTS);
    let more = if skipped > 0 { "…" } else { "" };
    Named {
        text: format!("{text}{more}{}", parts[skipped..].concat()),
        anchor,
        is_anchor,
    }
}

/// What the `WeakMap` is called by which a step leads from a key to its value.
fn weak_map(scene: &Scene<'_>, hop: Hop) -> Option<String> {
    let edge = scene.edge(hop);
    if !edge.link.is(EdgeKind::WeakMapKey) {
        return None;
    }
    let name = scene.edge_name(edge);
    let id: String = name
        .split("(table @")
        .nth(1)?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let snapshot = scene.snapshot();
    let table = snapshot.find(ObjectId(id.parse().ok()?))?;
    let mut retainers = scene.paths.retainers().of(snapshot, table);
    let map = retainers
        .find(|retainer| entries::table(snapshot, retainer.node) == Some(table))?
        .node;
    let edge = scene.paths.last_edge(map)?;
    let hop = Hop {
        source: snapshot.source(edge),
        edge,
        node: map,
    };
    let edge = scene.edge(hop);
    variable(scene, hop)
        .filter(|_| scene.is_context(hop.source))
        .or_else(|| edge.link.is(EdgeKind::Property).then(|| scene.edge_name(edge)))
}

/// What a name can begin with, and whether it is the program's.
fn anchor(scene: &Scene<'_>, path: &[Hop], at: usize) -> Option<(String, Anchor, bool)> {
    let hop = path[at];
    let edge = scene.edge(hop);
    let kind = edge.link.kind();
    if scene.is_closure(hop.node) && is_property_of_next(scene, path, at) {
        let name = scene.name(hop.node);
        let users = !name.is_empty() && scene.user_source(hop.node).is_some();
        return users.then_some((name, Anchor::Function { closure: hop.node }, true));
    }
    if scene.is_a(hop.node, &["process"]) {
        return Some(("process".to_owned(), Anchor::Object, true));
    }
    if is_global(scene, hop.source) && matches!(kind, EdgeKind::Property | EdgeKind::Shortcut | EdgeKind::Element) {
        let name = scene.edge_name(edge);
        let text = format!("globalThis{}", property(&name));
        let users = !globals::is_standard(&name);
        return Some((text, Anchor::Global(name), users));
    }
    if scene.is_context(hop.source) && matches!(kind, EdgeKind::Context | EdgeKind::Hidden) {
        let names = variable(scene, hop)?;
        let users = scope_file(scene, path, at).is_none_or(|file| is_user_file(&file));
        return Some((names, Anchor::Variable { context: hop.source }, users));
    }
    if kind == EdgeKind::Property && scene.edge_name(edge) == "exports" && scene.is_a(hop.source, &["Module"]) {
        return Some(("module.exports".to_owned(), Anchor::Export { module: hop.source }, true));
    }
    if is_cell(scene, hop.source)
        && let Some(before) = at.checked_sub(1).map(|before| path[before])
        && let Some(key) = table_key(scene, before)
    {
        return Some((key, Anchor::Export { module: before.source }, true));
    }
    None
}

/// Whether a path goes on from a step by a property that was set on a function.
fn is_property_of_next(scene: &Scene<'_>, path: &[Hop], at: usize) -> bool {
    path.get(at + 1).is_some_and(|next| {
        let edge = scene.edge(*next);
        edge.link.is(EdgeKind::Property) && scene.edge_name(edge) != "prototype"
    })
}

/// The variable that an edge of a context stands for.
pub(super) fn variable(scene: &Scene<'_>, hop: Hop) -> Option<String> {
    let edge = scene.edge(hop);
    match edge.link.kind() {
        EdgeKind::Context => Some(scene.edge_name(edge)),
        EdgeKind::Hidden => {
            let found = captured(scene.snapshot(), hop.source);
            let names = found.into_iter().find(|found| found.node == hop.node)?.names;
            (!names.is_empty() && names.len() <= 4).then(|| names.join("|"))
        }
        _ => None,
    }
}

/// The one variable that has the symbol of a property called `<symbol DESCRIPTION>`: what one writes to get at the
/// property. The description is often the same word, and is replaced in a redacted snapshot.
fn symbol(scene: &Scene<'_>, name: &str) -> Option<String> {
    let description = description(name)?;
    let snapshot = scene.snapshot();
    let mut found = None;
    for &symbol in scene.symbols(description) {
        let retainers = scene.paths.retainers().of(snapshot, symbol).take(MAX_HOLDERS);
        for holder in retainers.filter(|holder| scene.is_context(holder.node)) {
            let (source, edge, node) = (holder.node, holder.edge, symbol);
            let Some(name) = variable(scene, Hop { source, edge, node }) else {
                continue;
            };
            if found.as_ref().is_some_and(|other| *other != name) {
                return None;
            }
            found = Some(name);
        }
    }
    found
}

/// The file of the closure through which a path enters the context of a step, if it does.
fn scope_file(scene: &Scene<'_>, path: &[Hop], at: usize) -> Option<String> {
    let through = path[..at]
        .iter()
        .rev()
        .take_while(|hop| scene.is_context(hop.node) || scene.is_closure(hop.node));
    let closure = through.map(|hop| hop.node).find(|node| scene.is_closure(*node))?;
    scene.sources.of(scene.snapshot(), closure)?.file
}

/// How a step is written; nothing where it is V8's own affair.
fn part(scene: &Scene<'_>, path: &[Hop], at: usize) -> Option<String> {
    let hop = path[at];
    let edge = scene.edge(hop);
    let name = || scene.edge_name(edge);
    match edge.link.kind() {
        EdgeKind::Property | EdgeKind::Shortcut => {
            Some(symbol(scene, &name()).map_or_else(|| property(&name()), |variable| format!("[{variable}]")))
        }
        EdgeKind::Element => Some(format!("[{}]", name())),
        EdgeKind::Context | EdgeKind::Hidden if scene.is_context(hop.source) => {
            variable(scene, hop).map(|variable| format!(" → {variable}"))
        }
        EdgeKind::Internal | EdgeKind::Hidden if is_table_slot(scene, path, at) => {
            let key = table_key(scene, hop);
            Some(key.map_or_else(|| ".get(…)".to_owned(), |key| format!(".get({key})")))
        }
        _ => None,
    }
}

/// Whether a step leads from the table of a `Map` or `Set` to an entry.
fn is_table_slot(scene: &Scene<'_>, path: &[Hop], at: usize) -> bool {
    let hop = path[at];
    at.checked_sub(1).is_some_and(|before| {
        let before = path[before];
        before.node == hop.source && entries::table(scene.snapshot(), before.source) == Some(hop.source)
    })
}

/// The key of an entry in a table, as one would write it: it stands in the slot before the value.
pub(super) fn table_key(scene: &Scene<'_>, hop: Hop) -> Option<String> {
    let slot: u32 = scene.edge_name(scene.edge(hop)).parse().ok()?;
    let wanted = slot.checked_sub(1)?.to_string();
    let snapshot = scene.snapshot();
    let mut edges = snapshot.edges(hop.source);
    let key = edges.find(|edge| edge.link.is(scene.edge(hop).link.kind()) && scene.edge_name(*edge) == wanted)?;
    Some(key_text(scene, key.link.target()))
}

/// A key as one would write it.
pub(super) fn key_text(scene: &Scene<'_>, key: NodeIndex) -> String {
    match scene.kind(key) {
        NodeKind::String | NodeKind::ConcatenatedString | NodeKind::SlicedString => {
            quote(&crate::analysis::node_name(scene.snapshot(), key))
        }
        _ => class(scene, key),
    }
}

/// What an object is called where it has no variable: its class, or the function's name.
pub(super) fn class(scene: &Scene<'_>, node: NodeIndex) -> String {
    let name = scene.name(node);
    match scene.kind(node) {
        NodeKind::Closure if name.is_empty() => "(anonymous function)".to_owned(),
        NodeKind::Closure => format!("{name}()"),
        NodeKind::String | NodeKind::ConcatenatedString | NodeKind::SlicedString => "(string)".to_owned(),
        NodeKind::Array => "(array)".to_owned(),
        _ if name.is_empty() => "(object)".to_owned(),
        _ => name,
    }
}

/// `.name`, `['odd name']` or `[kSymbol]`.
pub(super) fn property(name: &str) -> String {
    let starts = |c: char| c.is_alphabetic() || c == '_' || c == '$' || c == '#';
    if let Some(symbol) = description(name) {
        return format!("[{symbol}]");
    }
    if name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_numeric()) {
        format!(".{name}")
    } else {
        format!("[{}]", quote(name))
    }
}

/// The description in `<symbol DESCRIPTION>`.
fn description(name: &str) -> Option<&str> {
    name.strip_prefix("<symbol ").and_then(|rest| rest.strip_suffix('>'))
}

/// In single quotes, cut to a readable length.
pub(super) fn quote(text: &str) -> String {
    let cut: String = text.chars().take(MAX_KEY_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("'{}{more}'", cut.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Whether a node is an object of a class that has a name of its own.
pub(super) fn is_instance(scene: &Scene<'_>, node: NodeIndex) -> bool {
    const PLAIN: [&str; 12] = [
        "Object",
        "Array",
        "Map",
        "Set",
        "WeakMap",
        "WeakSet",
        "global",
        "Function",
        "Promise",
        "Module",
        "process",
        "Generator",
    ];
    let name = scene.name(node);
    scene.kind(node) == NodeKind::Object
        && !PLAIN.contains(&name.as_str())
        && !name.starts_with("system /")
        && !name.starts_with("global ")
        && !name.contains(' ')
        && name.starts_with(char::is_uppercase)
}

/// Whether an object is libuv's side of the next one, such as the `TCP` of a `Socket`.
fn is_wrap(scene: &Scene<'_>, path: &[Hop], at: usize) -> bool {
    path.get(at + 1)
        .is_some_and(|next| scene.edge_name(scene.edge(*next)) == "<symbol owner_symbol>")
}

fn is_cell(scene: &Scene<'_>, node: NodeIndex) -> bool {
    scene.name(node) == "system / Cell"
}

/// Whether a node is a global object.
pub(super) fn is_global(scene: &Scene<'_>, node: NodeIndex) -> bool {
    if scene.kind(node) != NodeKind::Object {
        return false;
    }
    let name = scene.name(node);
    name == "global" || name.starts_with("global ") || name == "Object / global" || name == "[Global Object]"
}

/// The file that a `Module` object stands for.
pub(super) fn module_source(scene: &Scene<'_>, module: NodeIndex) -> Option<Source> {
    let file = ["filename", "id"]
        .iter()
        .find_map(|name| scene.property(module, name))?;
    let file = crate::analysis::node_name(scene.snapshot(), file);
    Some(Source {
        file: Some(file),
        line: 1,
        column: 1,
        function: String::new(),
    })
}
