//! Any bytes, in pieces of any size: an error with a place, or a snapshot that can be redacted again.
//!
//! ```text
//! cargo +nightly fuzz run redact -- -max_len=65536 -dict=fuzz/heapsnapshot.dict
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use rs_heapdump::redact::{Key, Malformed, redact};

fn redacted(bytes: &[u8], piece: usize) -> Result<Vec<u8>, Malformed> {
    redact(Key::new([7; 16]), bytes.chunks(piece))
}

fuzz_target!(|bytes: &[u8]| {
    let whole = redacted(bytes, bytes.len().max(1));
    let piecewise = redacted(bytes, 1 + bytes.len() % 7);
    match (whole, piecewise) {
        (Ok(whole), Ok(piecewise)) => {
            assert_eq!(whole, piecewise, "how the bytes arrive makes no difference");
            // What was written is a snapshot again.
            redacted(&whole, 4096).expect("a redacted snapshot can be redacted");
        }
        (Err(whole), Err(piecewise)) => assert!(whole.offset.max(piecewise.offset) <= bytes.len() as u64),
        (whole, piecewise) => panic!("{:?} and {:?}", whole.err(), piecewise.err()),
    }
});
