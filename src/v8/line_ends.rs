//! Keeps a snapshot linear in bundled scripts, on Node 16 to 20.
//!
//! For every closure a snapshot notes line and column. Up to V8 11.x the lookup runs through the
//! script's source from its start unless the script's line ends are known, so a bundle of nine
//! megabytes with many closures costs minutes. V8 computes and keeps line ends itself whenever it
//! formats a position of that script (a stack trace does); here the same function is called ahead
//! of time, for each script that is large enough to matter.
//!
//! The other way would be an inspector session that enables and disables the debugger. It does the
//! same as a by-product, but attaches to the process, is visible to a debugger that is already
//! there, needs JavaScript (so not while the loop is blocked), and touches every script. Calling
//! V8's own function has one lasting effect: an array of one entry a line stays with the script.
//!
//! From Node 22 V8 caches line ends during the snapshot and does not export the function: nothing
//! is done there.
//!
//! # Safety
//!
//! `Script::Iterator` holds a raw pointer into the heap, so nothing may allocate there between its
//! steps: all scripts are put into handles first, and only then looked at. It is 16 bytes (index and
//! list) on all versions that export it; the buffer is larger. A `Script` is returned as one tagged
//! word, 0 at the end.

#![expect(unsafe_code, reason = "V8's handles are raw slots")]

use super::symbols::{Opaque, Slot, symbols};

/// Below this a script's source is scanned faster than its line ends are worth keeping.
const SOURCE_CHARACTERS_MIN: i32 = 4096;
/// More scripts than a process has; the list ends earlier.
const SCRIPTS_MAX: usize = 1 << 20;

pub fn available() -> bool {
    let s = symbols();
    s.script_init_line_ends.is_some()
        && s.script_iterator_new.is_some()
        && s.script_iterator_next.is_some()
        && s.script_source.is_some()
        && s.string_length.is_some()
        && s.handle_scope_enter.is_some()
        && s.handle_scope_leave.is_some()
        && s.create_handle.is_some()
}

/// Makes line ends known for the scripts of `isolate`, which must be the current one.
pub fn make_known(isolate: Opaque) -> usize {
    let s = symbols();
    let (
        Some(iterator_new),
        Some(next),
        Some(create_handle),
        Some(source),
        Some(length),
        Some(init),
        Some(enter),
        Some(leave),
    ) = (
        s.script_iterator_new,
        s.script_iterator_next,
        s.create_handle,
        s.script_source,
        s.string_length,
        s.script_init_line_ends,
        s.handle_scope_enter,
        s.handle_scope_leave,
    )
    else {
        return 0;
    };

    let mut scope = [0usize; 8];
    // SAFETY: module head. The scope is left before this function returns, on the same thread.
    unsafe {
        enter(scope.as_mut_ptr(), isolate);
        let mut iterator = [0usize; 8];
        iterator_new(iterator.as_mut_ptr(), isolate);
        let mut scripts: Vec<Slot> = Vec::new();
        while scripts.len() < SCRIPTS_MAX {
            let script = next(iterator.as_mut_ptr());
            if script == 0 {
                break;
            }
            scripts.push(create_handle(isolate, script));
        }
        for &script in &scripts {
            // A script without a string for its source (WebAssembly) answers with an empty handle.
            let text = source(script);
            if !text.is_null() && length(text) >= SOURCE_CHARACTERS_MIN {
                init(isolate, script);
            }
        }
        leave(scope.as_mut_ptr());
        scripts.len()
    }
}
