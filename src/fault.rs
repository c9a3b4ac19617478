//! Faults that tests ask for by name, so that every way out can be walked.
//!
//! `RS_HEAPDUMP_FAULT=slow-write,no-tmpfile node app.js`. Nothing here is reachable without that
//! variable, and none of it is API: names come and go with the tests that use them.

use std::sync::OnceLock;

/// What can be made to go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// No symbol of V8 is found: the portable engine has to do.
    pub no_v8_symbols: bool,
    /// The kernel has no unnamed temporary files.
    pub no_tmpfile: bool,
    /// Hardly any memory is left.
    pub memory_low: bool,
    /// The disk is slow.
    pub slow_write: bool,
    /// The code that V8 calls back panics.
    pub panic: bool,
}

/// The faults of this process, read once.
pub fn faults() -> Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    *FAULTS.get_or_init(|| {
        let words = std::env::var("RS_HEAPDUMP_FAULT").unwrap_or_default();
        let has = |name: &str| words.split(',').any(|word| word.trim() == name);
        Faults {
            no_v8_symbols: has("no-v8-symbols"),
            no_tmpfile: has("no-tmpfile"),
            memory_low: has("memory-low"),
            slow_write: has("slow-write"),
            panic: has("panic"),
        }
    })
}
