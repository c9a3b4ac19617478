//! What V8 tells while it manages the heap: each garbage collection, and that the limit is near.
//!
//! # Safety
//!
//! - Whoever hooks in promises that the callback does not unwind, that `data` outlives the hook, and
//!   that the hook is taken off before the isolate goes.
//! - V8 ends the process where a callback is added twice, or taken off without having been added.
//! - The values of `GCType` were compared with `v8-callbacks.h` (Node 16: `v8.h`) and with
//!   `perf_hooks.constants.NODE_PERFORMANCE_GC_MAJOR` of Node 16, 18, 20, 22, 24 and 26.

#![expect(unsafe_code, reason = "hooks that V8 calls")]

use std::ffi::{c_int, c_void};

use super::symbols::symbols;
use super::{GcCallback, Isolate, NearHeapLimitCallback, major_version};

/// What kind of garbage collection it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Of the young generation.
    Young,
    /// Of the whole heap.
    Full,
}

/// `kGCTypeScavenge`.
const YOUNG: c_int = 1;

/// `kGCTypeMarkSweepCompact`, before which V8 10 put another.
fn full() -> c_int {
    if major_version() < 10 { 2 } else { 4 }
}

impl Collection {
    /// What V8 tells a [`GcCallback`].
    pub fn of(kind: c_int) -> Self {
        if kind == full() { Self::Full } else { Self::Young }
    }
}

/// Whether V8 tells when the limit is near.
pub fn can_watch_heap_limit() -> bool {
    let s = symbols();
    s.add_near_heap_limit_callback.is_some() && s.remove_near_heap_limit_callback.is_some()
}

/// Whether V8 tells of its collections.
pub fn can_observe_collections() -> bool {
    let s = symbols();
    s.add_gc_epilogue_callback.is_some() && s.remove_gc_epilogue_callback.is_some() && s.get_heap_statistics.is_some()
}

impl Isolate {
    /// Has V8 call `callback` when the heap is about to reach its limit. Of several callbacks V8 calls
    /// the newest only. Answers whether V8 could be asked.
    ///
    /// # Safety
    ///
    /// Module head. It must not be there already.
    pub unsafe fn add_near_heap_limit_callback(self, callback: NearHeapLimitCallback, data: *mut c_void) -> bool {
        let Some(add) = symbols()
            .add_near_heap_limit_callback
            .filter(|_| can_watch_heap_limit())
        else {
            return false;
        };
        // SAFETY: on the isolate's own thread; the rest is the caller's promise.
        unsafe { add(self.raw(), callback, data) };
        true
    }

    /// Takes it off again, and lowers the limit to `limit_bytes`, though not below what is in use and a
    /// quarter; 0 leaves it.
    ///
    /// # Safety
    ///
    /// It must be there.
    pub unsafe fn remove_near_heap_limit_callback(self, callback: NearHeapLimitCallback, limit_bytes: usize) {
        if let Some(remove) = symbols().remove_near_heap_limit_callback {
            // SAFETY: on the isolate's own thread; the rest is the caller's promise.
            unsafe { remove(self.raw(), callback, limit_bytes) };
        }
    }

    /// Once a raised heap falls below this share of its first limit, that limit holds again.
    pub fn restore_heap_limit_below(self, share: f64) {
        if let Some(restore) = symbols().restore_initial_heap_limit {
            // SAFETY: on the isolate's own thread.
            unsafe { restore(self.raw(), share) };
        }
    }

    /// Has V8 call `callback` at the end of each collection. Answers whether V8 could be asked.
    ///
    /// # Safety
    ///
    /// Module head. It must not be there already, with this `data`; it must not touch JavaScript.
    pub unsafe fn add_collection_callback(self, callback: GcCallback, data: *mut c_void) -> bool {
        let Some(add) = symbols().add_gc_epilogue_callback.filter(|_| can_observe_collections()) else {
            return false;
        };
        // SAFETY: on the isolate's own thread; the rest is the caller's promise.
        unsafe { add(self.raw(), callback, data, YOUNG | full()) };
        true
    }

    /// Takes it off again.
    ///
    /// # Safety
    ///
    /// It must be there, with this `data`.
    pub unsafe fn remove_collection_callback(self, callback: GcCallback, data: *mut c_void) {
        if let Some(remove) = symbols().remove_gc_epilogue_callback {
            // SAFETY: on the isolate's own thread; the rest is the caller's promise.
            unsafe { remove(self.raw(), callback, data) };
        }
    }

    /// Has V8 begin a full collection, most of which it does beside JavaScript and in short steps. Answers
    /// whether V8 could be asked; when it is done, [`Isolate::add_collection_callback`]'s callback hears of it.
    pub fn begin_collection(self) -> bool {
        /// `MemoryPressureLevel::kModerate`; V8 sets it back by itself.
        const MODERATE: c_int = 1;
        let Some(notify) = symbols().memory_pressure_notification else {
            return false;
        };
        // SAFETY: on the isolate's own thread.
        unsafe { notify(self.raw(), MODERATE) };
        true
    }
}
