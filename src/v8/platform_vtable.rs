//! Node's platform object, through which V8 hands work to other threads.
//!
//! In a forked child there are no other threads. V8 would wait there for helpers that never come, so
//! the child exchanges the object's vtable for a copy in which the methods that hand a task to a
//! worker drop it, and the number of workers is none. V8's jobs then run on the thread that waits for
//! them (`DefaultJobState::Join`), whatever the collector was about.
//!
//! Nothing is assumed about the order of the slots: one is replaced where it holds the address of a
//! method looked up by name. The object is Node's own `NodePlatform` where its vtable is that of this
//! name; an embedder's platform (Electron) is left alone, and live capture is refused there.
//!
//! | slot of | 16 | 18 | 20 | 22 | 24 | 26 |
//! |---|---|---|---|---|---|---|
//! | `NumberOfWorkerThreads` | 5 | 6 | 5 | 6 | 5 | 5 |
//! | `CallOnWorkerThread`, `CallDelayedOnWorkerThread` | 7, 10 | 8, 11 | 7, 10 | | | |
//! | `PostTaskOnWorkerThreadImpl`, `PostDelayedTaskOnWorkerThreadImpl` | | | | 20, 21 | 18, 19 | 19, 20 |
//!
//! # Safety
//!
//! - The platform lives as long as the process: it is made before and torn down after all isolates.
//! - Its vtable has at least [`WORDS`] readable words: it lies in the middle of the executable's
//!   read-only data, and what follows it in the copy is never called.
//! - A `unique_ptr` argument is passed as the address of the caller's pointer (Itanium C++ ABI, as
//!   its destructor is not trivial). Setting that to null takes the task over; it is never freed,
//!   because its destructor may touch what only threads of the parent own.

#![expect(unsafe_code, reason = "reads and exchanges the vtable of a C++ object")]

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use super::Isolate;
use super::symbols::{Opaque, symbols};

/// Words before slot 0: the offset to the top, and the type information.
const HEADER: usize = 2;
/// Words that are copied: the header, and more slots than the class has.
const WORDS: usize = HEADER + 26;
/// Slots that hand a task to a worker; with fewer the child could still wait for one.
const POST_SLOTS_MIN: usize = 2;
/// How much of the object is searched for its workers' queue.
const OBJECT_WORDS: usize = 40;
/// How far behind a field's target the queue's condition variable may lie.
const RUNNER_BYTES: usize = 512;

/// Node's platform, as this process has it.
#[derive(Debug)]
pub struct Platform {
    object: usize,
    /// Address of slot 0 of its own vtable.
    slots: usize,
    /// The vtable that the child uses.
    idle: &'static [usize; WORDS],
    workers: usize,
}

static PLATFORM: OnceLock<Result<Platform, &'static str>> = OnceLock::new();

/// Looks at the platform of `isolate`, once a process. Must be called from JavaScript, where a
/// context is entered.
pub fn find(isolate: Isolate) -> Result<&'static Platform, &'static str> {
    PLATFORM
        .get_or_init(|| Platform::of(isolate))
        .as_ref()
        .map_err(|why| *why)
}

/// What [`find`] found.
pub fn found() -> Result<&'static Platform, &'static str> {
    match PLATFORM.get() {
        Some(found) => found.as_ref().map_err(|why| *why),
        None => Err("no JavaScript thread has been registered"),
    }
}

impl Platform {
    fn of(isolate: Isolate) -> Result<Self, &'static str> {
        const NOT_EXPORTED: &str = "this process does not export the functions of Node's platform";
        const NOT_NODES: &str = "V8's platform is not Node's own";
        let s = symbols();
        let (Some(context), Some(environment), Some(platform), Some(workers), Some(vtable)) = (
            s.get_current_context,
            s.node_current_environment,
            s.node_platform,
            s.node_platform_worker_threads,
            s.node_platform_vtable,
        ) else {
            return Err(NOT_EXPORTED);
        };
        // SAFETY: on the isolate's own thread, in a context and a handle scope of Node-API; each
        // answer is checked before it is passed on.
        let object = unsafe {
            let context = context(isolate.raw());
            if context.is_null() {
                return Err("no context is entered");
            }
            let environment = environment(context);
            if environment.is_null() {
                return Err("the context is not one of Node's");
            }
            platform(environment)
        };
        if object.is_null() {
            return Err(NOT_NODES);
        }
        let slots = vtable.get() + HEADER * size_of::<usize>();
        // SAFETY: a C++ object with virtual methods begins with the address of slot 0.
        let own = unsafe { object.cast::<usize>().read() };
        if own != slots || crate::fault::faults().live_wrong_vtable {
            return Err(NOT_NODES);
        }
        // SAFETY: module head.
        let mut idle: [usize; WORDS] = unsafe { (vtable.get() as *const [usize; WORDS]).read() };
        let posts = [
            (s.node_platform_call_on_worker, drop_task as *const () as usize),
            (s.node_platform_call_delayed_on_worker, drop_task as *const () as usize),
            (
                s.node_platform_post_on_worker,
                drop_prioritized_task as *const () as usize,
            ),
            (
                s.node_platform_post_delayed_on_worker,
                drop_prioritized_task as *const () as usize,
            ),
        ];
        let (mut counted, mut posting) = (false, 0);
        for slot in &mut idle[HEADER..] {
            if *slot == workers as usize {
                *slot = no_workers as *const () as usize;
                counted = true;
            } else if let Some((_, ours)) = posts
                .iter()
                .find(|(theirs, _)| theirs.is_some_and(|theirs| theirs.get() == *slot))
            {
                *slot = *ours;
                posting += 1;
            }
        }
        if !counted || posting < POST_SLOTS_MIN {
            return Err("the platform's methods are not where they were in any Node that is known");
        }
        // SAFETY: the method of this very class; it reads a number.
        let threads = unsafe { workers(object) };
        // Node counts the thread that schedules delayed tasks as well.
        let workers = usize::try_from(threads).unwrap_or(0).saturating_sub(1);
        Ok(Self {
            object: object as usize,
            slots,
            idle: Box::leak(Box::new(idle)),
            workers,
        })
    }

    /// Threads that wait for tasks when there are none.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Whether the object still is what it was found to be.
    pub fn is_intact(&self) -> bool {
        // SAFETY: module head; the object begins with the address of its vtable.
        unsafe { (self.object as *const usize).read_volatile() == self.slots }
    }

    /// Whether `address` may be part of the queue that this platform's workers wait at: it lies in
    /// something that a field of the object points to.
    pub fn owns(&self, address: usize) -> bool {
        (0..OBJECT_WORDS).any(|index| {
            // SAFETY: the object is larger than that, or followed by more of the C library's heap,
            // which is readable; the value is compared, never followed.
            let field = unsafe { (self.object as *const usize).add(index).read_volatile() };
            field <= address && address - field < RUNNER_BYTES
        })
    }

    /// From now on V8 has no worker threads.
    ///
    /// # Safety
    ///
    /// Only in a forked child, whose only thread is the caller: tasks are dropped for good.
    pub unsafe fn forget_workers(&self) {
        // SAFETY: the object is writable memory of the C library's heap, and nobody else is there.
        unsafe { (self.object as *mut usize).write_volatile((&raw const self.idle[HEADER]) as usize) };
    }
}

extern "C" fn no_workers(_this: Opaque) -> c_int {
    0
}

/// `CallOnWorkerThread(this, task)` and, with one more argument that does not matter,
/// `CallDelayedOnWorkerThread`.
unsafe extern "C" fn drop_task(_this: Opaque, task: *mut *mut c_void) {
    // SAFETY: module head.
    unsafe { task.write(std::ptr::null_mut()) };
}

/// `PostTaskOnWorkerThreadImpl(this, priority, task, location)` and its delayed twin.
unsafe extern "C" fn drop_prioritized_task(_this: Opaque, _priority: c_int, task: *mut *mut c_void) {
    // SAFETY: module head.
    unsafe { task.write(std::ptr::null_mut()) };
}
