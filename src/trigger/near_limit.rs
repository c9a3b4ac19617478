//! One snapshot of a thread before it dies of "JavaScript heap out of memory".
//!
//! V8 calls a hook when a collection left too little below the heap's limit. The thread would stand
//! still or die otherwise, so the snapshot is made right there, in process, and the hook returns when the file
//! has its name. Live captures would gain nothing: the child would die with its parent.
//!
//! | when V8 calls | answer |
//! |---|---|
//! | the first time | a snapshot; then this hook goes, and the limit is what it was, with some room |
//! | again, out of our own snapshot | room for it, and nothing else |
//! | during a capture that somebody else asked for | room: that file shows the same |
//!
//! *Others.* V8 calls the newest hook only. Node's own (`--heapsnapshot-near-heap-limit`, and the one that ends
//! a worker with `ERR_WORKER_OUT_OF_MEMORY`) were there before and are called once ours has gone; one that the
//! application adds later is called first, and ours once that has gone. The room ([`ROOM_BYTES`], and what
//! snapshots were given) is what makes it possible to call the next one: a process that has none dies a
//! little later than it would have, as it would have. If the heap falls below 95 % of its first limit instead,
//! that limit holds again.
//!
//! # Safety
//!
//! The hook is put on once in a thread (`HOOK` knows) and taken off by the same thread, before its environment
//! goes or at the end of the snapshot. V8 gets no pointer from us. The hook catches panics.

#![expect(unsafe_code, reason = "a hook that V8 calls")]

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::config::Config;
use super::threads::Subject;
use crate::capture::{Live, Outcome, Trigger, capture, is_capturing};
use crate::error::{Code, Error};
use crate::v8::Isolate;

/// What is left for V8 to call the next hook, or to die as it would have.
const ROOM_BYTES: usize = 16 << 20;
/// Of its first limit; Node's own snapshots near the limit do the same.
const RESTORE_BELOW: f64 = 0.95;

/// Whether the hook is still to be called.
#[derive(Debug, Default)]
pub struct Armed(AtomicBool);

impl Armed {
    pub fn is_armed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Hook {
    subject: Subject,
    config: Box<dyn Fn() -> Config>,
    armed: Arc<Armed>,
    pid: u32,
}

thread_local! {
    /// What to do near the limit; empty while a snapshot is made, and afterwards.
    static HOOK: Cell<Option<Hook>> = const { Cell::new(None) };
    /// V8 has the hook.
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    /// The largest limit that V8 was given.
    static LIMIT_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Puts the hook on the current thread, in the place of an earlier one. `config` says, when the time has come, what
/// the snapshot is like. Nothing where V8 cannot be asked.
pub fn arm(isolate: Isolate, subject: Subject, config: Box<dyn Fn() -> Config>) -> Option<Arc<Armed>> {
    disarm(isolate);
    // SAFETY: `disarm` has seen to it that it is not there.
    if !unsafe { isolate.add_near_heap_limit_callback(on_near_limit, std::ptr::null_mut()) } {
        return None;
    }
    let armed = Arc::new(Armed(AtomicBool::new(true)));
    IS_ON.set(true);
    HOOK.set(Some(Hook {
        subject,
        config,
        armed: Arc::clone(&armed),
        pid: std::process::id(),
    }));
    Some(armed)
}

/// Takes the hook off the current thread, if it is there.
pub fn disarm(isolate: Isolate) {
    if let Some(hook) = HOOK.take() {
        hook.armed.0.store(false, Ordering::Relaxed);
    }
    take_off(isolate, 0);
}

fn take_off(isolate: Isolate, limit_bytes: usize) {
    if IS_ON.replace(false) {
        // SAFETY: it was put on, and not taken off since.
        unsafe { isolate.remove_near_heap_limit_callback(on_near_limit, limit_bytes) };
    }
}

unsafe extern "C" fn on_near_limit(_data: *mut c_void, current: usize, _initial: usize) -> usize {
    catch_unwind(|| reached(current)).unwrap_or(current + ROOM_BYTES)
}

/// The heap is about to reach `current` bytes; answers with the limit from now on.
fn reached(current: usize) -> usize {
    let Some(isolate) = Isolate::current() else {
        return current + ROOM_BYTES;
    };
    // A collection may have to move the whole young generation at once.
    let young = old_limit_bytes(isolate, 0).saturating_sub(current);
    let raised = current.max(LIMIT_BYTES.get()) + young.max(ROOM_BYTES);
    let hook = if is_capturing() { None } else { HOOK.take() };
    let Some(hook) = hook.filter(|hook| hook.pid == std::process::id()) else {
        LIMIT_BYTES.set(raised); // amid a capture, which may be the child of a live one
        return raised;
    };
    LIMIT_BYTES.set(current);
    snapshot(isolate, &hook);
    hook.armed.0.store(false, Ordering::Relaxed);
    take_off(isolate, current);
    isolate.restore_heap_limit_below(RESTORE_BELOW);
    // It must be raised, or V8 gives up without asking anybody else.
    old_limit_bytes(isolate, young).max(current) + ROOM_BYTES
}

/// The limit of what is not `young`.
fn old_limit_bytes(isolate: Isolate, young_bytes: usize) -> usize {
    (isolate.heap_statistics().limit_bytes as usize).saturating_sub(young_bytes)
}

/// Captures, and waits for the file: what comes next may be the end of the process.
fn snapshot(isolate: Isolate, hook: &Hook) {
    let config = Config {
        live: Live::Off,
        gc: false, // V8 has just done so, in vain
        ..(hook.config)()
    };
    let quiet = config.quiet;
    let request = hook.subject.request(config, Trigger::NearLimit);
    let (tell, told) = mpsc::channel();
    let captured = catch_unwind(AssertUnwindSafe(|| {
        capture(isolate, request, move |outcome: Outcome| {
            let _ = tell.send(outcome);
        });
    }));
    let outcome = captured.ok().and_then(|()| told.recv().ok()).unwrap_or_else(|| {
        Err(Error::new(
            Code::Aborted,
            "a fault inside rs-heapdump ended the capture",
        ))
    });
    hook.subject.tell(&outcome, Trigger::NearLimit, quiet);
}
