//! Files that are no snapshots, or not whole ones, or lie: an error with its place or a right answer, and
//! never a panic, a hang or memory beyond what the file's size explains.

#![allow(missing_docs)]

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rs_heapdump::analysis::leaks::{Census, Leaks};
use rs_heapdump::analysis::{
    Classes, Digest, Interfaces, Paths, Sources, captured, compare, edge_label, node_name, summarize,
};
use rs_heapdump::error::Code;
use rs_heapdump::graph::{Heap, Retainers};
use rs_heapdump::snapshot::{FormatError, OpenOptions, Section, Snapshot, SnapshotError};

const META: &str = r#"{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],"node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic","concatenated string","sliced string","symbol","bigint","object shape"],"string","number","number","number","number","number"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],"location_fields":["object_index","script_id","line","column"]}"#;

/// A small snapshot with a bit of everything.
fn sample() -> String {
    let nodes = [
        "9,0,1,0,3,0,0",
        "9,1,3,0,1,0,0",
        "3,2,5,56,4,0,0",
        "3,3,7,24,2,0,0",
        "5,4,9,64,3,0,0",
        "4,5,11,40,1,0,0",
        "4,6,13,40,1,0,0",
        "3,7,15,32,2,0,0",
        "2,8,17,16,0,0,0",
        "10,9,19,32,2,0,0",
        "1,10,21,100,1,0,0",
        "0,11,23,48,0,0,0",
        "8,12,24,4096,1,0,2",
        "8,13,26,8,0,0,0",
        "3,2,29,56,1,0,0",
    ];
    let edges = [
        "5,1,14", "1,1,7", "1,2,63", // the root's: a global object, (GC roots), a concatenated string
        "1,1,84", // (GC roots)
        "2,14,21", "2,15,28", "2,16,63", "3,17,70", // the global object's
        "3,18,14", "3,26,63", // an instance, which is also the key of a pair in a WeakMap
        "3,19,35", "3,20,49", "3,18,77", // a closure: shared, context
        "3,21,42", "3,23,56", // shared's script, its name
        "0,22,56", "4,1,28", // a context
        "3,24,56", "3,25,56", // a concatenated string
        "6,1,28",  // an array
        "2,14,91", // a native node
        "2,15,98", // an object that only holds itself
    ];
    let edges = edges.join("\n,");
    let strings = [
        "",
        "(GC roots)",
        "Object",
        "Widget",
        "callback",
        "shared function",
        "file:///app.mjs",
        "system / Context",
        "text \\ud83d",
        "",
        "",
        "system / Map",
        "Detached <div id=x>",
        "node",
        "first prop",
        "b,'{}",
        "c\\u0000\\u202e",
        "elements",
        "__proto__",
        "shared",
        "context",
        "script",
        "captured",
        "name",
        "first",
        "second",
        "7 / part of key (Widget @7) -> value (x @9) pair in WeakMap (table @21)",
    ];
    let strings: Vec<String> = strings.iter().map(|string| format!("\"{string}\"")).collect();
    format!(
        "{{\"snapshot\":{{\"meta\":{META},\"node_count\":{},\"edge_count\":{},\"trace_function_count\":0}},\n\"nodes\":[{}],\n\"edges\":[{edges}],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[21,7,3,4\n,28,7,1,2],\n\"strings\":[{}]}}\n",
        nodes.len(),
        22,
        nodes.join("\n,"),
        strings.join(",\n")
    )
}

/// A file that is removed again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "rs-heapdump-{}-{}.heapsnapshot",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn open(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    Snapshot::open(&Scratch::new(bytes).0, &OpenOptions::default())
}

fn format_error(bytes: &[u8]) -> FormatError {
    match open(bytes) {
        Err(SnapshotError::Format(error)) => error,
        other => panic!("expected a format error, got {other:?}"),
    }
}

/// Everything there is, on a snapshot that could be read.
fn exercise(snapshot: Snapshot, again: &dyn Fn() -> Option<Snapshot>) {
    let interfaces = Interfaces::infer(&snapshot);
    let classes = Classes::build(&snapshot, &interfaces);
    let sources = Sources::build(&snapshot);
    let heap = Heap::build(snapshot);
    let rows = summarize(&heap, &classes);
    let snapshot = heap.snapshot();
    let retainers = Retainers::build(snapshot);
    let paths = Paths::build(&heap);
    let total: u64 = snapshot
        .nodes()
        .map(|node| heap.shallow_size(node))
        .fold(0, u64::saturating_add);
    assert_eq!(
        heap.retained_size(snapshot.root()),
        total,
        "the root retains everything"
    );
    assert_eq!(
        rows.iter().map(|row| row.shallow_bytes).fold(0, u64::saturating_add),
        total
    );
    for node in snapshot.nodes().take(100) {
        let _ = (
            node_name(snapshot, node),
            sources.of(snapshot, node),
            captured(snapshot, node),
        );
        assert_eq!(retainers.of(snapshot, node).len(), retainers.count(node));
        for edge in snapshot.edges(node) {
            let _ = edge_label(snapshot, node, edge);
            assert_eq!(snapshot.source(edge.index), node);
        }
        for path in paths.to(node, 3) {
            let mut at = snapshot.root();
            for step in &path.steps {
                assert_eq!(step.source, at, "a path hangs together");
                at = step.node;
            }
            assert_eq!(at, node);
        }
        let _ = paths.kept_only_by(node);
    }
    // Told by ids, by places, and by both.
    for limit in [u32::MAX, 0, 8] {
        if let (Some(first), Some(second)) = (again(), again()) {
            let earlier = [Census::build(first, limit), Census::build(second, limit)];
            assert!(Leaks::find(&heap, &earlier).suspects.is_empty(), "nothing grew");
        }
    }
    if let Some(again) = again() {
        let after = Digest::build(again, &interfaces);
        assert!(compare(&after, &after).rows.is_empty(), "nothing differs from itself");
    }
}

#[test]
fn the_sample_is_a_snapshot() {
    let sample = sample();
    let snapshot = open(sample.as_bytes()).unwrap();
    assert_eq!((snapshot.node_count(), snapshot.edge_count()), (15, 22));
    exercise(snapshot, &|| open(sample.as_bytes()).ok());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let sample = sample();
    let at = |text: &str| sample.find(text).unwrap() as u64;
    // What is replaced, by what, where the error is (from the beginning of what is replaced), section, expected.
    let cases: &[(&str, &str, u64, Section, &str)] = &[
        ("9,0,1,0,3", "99,0,1,0,3", 0, Section::Nodes, "a node type"),
        ("9,0,1,0,3", "9,0,1,0,3000", 8, Section::Nodes, "22 edges in all"),
        ("9,0,1,0,3", "9,0,1,-5,3", 6, Section::Nodes, "a digit"),
        ("9,0,1,0,3", "9,0,1,0.5,3", 7, Section::Nodes, "a digit"),
        (
            "9,0,1,0,3",
            "9,0,4294967296,0,3",
            4,
            Section::Nodes,
            "a number below 2^32",
        ),
        (
            "9,0,1,0,3",
            "9,999,1,0,3",
            2,
            Section::Nodes,
            "the index of one of 27 strings",
        ),
        ("5,1,14", "55,1,14", 0, Section::Edges, "an edge type"),
        ("5,1,14", "5,1,15", 4, Section::Edges, "the index of a node"),
        ("5,1,14", "5,1,700", 4, Section::Edges, "the index of a node"),
        ("5,1,14", "5,1,,14", 4, Section::Edges, "a number"),
        ("5,1,14", "5,77,14", 2, Section::Edges, "the index of one of 27 strings"),
        ("21,7,3,4", "22,7,3,4", 0, Section::Locations, "the index of a node"),
        ("\"(GC roots)\"", "17", 0, Section::Strings, "a string"),
        ("\"(GC roots)\"", "\"(GC roots)\" \"x\"", 13, Section::Strings, "','"),
    ];
    for (from, to, offset, section, expected) in cases {
        let error = format_error(sample.replacen(from, to, 1).as_bytes());
        assert_eq!(error.section, *section, "{to}: {error:?}");
        assert!(error.expected.contains(expected), "{to}: {error:?}");
        if *section != Section::Locations {
            assert_eq!(error.offset, at(from) + offset, "{to}: {error:?}");
        }
        assert!(!error.truncated);
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let sample = sample();
    for (from, to) in [
        ("\"node_count\":15", "\"node_count\":16"),
        ("\"node_count\":15", "\"node_count\":14"),
        ("\"node_count\":15", "\"node_count\":0"),
        ("\"node_count\":15", "\"node_count\":200000000"),
        ("\"node_count\":15", "\"node_count\":-1"),
        ("\"edge_count\":22", "\"edge_count\":23"),
        ("\"edge_count\":22", "\"edge_count\":4000000000"),
        ("\"self_size\",", ""),
        ("\"node_fields\":[", "\"node_fields\":[[],"),
        ("\"meta\":", "\"mate\":"),
        ("\"snapshot\":", "\"snapshut\":"),
        ("\"nodes\":", "\"edges\":"),
        ("\"strings\":", "\"nodes\":"),
    ] {
        let begin = Instant::now();
        let error = open(sample.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::Format, "{to}");
        assert!(begin.elapsed() < Duration::from_secs(2), "{to}");
    }
    let error = open(
        sample
            .replacen("\"node_count\":15", "\"node_count\":5000000000", 1)
            .as_bytes(),
    )
    .unwrap_err();
    assert!(
        matches!(error, SnapshotError::TooLarge { what: "nodes", .. }),
        "{error}"
    );
    let deep = format!("{{\"snapshot\":{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(open(deep.as_bytes()).unwrap_err().code(), Code::Format);
    let deep = sample.replacen(
        "\"trace_tree\":[]",
        &format!("\"trace_tree\":{}{}", "[".repeat(500_000), "]".repeat(500_000)),
        1,
    );
    assert!(
        open(deep.as_bytes()).is_ok(),
        "depth is no problem where nothing is read"
    );
}

#[test]
fn every_cut_is_diagnosed() {
    let sample = sample();
    for cut in 0..sample.trim_end().len() {
        let error = format_error(&sample.as_bytes()[..cut]);
        assert!(error.truncated, "cut at {cut}: {error:?}");
        assert!(error.offset <= cut as u64, "cut at {cut}: {error:?}");
    }
    let cut = sample.find("\n,3,2,5").unwrap();
    assert_eq!(format_error(&sample.as_bytes()[..cut]).section, Section::Nodes);
}

#[test]
fn a_file_cut_after_its_edges_can_be_salvaged() {
    let sample = sample();
    let salvage = OpenOptions {
        salvage: true,
        ..OpenOptions::default()
    };
    for cut in sample.find("\"trace_function_infos\"").unwrap()..sample.trim_end().len() {
        let file = Scratch::new(&sample.as_bytes()[..cut]);
        let read = || Snapshot::open(&file.0, &salvage);
        let snapshot = read().unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        assert_eq!(snapshot.node_count(), 15);
        exercise(snapshot, &|| read().ok());
    }
    let file = Scratch::new(&sample.as_bytes()[..sample.find("\"edges\":").unwrap() + 20]);
    assert!(Snapshot::open(&file.0, &salvage).is_err());
}

#[test]
fn other_files_are_no_snapshots() {
    for bytes in [
        &b""[..],
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe\x00",
        b"{\"a\":1}",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"{\"snapshot\":{}}",
    ] {
        let error = open(bytes).unwrap_err();
        assert!(matches!(error.code(), Code::Format | Code::Io), "{error}");
    }
    assert_eq!(
        Snapshot::open(&std::env::temp_dir(), &OpenOptions::default())
            .unwrap_err()
            .code(),
        Code::Io
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_read_the_same() {
    let sample = sample();
    let plain = open(sample.as_bytes()).unwrap();
    for packed in [gzip(sample.as_bytes()), zstd::encode_all(sample.as_bytes(), 3).unwrap()] {
        let snapshot = open(&packed).unwrap();
        for node in plain.nodes() {
            assert_eq!(
                plain.strings().get(plain.name(node)),
                snapshot.strings().get(snapshot.name(node))
            );
            assert!(plain.links(node).eq(snapshot.links(node)));
        }
        exercise(snapshot, &|| open(&packed).ok());
        for cut in [1, packed.len() / 2, packed.len() - 5] {
            if let Err(error) = open(&packed[..cut]) {
                assert!(matches!(error.code(), Code::Format | Code::Io), "{error}");
            }
        }
    }
}

#[test]
fn a_bomb_ends_where_the_header_says() {
    // 64 MiB of numbers in 64 KiB: more nodes than announced.
    let sample = sample();
    let nodes = sample.find("9,0,1,0,3").unwrap();
    let mut text = sample[..nodes].to_owned();
    text.push_str(&"9,0,1,0,0,0,0\n,".repeat(4 << 20));
    let begin = Instant::now();
    let error = match open(&gzip(text.as_bytes())) {
        Err(SnapshotError::Format(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(error.expected.contains("15 nodes"), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn sizes_beyond_32_bits_are_right() {
    let size = 1u64 << 40;
    let text = sample()
        .replacen("8,12,24,4096", &format!("8,12,24,{size}"), 1)
        .replacen("3,3,7,24", "3,3,7,4294967295", 1);
    let heap = Heap::build(open(text.as_bytes()).unwrap());
    let native = heap.snapshot().find(rs_heapdump::snapshot::ObjectId(24)).unwrap();
    let widget = heap.snapshot().find(rs_heapdump::snapshot::ObjectId(7)).unwrap();
    assert_eq!(heap.shallow_size(native), size);
    assert_eq!(heap.shallow_size(widget), u64::from(u32::MAX));
    exercise(open(text.as_bytes()).unwrap(), &|| open(text.as_bytes()).ok());
}

/// Bytes changed, removed, repeated and swapped in, with a seed, so that a failure can be had again.
#[test]
fn mutations_give_an_error_or_an_answer() {
    let rounds: u64 = std::env::var("HEAP_MUTATIONS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(4000);
    let sample = sample().into_bytes();
    let mut read = 0;
    for round in 0..rounds {
        let mut state = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % below
        };
        let mut bytes = sample.clone();
        for _ in 0..=random(3) {
            if bytes.len() < 2 {
                break;
            }
            let at = random(bytes.len());
            match random(6) {
                0 => bytes[at] = b"0123456789,]\"\\{}[ \n-.e"[random(22)],
                1 => bytes[at] ^= 1 << random(8),
                2 => drop(bytes.drain(at..(at + 1 + random(30)).min(bytes.len()))),
                3 => {
                    let from = random(bytes.len());
                    let piece = bytes[from..(from + 1 + random(40)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => bytes.truncate(at.max(1)),
                _ => {
                    let number = [0, 1, 7, 98, 4_294_967_295, 4_294_967_296, u64::MAX][random(7)];
                    bytes.splice(at..at, number.to_string().into_bytes());
                }
            }
        }
        let begin = Instant::now();
        match open(&bytes) {
            Ok(snapshot) => {
                read += 1;
                exercise(snapshot, &|| open(&bytes).ok());
            }
            Err(SnapshotError::Format(error)) => {
                assert!(error.offset <= bytes.len() as u64, "round {round}: {error:?}");
            }
            Err(SnapshotError::TooLarge { .. }) => {}
            Err(error) => panic!("round {round}: {error}"),
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "round {round}");
    }
    assert!(
        read > rounds / 50,
        "only {read} of {rounds} could be read: the mutations are too coarse"
    );
}

/// A snapshot of several chunks: a list, each of whose nodes also points anywhere.
fn large() -> String {
    let count = 60_000u64;
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % below
    };
    let node = |id: u64, kind: u64, size: u64| format!("{kind},{},{},{size},2,0,0", id % 3, 2 * id + 1);
    let nodes: Vec<String> = (0..count)
        .map(|id| {
            let digits = random(20);
            node(id, if id == 0 { 9 } else { 3 }, random(1 << digits))
        })
        .collect();
    let edges: Vec<String> = (0..count)
        .map(|id| format!("2,1,{}\n,1,{id},{}", (id + 1) % count * 7, random(count) * 7))
        .collect();
    format!(
        "{{\"snapshot\":{{\"meta\":{META},\"node_count\":{count},\"edge_count\":{}}},\n\"nodes\":[{}],\n\"edges\":[{}],\n\"locations\":[],\n\"strings\":[\"\",\"next\",\"Object\"]}}",
        2 * count,
        nodes.join("\n,"),
        edges.join("\n,"),
    )
}

fn same(a: &Snapshot, b: &Snapshot) -> bool {
    a.node_count() == b.node_count()
        && a.nodes().all(|node| {
            a.id(node) == b.id(node)
                && a.self_sizes().get(node) == b.self_sizes().get(node)
                && a.links(node).eq(b.links(node))
                && a.edges(node)
                    .map(|edge| edge.name_or_index)
                    .eq(b.edges(node).map(|edge| edge.name_or_index))
        })
}

#[test]
fn chunks_threads_and_compression_make_no_difference() {
    let text = large();
    assert!(text.len() > 2 << 20, "several chunks");
    let file = Scratch::new(text.as_bytes());
    let with_threads = |threads: usize| {
        let options = OpenOptions {
            threads: NonZeroUsize::new(threads),
            ..OpenOptions::default()
        };
        Snapshot::open(&file.0, &options).unwrap()
    };
    let one = with_threads(1);
    assert_eq!(one.node_count(), 60_000);
    // By another way: serde_json knows nothing of chunks.
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let nodes = value["nodes"].as_array().unwrap();
    for node in one.nodes() {
        let field = |field: usize| nodes[7 * node.at() + field].as_u64().unwrap();
        assert_eq!(
            (u64::from(one.id(node).0), one.self_sizes().get(node)),
            (field(2), field(3))
        );
    }
    let edges = value["edges"].as_array().unwrap();
    let targets = one
        .nodes()
        .flat_map(|node| one.links(node))
        .map(|link| u64::from(link.target().0) * 7);
    assert!(targets.eq(edges.chunks(3).map(|edge| edge[2].as_u64().unwrap())));
    for other in [with_threads(2), with_threads(4), open(&gzip(text.as_bytes())).unwrap()] {
        assert!(same(&one, &other));
    }
    exercise(one, &|| open(text.as_bytes()).ok());
}

#[test]
fn damage_in_large_files_is_found_where_it_is() {
    let text = large().into_bytes();
    let mut state = 99u64;
    for round in 0..120 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at = 2000 + (state >> 20) as usize % (text.len() - 3000);
        let error = match open(&text[..at]) {
            Err(SnapshotError::Format(error)) => error,
            other => panic!("cut at {at}: {other:?}"),
        };
        assert!(error.truncated && error.offset <= at as u64, "cut at {at}: {error:?}");
        let mut bytes = text.clone();
        bytes[at] = b"x-].\"{"[round % 6];
        match open(&bytes) {
            // The array seems to end there, or the number it cuts is wrong already.
            Err(SnapshotError::Format(error)) if bytes[at] == b']' => {
                assert!(error.offset + 10 >= at as u64, "{at}: {error:?}");
            }
            Err(SnapshotError::Format(error)) => assert_eq!(error.offset, at as u64, "{error:?}"),
            other => panic!("{} at {at}: {other:?}", bytes[at] as char),
        }
    }
}

#[test]
fn deep_lists_and_wide_fans_take_no_time() {
    let count = 400_000u64;
    let build = |edges: &dyn Fn(u64) -> Option<u64>| {
        let node = |id: u64| {
            let (kind, edges) = (if id == 0 { 9 } else { 3 }, u64::from(edges(id).is_some()));
            format!(
                "{kind},0,{},16,{},0,0",
                2 * id + 1,
                if id == 0 { count - 1 } else { edges }
            )
        };
        let nodes: Vec<String> = (0..count).map(node).collect();
        let fan = (1..count).map(|id| format!("1,{id},{}", id * 7));
        let rest = (1..count).filter_map(|id| Some(format!("2,1,{}", edges(id)? * 7)));
        let edges: Vec<String> = fan.chain(rest).collect();
        format!(
            "{{\"snapshot\":{{\"meta\":{META},\"node_count\":{count},\"edge_count\":{}}},\"nodes\":[{}],\"edges\":[{}],\"locations\":[],\"strings\":[\"\",\"next\"]}}",
            edges.len(),
            nodes.join(","),
            edges.join(",")
        )
    };
    let begin = Instant::now();
    let shapes: [&dyn Fn(u64) -> Option<u64>; 3] = [
        &|id| (id + 1 < count).then_some(id + 1),
        &|id| (id > 1).then_some(1),
        &|id| id.checked_sub(1).filter(|&id| id > 0),
    ];
    for shape in shapes {
        let text = build(shape);
        let heap = Heap::build(open(text.as_bytes()).unwrap());
        let paths = Paths::build(&heap);
        let last = heap.snapshot().nodes().next_back().unwrap();
        assert_eq!(paths.to(last, 1).len(), 1);
        assert!(paths.kept_only_by(last).is_none());
    }
    assert!(begin.elapsed() < Duration::from_secs(60));
}
