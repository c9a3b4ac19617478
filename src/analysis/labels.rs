//! How nodes and edges are called: DevTools' names, plus what it does not show.

use super::names;
use super::sources::{captured, is_context};
use crate::snapshot::{Edge, EdgeKind, NodeIndex, NodeKind, Snapshot, StringIndex};

/// Names longer than this are cut, in UTF-16 units.
const MAX_UNITS: usize = 1024;
/// A plain object's name shows as many properties as fit in this many units.
const MAX_OBJECT_UNITS: usize = 100;
/// Pieces of a concatenated string that are looked at.
const MAX_PIECES: usize = 4096;

/// The name of a node: of a concatenated string its text, of a plain object its properties, else V8's.
#[must_use]
pub fn node_name(snapshot: &Snapshot, node: NodeIndex) -> String {
    let name = match snapshot.kind(node) {
        NodeKind::ConcatenatedString => concatenated(snapshot, node),
        NodeKind::Object if snapshot.is_known(snapshot.name(node), "Object") => plain_object(snapshot, node),
        _ => snapshot.strings().utf16(snapshot.name(node)),
    };
    let name = String::from_utf16_lossy(&name);
    if snapshot.is_detached(node) {
        format!("Detached {name}")
    } else {
        name
    }
}

fn concatenated(snapshot: &Snapshot, node: NodeIndex) -> Vec<u16> {
    let mut text = Vec::new();
    let mut stack = vec![node];
    let mut pieces = 0;
    while let Some(node) = stack.pop().filter(|_| text.len() < MAX_UNITS && pieces < MAX_PIECES) {
        pieces += 1;
        if snapshot.kind(node) != NodeKind::ConcatenatedString {
            text.extend(snapshot.strings().utf16(snapshot.name(node)));
            continue;
        }
        let part = |name: &'static str| {
            let known = snapshot.strings().known(name);
            let mut edges = snapshot.edges(node).filter(|edge| edge.link.is(EdgeKind::Internal));
            edges
                .find(|edge| known.contains(&StringIndex(edge.name_or_index)))
                .map(|edge| edge.link.target())
        };
        stack.extend([part("second"), part("first")].into_iter().flatten());
    }
    text
}

/// `{first, third, …, fourth, second}`: properties from both ends, as many as fit.
fn plain_object(snapshot: &Snapshot, node: NodeIndex) -> Vec<u16> {
    let proto = snapshot.strings().known("__proto__");
    let is_property =
        |edge: &Edge| edge.link.is(EdgeKind::Property) && !proto.contains(&StringIndex(edge.name_or_index));
    // No more than this many can be shown.
    let most = MAX_OBJECT_UNITS;
    let mut left: std::collections::VecDeque<StringIndex> = std::collections::VecDeque::new();
    let properties: Vec<_> = snapshot.edges(node).filter(is_property).take(4 * most).collect();
    let complete = properties.len() < 4 * most;
    left.extend(properties.iter().map(|edge| StringIndex(edge.name_or_index)));
    if !complete {
        let range = snapshot.edge_range(node);
        let tail = range
            .rev()
            .map(|at| snapshot.edge(crate::snapshot::EdgeIndex::from(at)));
        let mut tail: Vec<_> = tail
            .filter(is_property)
            .take(most)
            .map(|edge| StringIndex(edge.name_or_index))
            .collect();
        tail.reverse();
        left.extend(tail);
    }
    let shown = |name: StringIndex| {
        let text = snapshot.strings().utf16(name);
        names::quoted(&text).map_or(text, <[u16]>::into_vec)
    };
    let (mut start, mut end): (Vec<u16>, Vec<u16>) = (vec![u16::from(b'{')], vec![u16::from(b'}')]);
    let comma: Vec<u16> = ", ".encode_utf16().collect();
    let mut from_end = false;
    while let Some(name) = if from_end { left.back() } else { left.front() }.copied() {
        let text = shown(name);
        if start.len() > 1 && start.len() + end.len() + text.len() > MAX_OBJECT_UNITS {
            break;
        }
        if from_end {
            left.pop_back();
            if end.len() > 1 {
                end.splice(0..0, comma.iter().copied());
            }
            end.splice(0..0, text);
        } else {
            left.pop_front();
            if start.len() > 1 {
                start.extend(&comma);
            }
            start.extend(text);
        }
        from_end = !from_end;
    }
    if !left.is_empty() {
        start.extend(", …".encode_utf16());
    }
    if end.len() > 1 {
        start.extend(&comma);
    }
    start.extend(end);
    start
}

/// The name of an edge as DevTools has it, without a sign for its type.
#[must_use]
pub fn edge_name(snapshot: &Snapshot, edge: Edge) -> String {
    match edge.string() {
        Some(name) => snapshot.strings().get(name),
        None => edge.name_or_index.to_string(),
    }
}

/// An edge as one would write it: `.name`, `["odd name"]`, `[3]`, `name (captured)`, `{internal}`.
#[must_use]
pub fn edge_label(snapshot: &Snapshot, source: NodeIndex, edge: Edge) -> String {
    let name = edge_name(snapshot, edge);
    match edge.link.kind() {
        EdgeKind::Property | EdgeKind::Shortcut if is_identifier(&name) => format!(".{name}"),
        EdgeKind::Property | EdgeKind::Shortcut => format!("[{name:?}]"),
        EdgeKind::Element => format!("[{name}]"),
        EdgeKind::Context => format!("{name} (captured)"),
        EdgeKind::Weak => format!("[[{name}]]"),
        EdgeKind::Hidden if is_context(snapshot, source) => match block_variable(snapshot, source, edge) {
            names if names.is_empty() => format!("{{{name}}}"),
            names => format!("{} (captured)", names.join("|")),
        },
        _ => format!("{{{name}}}"),
    }
}

/// Names of the variable behind an unnamed edge of a context.
fn block_variable(snapshot: &Snapshot, context: NodeIndex, edge: Edge) -> Vec<String> {
    let is_slot = |other: &Edge| matches!(other.link.kind(), EdgeKind::Hidden | EdgeKind::Context);
    let slot = snapshot
        .edges(context)
        .filter(is_slot)
        .position(|other| other.index == edge.index);
    slot.and_then(|slot| captured(snapshot, context).into_iter().nth(slot))
        .map_or_else(Vec::new, |found| found.names)
}

fn is_identifier(name: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || c == '_' || c == '$' || c == '#';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_numeric())
}
