//! Any bytes, in pieces of any size: an error with a place, or a snapshot that can be redacted again.
//!
//! ```text
//! cargo +nightly fuzz run redact -- -max_len=65536 -dict=fuzz/heapsnapshot.dict
//! ```
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use rs_heapdump::redact::{Failure, Key, Malformed, Survey};

fn redacted(bytes: &[u8], piece: usize) -> Result<Vec<u8>, Malformed> {
    let mut survey = Survey::new(Key::new([7; 16]));
    for piece in bytes.chunks(piece) {
        survey.feed(piece)?;
    }
    let mut redactor = survey.finish()?;
    let mut written = Vec::new();
    let mut sink = |bytes: &[u8]| -> Result<(), Infallible> {
        written.extend_from_slice(bytes);
        Ok(())
    };
    let malformed = |failure: Failure<Infallible>| match failure {
        Failure::Malformed(malformed) => malformed,
        Failure::Sink(never) => match never {},
    };
    for piece in bytes.chunks(piece) {
        redactor.feed(piece, &mut sink).map_err(malformed)?;
    }
    redactor.finish(&mut sink).map_err(malformed)?;
    Ok(written)
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
