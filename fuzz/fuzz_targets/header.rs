//! Any bytes for a header, as `info` reads it: an error with a place, or a page of facts; and the same facts as those who
//! read the whole file have.
//!
//! ```text
//! cargo +nightly fuzz run header -- -max_len=65536 -dict=fuzz/heapsnapshot.dict
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use rs_heapdump::report::{Info, Page, Report};
use rs_heapdump::snapshot::{OpenOptions, Snapshot, SnapshotError};
use rs_heapdump_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let path = file(bytes);
    let header = match Snapshot::header(path) {
        Ok(header) => header,
        Err(SnapshotError::Format(error)) if bytes.first() == Some(&b'{') => {
            assert!(error.offset <= bytes.len() as u64);
            assert!(
                Snapshot::open(path, &OpenOptions::default()).is_err(),
                "only the header is wrong"
            );
            return;
        }
        Err(_) => return,
    };
    let info = Info::new("a.heapsnapshot", &header);
    let page = info.text(&Page {
        width: 80,
        color: false,
    });
    assert!(
        page.ends_with('\n') && !page.contains('\u{1b}'),
        "text, and nothing but text"
    );
    serde_json::to_string(&info).expect("facts are JSON");
    if let Ok(snapshot) = Snapshot::open(path, &OpenOptions::default()) {
        assert_eq!(snapshot.schema().node_count, header.schema.node_count);
        assert_eq!(snapshot.schema().edge_count, header.schema.edge_count);
    }
});
