//! V8, as far as this crate needs it: a safe façade over functions found by name.
//!
//! ```no_run
//! # use std::ops::ControlFlow;
//! # struct Quiet; impl rs_heapdump::v8::Progress for Quiet {
//! #     fn report(&mut self, _: u32, _: u32) -> ControlFlow<()> { ControlFlow::Continue(()) } }
//! # struct Null; impl rs_heapdump::v8::ChunkSink for Null {
//! #     fn write(&mut self, _: &[u8]) -> ControlFlow<()> { ControlFlow::Continue(()) }
//! #     fn end(&mut self) {} }
//! use rs_heapdump::v8::Isolate;
//!
//! let isolate = Isolate::current().expect("called from a JavaScript thread");
//! isolate.collect_garbage();
//! if let Some(snapshot) = isolate.take_snapshot(Some(&mut Quiet)) {
//!     snapshot.serialize(&mut Null);
//! } // dropped: V8 frees its graph
//! ```
//!
//! An [`Isolate`] can only be had on the thread that has entered it and cannot leave that thread,
//! which is what most of V8's preconditions come down to. A function that this process does not
//! export makes [`Isolate::current`] answer `None`; [`capabilities`] tells beforehand.
//!
//! # Safety
//!
//! - The functions come from [`symbols`], typed there.
//! - `Isolate` is neither `Send` nor `Sync`, and is made from `Isolate::GetCurrent()` alone.
//! - `InterruptHandle` may outlive its isolate; the one unsafe method says what the caller owes.

#![expect(unsafe_code, reason = "calls into V8")]

mod abi;
mod hooks;
mod line_ends;
#[cfg(live)]
pub mod platform_vtable;
mod symbols;

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::ptr::NonNull;

use abi::{ActivityControl, HeapSnapshotOptions, HeapSpaceStatistics, OutputStream};
pub use abi::{CHUNK_BYTES, ChunkSink, Progress};
pub use hooks::{Collection, can_observe_collections, can_watch_heap_limit};
pub use symbols::{GcCallback, InterruptCallback, NearHeapLimitCallback};
use symbols::{Opaque, symbols};

/// What this process exports.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Snapshots can be taken, serialized and freed.
    pub snapshots: bool,
    /// A full garbage collection can be asked for.
    pub garbage_collection: bool,
    /// JavaScript that never returns can be interrupted.
    pub interrupts: bool,
    /// Line ends of scripts can be made known; where not, this V8 caches them by itself.
    pub line_ends: bool,
}

/// Looks, without touching any isolate.
pub fn capabilities() -> Capabilities {
    let s = symbols();
    Capabilities {
        snapshots: s.isolate_get_current.is_some()
            && s.get_heap_profiler.is_some()
            && s.snapshot_serialize.is_some()
            && s.snapshot_delete.is_some()
            && (s.take_with_options.is_some() || s.take_with_flags.is_some() || s.take_with_flags_v8_92.is_some()),
        garbage_collection: s.isolate_get_current.is_some() && s.low_memory_notification.is_some(),
        interrupts: s.isolate_get_current.is_some() && s.request_interrupt.is_some(),
        line_ends: line_ends::available(),
    }
}

/// The major version of V8, which is what some of its costs depend on; 0 where it does not tell.
pub fn major_version() -> u32 {
    let Some(get_version) = symbols().get_version else {
        return 0;
    };
    // SAFETY: V8 answers with a static, NUL-terminated string such as "13.6.233.17-node.53".
    let version = unsafe { CStr::from_ptr(get_version()) };
    let digits = version.to_bytes().split(|&byte| byte == b'.').next();
    digits
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .unwrap_or(0)
}

/// The isolate that the current thread has entered.
#[derive(Clone, Copy, Debug)]
pub struct Isolate {
    raw: NonNull<c_void>,
    not_send: PhantomData<*mut ()>,
}

/// The part of `v8::HeapStatistics` that a snapshot's provenance names.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeapStatistics {
    /// Bytes that V8 has reserved for the heap.
    pub total_bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes outside the heap that objects in it keep alive.
    pub external_bytes: u64,
    /// What the heap may grow to, young generation included.
    pub limit_bytes: u64,
}

impl Isolate {
    /// The current thread's isolate; `None` on other threads, and where V8 is not to be found.
    pub fn current() -> Option<Self> {
        let get_current = symbols().isolate_get_current?;
        // SAFETY: reads a thread-local variable.
        let raw = NonNull::new(unsafe { get_current() })?;
        Some(Self {
            raw,
            not_send: PhantomData,
        })
    }

    fn raw(self) -> Opaque {
        self.raw.as_ptr()
    }

    /// Collects all garbage, synchronously. Answers whether V8 could be asked.
    pub fn collect_garbage(self) -> bool {
        let Some(notify) = symbols().low_memory_notification else {
            return false;
        };
        // SAFETY: on the isolate's own thread, which this type guarantees.
        unsafe { notify(self.raw()) };
        true
    }

    /// Figures of the heap, or zeros where V8 does not export them.
    pub fn heap_statistics(self) -> HeapStatistics {
        /// `v8::HeapStatistics` has 14 fields of 8 bytes on Node 16 and 15 on Node 26.
        const FIELDS: usize = 64;
        let Some(get) = symbols().get_heap_statistics else {
            return HeapStatistics::default();
        };
        let mut fields = [0usize; FIELDS];
        // SAFETY: V8 fills the struct, which is a quarter of the buffer.
        unsafe { get(self.raw(), fields.as_mut_ptr()) };
        HeapStatistics {
            total_bytes: fields[0] as u64,
            used_bytes: fields[4] as u64,
            external_bytes: fields[7] as u64,
            limit_bytes: fields[5] as u64,
        }
    }

    /// Bytes in use by objects that share their pages with others. The rest are the few large ones,
    /// which have pages of their own.
    pub fn small_objects_bytes(self) -> u64 {
        let s = symbols();
        let (Some(spaces), Some(get)) = (s.number_of_heap_spaces, s.get_heap_space_statistics) else {
            return self.heap_statistics().used_bytes;
        };
        let mut total = 0;
        // SAFETY: on the isolate's own thread.
        for index in 0..unsafe { spaces(self.raw()) } {
            let mut space = HeapSpaceStatistics {
                name: std::ptr::null(),
                size_bytes: 0,
                used_bytes: 0,
                available_bytes: 0,
                physical_bytes: 0,
            };
            // SAFETY: `index` is below the number of spaces, and V8 fills the struct.
            if !unsafe { get(self.raw(), &raw mut space, index) } || space.name.is_null() {
                continue;
            }
            // SAFETY: V8's names of spaces are static, NUL-terminated strings.
            let name = unsafe { CStr::from_ptr(space.name) };
            if !name.to_bytes().ends_with(b"large_object_space") {
                total += space.used_bytes as u64;
            }
        }
        total
    }

    /// Makes the line ends of loaded scripts known, where this V8 would otherwise search for them
    /// again for every closure of a snapshot. Answers how many scripts were looked at.
    pub fn know_line_ends(self) -> usize {
        line_ends::make_known(self.raw())
    }

    /// Takes a snapshot, or `None` when `progress` broke it off. With somebody to report to, V8
    /// counts the objects first, which takes up to a twentieth of the time on Node 16 to 22.
    ///
    /// # Panics
    ///
    /// Passes a panic of `progress` on, once V8 has cleaned up.
    pub fn take_snapshot(self, progress: Option<&mut dyn Progress>) -> Option<Snapshot> {
        let s = symbols();
        // SAFETY: on the isolate's own thread.
        let profiler = unsafe { s.get_heap_profiler?(self.raw()) };
        let mut control = progress.map(ActivityControl::new);
        let control_pointer = control
            .as_mut()
            .map_or(std::ptr::null_mut(), |control| &raw mut *control);
        let raw = if let Some(take) = s.take_with_options {
            let options = HeapSnapshotOptions::new(control_pointer);
            // SAFETY: `options` and `control` live until the call returns, and V8 keeps neither.
            unsafe { take(profiler, &raw const options) }
        } else {
            let take = s.take_with_flags.or(s.take_with_flags_v8_92)?;
            // SAFETY: as above. The flags are the defaults of the header: hide internals (or, on
            // Node 16, treat global objects as roots), capture no numbers.
            unsafe { take(profiler, control_pointer, std::ptr::null_mut(), true, false) }
        };
        let snapshot = NonNull::new(raw).map(|raw| Snapshot {
            raw,
            not_send: PhantomData,
        });
        if let Some(payload) = control.and_then(ActivityControl::into_panic) {
            drop(snapshot);
            resume_unwind(payload);
        }
        snapshot
    }

    /// Forgets which object has which id, and the table that remembers it. Snapshots taken later
    /// number the objects anew. Answers whether V8 could be asked.
    pub fn clear_object_ids(self) -> bool {
        let s = symbols();
        let (Some(profiler), Some(clear)) = (s.get_heap_profiler, s.clear_object_ids) else {
            return false;
        };
        // SAFETY: on the isolate's own thread, outside any snapshot.
        unsafe { clear(profiler(self.raw())) };
        true
    }

    /// Gives every object of the heap an id that it keeps, and answers with the largest; what is born
    /// later gets a larger one. It takes a collection and a walk through the heap, twice the first
    /// time, since telling the largest id takes another one. Nothing where V8 cannot be asked.
    pub fn number_objects(self, first_time: bool) -> Option<u32> {
        struct Nowhere;
        impl ChunkSink for Nowhere {
            fn write(&mut self, _chunk: &[u8]) -> ControlFlow<()> {
                ControlFlow::Break(())
            }
            fn end(&mut self) {}
        }
        let s = symbols();
        let (track, stats) = (s.start_tracking_heap_objects?, s.get_heap_stats?);
        // SAFETY: on the isolate's own thread.
        let profiler = unsafe { s.get_heap_profiler?(self.raw()) };
        let mut nowhere = Nowhere;
        let mut stream = OutputStream::new(&mut nowhere);
        // SAFETY: on the isolate's own thread; the stream outlives the call, and refuses the
        // statistics themselves; no time is wanted.
        let last = unsafe {
            if first_time {
                track(profiler, false); // from now on ids follow objects that move
            }
            stats(profiler, &raw mut stream, std::ptr::null_mut())
        };
        (last > 0).then_some(last)
    }

    /// What another thread needs to interrupt this isolate.
    pub fn interrupt_handle(self) -> Option<InterruptHandle> {
        symbols().request_interrupt?;
        Some(InterruptHandle { raw: self.raw })
    }
}

/// A heap snapshot inside V8. Dropping it frees V8's graph.
#[derive(Debug)]
pub struct Snapshot {
    raw: NonNull<c_void>,
    not_send: PhantomData<*mut ()>,
}

impl Snapshot {
    /// Nodes in the graph.
    pub fn nodes(&self) -> u64 {
        let Some(count) = symbols().snapshot_get_nodes_count else {
            return 0;
        };
        // SAFETY: the snapshot is alive until it is dropped.
        u64::try_from(unsafe { count(self.raw.as_ptr()) }).unwrap_or(0)
    }

    /// The largest id of an object on the heap, if V8 tells.
    pub fn max_object_id(&self) -> Option<u32> {
        let max = symbols().snapshot_get_max_id?;
        // SAFETY: the snapshot is alive until it is dropped.
        Some(unsafe { max(self.raw.as_ptr()) })
    }

    /// Writes the snapshot as JSON, until all is written or `sink` breaks.
    ///
    /// # Panics
    ///
    /// Passes a panic of `sink` on, once V8 has returned.
    pub fn serialize(&self, sink: &mut dyn ChunkSink) {
        const JSON: i32 = 0;
        let Some(serialize) = symbols().snapshot_serialize else {
            return;
        };
        let mut stream = OutputStream::new(sink);
        // SAFETY: the snapshot is alive, `stream` outlives the call, and this is the isolate's
        // thread, which neither type can leave.
        unsafe { serialize(self.raw.as_ptr(), &raw mut stream, JSON) };
        if let Some(payload) = stream.into_panic() {
            resume_unwind(payload);
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(delete) = symbols().snapshot_delete {
            // SAFETY: made by this isolate on this thread, not yet deleted.
            unsafe { delete(self.raw.as_ptr()) };
        }
    }
}

/// Interrupts an isolate from another thread.
#[derive(Debug)]
pub struct InterruptHandle {
    raw: NonNull<c_void>,
}

// SAFETY: `RequestInterrupt` is documented as callable from any thread; the handle does nothing else.
unsafe impl Send for InterruptHandle {}

impl InterruptHandle {
    /// Has V8 call `callback` on the isolate's thread at the next opportunity while it runs
    /// JavaScript. An idle thread never gets there: wake its event loop as well.
    ///
    /// # Safety
    ///
    /// The isolate must not have been disposed. `callback` must not unwind and must not run
    /// JavaScript; it may be called at any later time as long as the isolate lives, so `data` must
    /// be valid for that long.
    pub unsafe fn request(&self, callback: InterruptCallback, data: *mut c_void) {
        if let Some(request) = symbols().request_interrupt {
            // SAFETY: the caller's promise.
            unsafe { request(self.raw.as_ptr(), callback, data) };
        }
    }
}
