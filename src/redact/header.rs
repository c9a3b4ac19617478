//! The header: what it says of the rest, and what of it passes.

use serde_json::{Map, Value as Json};

use super::POLICY;
use super::lexer::{Wrong, wrong};

/// More fields than this in a row is no schema.
const MAX_FIELDS: usize = 32;

/// What passes of the header …
const PASSES: [&str; 6] = [
    "meta",
    "node_count",
    "edge_count",
    "trace_function_count",
    "extra_native_bytes",
    "root_index",
];
/// … of its `meta` …
const META_PASSES: [&str; 9] = [
    "node_fields",
    "node_types",
    "edge_fields",
    "edge_types",
    "trace_function_info_fields",
    "trace_node_fields",
    "sample_fields",
    "location_fields",
    "trace_function_info_types",
];
/// … and of what our own captures say of themselves.
const PROVENANCE_PASSES: [&str; 13] = [
    "version",
    "pid",
    "thread_id",
    "process_start_time",
    "node_version",
    "time",
    "trigger",
    "mode",
    "memory",
    "ids",
    "ids_generation",
    "ids_stable_up_to",
    "fallback",
];

/// What a node is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// In one piece, joined or sliced.
    String,
    RegExp,
    /// `number`, `bigint`, `symbol`.
    Primitive,
    Object,
    Closure,
    Code,
    Native,
    /// `hidden`, `array`, `synthetic`, `object shape`, and what there may come.
    Engine,
}

/// What an edge's name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeKind {
    Property,
    Context,
    Element,
    /// A number.
    Hidden,
    /// `internal`, `shortcut`, `weak`.
    Engine,
    Other,
}

/// What is done with a number of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Keep,
    Type,
    Name,
    /// A script's address.
    Address,
    EdgeCount,
    Target,
    /// Nobody knows what it is: 0 is written.
    Drop,
}

/// The header, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub node_kinds: Vec<NodeKind>,
    pub edge_kinds: Vec<EdgeKind>,
    pub node_fields: Vec<Field>,
    pub edge_fields: Vec<Field>,
    pub function_fields: Vec<Field>,
    pub location_fields: Vec<Field>,
    pub sample_fields: Vec<Field>,
}

/// Reads the value of `"snapshot"`, and gives what is to be written in its place.
pub(super) fn read(json: &[u8]) -> Result<(Schema, Vec<u8>), Wrong> {
    let Ok(Json::Object(mut header)) = serde_json::from_slice(json) else {
        return wrong("a heap snapshot's header", "something else");
    };
    let Some(Json::Object(mut meta)) = header.remove("meta") else {
        return wrong("a header with \"meta\"", "none");
    };
    meta.retain(|key, value| META_PASSES.contains(&key.as_str()) && plain(value));
    let schema = schema(&meta)?;
    let mut provenance = match header.remove("rs_heapdump") {
        Some(Json::Object(provenance)) => provenance,
        _ => Map::new(),
    };
    provenance.retain(|key, _| PROVENANCE_PASSES.contains(&key.as_str()));
    provenance.insert("redacted".to_owned(), true.into());
    provenance.insert("redaction_policy".to_owned(), POLICY.into());
    header.retain(|key, value| PASSES.contains(&key.as_str()) && value.is_number());
    header.insert("meta".to_owned(), Json::Object(meta));
    header.insert("rs_heapdump".to_owned(), Json::Object(provenance));
    let Ok(written) = serde_json::to_vec(&header) else {
        return wrong("a heap snapshot's header", "something else");
    };
    Ok((schema, written))
}

/// Whether there is nothing but words of the format in it.
fn plain(value: &Json) -> bool {
    const MAX_WORD: usize = 40;
    let is_word = |value: &Json| {
        value.as_str().is_some_and(|word| {
            let fits = |byte: u8| byte.is_ascii_lowercase() || b"_ 0123456789".contains(&byte);
            word.len() <= MAX_WORD && word.bytes().all(fits)
        })
    };
    value.as_array().is_some_and(|values| {
        values
            .iter()
            .all(|value| is_word(value) || value.as_array().is_some_and(|words| words.iter().all(is_word)))
    })
}

fn schema(meta: &Map<String, Json>) -> Result<Schema, Wrong> {
    let schema = Schema {
        node_kinds: types(meta, "node_fields", "node_types", node_kind)?,
        edge_kinds: types(meta, "edge_fields", "edge_types", edge_kind)?,
        node_fields: fields(meta, "node_fields", |name| match name {
            "type" => Field::Type,
            "name" => Field::Name,
            "edge_count" => Field::EdgeCount,
            "id" | "self_size" | "trace_node_id" | "detachedness" => Field::Keep,
            _ => Field::Drop,
        })?,
        edge_fields: fields(meta, "edge_fields", |name| match name {
            "type" => Field::Type,
            "name_or_index" => Field::Name,
            "to_node" => Field::Target,
            _ => Field::Drop,
        })?,
        function_fields: fields(meta, "trace_function_info_fields", |name| match name {
            "name" => Field::Name,
            "script_name" => Field::Address,
            "function_id" | "script_id" | "line" | "column" => Field::Keep,
            _ => Field::Drop,
        })?,
        location_fields: fields(meta, "location_fields", |name| match name {
            "object_index" | "script_id" | "line" | "column" => Field::Keep,
            _ => Field::Drop,
        })?,
        sample_fields: fields(meta, "sample_fields", |name| match name {
            "timestamp_us" | "last_assigned_id" => Field::Keep,
            _ => Field::Drop,
        })?,
    };
    let has = |fields: &[Field], wanted: &[Field]| {
        wanted
            .iter()
            .all(|field| fields.iter().filter(|other| *other == field).count() == 1)
    };
    if !has(&schema.node_fields, &[Field::Type, Field::Name, Field::EdgeCount]) {
        return wrong("nodes with type, name and edge_count", "others");
    }
    if !has(&schema.edge_fields, &[Field::Type, Field::Name, Field::Target]) {
        return wrong("edges with type, name_or_index and to_node", "others");
    }
    Ok(schema)
}

fn words<'a>(meta: &'a Map<String, Json>, key: &str) -> Vec<&'a str> {
    let words = meta.get(key).and_then(Json::as_array);
    words.map_or_else(Vec::new, |words| {
        words.iter().map(|word| word.as_str().unwrap_or_default()).collect()
    })
}

fn fields(meta: &Map<String, Json>, key: &str, of: impl Fn(&str) -> Field) -> Result<Vec<Field>, Wrong> {
    let names = words(meta, key);
    if names.len() > MAX_FIELDS {
        return wrong("at most 32 fields in a row", names.len().to_string());
    }
    Ok(names.into_iter().map(of).collect())
}

/// The names of types stand where the field `type` stands.
fn types<K>(meta: &Map<String, Json>, fields: &str, types: &str, of: fn(&str) -> K) -> Result<Vec<K>, Wrong> {
    let at = words(meta, fields).iter().position(|field| *field == "type");
    let names = at
        .and_then(|at| meta.get(types)?.as_array()?.get(at)?.as_array())
        .map(|names| names.iter().map(|name| of(name.as_str().unwrap_or_default())).collect());
    match names {
        Some(names) => Ok(names),
        None => wrong("a list of type names", "something else"),
    }
}

fn node_kind(name: &str) -> NodeKind {
    match name {
        "string" | "concatenated string" | "sliced string" => NodeKind::String,
        "regexp" => NodeKind::RegExp,
        "number" | "bigint" | "symbol" => NodeKind::Primitive,
        "object" => NodeKind::Object,
        "closure" => NodeKind::Closure,
        "code" => NodeKind::Code,
        "native" => NodeKind::Native,
        _ => NodeKind::Engine,
    }
}

fn edge_kind(name: &str) -> EdgeKind {
    match name {
        "property" => EdgeKind::Property,
        "context" => EdgeKind::Context,
        "element" => EdgeKind::Element,
        "hidden" => EdgeKind::Hidden,
        "internal" | "shortcut" | "weak" => EdgeKind::Engine,
        _ => EdgeKind::Other,
    }
}
