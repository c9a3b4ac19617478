//! Any bytes: an error with a place, or a snapshot all of whose figures can be computed.
//!
//! ```text
//! cargo +nightly fuzz run read -- -max_len=65536 -dict=fuzz/heapsnapshot.dict
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use rs_heapdump::analysis::leaks::{Census, Leaks};
use rs_heapdump::analysis::{Classes, Digest, Interfaces, Paths, Sources, compare, edge_label, node_name, summarize};
use rs_heapdump::graph::Heap;
use rs_heapdump::snapshot::{OpenOptions, Snapshot, SnapshotError};
use rs_heapdump_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let path = file(bytes);
    let open = |salvage| {
        Snapshot::open(
            path,
            &OpenOptions {
                salvage,
                ..OpenOptions::default()
            },
        )
    };
    let snapshot = match open(bytes.len() % 2 == 0) {
        Ok(snapshot) => snapshot,
        Err(SnapshotError::Format(error)) if bytes.first() == Some(&b'{') => {
            assert!(error.offset <= bytes.len() as u64);
            return;
        }
        Err(_) => return,
    };
    let interfaces = Interfaces::infer(&snapshot);
    let classes = Classes::build(&snapshot, &interfaces);
    let sources = Sources::build(&snapshot);
    let heap = Heap::build(snapshot);
    let _ = summarize(&heap, &classes);
    let paths = Paths::build(&heap);
    let snapshot = heap.snapshot();
    for node in snapshot.nodes().take(64) {
        let _ = (
            node_name(snapshot, node),
            sources.of(snapshot, node),
            paths.kept_only_by(node),
        );
        for path in paths.to(node, 3) {
            for step in &path.steps {
                let _ = edge_label(snapshot, step.source, snapshot.edge(step.edge));
            }
        }
    }
    if let (Ok(first), Ok(second)) = (open(true), open(true)) {
        let earlier = [Census::build(first), Census::build(second)];
        assert!(Leaks::find(&heap, &earlier).suspects.is_empty(), "nothing grew");
    }
    if let Ok(again) = open(true) {
        let digest = Digest::build(again, &interfaces);
        assert!(compare(&digest, &digest).rows.is_empty());
    }
});
