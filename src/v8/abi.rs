//! The classes of V8 that the embedder implements, laid out by hand.
//!
//! `v8::OutputStream` and `v8::ActivityControl` are header-only interfaces: V8 sees nothing of
//! them but a pointer to a vtable. Under the Itanium C++ ABI (Linux, macOS; not Windows) an object
//! begins with the address of slot 0, and the slots are, in the order of declaration:
//!
//! | slot | `OutputStream` | `ActivityControl` |
//! |---|---|---|
//! | 0, 1 | complete and deleting destructor | the same |
//! | 2 | `void EndOfStream()` | `ControlOption ReportProgressValue(uint32_t, uint32_t)` |
//! | 3 | `int GetChunkSize()` | |
//! | 4 | `WriteResult WriteAsciiChunk(char*, int)` | |
//! | 5 | `WriteResult WriteHeapStatsChunk(HeapStatsUpdate*, int)` | |
//!
//! Checked against `v8-profiler.h` of Node 16, 18, 20, 22, 24 and 26: unchanged.
//!
//! A panic must not unwind through V8's frames. The slots catch it, tell V8 to abort, and keep the
//! payload; [`OutputStream::into_panic`] gives it to the caller, on our side of V8 again.
//!
//! # Safety
//!
//! V8 calls the slots with the pointer it was given, on the thread that called V8, and never after
//! that call has returned; the destructors are called by owners only, and V8 owns neither object.

#![expect(unsafe_code, reason = "vtables that V8 calls through")]

use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where a serialized snapshot goes, chunk by chunk.
pub trait ChunkSink {
    /// Takes the next bytes, or breaks to end the serialization.
    fn write(&mut self, chunk: &[u8]) -> ControlFlow<()>;
    /// Everything was written. Not called after a break.
    fn end(&mut self);
}

/// Watches a snapshot being taken.
pub trait Progress {
    /// `done` of about `total` objects. The first call comes while hardly any memory has been
    /// taken; a break then leaves nothing behind.
    fn report(&mut self, done: u32, total: u32) -> ControlFlow<()>;
}

type Payload = Box<dyn Any + Send>;

/// `v8::HeapProfiler::HeapSnapshotOptions`. 24 bytes on Node 20; Node 22 appended `stack_state`.
/// All zero but for `control` is what V8 defaults to: regular mode, no numbers, scan the stack.
#[repr(C)]
pub struct HeapSnapshotOptions<'a> {
    control: *mut ActivityControl<'a>,
    global_object_name_resolver: *mut c_void,
    snapshot_mode: c_int,
    numerics_mode: c_int,
    stack_state: c_int,
    reserved: c_int,
}

impl<'a> HeapSnapshotOptions<'a> {
    pub fn new(control: *mut ActivityControl<'a>) -> Self {
        Self {
            control,
            global_object_name_resolver: std::ptr::null_mut(),
            snapshot_mode: 0,
            numerics_mode: 0,
            stack_state: 0,
            reserved: 0,
        }
    }
}

/// `v8::HeapSpaceStatistics`, the same on Node 16 to 26.
#[repr(C)]
pub struct HeapSpaceStatistics {
    pub name: *const c_char,
    pub size_bytes: usize,
    pub used_bytes: usize,
    pub available_bytes: usize,
    pub physical_bytes: usize,
}

const CONTINUE: c_int = 0;
const ABORT: c_int = 1;

fn verdict(flow: ControlFlow<()>) -> c_int {
    if flow.is_continue() { CONTINUE } else { ABORT }
}

/// Runs `body`; a panic is kept in `kept` and answered with a break.
fn guarded(kept: &mut Option<Payload>, body: impl FnOnce() -> ControlFlow<()>) -> ControlFlow<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        *kept = Some(payload);
        ControlFlow::Break(())
    })
}

extern "C" fn no_destructor(_this: *mut c_void) {}

#[repr(C)]
struct OutputStreamVtable {
    complete_destructor: extern "C" fn(*mut c_void),
    deleting_destructor: extern "C" fn(*mut c_void),
    end_of_stream: unsafe extern "C" fn(*mut OutputStream<'_>),
    get_chunk_size: extern "C" fn(*mut OutputStream<'_>) -> c_int,
    write_ascii_chunk: unsafe extern "C" fn(*mut OutputStream<'_>, *mut c_char, c_int) -> c_int,
    write_heap_stats_chunk: extern "C" fn(*mut OutputStream<'_>, *mut c_void, c_int) -> c_int,
}

static OUTPUT_STREAM: OutputStreamVtable = OutputStreamVtable {
    complete_destructor: no_destructor,
    deleting_destructor: no_destructor,
    end_of_stream,
    get_chunk_size,
    write_ascii_chunk,
    write_heap_stats_chunk,
};

/// How much V8 collects before it hands a chunk over.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// A [`ChunkSink`] as V8 sees it.
#[repr(C)]
pub struct OutputStream<'a> {
    vtable: &'static OutputStreamVtable,
    sink: &'a mut dyn ChunkSink,
    panic: Option<Payload>,
}

impl<'a> OutputStream<'a> {
    pub fn new(sink: &'a mut dyn ChunkSink) -> Self {
        Self {
            vtable: &OUTPUT_STREAM,
            sink,
            panic: None,
        }
    }

    /// The payload of a panic in the sink, to be resumed by the caller.
    pub fn into_panic(self) -> Option<Payload> {
        self.panic
    }
}

unsafe extern "C" fn end_of_stream(this: *mut OutputStream<'_>) {
    // SAFETY: module head; `this` is the `OutputStream` that `Snapshot::serialize` borrows.
    let this = unsafe { &mut *this };
    let OutputStream { sink, panic, .. } = this;
    let _ = guarded(panic, || {
        sink.end();
        ControlFlow::Continue(())
    });
}

extern "C" fn get_chunk_size(_this: *mut OutputStream<'_>) -> c_int {
    c_int::try_from(CHUNK_BYTES).expect("a chunk is smaller than 2 GiB")
}

unsafe extern "C" fn write_ascii_chunk(this: *mut OutputStream<'_>, data: *mut c_char, size: c_int) -> c_int {
    // SAFETY: as in `end_of_stream`.
    let this = unsafe { &mut *this };
    let Ok(size) = usize::try_from(size) else {
        return ABORT;
    };
    // SAFETY: V8 passes its own buffer of `size` initialised bytes, unchanged during the call.
    let chunk = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
    let OutputStream { sink, panic, .. } = this;
    verdict(guarded(panic, || sink.write(chunk)))
}

/// Allocation statistics are another stream's business.
extern "C" fn write_heap_stats_chunk(_this: *mut OutputStream<'_>, _data: *mut c_void, _count: c_int) -> c_int {
    ABORT
}

#[repr(C)]
struct ActivityControlVtable {
    complete_destructor: extern "C" fn(*mut c_void),
    deleting_destructor: extern "C" fn(*mut c_void),
    report_progress_value: unsafe extern "C" fn(*mut ActivityControl<'_>, u32, u32) -> c_int,
}

static ACTIVITY_CONTROL: ActivityControlVtable = ActivityControlVtable {
    complete_destructor: no_destructor,
    deleting_destructor: no_destructor,
    report_progress_value,
};

/// A [`Progress`] as V8 sees it.
#[repr(C)]
pub struct ActivityControl<'a> {
    vtable: &'static ActivityControlVtable,
    progress: &'a mut dyn Progress,
    panic: Option<Payload>,
    not_send: PhantomData<*mut ()>,
}

impl<'a> ActivityControl<'a> {
    pub fn new(progress: &'a mut dyn Progress) -> Self {
        Self {
            vtable: &ACTIVITY_CONTROL,
            progress,
            panic: None,
            not_send: PhantomData,
        }
    }

    /// The payload of a panic in the watcher, to be resumed by the caller.
    pub fn into_panic(self) -> Option<Payload> {
        self.panic
    }
}

unsafe extern "C" fn report_progress_value(this: *mut ActivityControl<'_>, done: u32, total: u32) -> c_int {
    // SAFETY: module head; `this` is the `ActivityControl` that `Isolate::take_snapshot` borrows.
    let this = unsafe { &mut *this };
    let ActivityControl { progress, panic, .. } = this;
    verdict(guarded(panic, || progress.report(done, total)))
}
