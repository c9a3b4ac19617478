//! What the header says about the rest: which field stands where, what the types are called.
//!
//! Node's major versions differ in fields and types, so nothing is assumed of either but the fields'
//! names. Types this reader does not know are kept and shown under the file's name for them.

use serde::Deserialize;

use super::error::{Section, SnapshotError};
use super::provenance::Provenance;

/// More fields than this in a row is no schema.
const MAX_FIELDS: usize = 32;
/// Node types are held in a byte.
const MAX_NODE_TYPES: usize = 250;
/// Edge types that V8 does not have today and that this reader can still tell apart.
const MAX_OTHER_EDGE_TYPES: usize = 6;

/// What V8 calls the type of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum NodeKind {
    /// Engine internals without a name for users.
    Hidden,
    /// Backing stores, tables and the like.
    Array,
    /// A string in one piece.
    String,
    /// A JavaScript object.
    Object,
    /// Compiled code and what belongs to it.
    Code,
    /// A function.
    Closure,
    /// A regular expression.
    RegExp,
    /// A number on the heap.
    Number,
    /// Memory outside the JavaScript heap.
    Native,
    /// Roots and groups that are no objects.
    Synthetic,
    /// Two strings joined, not yet copied together.
    ConcatenatedString,
    /// A piece of another string, which it keeps alive.
    SlicedString,
    /// A symbol.
    Symbol,
    /// A `BigInt`.
    BigInt,
    /// A hidden class.
    ObjectShape,
    /// A type that is not in this list; its name is in the schema.
    Other,
}

const NODE_KINDS: [(&str, NodeKind); 15] = [
    ("hidden", NodeKind::Hidden),
    ("array", NodeKind::Array),
    ("string", NodeKind::String),
    ("object", NodeKind::Object),
    ("code", NodeKind::Code),
    ("closure", NodeKind::Closure),
    ("regexp", NodeKind::RegExp),
    ("number", NodeKind::Number),
    ("native", NodeKind::Native),
    ("synthetic", NodeKind::Synthetic),
    ("concatenated string", NodeKind::ConcatenatedString),
    ("sliced string", NodeKind::SlicedString),
    ("symbol", NodeKind::Symbol),
    ("bigint", NodeKind::BigInt),
    ("object shape", NodeKind::ObjectShape),
];

/// What V8 calls the type of an edge, with the edges of a `WeakMap`'s pairs told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EdgeKind {
    /// A captured variable.
    Context,
    /// An array's element: has an index instead of a name.
    Element,
    /// A property.
    Property,
    /// An engine-internal slot with a name.
    Internal,
    /// An engine-internal slot with an index.
    Hidden,
    /// At the root: a global object.
    Shortcut,
    /// Keeps nothing alive.
    Weak,
    /// Not shown.
    Invisible,
    /// The value of a `WeakMap`'s pair, seen from its key (or from another node than the table).
    WeakMapKey,
    /// The value of a `WeakMap`'s pair, seen from its table.
    WeakMapTable,
    /// A type that is not in this list; its name is in the schema.
    Other(u8),
}

const EDGE_KINDS: [(&str, EdgeKind); 8] = [
    ("context", EdgeKind::Context),
    ("element", EdgeKind::Element),
    ("property", EdgeKind::Property),
    ("internal", EdgeKind::Internal),
    ("hidden", EdgeKind::Hidden),
    ("shortcut", EdgeKind::Shortcut),
    ("weak", EdgeKind::Weak),
    ("invisible", EdgeKind::Invisible),
];

impl EdgeKind {
    const FIRST_OTHER: u8 = 10;

    /// Four bits, in the order of the declaration.
    #[inline(always)]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Context => 0,
            Self::Element => 1,
            Self::Property => 2,
            Self::Internal => 3,
            Self::Hidden => 4,
            Self::Shortcut => 5,
            Self::Weak => 6,
            Self::Invisible => 7,
            Self::WeakMapKey => 8,
            Self::WeakMapTable => 9,
            Self::Other(n) => Self::FIRST_OTHER + n,
        }
    }

    #[inline(always)]
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Context,
            1 => Self::Element,
            2 => Self::Property,
            3 => Self::Internal,
            4 => Self::Hidden,
            5 => Self::Shortcut,
            6 => Self::Weak,
            7 => Self::Invisible,
            8 => Self::WeakMapKey,
            9 => Self::WeakMapTable,
            n => Self::Other(n - Self::FIRST_OTHER),
        }
    }

    /// Whether the edge has an index where others have a name.
    #[must_use]
    pub fn is_indexed(self) -> bool {
        matches!(self, Self::Element | Self::Hidden)
    }
}

/// Offsets of the fields in a row of `nodes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeFields {
    pub count: usize,
    pub kind: usize,
    pub name: usize,
    pub id: usize,
    pub self_size: usize,
    pub edge_count: usize,
    pub detachedness: Option<usize>,
}

/// Offsets of the fields in a row of `edges`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeFields {
    pub count: usize,
    pub kind: usize,
    pub name_or_index: usize,
    pub to_node: usize,
}

/// Offsets of the fields in a row of `locations`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocationFields {
    pub count: usize,
    pub object_index: usize,
    pub script_id: usize,
    pub line: usize,
    pub column: usize,
}

/// The header, checked.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Nodes in the file, as the header says and the loader has checked.
    pub node_count: u32,
    /// Edges in the file, likewise.
    pub edge_count: u32,
    /// The file's names of node types.
    pub node_types: Vec<String>,
    /// Bytes outside the heap that belong to no node.
    pub extra_native_bytes: u64,
    /// Whether allocations were tracked.
    pub trace_function_count: u64,
    pub(crate) root: u32,
    pub(crate) node_fields: NodeFields,
    pub(crate) edge_fields: EdgeFields,
    pub(crate) location_fields: Option<LocationFields>,
    pub(crate) node_kinds: Vec<NodeKind>,
    /// Code of [`EdgeKind`] by type in the file.
    pub(crate) edge_codes: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    meta: Meta,
    node_count: u64,
    edge_count: u64,
    #[serde(default)]
    trace_function_count: u64,
    #[serde(default)]
    root_index: u64,
    #[serde(default)]
    extra_native_bytes: Option<u64>,
    #[serde(default)]
    rs_heapdump: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Meta {
    node_fields: Vec<String>,
    node_types: Vec<serde_json::Value>,
    edge_fields: Vec<String>,
    edge_types: Vec<serde_json::Value>,
    #[serde(default)]
    location_fields: Vec<String>,
}

/// Parses the value of `"snapshot"`, which stands at `offset`.
pub(crate) fn parse(json: &[u8], offset: u64) -> Result<(Schema, Option<Provenance>), SnapshotError> {
    let header: Header = serde_json::from_slice(json).map_err(|error| {
        SnapshotError::format(offset, Section::Header, "a heap snapshot's header", error.to_string())
    })?;
    let wrong =
        |expected: &'static str, found: String| Err(SnapshotError::format(offset, Section::Header, expected, found));
    let count = header.meta.node_fields.len();
    if count > MAX_FIELDS || header.meta.edge_fields.len() > MAX_FIELDS {
        return wrong(
            "at most 32 fields in a row",
            format!("{}", count.max(header.meta.edge_fields.len())),
        );
    }
    let node_types = type_names(&header.meta.node_fields, &header.meta.node_types, offset)?;
    let edge_types = type_names(&header.meta.edge_fields, &header.meta.edge_types, offset)?;
    if node_types.len() > MAX_NODE_TYPES {
        return wrong("at most 250 node types", node_types.len().to_string());
    }
    let node_count = limit("nodes", header.node_count, MAX_NODES)?;
    if node_count == 0 {
        return wrong("at least one node", "node_count 0".to_owned());
    }
    if !header.root_index.is_multiple_of(count as u64) || header.root_index / count as u64 >= u64::from(node_count) {
        return wrong("the index of a node as root_index", header.root_index.to_string());
    }
    let schema = Schema {
        node_count,
        edge_count: limit("edges", header.edge_count, MAX_EDGES)?,
        node_kinds: node_types.iter().map(|name| node_kind(name)).collect(),
        edge_codes: edge_codes(&edge_types, offset)?,
        node_types,
        extra_native_bytes: header.extra_native_bytes.unwrap_or(0),
        trace_function_count: header.trace_function_count,
        root: (header.root_index / count as u64) as u32,
        node_fields: node_fields(&header.meta.node_fields, offset)?,
        edge_fields: edge_fields(&header.meta.edge_fields, offset)?,
        location_fields: location_fields(&header.meta.location_fields),
    };
    // A provenance that cannot be read is none: the snapshot itself may be fine.
    let provenance = header.rs_heapdump.and_then(|value| serde_json::from_value(value).ok());
    Ok((schema, provenance))
}

/// An edge holds its target in 28 bits and its type in 4.
pub(crate) const MAX_NODES: u64 = 1 << 28;
/// Positions of edges are 32 bits, and one more than the last is needed.
const MAX_EDGES: u64 = u32::MAX as u64 - 1;

fn limit(what: &'static str, actual: u64, limit: u64) -> Result<u32, SnapshotError> {
    if actual > limit {
        return Err(SnapshotError::TooLarge { what, limit, actual });
    }
    Ok(actual as u32)
}

fn position(fields: &[String], name: &str) -> Option<usize> {
    fields.iter().position(|field| field == name)
}

fn required(fields: &[String], name: &'static str, offset: u64) -> Result<usize, SnapshotError> {
    position(fields, name).ok_or_else(|| {
        SnapshotError::format(
            offset,
            Section::Header,
            format!("a field named {name}"),
            format!("{fields:?}"),
        )
    })
}

fn node_fields(fields: &[String], offset: u64) -> Result<NodeFields, SnapshotError> {
    Ok(NodeFields {
        count: fields.len(),
        kind: required(fields, "type", offset)?,
        name: required(fields, "name", offset)?,
        id: required(fields, "id", offset)?,
        self_size: required(fields, "self_size", offset)?,
        edge_count: required(fields, "edge_count", offset)?,
        detachedness: position(fields, "detachedness"),
    })
}

fn edge_fields(fields: &[String], offset: u64) -> Result<EdgeFields, SnapshotError> {
    Ok(EdgeFields {
        count: fields.len(),
        kind: required(fields, "type", offset)?,
        name_or_index: required(fields, "name_or_index", offset)?,
        to_node: required(fields, "to_node", offset)?,
    })
}

fn location_fields(fields: &[String]) -> Option<LocationFields> {
    (fields.len() <= MAX_FIELDS).then_some(())?;
    Some(LocationFields {
        count: fields.len(),
        object_index: position(fields, "object_index")?,
        script_id: position(fields, "script_id")?,
        line: position(fields, "line")?,
        column: position(fields, "column")?,
    })
}

/// The names of types stand where the field `type` stands.
fn type_names(fields: &[String], types: &[serde_json::Value], offset: u64) -> Result<Vec<String>, SnapshotError> {
    let names = types
        .get(required(fields, "type", offset)?)
        .and_then(serde_json::Value::as_array);
    let names: Option<Vec<String>> =
        names.and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    names.ok_or_else(|| SnapshotError::format(offset, Section::Header, "a list of type names", "something else"))
}

fn node_kind(name: &str) -> NodeKind {
    NODE_KINDS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(NodeKind::Other, |(_, kind)| *kind)
}

fn edge_codes(types: &[String], offset: u64) -> Result<Vec<u8>, SnapshotError> {
    let mut others = 0;
    let codes = types.iter().map(|name| {
        if let Some((_, kind)) = EDGE_KINDS.iter().find(|(known, _)| known == name) {
            return Some(kind.code());
        }
        others += 1;
        (others <= MAX_OTHER_EDGE_TYPES).then(|| EdgeKind::Other(others as u8 - 1).code())
    });
    let codes: Option<Vec<u8>> = codes.collect();
    codes.ok_or_else(|| {
        SnapshotError::format(
            offset,
            Section::Header,
            "at most 6 unknown edge types",
            types.len().to_string(),
        )
    })
}

impl Schema {
    /// What a node type of the file is.
    #[must_use]
    pub fn node_kind(&self, raw_type: u8) -> NodeKind {
        self.node_kinds[raw_type as usize]
    }
}
