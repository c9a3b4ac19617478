//! V8's functions, found by name in the running process.
//!
//! The Node executable (or `libnode.so`) exports V8's public C++ API under its Itanium-mangled
//! names, so a lookup by name replaces V8's headers and a C++ compiler, and one binary serves all
//! Node versions. The table below is data: one line a function, with every name that it had and
//! the versions they were checked on. It is resolved once, and a name that is missing is an
//! answer too: the caller sees `None` and takes another way.
//!
//! # Safety
//!
//! A function pointer is given its type here and nowhere else. Each signature was compared with
//! `v8-profiler.h`, `v8-isolate.h`, `v8-local-handle.h`, `v8-primitive.h`, and Node's `node.h` and
//! `node_platform.h`, of Node 16.20, 18.20,
//! 20.20, 22.23, 24.21 and 26.10; a C++ member function takes `this` as its first argument.

#![expect(unsafe_code, reason = "dlsym, and giving its answers the types of V8's headers")]

#[cfg(unix)]
use std::ffi::CString;
use std::ffi::{c_char, c_int, c_void};
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use super::abi::{ActivityControl, HeapSnapshotOptions, HeapSpaceStatistics, OutputStream};

/// A pointer to an object of V8's that is only ever handed back to V8.
pub type Opaque = *mut c_void;
/// The address of a handle's slot: what `v8::Local<T>` and `v8::internal::Handle<T>` hold.
pub type Slot = *mut usize;
/// `v8::InterruptCallback`.
pub type InterruptCallback = unsafe extern "C" fn(isolate: Opaque, data: *mut c_void);
/// `v8::NearHeapLimitCallback`: answers with the limit that shall hold from now on.
pub type NearHeapLimitCallback = unsafe extern "C" fn(data: *mut c_void, current: usize, initial: usize) -> usize;
/// `v8::Isolate::GCCallbackWithData`.
pub type GcCallback = unsafe extern "C" fn(isolate: Opaque, kind: c_int, flags: c_int, data: *mut c_void);

macro_rules! symbols {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $mangled:literal;)+) => {
        /// Every function that this crate may ask for.
        pub struct Symbols { $($(#[doc = $doc])+ pub $name: Option<$type>,)+ }

        impl Symbols {
            fn resolve() -> Self {
                Self { $($name: {
                    // SAFETY: `lookup` answers with the address of that name, and the table pairs the
                    // name with its signature, or takes the plain address (`NonZeroUsize`); `Option`
                    // of either has the layout of a nullable pointer.
                    unsafe { std::mem::transmute::<*mut c_void, Option<$type>>(lookup($mangled)) }
                },)+ }
            }
        }
    };
}

symbols! {
    /// `Isolate* v8::Isolate::GetCurrent()`
    isolate_get_current: unsafe extern "C" fn() -> Opaque = "_ZN2v87Isolate10GetCurrentEv";
    /// `void v8::Isolate::LowMemoryNotification()`: a full, synchronous collection
    low_memory_notification: unsafe extern "C" fn(Opaque) = "_ZN2v87Isolate21LowMemoryNotificationEv";
    /// `void v8::Isolate::RequestInterrupt(InterruptCallback, void*)`: thread-safe
    request_interrupt: unsafe extern "C" fn(Opaque, InterruptCallback, *mut c_void) =
        "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_";
    /// `void v8::Isolate::AddNearHeapLimitCallback(NearHeapLimitCallback, void*)`
    add_near_heap_limit_callback: unsafe extern "C" fn(Opaque, NearHeapLimitCallback, *mut c_void) =
        "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_";
    /// `void v8::Isolate::RemoveNearHeapLimitCallback(NearHeapLimitCallback, size_t heap_limit)`
    remove_near_heap_limit_callback: unsafe extern "C" fn(Opaque, NearHeapLimitCallback, usize) =
        "_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm";
    /// `void v8::Isolate::AutomaticallyRestoreInitialHeapLimit(double threshold_percent)`
    restore_initial_heap_limit: unsafe extern "C" fn(Opaque, f64) =
        "_ZN2v87Isolate36AutomaticallyRestoreInitialHeapLimitEd";
    /// `void v8::Isolate::AddGCEpilogueCallback(GCCallbackWithData, void*, GCType)`
    add_gc_epilogue_callback: unsafe extern "C" fn(Opaque, GcCallback, *mut c_void, c_int) =
        "_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_";
    /// `void v8::Isolate::RemoveGCEpilogueCallback(GCCallbackWithData, void*)`
    remove_gc_epilogue_callback: unsafe extern "C" fn(Opaque, GcCallback, *mut c_void) =
        "_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_";
    /// `void v8::Isolate::MemoryPressureNotification(MemoryPressureLevel)`
    memory_pressure_notification: unsafe extern "C" fn(Opaque, c_int) =
        "_ZN2v87Isolate26MemoryPressureNotificationENS_19MemoryPressureLevelE";
    /// `void v8::Isolate::GetHeapStatistics(HeapStatistics*)`
    get_heap_statistics: unsafe extern "C" fn(Opaque, *mut usize) =
        "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE";
    /// `size_t v8::Isolate::NumberOfHeapSpaces()`
    number_of_heap_spaces: unsafe extern "C" fn(Opaque) -> usize = "_ZN2v87Isolate18NumberOfHeapSpacesEv";
    /// `bool v8::Isolate::GetHeapSpaceStatistics(HeapSpaceStatistics*, size_t)`
    get_heap_space_statistics: unsafe extern "C" fn(Opaque, *mut HeapSpaceStatistics, usize) -> bool =
        "_ZN2v87Isolate22GetHeapSpaceStatisticsEPNS_19HeapSpaceStatisticsEm";
    /// `const char* v8::V8::GetVersion()`
    get_version: unsafe extern "C" fn() -> *const c_char = "_ZN2v82V810GetVersionEv";
    /// `HeapProfiler* v8::Isolate::GetHeapProfiler()`
    get_heap_profiler: unsafe extern "C" fn(Opaque) -> Opaque = "_ZN2v87Isolate15GetHeapProfilerEv";

    /// `void v8::HeapProfiler::StartTrackingHeapObjects(bool track_allocations)`
    start_tracking_heap_objects: unsafe extern "C" fn(Opaque, bool) =
        "_ZN2v812HeapProfiler24StartTrackingHeapObjectsEb";
    /// `SnapshotObjectId v8::HeapProfiler::GetHeapStats(OutputStream*, int64_t*)`: the last id given
    get_heap_stats: unsafe extern "C" fn(Opaque, *mut OutputStream<'_>, *mut i64) -> u32 =
        "_ZN2v812HeapProfiler12GetHeapStatsEPNS_12OutputStreamEPl";
    /// `void v8::HeapProfiler::ClearObjectIds()`
    clear_object_ids: unsafe extern "C" fn(Opaque) = "_ZN2v812HeapProfiler14ClearObjectIdsEv";

    /// `TakeHeapSnapshot(const HeapSnapshotOptions&)`: Node 20 and later
    take_with_options: unsafe extern "C" fn(Opaque, *const HeapSnapshotOptions) -> Opaque =
        "_ZN2v812HeapProfiler16TakeHeapSnapshotERKNS0_19HeapSnapshotOptionsE";
    /// `TakeHeapSnapshot(ActivityControl*, ObjectNameResolver*, bool, bool)`: Node 18 to 25
    take_with_flags: unsafe extern "C" fn(Opaque, *mut ActivityControl<'_>, Opaque, bool, bool) -> Opaque =
        "_ZN2v812HeapProfiler16TakeHeapSnapshotEPNS_15ActivityControlEPNS0_18ObjectNameResolverEbb";
    /// the same under the name that Node 16 backported it with
    take_with_flags_v8_92: unsafe extern "C" fn(Opaque, *mut ActivityControl<'_>, Opaque, bool, bool) -> Opaque =
        "_ZN2v812HeapProfiler21TakeHeapSnapshotV8_92EPNS_15ActivityControlEPNS0_18ObjectNameResolverEbb";

    /// `int v8::HeapSnapshot::GetNodesCount() const`
    snapshot_get_nodes_count: unsafe extern "C" fn(Opaque) -> c_int = "_ZNK2v812HeapSnapshot13GetNodesCountEv";
    /// `SnapshotObjectId v8::HeapSnapshot::GetMaxSnapshotJSObjectId() const`
    snapshot_get_max_id: unsafe extern "C" fn(Opaque) -> u32 = "_ZNK2v812HeapSnapshot24GetMaxSnapshotJSObjectIdEv";
    /// `void v8::HeapSnapshot::Serialize(OutputStream*, SerializationFormat) const`
    snapshot_serialize: unsafe extern "C" fn(Opaque, *mut OutputStream<'_>, c_int) =
        "_ZNK2v812HeapSnapshot9SerializeEPNS_12OutputStreamENS0_19SerializationFormatE";
    /// `void v8::HeapSnapshot::Delete()`
    snapshot_delete: unsafe extern "C" fn(Opaque) = "_ZN2v812HeapSnapshot6DeleteEv";

    /// `v8::HandleScope::HandleScope(Isolate*)`: Node 16 to 25
    handle_scope_enter: unsafe extern "C" fn(*mut usize, Opaque) = "_ZN2v811HandleScopeC1EPNS_7IsolateE";
    /// `v8::HandleScope::~HandleScope()`: Node 16 to 25
    handle_scope_leave: unsafe extern "C" fn(*mut usize) = "_ZN2v811HandleScopeD1Ev";
    /// `Address* v8::HandleScope::CreateHandle(internal::Isolate*, Address)`: Node 16 to 25
    create_handle: unsafe extern "C" fn(Opaque, usize) -> Slot =
        "_ZN2v811HandleScope12CreateHandleEPNS_8internal7IsolateEm";
    /// `int v8::String::Length() const`
    string_length: unsafe extern "C" fn(Slot) -> c_int = "_ZNK2v86String6LengthEv";
    /// `MaybeLocal<String> v8::debug::Script::Source() const`: Node 16 to 23
    script_source: unsafe extern "C" fn(Slot) -> Slot = "_ZNK2v85debug6Script6SourceEv";
    /// `v8::internal::Script::Iterator::Iterator(Isolate*)`: Node 16 to 23
    script_iterator_new: unsafe extern "C" fn(*mut usize, Opaque) =
        "_ZN2v88internal6Script8IteratorC1EPNS0_7IsolateE";
    /// `Script v8::internal::Script::Iterator::Next()`: Node 16 to 23
    script_iterator_next: unsafe extern "C" fn(*mut usize) -> usize = "_ZN2v88internal6Script8Iterator4NextEv";
    /// `void v8::internal::Script::InitLineEnds(Isolate*, Handle<Script>)`: Node 16 to 20
    script_init_line_ends: unsafe extern "C" fn(Opaque, Slot) =
        "_ZN2v88internal6Script12InitLineEndsINS0_7IsolateEEEvPT_NS0_6HandleIS1_EE";

    /// `Local<Context> v8::Isolate::GetCurrentContext()`
    get_current_context: unsafe extern "C" fn(Opaque) -> Slot = "_ZN2v87Isolate17GetCurrentContextEv";
    /// `Environment* node::GetCurrentEnvironment(Local<Context>)`
    node_current_environment: unsafe extern "C" fn(Slot) -> Opaque =
        "_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE";
    /// `MultiIsolatePlatform* node::GetMultiIsolatePlatform(Environment*)`
    node_platform: unsafe extern "C" fn(Opaque) -> Opaque = "_ZN4node23GetMultiIsolatePlatformEPNS_11EnvironmentE";
    /// `int node::NodePlatform::NumberOfWorkerThreads()`
    node_platform_worker_threads: unsafe extern "C" fn(Opaque) -> c_int =
        "_ZN4node12NodePlatform21NumberOfWorkerThreadsEv";
    /// the vtable of `node::NodePlatform`, which begins with two words of header
    node_platform_vtable: NonZeroUsize = "_ZTVN4node12NodePlatformE";
    /// `void node::NodePlatform::CallOnWorkerThread(unique_ptr<Task>)`: Node 16 to 20
    node_platform_call_on_worker: NonZeroUsize =
        "_ZN4node12NodePlatform18CallOnWorkerThreadESt10unique_ptrIN2v84TaskESt14default_deleteIS3_EE";
    /// `void node::NodePlatform::CallDelayedOnWorkerThread(unique_ptr<Task>, double)`: Node 16 to 20
    node_platform_call_delayed_on_worker: NonZeroUsize =
        "_ZN4node12NodePlatform25CallDelayedOnWorkerThreadESt10unique_ptrIN2v84TaskESt14default_deleteIS3_EEd";
    /// `void node::NodePlatform::PostTaskOnWorkerThreadImpl(TaskPriority, unique_ptr<Task>, const SourceLocation&)`:
    /// Node 22 and later
    node_platform_post_on_worker: NonZeroUsize = "_ZN4node12NodePlatform26PostTaskOnWorkerThreadImplEN2v812TaskPriorityESt10unique_ptrINS1_4TaskESt14default_deleteIS4_EERKNS1_14SourceLocationE";
    /// `void node::NodePlatform::PostDelayedTaskOnWorkerThreadImpl(TaskPriority, unique_ptr<Task>, double, const SourceLocation&)`:
    /// Node 22 and later
    node_platform_post_delayed_on_worker: NonZeroUsize = "_ZN4node12NodePlatform33PostDelayedTaskOnWorkerThreadImplEN2v812TaskPriorityESt10unique_ptrINS1_4TaskESt14default_deleteIS4_EEdRKNS1_14SourceLocationE";
}

/// The table of this process.
pub fn symbols() -> &'static Symbols {
    static SYMBOLS: OnceLock<Symbols> = OnceLock::new();
    SYMBOLS.get_or_init(Symbols::resolve)
}

#[cfg(unix)]
fn lookup(mangled: &str) -> *mut c_void {
    if crate::fault::faults().no_v8_symbols {
        return std::ptr::null_mut();
    }
    let name = CString::new(mangled).expect("the table's names hold no NUL");
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// MSVC mangles differently and lays out vtables differently: until that is verified on a
/// machine, Windows takes the portable engine.
#[cfg(not(unix))]
fn lookup(_mangled: &str) -> *mut c_void {
    std::ptr::null_mut()
}
