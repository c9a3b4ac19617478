//! From file to columns: walks the top-level object and hands each value to who reads it.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;

use super::columns::{Edges, EdgesBuilder, Link, Nodes, NodesBuilder};
use super::detached;
use super::error::{Section, SnapshotError};
use super::index::StringIndex;
use super::locations::{Locations, LocationsBuilder};
use super::numbers::Numbers;
use super::provenance::Provenance;
use super::schema::{self, EdgeKind, Schema};
use super::source::{self, Source};
use super::strings::{self, Strings};
use super::text::{Reject, Text, default_threads};
use super::{FileFacts, Snapshot};
use crate::compression::Compression;

/// The header of a snapshot is a few kilobytes.
const MAX_HEADER_BYTES: usize = 16 << 20;

/// How to open a snapshot.
#[derive(Clone, Copy, Default)]
pub struct OpenOptions<'a> {
    /// Threads that scan; by default as many as there are cores, up to four.
    pub threads: Option<NonZeroUsize>,
    /// Read a file that is cut off after its edges; what is missing has no name or place.
    pub salvage: bool,
    /// Called with the bytes read so far and those in the file (0 where not known).
    pub progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

/// The header of a snapshot, read without the rest.
#[derive(Clone, Debug)]
pub struct Header {
    /// Fields, types and counts.
    pub schema: Schema,
    /// Who wrote it, if we did.
    pub provenance: Option<Provenance>,
    /// The file.
    pub file: FileFacts,
}

/// Reads no more than the header.
pub(crate) fn header(path: &Path) -> Result<Header, SnapshotError> {
    let (source, compression, bytes) = source::open(path)?;
    let mut text = Text::new(source, NonZeroUsize::MIN, &|_| {});
    text.expect(b'{', "'{'")?;
    loop {
        let key = text.key()?;
        text.expect(b':', "':'")?;
        if key == "snapshot" {
            let (schema, provenance) = read_header(&mut text)?;
            return Ok(Header {
                schema,
                provenance,
                file: FileFacts { bytes, compression },
            });
        }
        text.skip_value(|_, _| Ok(()))?;
        text.expect(b',', "',' and \"snapshot\"")?;
    }
}

fn read_header(text: &mut Text<'_>) -> Result<(Schema, Option<Provenance>), SnapshotError> {
    text.enter(Section::Header);
    text.peek_token()?;
    let offset = text.offset();
    let mut json = Vec::new();
    text.skip_value(|text, bytes| {
        json.extend_from_slice(bytes);
        if json.len() > MAX_HEADER_BYTES {
            return Err(SnapshotError::format(
                text.offset(),
                Section::Header,
                "a header of at most 16 MiB",
                "more",
            ));
        }
        Ok(())
    })?;
    schema::parse(&json, offset)
}

/// Reads the whole file.
pub(crate) fn open(path: &Path, options: &OpenOptions<'_>) -> Result<Snapshot, SnapshotError> {
    let (source, compression, bytes) = source::open(path)?;
    load(source, FileFacts { bytes, compression }, options)
}

/// Reads a copy of what is in the file, and says that it was the file.
pub(crate) fn open_copy(copy: File, path: &Path, options: &OpenOptions<'_>) -> Result<Snapshot, SnapshotError> {
    let facts = header(path)?.file;
    let copy = source::plain(copy, path)?;
    let (bytes, compression) = (copy.bytes, Compression::None);
    let mut snapshot = load(Source::File(copy), FileFacts { bytes, compression }, options)?;
    snapshot.file = facts;
    Ok(snapshot)
}

fn load(source: Source, facts: FileFacts, options: &OpenOptions<'_>) -> Result<Snapshot, SnapshotError> {
    let FileFacts { bytes, compression } = facts;
    let total = if compression == Compression::None { bytes } else { 0 };
    let progress = |done: u64| {
        if let Some(progress) = options.progress {
            progress(if total == 0 { done } else { done.min(total) }, total);
        }
    };
    let threads = options.threads.unwrap_or_else(default_threads);
    let mut loader = Loader {
        text: Text::new(source, threads, &progress),
        // Text is at most this much longer than its compressed form in anything but a bomb.
        text_bytes: if compression == Compression::None {
            bytes
        } else {
            bytes.saturating_mul(64)
        },
        salvage: options.salvage,
        parts: Parts::default(),
    };
    let salvaged = match loader.object() {
        Ok(()) => None,
        Err(error) if options.salvage && loader.parts.has_graph() && error.is_truncation() => Some(error),
        Err(error) => return Err(error),
    };
    loader.finish(facts, salvaged)
}

/// What has been read so far.
#[derive(Default)]
struct Parts {
    header: Option<(Schema, Option<Provenance>)>,
    nodes: Option<(Nodes, u32)>,
    edges: Option<(Edges, u32)>,
    locations: Option<Locations>,
    strings: Option<Strings>,
    /// Where `[` of `nodes` and `edges` stand.
    arrays: [u64; 2],
}

impl Parts {
    fn has_graph(&self) -> bool {
        self.nodes.is_some() && self.edges.is_some()
    }
}

struct Loader<'p> {
    text: Text<'p>,
    text_bytes: u64,
    salvage: bool,
    parts: Parts,
}

impl Loader<'_> {
    fn object(&mut self) -> Result<(), SnapshotError> {
        self.text.expect(b'{', "'{', the beginning of a heap snapshot")?;
        if self.text.peek_token()? == Some(b'}') {
            return Ok(());
        }
        loop {
            self.text.enter(Section::Other);
            let key = self.text.key()?;
            self.text.expect(b':', "':'")?;
            self.value(&key)?;
            self.text.enter(Section::Other);
            match self.text.peek_token()? {
                Some(b',') => self.text.consume(1),
                Some(b'}') => return Ok(()),
                Some(byte) => return Err(self.text.unexpected("',' or '}'", byte)),
                None => return Err(self.text.truncated("',' or '}'")),
            }
        }
    }

    fn value(&mut self, key: &str) -> Result<(), SnapshotError> {
        let parts = &self.parts;
        match key {
            "snapshot" if parts.header.is_none() => {
                self.parts.header = Some(read_header(&mut self.text)?);
            }
            "nodes" if parts.nodes.is_none() => self.nodes()?,
            "edges" if parts.edges.is_none() => self.edges()?,
            "locations" if parts.locations.is_none() => self.locations()?,
            "strings" if parts.strings.is_none() => {
                self.text.enter(strings::SECTION);
                self.parts.strings = Some(strings::scan(&mut self.text, self.salvage)?);
            }
            "snapshot" | "nodes" | "edges" | "locations" | "strings" => {
                return Err(SnapshotError::format(
                    self.text.offset(),
                    Section::Other,
                    "each part once",
                    format!("\"{key}\" again"),
                ));
            }
            _ => self.text.skip_value(|_, _| Ok(()))?,
        }
        Ok(())
    }

    fn nodes(&mut self) -> Result<(), SnapshotError> {
        self.text.enter(Section::Nodes);
        let Some((schema, _)) = &self.parts.header else {
            return Err(self.out_of_order("\"snapshot\" before \"nodes\"", "\"nodes\""));
        };
        self.parts.arrays[0] = self.text.offset();
        let mut builder = NodesBuilder::new(schema, self.text_bytes);
        self.text.numbers(&mut |numbers| builder.push(numbers))?;
        self.parts.nodes = Some(builder.finish(self.text.offset())?);
        Ok(())
    }

    fn edges(&mut self) -> Result<(), SnapshotError> {
        self.text.enter(Section::Edges);
        let Some((schema, _)) = self.parts.header.as_ref().filter(|_| self.parts.nodes.is_some()) else {
            return Err(self.out_of_order("\"nodes\" before \"edges\"", "\"edges\""));
        };
        self.parts.arrays[1] = self.text.offset();
        let mut builder = EdgesBuilder::new(schema, self.text_bytes);
        self.text.numbers(&mut |numbers| builder.push(numbers))?;
        let source = self.text.file().map(|file| (file, self.parts.arrays[1]));
        self.parts.edges = Some(builder.finish(self.text.offset(), source)?);
        Ok(())
    }

    fn locations(&mut self) -> Result<(), SnapshotError> {
        self.text.enter(Section::Locations);
        let Some((schema, _)) = &self.parts.header else {
            return Err(self.out_of_order("\"snapshot\" before \"locations\"", "\"locations\""));
        };
        let Some(mut builder) = LocationsBuilder::new(schema) else {
            return self.text.skip_value(|_, _| Ok(()));
        };
        self.text.numbers(&mut |numbers| builder.push(numbers))?;
        self.parts.locations = Some(builder.finish(self.text.offset())?);
        Ok(())
    }

    fn out_of_order(&self, expected: &'static str, found: &'static str) -> SnapshotError {
        SnapshotError::format(self.text.offset(), Section::Other, expected, found)
    }

    fn finish(mut self, file: FileFacts, salvaged: Option<SnapshotError>) -> Result<Snapshot, SnapshotError> {
        let parts = std::mem::take(&mut self.parts);
        let missing = |what: &'static str| {
            SnapshotError::format(self.text.offset(), Section::Other, what, "the end of the object")
        };
        let (schema, provenance) = parts.header.ok_or_else(|| missing("\"snapshot\""))?;
        let (nodes, max_node_name) = parts.nodes.ok_or_else(|| missing("\"nodes\""))?;
        let (mut edges, max_edge_name) = parts.edges.ok_or_else(|| missing("\"edges\""))?;
        let strings = match parts.strings {
            Some(strings) => strings,
            None if salvaged.is_some() => Strings::none(),
            None => return Err(missing("\"strings\"")),
        };
        let count = strings.len();
        if salvaged.is_none() && !self.salvage {
            if max_node_name as usize >= count {
                return Err(self.bad_name(Section::Nodes, &schema, parts.arrays[0], count));
            }
            if max_edge_name as usize >= count && count > 0 || (count == 0 && max_edge_name > 0) {
                return Err(self.bad_name(Section::Edges, &schema, parts.arrays[1], count));
            }
        }
        let weak_map_pairs = mark_weak_map_edges(&nodes, &mut edges, &strings);
        let mut snapshot = Snapshot {
            schema,
            provenance,
            nodes,
            edges,
            locations: parts.locations.unwrap_or_default(),
            strings,
            weak_map_pairs,
            detached: Vec::new(),
            file,
            salvaged,
        };
        snapshot.detached = detached::find(&snapshot);
        Ok(snapshot)
    }

    /// Finds the first name that is no string, to say where it is: reads the array once more.
    fn bad_name(&mut self, section: Section, schema: &Schema, array: u64, strings: usize) -> SnapshotError {
        let expected = format!("the index of one of {strings} strings");
        let Some(file) = self.text.file() else {
            return SnapshotError::format(self.text.offset(), section, expected, "a greater index");
        };
        let nothing = |_| {};
        let mut text = Text::new(Source::File(file), NonZeroUsize::MIN, &nothing);
        text.seek(array);
        text.enter(section);
        let (fields, name) = match section {
            Section::Nodes => (schema.node_fields.count, schema.node_fields.name),
            _ => (schema.edge_fields.count, schema.edge_fields.name_or_index),
        };
        let mut phase = 0;
        let mut code = 0;
        let found = text.numbers(&mut |numbers: &Numbers| {
            for (at, &value) in numbers.values.iter().enumerate() {
                let field = (phase + at) % fields;
                if section == Section::Edges && field == schema.edge_fields.kind {
                    // The file may have changed since it was read first.
                    code = schema.edge_codes.get(value as usize).copied().unwrap_or_default();
                }
                let indexed = section == Section::Edges && EdgeKind::from_code(code).is_indexed();
                if field == name && !indexed && value as usize >= strings {
                    return Err(Reject {
                        at,
                        expected: expected.clone().into(),
                        found: value.to_string().into(),
                    });
                }
            }
            phase = (phase + numbers.values.len()) % fields;
            Ok(())
        });
        found
            .err()
            .unwrap_or_else(|| SnapshotError::format(array, section, expected.clone(), "a greater index"))
    }
}

/// Gives the edges of `WeakMap` pairs types of their own; returns the pair of each such edge, by edge.
fn mark_weak_map_edges(nodes: &Nodes, edges: &mut Edges, strings: &Strings) -> Vec<(u32, u32)> {
    let names = &strings.weak_map_edge_names;
    let mut pairs = Vec::new();
    if names.is_empty() {
        return pairs;
    }
    let mut is_pair = vec![0u64; strings.len().div_ceil(64)];
    for StringIndex(name) in names.iter().map(|name| name.name) {
        is_pair[name as usize / 64] |= 1 << (name % 64);
    }
    let edge_names = edges.names.get();
    for (node, range) in nodes.first_edges.windows(2).enumerate() {
        for edge in range[0]..range[1] {
            let link = Link::from_word(edges.targets[edge as usize]);
            let name = edge_names[edge as usize];
            if !link.is(EdgeKind::Internal)
                || is_pair
                    .get(name as usize / 64)
                    .is_none_or(|bits| bits >> (name % 64) & 1 == 0)
            {
                continue;
            }
            // The names are in the order of the strings.
            let Ok(at) = names.binary_search_by_key(&name, |known| known.name.0) else {
                continue;
            };
            let from_table = u64::from(nodes.ids[node]) == names[at].table_id;
            let kind = if from_table {
                EdgeKind::WeakMapTable
            } else {
                EdgeKind::WeakMapKey
            };
            edges.targets[edge as usize] = Link::new(link.target().0, kind.code()).word();
            pairs.push((edge, names[at].pair));
        }
    }
    pairs
}
