//! What V8 tells of the heap at the end of each garbage collection, for free.
//!
//! V8 calls a hook on the JavaScript thread. It reads V8's own counters (half a microsecond), at most
//! once in [`READ_INTERVAL`] after collections of the young generation, and wakes the watcher only
//! when a reading reaches the mark that the watcher set.
//!
//! # Safety
//!
//! The hook is V8's to call from [`Gauge::observe`] to [`Observation::end`], both on the thread of its
//! isolate; the observation keeps the gauge alive, and is ended before the environment goes, or leaks. The
//! hook allocates nothing, touches no JavaScript and cannot panic.

#![expect(unsafe_code, reason = "a hook that V8 calls")]

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::policy::Sample;
use crate::v8::{Collection, HeapStatistics, Isolate};

/// How often, at most, the heap is read when V8 collects often.
const READ_INTERVAL: Duration = Duration::from_millis(50);

/// The last reading, and the marks that are worth waking for.
#[derive(Debug)]
pub struct Gauge {
    heap: AtomicU64,
    external: AtomicU64,
    heap_mark: AtomicU64,
    external_mark: AtomicU64,
    full_collections: AtomicU32,
    /// Milliseconds from `began` to the last reading.
    read_ms: AtomicU64,
    began: Instant,
    waiter: Thread,
}

impl Gauge {
    /// A gauge that wakes `waiter`.
    pub fn new(waiter: Thread) -> Self {
        Self {
            heap: AtomicU64::new(0),
            external: AtomicU64::new(0),
            heap_mark: AtomicU64::new(u64::MAX),
            external_mark: AtomicU64::new(u64::MAX),
            full_collections: AtomicU32::new(0),
            read_ms: AtomicU64::new(0),
            began: Instant::now(),
            waiter,
        }
    }

    /// The last reading, garbage included; the gauge does not know of RSS.
    pub fn reading(&self) -> Sample {
        Sample {
            heap: self.heap.load(Ordering::Relaxed),
            rss: 0,
            external: self.external.load(Ordering::Relaxed),
        }
    }

    /// How many full collections there were.
    pub fn full_collections(&self) -> u32 {
        self.full_collections.load(Ordering::SeqCst)
    }

    /// Wakes the waiter once a reading reaches one of the marks. Answers whether one does already.
    pub fn arm(&self, marks: Sample) -> bool {
        self.heap_mark.store(marks.heap, Ordering::SeqCst);
        self.external_mark.store(marks.external, Ordering::SeqCst);
        self.heap.load(Ordering::SeqCst) >= marks.heap || self.external.load(Ordering::SeqCst) >= marks.external
    }

    /// Takes a reading.
    pub fn read(&self, heap: HeapStatistics) {
        self.heap.store(heap.used_bytes, Ordering::SeqCst);
        self.external.store(heap.external_bytes, Ordering::SeqCst);
        if heap.used_bytes >= self.heap_mark.load(Ordering::SeqCst)
            || heap.external_bytes >= self.external_mark.load(Ordering::SeqCst)
        {
            self.heap_mark.store(u64::MAX, Ordering::SeqCst); // once is enough
            self.external_mark.store(u64::MAX, Ordering::SeqCst);
            self.waiter.unpark();
        }
    }

    fn collected(&self, collection: Collection) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        if collection == Collection::Young {
            let since_ms = now_ms.saturating_sub(self.read_ms.load(Ordering::Relaxed));
            if u128::from(since_ms) < READ_INTERVAL.as_millis() {
                return;
            }
        }
        self.read_ms.store(now_ms, Ordering::Relaxed);
        if let Some(isolate) = Isolate::current() {
            self.read(isolate.heap_statistics());
        }
        if collection == Collection::Full {
            self.full_collections.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Has V8 tell of each collection of the current thread's heap. Nothing where V8 cannot be asked.
    pub fn observe(self: &Arc<Self>, isolate: Isolate) -> Option<Observation> {
        let gauge = Arc::into_raw(Arc::clone(self));
        // SAFETY: module head; each observation has a pointer of its own gauge.
        if unsafe { isolate.add_collection_callback(on_collection, gauge.cast_mut().cast()) } {
            return Some(Observation { gauge });
        }
        // SAFETY: V8 did not get it.
        drop(unsafe { Arc::from_raw(gauge) });
        None
    }
}

/// A hook that V8 calls.
#[derive(Debug)]
pub struct Observation {
    gauge: *const Gauge,
}

impl Observation {
    /// Takes the hook off; to be called on the thread that put it on.
    pub fn end(self, isolate: Isolate) {
        // SAFETY: `observe` put it on, on this thread, and this is the only time it is taken off.
        unsafe {
            isolate.remove_collection_callback(on_collection, self.gauge.cast_mut().cast());
            drop(Arc::from_raw(self.gauge));
        }
    }
}

unsafe extern "C" fn on_collection(_isolate: *mut c_void, kind: c_int, _flags: c_int, data: *mut c_void) {
    // SAFETY: module head: the observation keeps the gauge alive.
    let gauge = unsafe { &*data.cast::<Gauge>() };
    gauge.collected(Collection::of(kind));
}
