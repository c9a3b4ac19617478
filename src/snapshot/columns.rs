//! Nodes and edges as columns of 32-bit numbers, filled row by row from the scanner.
//!
//! A node takes 17 bytes and an edge 8, whatever the fields in the file. An edge's target and type
//! share one word, as every traversal needs both and nothing else: 28 bits of node, 4 bits of type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::error::{Section, SnapshotError};
use super::index::{EdgeIndex, NodeIndex, StringIndex};
use super::numbers::Numbers;
use super::schema::{EdgeKind, Schema};
use super::source::RandomAccess;
use super::text::{self, Reject};

/// Sizes beyond 32 bits are few: large `ArrayBuffer`s. They are kept beside the column.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// `u32::MAX` stands for a size in `wide`.
    narrow: Vec<u32>,
    wide: BTreeMap<u32, u64>,
}

impl Sizes {
    /// In bytes.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, node: NodeIndex) -> u64 {
        match self.narrow[node.at()] {
            u32::MAX => self.wide(node),
            size => u64::from(size),
        }
    }

    /// Whether the size is 0, which is cheaper to ask.
    #[inline(always)]
    #[must_use]
    pub fn is_zero(&self, node: NodeIndex) -> bool {
        self.narrow[node.at()] == 0
    }

    #[cold]
    fn wide(&self, node: NodeIndex) -> u64 {
        self.wide.get(&node.0).copied().unwrap_or(u64::from(u32::MAX))
    }

    /// Sets one size.
    pub(crate) fn set(&mut self, node: NodeIndex, bytes: u64) {
        match u32::try_from(bytes) {
            Ok(bytes) if bytes < u32::MAX => self.narrow[node.at()] = bytes,
            _ => {
                self.narrow[node.at()] = u32::MAX;
                self.wide.insert(node.0, bytes);
            }
        }
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.narrow.len()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.narrow.is_empty()
    }
}

/// A column that is all zeros in most files, and then takes no memory.
#[derive(Clone, Debug)]
pub(crate) struct Sparse<T> {
    values: Vec<T>,
}

impl<T: Copy + Default + PartialEq> Sparse<T> {
    fn new() -> Self {
        Self { values: Vec::new() }
    }

    #[inline(always)]
    fn push(&mut self, at: usize, value: T) {
        if value != T::default() || !self.values.is_empty() {
            self.values.resize(at, T::default());
            self.values.push(value);
        }
    }

    pub(crate) fn get(&self, node: NodeIndex) -> T {
        self.values.get(node.at()).copied().unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The nodes, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    /// Type, as an index into the schema's types.
    pub types: Vec<u8>,
    pub names: Vec<u32>,
    pub ids: Vec<u32>,
    pub sizes: Sizes,
    /// Position of each node's first edge; one more than there are nodes.
    pub first_edges: Vec<u32>,
    pub detachedness: Sparse<u8>,
}

/// The edges, in the order of the file.
#[derive(Debug)]
pub(crate) struct Edges {
    /// Target in the lower 28 bits, type in the upper 4.
    pub targets: Vec<u32>,
    /// String or index, depending on the type.
    pub names: EdgeNames,
}

/// The names of edges: the largest column, and one that sizes and dominators do not need.
///
/// It can be given back and is then read from the file again when asked for, which takes a fifth of the
/// time of reading the file.
#[derive(Debug)]
pub(crate) struct EdgeNames {
    column: OnceLock<Vec<u32>>,
    /// The plain file and the offset of the array, if the column can be read again.
    source: Option<(RandomAccess, u64)>,
    /// Offset of the name in a row, and the row's width.
    field: (usize, usize),
    count: usize,
}

impl EdgeNames {
    pub(crate) fn get(&self) -> &[u32] {
        self.column.get_or_init(|| self.read_again())
    }

    /// Gives the memory back, where the names can be read again.
    pub(crate) fn release(&mut self) {
        if self.source.is_some() {
            self.column = OnceLock::new();
        }
    }

    #[cold]
    fn read_again(&self) -> Vec<u32> {
        let mut names = Vec::with_capacity(self.count);
        if let Some((file, offset)) = &self.source {
            let (field, width) = self.field;
            let mut phase = 0;
            // A file that was changed meanwhile may have other names there, or too few; the graph is unharmed.
            let _ = text::numbers_at(file, *offset, &mut |numbers| {
                let first = (field + width - phase) % width;
                let left = self.count - names.len();
                names.extend(numbers.values.iter().skip(first).step_by(width).take(left));
                phase = (phase + numbers.values.len()) % width;
                Ok(())
            });
        }
        names.resize(self.count, u32::MAX);
        names
    }
}

const TARGET_BITS: u32 = 28;
const TARGET_MASK: u32 = (1 << TARGET_BITS) - 1;

/// Target and type of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(u32);

impl Link {
    #[inline(always)]
    pub(crate) fn new(target: u32, code: u8) -> Self {
        Self(target | u32::from(code) << TARGET_BITS)
    }

    #[inline(always)]
    pub(crate) fn from_word(word: u32) -> Self {
        Self(word)
    }

    pub(crate) fn word(self) -> u32 {
        self.0
    }

    /// The node it points to.
    #[inline(always)]
    #[must_use]
    pub fn target(self) -> NodeIndex {
        NodeIndex(self.0 & TARGET_MASK)
    }

    /// Its type.
    #[inline(always)]
    #[must_use]
    pub fn kind(self) -> EdgeKind {
        EdgeKind::from_code((self.0 >> TARGET_BITS) as u8)
    }

    /// Whether its type is `kind`, without taking it apart.
    #[inline(always)]
    #[must_use]
    pub fn is(self, kind: EdgeKind) -> bool {
        self.0 >> TARGET_BITS == u32::from(kind.code())
    }
}

/// A row that was cut by the end of a slice.
struct Cut {
    values: [u32; 32],
    len: usize,
}

/// Hands complete rows to `row`, with the index of each row's first value in the slice (none for a
/// row that began in an earlier slice).
fn each_row(
    cut: &mut Cut,
    fields: usize,
    values: &[u32],
    mut row: impl FnMut(&[u32], Option<usize>) -> Result<(), Reject>,
) -> Result<(), Reject> {
    let mut rest = values;
    if cut.len > 0 {
        let take = (fields - cut.len).min(rest.len());
        cut.values[cut.len..cut.len + take].copy_from_slice(&rest[..take]);
        cut.len += take;
        rest = &rest[take..];
        if cut.len < fields {
            return Ok(());
        }
        row(&cut.values[..fields], None)?;
        cut.len = 0;
    }
    let before = values.len() - rest.len();
    let mut rows = rest.chunks_exact(fields);
    for (at, values) in rows.by_ref().enumerate() {
        row(values, Some(before + at * fields))?;
    }
    let left = rows.remainder();
    cut.values[..left.len()].copy_from_slice(left);
    cut.len = left.len();
    Ok(())
}

fn reject(at: Option<usize>, expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Reject {
    Reject {
        at: at.unwrap_or(0),
        expected: expected.into(),
        found: found.into(),
    }
}

/// Numbers beyond 32 bits are refused everywhere but among sizes.
fn no_wide(numbers: &Numbers, field_at: usize, fields: usize, phase: usize) -> Result<(), Reject> {
    match numbers
        .wide
        .iter()
        .find(|wide| (wide.at as usize + phase) % fields != field_at)
    {
        None => Ok(()),
        Some(wide) => Err(reject(
            Some(wide.at as usize),
            "a number below 2^32",
            wide.value.to_string(),
        )),
    }
}

/// Makes room without trusting the header: `most` is what the file can hold.
fn column<T>(count: usize, most: u64) -> Vec<T> {
    let mut column = Vec::new();
    // A refusal is no matter yet: the column grows with what is really there.
    let _ = column.try_reserve_exact(count.min(usize::try_from(most).unwrap_or(usize::MAX)));
    column
}

/// Fills [`Nodes`].
pub(crate) struct NodesBuilder<'s> {
    schema: &'s Schema,
    nodes: Nodes,
    cut: Cut,
    edges: u64,
    max_name: u32,
}

impl<'s> NodesBuilder<'s> {
    /// `text_bytes` bounds what is reserved.
    pub(crate) fn new(schema: &'s Schema, text_bytes: u64) -> Self {
        let count = schema.node_count as usize;
        let most = text_bytes / (2 * schema.node_fields.count as u64) + 1;
        Self {
            schema,
            nodes: Nodes {
                types: column(count, most),
                names: column(count, most),
                ids: column(count, most),
                sizes: Sizes {
                    narrow: column(count, most),
                    wide: BTreeMap::new(),
                },
                first_edges: column(count + 1, most + 1),
                detachedness: Sparse::new(),
            },
            cut: Cut {
                values: [0; 32],
                len: 0,
            },
            edges: 0,
            max_name: 0,
        }
    }

    pub(crate) fn push(&mut self, numbers: &Numbers) -> Result<(), Reject> {
        let fields = self.schema.node_fields;
        let rows_before = self.nodes.types.len();
        let phase = self.cut.len;
        if !numbers.wide.is_empty() {
            no_wide(numbers, fields.self_size, fields.count, phase)?;
        }
        let mut cut = std::mem::replace(
            &mut self.cut,
            Cut {
                values: [0; 32],
                len: 0,
            },
        );
        each_row(&mut cut, fields.count, &numbers.values, |row, at| self.row(row, at))?;
        self.cut = cut;
        for wide in &numbers.wide {
            let row = rows_before + (wide.at as usize + phase) / fields.count;
            self.nodes.sizes.wide.insert(row as u32, wide.value);
        }
        Ok(())
    }

    #[inline(always)]
    fn row(&mut self, row: &[u32], at: Option<usize>) -> Result<(), Reject> {
        let fields = &self.schema.node_fields;
        let nodes = &mut self.nodes;
        let index = nodes.types.len();
        let field = |field: usize| at.map(|at| at + field);
        let kind = row[fields.kind];
        if kind as usize >= self.schema.node_kinds.len() {
            return Err(reject(field(fields.kind), "a node type", kind.to_string()));
        }
        if index >= self.schema.node_count as usize {
            return Err(reject(at, format!("{index} nodes, as the header says"), "more"));
        }
        nodes.types.push(kind as u8);
        nodes.names.push(row[fields.name]);
        self.max_name = self.max_name.max(row[fields.name]);
        nodes.ids.push(row[fields.id]);
        nodes.sizes.narrow.push(row[fields.self_size]);
        nodes.first_edges.push(self.edges as u32);
        self.edges += u64::from(row[fields.edge_count]);
        if self.edges > u64::from(self.schema.edge_count) {
            let expected = format!("{} edges in all, as the header says", self.schema.edge_count);
            return Err(reject(field(fields.edge_count), expected, self.edges.to_string()));
        }
        if let Some(detachedness) = fields.detachedness {
            nodes.detachedness.push(index, (row[detachedness] & 3) as u8);
        }
        Ok(())
    }

    /// Checks the counts; `offset` is where the array ended. Returns the greatest name, too.
    pub(crate) fn finish(mut self, offset: u64) -> Result<(Nodes, u32), SnapshotError> {
        let wrong =
            |expected: String, found: String| Err(SnapshotError::format(offset, Section::Nodes, expected, found));
        let count = self.nodes.types.len();
        if self.cut.len > 0 {
            return wrong(
                format!("{} numbers a node", self.schema.node_fields.count),
                "a node cut short".into(),
            );
        }
        if count != self.schema.node_count as usize {
            return wrong(
                format!("{} nodes, as the header says", self.schema.node_count),
                count.to_string(),
            );
        }
        if self.edges != u64::from(self.schema.edge_count) {
            return wrong(
                format!(
                    "edge counts that add up to {}, as the header says",
                    self.schema.edge_count
                ),
                self.edges.to_string(),
            );
        }
        self.nodes.first_edges.push(self.edges as u32);
        Ok((self.nodes, self.max_name))
    }
}

/// Fills [`Edges`].
pub(crate) struct EdgesBuilder<'s> {
    schema: &'s Schema,
    targets: Vec<u32>,
    names: Vec<u32>,
    cut: Cut,
    max_name: u32,
    /// By code of [`EdgeKind`]: all ones where names are strings.
    named: [u32; 16],
}

impl<'s> EdgesBuilder<'s> {
    pub(crate) fn new(schema: &'s Schema, text_bytes: u64) -> Self {
        let count = schema.edge_count as usize;
        let most = text_bytes / (2 * schema.edge_fields.count as u64) + 1;
        let named = std::array::from_fn(|code| {
            if EdgeKind::from_code(code as u8).is_indexed() {
                0
            } else {
                u32::MAX
            }
        });
        Self {
            schema,
            targets: column(count, most),
            names: column(count, most),
            cut: Cut {
                values: [0; 32],
                len: 0,
            },
            max_name: 0,
            named,
        }
    }

    pub(crate) fn push(&mut self, numbers: &Numbers) -> Result<(), Reject> {
        let fields = self.schema.edge_fields.count;
        if !numbers.wide.is_empty() {
            no_wide(numbers, usize::MAX, fields, 0)?;
        }
        // Targets are multiples of the width of a node's row; a known width makes for a cheap division.
        match self.schema.node_fields.count {
            6 => self.rows(numbers, |to| (to / 6, to % 6)),
            7 => self.rows(numbers, |to| (to / 7, to % 7)),
            width => self.rows(numbers, |to| (to / width as u32, to % width as u32)),
        }
    }

    #[inline(always)]
    fn rows(&mut self, numbers: &Numbers, divide: impl Fn(u32) -> (u32, u32)) -> Result<(), Reject> {
        let mut cut = std::mem::replace(
            &mut self.cut,
            Cut {
                values: [0; 32],
                len: 0,
            },
        );
        let fields = self.schema.edge_fields.count;
        each_row(&mut cut, fields, &numbers.values, |row, at| self.row(row, at, &divide))?;
        self.cut = cut;
        Ok(())
    }

    #[inline(always)]
    fn row(&mut self, row: &[u32], at: Option<usize>, divide: impl Fn(u32) -> (u32, u32)) -> Result<(), Reject> {
        let fields = &self.schema.edge_fields;
        let kind = row[fields.kind];
        let Some(&code) = self.schema.edge_codes.get(kind as usize) else {
            return Err(reject(at.map(|at| at + fields.kind), "an edge type", kind.to_string()));
        };
        let to = row[fields.to_node];
        let (target, odd) = divide(to);
        if odd != 0 || target >= self.schema.node_count {
            return Err(reject(
                at.map(|at| at + fields.to_node),
                "the index of a node",
                to.to_string(),
            ));
        }
        if self.targets.len() >= self.schema.edge_count as usize {
            return Err(reject(
                at,
                format!("{} edges, as the header says", self.schema.edge_count),
                "more",
            ));
        }
        let name = row[fields.name_or_index];
        self.max_name = self.max_name.max(name & self.named[code as usize & 15]);
        self.targets.push(Link::new(target, code).0);
        self.names.push(name);
        Ok(())
    }

    /// Checks the count; `end` is where the array ended. `source` is the plain file, if this is one, and the
    /// offset where the array began. Returns the greatest name, too.
    pub(crate) fn finish(self, end: u64, source: Option<(RandomAccess, u64)>) -> Result<(Edges, u32), SnapshotError> {
        let count = self.targets.len();
        if self.cut.len > 0 || count != self.schema.edge_count as usize {
            let expected = format!("{} edges, as the header says", self.schema.edge_count);
            return Err(SnapshotError::format(end, Section::Edges, expected, count.to_string()));
        }
        let fields = self.schema.edge_fields;
        let names = EdgeNames {
            column: OnceLock::from(self.names),
            source,
            field: (fields.name_or_index, fields.count),
            count,
        };
        Ok((
            Edges {
                targets: self.targets,
                names,
            },
            self.max_name,
        ))
    }
}

/// One edge.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Its position.
    pub index: EdgeIndex,
    /// Target and type.
    pub link: Link,
    /// String or index.
    pub name_or_index: u32,
}

impl Edge {
    /// Its name; `None` where it has an index.
    #[must_use]
    pub fn string(&self) -> Option<StringIndex> {
        (!self.link.kind().is_indexed()).then_some(StringIndex(self.name_or_index))
    }
}
