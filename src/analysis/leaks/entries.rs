//! How many entries an object has that can have many: an array, a `Map`, a `Set`, an object used as a dictionary.

use crate::snapshot::{EdgeKind, Link, NodeIndex, NodeKind, Snapshot, StringIndex};

/// An object with fewer properties, and no elements, is a record and no dictionary.
pub(super) const DICTIONARY_PROPERTIES: u32 = 16;

/// What the entries hang from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// The object's own elements or properties.
    Own,
    /// The table of a `Map`, a `Set` or the like.
    Table(NodeIndex),
}

/// The table of a collection.
pub(super) fn table(snapshot: &Snapshot, object: NodeIndex) -> Option<NodeIndex> {
    let known = snapshot.strings().known("table");
    let names = snapshot.edge_names();
    let mut links = snapshot.links(object).zip(snapshot.edge_range(object));
    let is_table = |(link, edge): &(Link, usize)| {
        link.is(EdgeKind::Internal)
            && known.contains(&StringIndex(names[*edge]))
            && snapshot.kind(link.target()) != NodeKind::ObjectShape
    };
    links.find(is_table).map(|(link, _)| link.target())
}

/// Whether the edge from a table leads to an entry, or a part of one.
fn is_slot(link: Link) -> bool {
    matches!(
        link.kind(),
        EdgeKind::Internal | EdgeKind::Hidden | EdgeKind::Element | EdgeKind::WeakMapTable | EdgeKind::Weak
    )
}

/// Whether this is what stands in a slot of a table that is free.
pub(super) fn is_hole(snapshot: &Snapshot, node: NodeIndex) -> bool {
    let name = snapshot.name(node);
    snapshot.kind(node) == NodeKind::Hidden
        && (snapshot.is_known(name, "system / Hole") || snapshot.is_known(name, "system / Oddball"))
}

/// Edges to entries: of a `Map` up to two an entry. `None` for what is no collection.
pub(super) fn edges(snapshot: &Snapshot, object: NodeIndex) -> Option<u32> {
    if !matches!(snapshot.kind(object), NodeKind::Object | NodeKind::Closure) {
        return None;
    }
    if snapshot.kind(object) == NodeKind::Object
        && let Some(table) = table(snapshot, object)
    {
        // One edge of every node is its map's.
        let slots = snapshot
            .links(table)
            .filter(|link| is_slot(*link) && !is_hole(snapshot, link.target()));
        let slots = slots.count() as u32;
        return Some(slots.saturating_sub(1));
    }
    let (mut elements, mut properties) = (0, 0);
    for link in snapshot.links(object) {
        match link.kind() {
            EdgeKind::Element => elements += 1,
            EdgeKind::Property => properties += 1,
            _ => {}
        }
    }
    match (elements, properties) {
        (0, ..DICTIONARY_PROPERTIES) => None,
        // Indices alone count where there are some; the few properties are those of the class.
        (elements, ..DICTIONARY_PROPERTIES) => Some(elements),
        (elements, properties) => Some(elements + properties),
    }
}

/// What the entries of a collection hang from.
pub(super) fn site(snapshot: &Snapshot, object: NodeIndex) -> Site {
    table(snapshot, object).map_or(Site::Own, Site::Table)
}
