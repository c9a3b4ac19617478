//! Times each step of reading snapshots, and shows a little of what comes out.
//!
//! ```text
//! inspect FILE                load, sizes, distances, dominators
//! inspect FILE load           load alone
//! inspect FILE summary        … and classes
//! inspect FILE paths NAME     … and paths to the first objects of a class
//! inspect FILE sources        files, and how many located objects have one
//! inspect BASE diff FILE      Comparison
//! ```
#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use rs_heapdump::analysis::{
    Classes, DiffRow, Digest, Interfaces, Paths, Sources, compare, edge_label, node_name, summarize,
};
use rs_heapdump::graph::Heap;
use rs_heapdump::snapshot::{OpenOptions, Snapshot, SnapshotError};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Prints wall time, CPU time and peak memory of each step.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn step(&mut self, what: &str) {
        let (wall, cpu) = (self.0.elapsed().as_secs_f64(), cpu_seconds() - self.1);
        println!(
            "{what:<12}{wall:7.3} s wall {cpu:7.3} s CPU   peak {}",
            status("VmHWM:")
        );
        *self = Self::start();
    }
}

fn status(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .map(|value| value.trim().to_owned())
        .unwrap_or_default()
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn open(path: &str) -> Result<Snapshot, SnapshotError> {
    Snapshot::open(path.as_ref(), &OpenOptions::default())
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [file] => graph(file),
        [file, "load"] => load(file),
        [file, "summary"] => summary(file),
        [file, "paths", class] => paths(file, class),
        [file, "sources"] => sources(file),
        [base, "diff", file] => diff(base, file),
        _ => Err("usage: inspect FILE [load | summary | paths CLASS | sources | diff FILE]".into()),
    }
}

fn load(file: &str) -> Outcome {
    let mut clock = Clock::start();
    let snapshot = open(file)?;
    clock.step("load");
    count(&snapshot);
    Ok(())
}

fn count(snapshot: &Snapshot) {
    println!(
        "{} nodes, {} edges, {} strings",
        snapshot.node_count(),
        snapshot.edge_count(),
        snapshot.strings().len()
    );
}

fn graph(file: &str) -> Outcome {
    let mut clock = Clock::start();
    let snapshot = open(file)?;
    clock.step("load");
    count(&snapshot);
    let heap = Heap::build(snapshot);
    clock.step("graph");
    println!(
        "retained by the root: {} bytes; all nodes' together: {}",
        heap.retained_size(heap.snapshot().root()),
        heap.snapshot()
            .nodes()
            .map(|node| heap.retained_size(node))
            .sum::<u64>()
    );
    Ok(())
}

fn summary(file: &str) -> Outcome {
    let mut clock = Clock::start();
    let snapshot = open(file)?;
    clock.step("load");
    let interfaces = Interfaces::infer(&snapshot);
    clock.step("interfaces");
    let classes = Classes::build(&snapshot, &interfaces);
    clock.step("classes");
    let heap = Heap::build(snapshot);
    clock.step("graph");
    let mut rows = summarize(&heap, &classes);
    clock.step("summary");
    rows.sort_by_key(|row| std::cmp::Reverse(row.retained_bytes));
    for row in rows.iter().take(15) {
        let name = classes.key(row.class).name();
        println!(
            "{:>12} {:>12} {:>9}  {name:.60}",
            row.retained_bytes, row.shallow_bytes, row.count
        );
    }
    Ok(())
}

fn sources(file: &str) -> Outcome {
    let mut clock = Clock::start();
    let snapshot = open(file)?;
    clock.step("load");
    let sources = Sources::build(&snapshot);
    clock.step("sources");
    let located = || snapshot.locations().rows();
    let resolved = located().filter(|(_, place)| sources.file(snapshot.locations().place(*place).script_id).is_some());
    println!(
        "{} of {} located objects have a file, of {} files",
        resolved.count(),
        located().count(),
        sources.len()
    );
    Ok(())
}

fn paths(file: &str, class: &str) -> Outcome {
    let mut clock = Clock::start();
    let heap = Heap::build(open(file)?);
    clock.step("graph");
    let paths = Paths::build(&heap);
    clock.step("paths");
    let snapshot = heap.snapshot();
    let sources = Sources::build(snapshot);
    let named = |node: &_| snapshot.strings().get(snapshot.name(*node)) == class && heap.shallow_size(*node) > 0;
    for node in snapshot.nodes().filter(named).take(2) {
        println!(
            "{class} {} kept only by {:?}",
            snapshot.id(node),
            paths.kept_only_by(node).map(|node| snapshot.id(node))
        );
        for path in paths.to(node, 3) {
            println!("  cost {}", path.cost);
            for step in &path.steps {
                let label = edge_label(snapshot, step.source, snapshot.edge(step.edge));
                let source = sources
                    .of(snapshot, step.node)
                    .map(|source| format!("{}:{}:{}", source.file.unwrap_or_default(), source.line, source.column));
                let sole = if step.sole { '!' } else { ' ' };
                println!(
                    "  {sole} {label:<30} {:.50} {} {}",
                    node_name(snapshot, step.node),
                    snapshot.id(step.node),
                    source.unwrap_or_default()
                );
            }
        }
    }
    clock.step("paths to");
    Ok(())
}

fn diff(base: &str, file: &str) -> Outcome {
    let mut clock = Clock::start();
    let snapshot = open(file)?;
    clock.step("load");
    let interfaces = Interfaces::infer(&snapshot);
    clock.step("interfaces");
    let after = Digest::build(snapshot, &interfaces);
    clock.step("digest");
    let snapshot = open(base)?;
    clock.step("load base");
    let before = Digest::build(snapshot, &interfaces);
    clock.step("digest base");
    let comparison = compare(&before, &after);
    clock.step("compare");
    let mut rows = comparison.rows;
    rows.sort_by_key(|row| std::cmp::Reverse(row.delta_bytes()));
    println!(
        "{} classes: {} added, {} removed, {} bytes more; ids: {}",
        rows.len(),
        rows.iter().map(|row| row.added).sum::<u64>(),
        rows.iter().map(|row| row.removed).sum::<u64>(),
        rows.iter().map(DiffRow::delta_bytes).sum::<i64>(),
        comparison.ids.as_str()
    );
    for row in rows.iter().take(12) {
        println!(
            "{:>9} {:>9} {:>9} {:>12}  {:.60}",
            row.added,
            row.removed,
            row.delta(),
            row.delta_bytes(),
            row.key.name()
        );
    }
    Ok(())
}
