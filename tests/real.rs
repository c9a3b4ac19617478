//! Real snapshots of the Node at hand: sources, captured variables, paths, and other processes.
//!
//! `HEAP_NODE` names the Node to use, else it is the one in the path; without any the tests pass over.

#![allow(missing_docs, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use rs_heapdump::analysis::{
    Classes, Comparability, Digest, Interfaces, Paths, Source, Sources, captured, compare, edge_label, is_context,
};
use rs_heapdump::graph::Heap;
use rs_heapdump::snapshot::{NodeIndex, NodeKind, OpenOptions, Snapshot};

/// Runs a program of `fixtures/programs`; the paths of its two snapshots.
fn run(program: &str, process: u32) -> Option<[PathBuf; 2]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let node = std::env::var_os("HEAP_NODE").unwrap_or_else(|| "node".into());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let prefix = directory.join(format!("{program}-{process}"));
    let script = root.join("fixtures/programs").join(format!("{program}.cjs"));
    let status = Command::new(node).arg(script).arg(&prefix).status().ok()?;
    assert!(status.success(), "{program}: {status}");
    Some([1, 2].map(|number| directory.join(format!("{program}-{process}-{number}.heapsnapshot"))))
}

static CLOSURES: LazyLock<Option<[PathBuf; 2]>> = LazyLock::new(|| run("closures", 1));
static AGAIN: LazyLock<Option<[PathBuf; 2]>> = LazyLock::new(|| run("closures", 2));

fn open(path: &Path) -> Snapshot {
    Snapshot::open(path, &OpenOptions::default()).unwrap()
}

fn name(snapshot: &Snapshot, node: NodeIndex) -> String {
    snapshot.strings().get(snapshot.name(node))
}

/// Whether the source is where `text` stands in the program, give or take a column.
fn stands_at(source: &Source, text: &str) -> bool {
    let file = source.file.clone().unwrap_or_default();
    if !file.ends_with("closures.cjs") {
        return false;
    }
    let program = std::fs::read_to_string(file).unwrap();
    let line = program.lines().nth(source.line as usize - 1).unwrap_or_default();
    line.contains(text) && (source.column as usize) <= line.len() + 1
}

#[test]
fn every_located_object_has_its_source() {
    let Some([first, _]) = &*CLOSURES else { return };
    let snapshot = open(first);
    let sources = Sources::build(&snapshot);
    let (mut located, mut without) = (0, 0);
    let (mut inner, mut counters) = (0, 0);
    for (node, _) in snapshot.locations().rows() {
        let source = sources.of(&snapshot, node).unwrap();
        located += 1;
        // V8's own empty function has a script without a name.
        without += usize::from(source.file.is_none());
        if name(&snapshot, node) == "inner" && snapshot.kind(node) == NodeKind::Closure {
            assert!(stands_at(&source, "function inner()"), "{source:?}");
            inner += 1;
        }
        if name(&snapshot, node) == "Counter" && snapshot.kind(node) == NodeKind::Object && source.line > 1 {
            counters += usize::from(stands_at(&source, "class Counter"));
        }
    }
    assert!(located > 1000 && without <= 1, "{without} of {located} without a file");
    assert!(inner >= 120 && counters >= 120, "{inner} closures, {counters} objects");
}

#[test]
fn captured_variables_have_their_names() {
    let Some([first, _]) = &*CLOSURES else { return };
    let snapshot = open(first);
    let mut seen: Vec<String> = Vec::new();
    let mut exact_items = 0;
    for node in snapshot.nodes().filter(|node| is_context(&snapshot, *node)) {
        for variable in captured(&snapshot, node) {
            let is_item = variable.names.len() == 1 && variable.names[0] == "item";
            exact_items += usize::from(is_item && snapshot.kind(variable.node) == NodeKind::Object);
            seen.extend(variable.names);
        }
    }
    for name in ["captured", "unused", "blockScoped", "counter", "item", "c"] {
        assert!(
            seen.iter().any(|seen| seen == name),
            "{name} is not among captured variables"
        );
    }
    assert!(exact_items >= 240, "{exact_items} loop variables");
}

#[test]
fn paths_lead_through_what_the_program_calls_things() {
    let Some([first, _]) = &*CLOSURES else { return };
    let heap = Heap::build(open(first));
    let snapshot = heap.snapshot();
    let paths = Paths::build(&heap);
    let is_counter = |node: &NodeIndex| name(snapshot, *node) == "Counter" && snapshot.kind(*node) == NodeKind::Object;
    let counter = snapshot.nodes().filter(is_counter).last().unwrap();
    let found = paths.to(counter, 3);
    assert_eq!(found.len(), 3, "a timer, a static Set and closures hold it");
    for path in &found {
        assert_eq!(path.steps[0].source, snapshot.root());
        assert_eq!(path.steps.last().unwrap().node, counter);
        let holds = |name: &str| {
            path.steps
                .iter()
                .any(|step| snapshot.strings().get(snapshot.name(step.node)) == name)
        };
        assert!(!holds("(Stack roots)"), "{path:?}");
    }
    let labels = |path: &rs_heapdump::analysis::Path| -> Vec<String> {
        path.steps
            .iter()
            .map(|step| edge_label(snapshot, step.source, snapshot.edge(step.edge)))
            .collect()
    };
    let labels: Vec<String> = found.iter().flat_map(labels).collect();
    assert!(
        labels.iter().any(|label| label == ".all" || label == "c (captured)"),
        "{labels:?}"
    );
    assert!(found.windows(2).all(|pair| pair[0].steps != pair[1].steps));
}

#[test]
fn snapshots_of_other_processes_are_told_apart() {
    let (Some([first, second]), Some([other, _])) = (&*CLOSURES, &*AGAIN) else {
        return;
    };
    let latest = open(second);
    let interfaces = Interfaces::infer(&latest);
    let latest = Digest::build(latest, &interfaces);
    let before = Digest::build(open(first), &interfaces);
    let elsewhere = Digest::build(open(other), &interfaces);
    assert_eq!(compare(&before, &latest).ids, Comparability::Comparable);
    let comparison = compare(&elsewhere, &latest);
    assert_eq!(comparison.ids, Comparability::DifferentProcess);
    // By counts the same program has grown by the same amount, whichever process it ran in.
    let counter = comparison
        .rows
        .iter()
        .find(|row| row.key.name() == "Counter")
        .expect("a row for Counter");
    assert_eq!((counter.added, counter.removed), (180, 0));
}

#[test]
fn classes_of_one_name_are_told_apart_by_place() {
    let Some([first, _]) = &*CLOSURES else { return };
    let snapshot = open(first);
    let classes = Classes::build(&snapshot, &Interfaces::infer(&snapshot));
    let (node, place) = snapshot
        .locations()
        .rows()
        .find(|(node, _)| name(&snapshot, *node) == "Counter" && snapshot.kind(*node) == NodeKind::Object)
        .unwrap();
    let key = classes.key(classes.of(node));
    assert_eq!(key.place, Some(snapshot.locations().place(place)));
    assert!(key.devtools().ends_with(",Counter"));
}
