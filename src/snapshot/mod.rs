//! A `.heapsnapshot` file as columns: nodes, edges, places and strings, and nothing computed from them.
//!
//! ```no_run
//! use rs_heapdump::snapshot::{OpenOptions, Snapshot};
//!
//! let snapshot = Snapshot::open("before.heapsnapshot".as_ref(), &OpenOptions::default())?;
//! println!("{} nodes, {} edges", snapshot.node_count(), snapshot.edge_count());
//! # Ok::<(), rs_heapdump::snapshot::SnapshotError>(())
//! ```
//!
//! # What is read
//!
//! Plain, `.gz` and `.zst` files of any V8 that writes `snapshot.meta`; field order and type names come
//! from there. A file that is no snapshot, or not a whole one, gives the offset of the byte in question,
//! what was expected and what was found. Nothing in a file makes the reader panic or loop.
//!
//! # Memory
//!
//! 17 bytes a node, 8 an edge, 4 a string, 8 a location: about 55 % of a plain file that V8 wrote. No
//! count in the header is trusted with memory beyond what the file's size can hold. Of a compressed file
//! the text of the strings is kept, too, up to 1 GiB.

mod columns;
mod detached;
mod error;
mod index;
mod load;
mod locations;
mod numbers;
mod provenance;
mod schema;
mod source;
mod strings;
mod text;

use std::fs::File;
use std::ops::Range;
use std::path::Path;

pub use columns::{Edge, Link, Sizes};
pub use error::{FormatError, Section, SnapshotError};
pub use index::{EdgeIndex, NodeIndex, ObjectId, StringIndex};
pub use load::{Header, OpenOptions};
pub use locations::{Locations, Place, PlaceIndex};
pub use provenance::{Memory, Provenance};
pub use schema::{EdgeKind, NodeKind, Schema};
pub use source::read as read_text;
pub use strings::Strings;

use crate::compression::Compression;
use columns::{Edges, Nodes};

/// The file a snapshot was read from.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts {
    /// Its size on disk.
    pub bytes: u64,
    /// How it is stored.
    pub compression: Compression,
}

/// A heap snapshot.
#[derive(Debug)]
pub struct Snapshot {
    schema: Schema,
    provenance: Option<Provenance>,
    nodes: Nodes,
    edges: Edges,
    locations: Locations,
    strings: Strings,
    /// `(edge, pair)` for the edges of `WeakMap` pairs, by edge.
    weak_map_pairs: Vec<(u32, u32)>,
    /// Ascending.
    detached: Vec<NodeIndex>,
    file: FileFacts,
    salvaged: Option<SnapshotError>,
}

impl Snapshot {
    /// Reads a file.
    ///
    /// # Errors
    /// If the system refuses, or the file is no snapshot, or not a whole one.
    pub fn open(path: &Path, options: &OpenOptions<'_>) -> Result<Self, SnapshotError> {
        load::open(path, options)
    }

    /// Reads a copy of what is in the file at `path`, such as a redacted one, and says that it was that file.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open_copy(copy: File, path: &Path, options: &OpenOptions<'_>) -> Result<Self, SnapshotError> {
        load::open_copy(copy, path, options)
    }

    /// Reads a file's header only.
    ///
    /// # Errors
    /// As [`Snapshot::open`], for what is read.
    pub fn header(path: &Path) -> Result<Header, SnapshotError> {
        load::header(path)
    }

    /// Fields, types and counts.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Who wrote it, if we did.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> FileFacts {
        self.file
    }

    /// What was wrong with a file that was opened with `salvage`.
    #[must_use]
    pub fn salvaged(&self) -> Option<&SnapshotError> {
        self.salvaged.as_ref()
    }

    /// The strings.
    #[must_use]
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// The places of objects in their sources.
    #[must_use]
    pub fn locations(&self) -> &Locations {
        &self.locations
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.types.len()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.targets.len()
    }

    /// All nodes, in the order of the file.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + ExactSizeIterator + Clone + use<> {
        (0..self.nodes.types.len() as u32).map(NodeIndex)
    }

    /// The node everything hangs from.
    #[must_use]
    pub fn root(&self) -> NodeIndex {
        NodeIndex(self.schema.root)
    }

    /// Its type.
    #[inline(always)]
    #[must_use]
    pub fn kind(&self, node: NodeIndex) -> NodeKind {
        self.schema.node_kinds[self.nodes.types[node.at()] as usize]
    }

    /// Its type as the file has it.
    #[must_use]
    pub fn type_name(&self, node: NodeIndex) -> &str {
        &self.schema.node_types[self.nodes.types[node.at()] as usize]
    }

    /// Its type, as an index into [`Schema::node_types`].
    #[inline(always)]
    #[must_use]
    pub fn raw_type(&self, node: NodeIndex) -> u8 {
        self.nodes.types[node.at()]
    }

    /// Its name, as V8 wrote it.
    #[inline(always)]
    #[must_use]
    pub fn name(&self, node: NodeIndex) -> StringIndex {
        StringIndex(self.nodes.names[node.at()])
    }

    /// V8's id.
    #[inline(always)]
    #[must_use]
    pub fn id(&self, node: NodeIndex) -> ObjectId {
        ObjectId(self.nodes.ids[node.at()])
    }

    /// The node with this id. Looks at all nodes.
    #[must_use]
    pub fn find(&self, id: ObjectId) -> Option<NodeIndex> {
        self.nodes
            .ids
            .iter()
            .position(|known| *known == id.0)
            .map(NodeIndex::from)
    }

    /// Sizes as V8 wrote them; empty once a graph was built, which has shallow sizes instead.
    #[must_use]
    pub fn self_sizes(&self) -> &Sizes {
        &self.nodes.sizes
    }

    /// Gives the sizes away, to be changed.
    pub(crate) fn take_sizes(&mut self) -> Sizes {
        std::mem::take(&mut self.nodes.sizes)
    }

    /// Whether the node is native and cut off from what made it useful; it is then shown as `Detached …`.
    #[must_use]
    pub fn is_detached(&self, node: NodeIndex) -> bool {
        self.detached.binary_search(&node).is_ok()
    }

    /// All detached nodes, ascending.
    #[must_use]
    pub fn detached(&self) -> &[NodeIndex] {
        &self.detached
    }

    /// Positions of a node's edges.
    #[inline(always)]
    #[must_use]
    pub fn edge_range(&self, node: NodeIndex) -> Range<usize> {
        self.nodes.first_edges[node.at()] as usize..self.nodes.first_edges[node.at() + 1] as usize
    }

    /// Targets and types of a node's edges.
    #[inline(always)]
    pub fn links(&self, node: NodeIndex) -> impl ExactSizeIterator<Item = Link> + '_ {
        self.edges.targets[self.edge_range(node)]
            .iter()
            .map(|word| Link::from_word(*word))
    }

    /// A node's edges, with what they are called.
    pub fn edges(&self, node: NodeIndex) -> impl ExactSizeIterator<Item = Edge> + '_ {
        self.edge_range(node).map(|at| self.edge(EdgeIndex::from(at)))
    }

    /// One edge.
    #[inline(always)]
    #[must_use]
    pub fn edge(&self, edge: EdgeIndex) -> Edge {
        Edge {
            index: edge,
            link: Link::from_word(self.edges.targets[edge.at()]),
            name_or_index: self.edges.names.get()[edge.at()],
        }
    }

    /// The node an edge belongs to. Takes logarithmic time.
    #[must_use]
    pub fn source(&self, edge: EdgeIndex) -> NodeIndex {
        // Nodes without edges share their first edge with the next node that has one.
        NodeIndex::from(self.nodes.first_edges.partition_point(|first| *first <= edge.0) - 1)
    }

    /// Targets and types of all edges.
    pub(crate) fn link_words(&self) -> &[u32] {
        &self.edges.targets
    }

    /// Gives back the memory of the edges' names until they are asked for again, if that is worth it.
    pub(crate) fn release_edge_names(&mut self) {
        const WORTH_IT: usize = 1 << 20;
        if self.edge_count() >= WORTH_IT {
            self.edges.names.release();
        }
    }

    /// Strings or indices of all edges.
    pub(crate) fn edge_names(&self) -> &[u32] {
        self.edges.names.get()
    }

    /// Position of each node's first edge, and the number of edges.
    pub(crate) fn first_edges(&self) -> &[u32] {
        &self.nodes.first_edges
    }

    /// The `WeakMap` pair an edge belongs to.
    pub(crate) fn weak_map_pair(&self, edge: EdgeIndex) -> Option<u32> {
        let at = self
            .weak_map_pairs
            .binary_search_by_key(&edge.0, |(edge, _)| *edge)
            .ok()?;
        Some(self.weak_map_pairs[at].1)
    }

    /// Whether the string is one of the names the analysis knows.
    pub(crate) fn is_known(&self, string: StringIndex, name: &'static str) -> bool {
        self.strings.known(name).contains(&string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_edges_can_be_read_again() {
        let edges: Vec<String> = (0..200_000u32)
            .map(|i| format!("1,{},0", i.wrapping_mul(2_654_435_761)))
            .collect();
        let text = format!(
            r#"{{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count"],"node_types":[["synthetic"]],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["context","element"]]}},"node_count":1,"edge_count":{}}},"nodes":[0,0,1,0,{}],"edges":[{}],"strings":["root"]}}"#,
            edges.len(),
            edges.len(),
            edges.join("\n,")
        );
        let path = std::env::temp_dir().join(format!("rs-heapdump-names-{}.heapsnapshot", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let mut snapshot = Snapshot::open(&path, &OpenOptions::default()).unwrap();
        // The file stays open, so that its name does not matter any more.
        let _ = std::fs::remove_file(&path);
        let before = snapshot.edge_names().to_vec();
        assert_eq!(before[3], 3u32.wrapping_mul(2_654_435_761));
        snapshot.edges.names.release();
        assert_eq!(snapshot.edge_names(), before);
    }
}
