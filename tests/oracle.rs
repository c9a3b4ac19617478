//! Every figure against `DevTools`' own code: every node's shallow size, retained size, distance, dominator and
//! class, every row of the Summary, and every row of the Comparison with its ids.
//!
//! The figures come from `oracle/dump.mjs`, for snapshots made by `fixtures/make.mjs`:
//!
//! ```text
//! node fixtures/make.mjs DIR NODE_BINARY…
//! node oracle/all.mjs DIR
//! HEAP_ORACLE_DIR=DIR cargo test --release --test oracle -- --nocapture
//! ```

#![allow(clippy::print_stdout, missing_docs, clippy::float_cmp, clippy::cast_precision_loss)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use rs_heapdump::analysis::{Classes, Comparability, Digest, Interfaces, compare, summarize};
use rs_heapdump::graph::Heap;
use rs_heapdump::snapshot::{OpenOptions, Snapshot};
use serde::Deserialize;

#[derive(Deserialize)]
struct Head {
    nodes: usize,
    interfaces: Vec<Named>,
    classes: Vec<Class>,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Class {
    key: String,
    count: u64,
    distance: i64,
    #[serde(rename = "self")]
    shallow: f64,
    retained: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Diff {
    key: String,
    added: u64,
    removed: u64,
    delta: i64,
    added_size: u64,
    removed_size: u64,
    size_delta: i64,
    added_ids: Vec<u32>,
}

struct Oracle {
    head: Head,
    columns: Vec<u8>,
}

impl Oracle {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        assert_eq!(&bytes[..8], b"HDORACLE");
        let end = 12 + u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
        Self {
            head: json(&bytes[12..end]),
            columns: bytes[end..].to_vec(),
        }
    }
    fn double(&self, column: usize, node: usize) -> f64 {
        let at = 8 * (column * self.head.nodes + node);
        f64::from_le_bytes(self.columns[at..at + 8].try_into().unwrap())
    }
    fn word(&self, column: usize, node: usize) -> u32 {
        let at = 16 * self.head.nodes + 4 * (column * self.head.nodes + node);
        u32::from_le_bytes(self.columns[at..at + 4].try_into().unwrap())
    }
}

/// JSON whose strings may hold lone surrogates, which become U+FFFD as they do with us.
fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> T {
    let text = std::str::from_utf8(bytes).unwrap();
    let mended = mend(text);
    serde_json::from_str(Box::leak(mended.into_boxed_str())).unwrap()
}

fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let unit = |text: &str| {
            text.strip_prefix("\\u")
                .and_then(|hex| u32::from_str_radix(hex.get(..4)?, 16).ok())
        };
        let first = unit(&rest[at..]);
        match first {
            Some(0xd800..0xdc00) if matches!(unit(&rest[at + 6..]), Some(0xdc00..0xe000)) => {
                out.push_str(&rest[at..at + 12]);
                rest = &rest[at + 12..];
            }
            Some(0xd800..0xe000) => {
                out.push('\u{fffd}');
                rest = &rest[at + 6..];
            }
            _ => {
                out.push_str(&rest[at..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// `path` with another extension after its own.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn open(path: &Path) -> Snapshot {
    Snapshot::open(path, &OpenOptions::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Default)]
struct Totals {
    nodes: usize,
    classes: usize,
    interfaces: usize,
    rows: usize,
    /// Rows `DevTools` shows with a part missing; see `analysis::classes`.
    merged: usize,
}

fn check_snapshot(path: &Path, totals: &mut Totals) {
    let oracle = Oracle::read(&beside(path, "oracle"));
    let snapshot = open(path);
    let interfaces = Interfaces::infer(&snapshot);
    let classes = Classes::build(&snapshot, &interfaces);
    let heap = Heap::build(snapshot);
    let name = path.display();

    let expected: Vec<&str> = oracle
        .head
        .interfaces
        .iter()
        .map(|interface| &*interface.name)
        .collect();
    assert_eq!(interfaces.names().collect::<Vec<_>>(), expected, "{name}: interfaces");
    assert_eq!(heap.snapshot().node_count(), oracle.head.nodes, "{name}");
    let keys: Vec<String> = (0..classes.len() as u32)
        .map(|class| classes.key(rs_heapdump::analysis::ClassIndex(class)).devtools())
        .collect();
    for node in heap.snapshot().nodes() {
        let at = node.at();
        assert_eq!(
            heap.shallow_size(node) as f64,
            oracle.double(0, at),
            "{name}: shallow size of node {at}"
        );
        assert_eq!(
            heap.retained_size(node) as f64,
            oracle.double(1, at),
            "{name}: retained size of node {at}"
        );
        assert_eq!(
            heap.distance(node).devtools() as i32,
            oracle.word(0, at).cast_signed(),
            "{name}: distance of node {at}"
        );
        assert_eq!(
            heap.dominator(node).0,
            oracle.word(1, at),
            "{name}: dominator of node {at}"
        );
        let key = &oracle.head.keys[oracle.word(2, at) as usize];
        assert_eq!(keys[classes.of(node).0 as usize], *key, "{name}: class of node {at}");
    }
    let ours = summarize(&heap, &classes);
    let ours: HashMap<&str, _> = ours.iter().map(|row| (&*keys[row.class.0 as usize], row)).collect();
    assert_eq!(ours.len(), oracle.head.classes.len(), "{name}: rows of the Summary");
    for class in &oracle.head.classes {
        let row = ours[&*class.key];
        let same = row.count == class.count
            && row.shallow_bytes as f64 == class.shallow
            && row.retained_bytes as f64 == class.retained
            && row.distance.devtools() == class.distance;
        if same {
            continue;
        }
        assert!(row.count > class.count, "{name}: {}: {row:?}", class.key);
        println!(
            "{name}: DevTools loses {} of {} {}",
            row.count - class.count,
            row.count,
            class.key
        );
        totals.merged += 1;
    }
    totals.nodes += oracle.head.nodes;
    totals.classes += ours.len();
    totals.interfaces += expected.len();
}

fn check_diff(base: &Path, current: &Path, totals: &mut Totals) {
    let rows: Vec<Diff> = json(Box::leak(
        fs::read(beside(current, "diff.json")).unwrap().into_boxed_slice(),
    ));
    let snapshot = open(current);
    let interfaces = Interfaces::infer(&snapshot);
    let after = Digest::build(snapshot, &interfaces);
    let before = Digest::build(open(base), &interfaces);
    let comparison = compare(&before, &after);
    if comparison.ids != Comparability::Comparable {
        // Of a few random objects too many changed their class.
        assert!(after.node_count() < 200, "{}", current.display());
        return;
    }
    let ours: BTreeMap<String, _> = comparison.rows.iter().map(|row| (row.key.devtools(), row)).collect();
    let expected: HashSet<&str> = rows.iter().map(|row| &*row.key).collect();
    for (key, row) in &ours {
        assert!(
            expected.contains(&**key),
            "{}: not in DevTools: {row:?}",
            current.display()
        );
    }
    for row in &rows {
        let found = ours
            .get(&row.key)
            .unwrap_or_else(|| panic!("{}: {} missing", current.display(), row.key));
        let figures = (
            found.added,
            found.removed,
            found.delta(),
            found.added_bytes,
            found.removed_bytes,
            found.delta_bytes(),
        );
        let theirs = (
            row.added,
            row.removed,
            row.delta,
            row.added_size,
            row.removed_size,
            row.size_delta,
        );
        if figures != theirs {
            println!(
                "{}: {} ours {figures:?}, DevTools' {theirs:?}",
                current.display(),
                row.key
            );
            totals.merged += 1;
            continue;
        }
        let samples: Vec<u32> = found.samples.iter().map(|id| id.0).collect();
        assert_eq!(
            samples,
            row.added_ids[..samples.len()],
            "{}: {}",
            current.display(),
            row.key
        );
    }
    totals.rows += rows.len();
}

#[test]
fn every_figure_is_devtools() {
    let Some(directory) = std::env::var_os("HEAP_ORACLE_DIR").map(PathBuf::from) else {
        println!("skipped: HEAP_ORACLE_DIR is not set");
        return;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "heapsnapshot"));
    paths.sort();
    let mut totals = Totals::default();
    // Without figures are those DevTools cannot read: it gives up where a root is named more than once.
    paths.retain(|path| beside(path, "oracle").exists());
    for path in &paths {
        check_snapshot(path, &mut totals);
        let base = PathBuf::from(path.to_string_lossy().replace("-2.heapsnapshot", "-1.heapsnapshot"));
        if base != *path && beside(path, "diff.json").exists() {
            check_diff(&base, path, &mut totals);
        }
    }
    println!(
        "{} snapshots, {} nodes, {} classes, {} interfaces, {} rows of comparisons equal; {} rows merged",
        paths.len(),
        totals.nodes,
        totals.classes,
        totals.interfaces,
        totals.rows,
        totals.merged
    );
    assert!(!paths.is_empty());
}
