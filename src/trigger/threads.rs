//! The JavaScript threads that have loaded the addon, and how each is reached.
//!
//! A thread is registered while its environment lives. Registering and unregistering happen on
//! the thread itself; wishes come from any thread.
//!
//! # Race conditions
//!
//! - A wish while the environment is being torn down: the interrupt is requested under the same
//!   lock that unregistering takes, so the isolate is alive; what V8 then calls finds no
//!   registration any more and does nothing.
//! - The interrupt and the wake-up both arrive: [`Turn::begin`] lets one of them capture.
//! - A wish during a capture: [`Turn`] remembers it, and the end of the capture delivers it.
//!
//! # Safety
//!
//! `RequestInterrupt` needs a living isolate. A handle is only used under the lock of its `reach`,
//! and [`unregister`], which an environment calls before its isolate goes, empties it. V8 is given a
//! number, not a pointer, so a late interrupt cannot touch freed memory.

#![expect(unsafe_code, reason = "interrupting V8 from another thread")]

use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::{self, Config, Cover};
use super::turn::{Answer, Turn};
use super::{Event, Notice, Skipped, stderr};
use crate::capture::live::{self, Phase, Reach, Visit};
use crate::capture::{Encoding, Limits, Live, Outcome, PortableCapture, Request, Target, Trigger, capture};
use crate::v8::{InterruptHandle, Isolate};

/// Delivers a message on the thread's event loop. Called from any thread.
pub type Notify = Box<dyn Fn(Notice) + Send + Sync>;

/// Names a registration; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(usize);

struct Thread {
    key: Key,
    /// `worker_threads.threadId`; 0 is the main thread.
    id: u32,
    turn: Mutex<Turn>,
    /// The process that asked for the capture that is wanted.
    sender: Mutex<Option<u32>>,
    /// Empty once the environment is going away, or where V8 cannot be interrupted.
    reach: Mutex<Option<InterruptHandle>>,
    /// What live captures want done here.
    visits: Mutex<VecDeque<Visit>>,
    /// The environment is going away.
    gone: AtomicBool,
    notify: Notify,
}

static THREADS: Mutex<Vec<Arc<Thread>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(key: Key) -> Option<Arc<Thread>> {
    lock(&THREADS).iter().find(|thread| thread.key == key).cloned()
}

/// Registers the current thread.
pub fn register(id: u32, isolate: Option<Isolate>, notify: Notify) -> Key {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let key = Key(NEXT.fetch_add(1, Ordering::Relaxed));
    lock(&THREADS).push(Arc::new(Thread {
        key,
        id,
        turn: Mutex::default(),
        sender: Mutex::default(),
        reach: Mutex::new(isolate.and_then(Isolate::interrupt_handle)),
        visits: Mutex::default(),
        gone: AtomicBool::new(false),
        notify,
    }));
    key
}

/// The thread's environment is going away. Must be called before its isolate is disposed.
pub fn unregister(key: Key) {
    let thread = {
        let mut threads = lock(&THREADS);
        let Some(index) = threads.iter().position(|thread| thread.key == key) else {
            return;
        };
        threads.remove(index)
    };
    lock(&thread.reach).take();
    let mut visits = lock(&thread.visits);
    thread.gone.store(true, Ordering::SeqCst);
    let dropped = std::mem::take(&mut *visits);
    drop(visits);
    drop(dropped); // which tells those who wait for them
}

/// The way to the thread that is registered as `key`.
pub fn reach(key: Key) -> Option<Box<dyn Reach>> {
    Some(Box::new(Way(find(key)?)))
}

struct Way(Arc<Thread>);

impl Reach for Way {
    fn visit(&self, visit: Visit) {
        let mut visits = lock(&self.0.visits);
        if self.0.gone.load(Ordering::SeqCst) {
            return;
        }
        visits.push_back(visit);
        drop(visits);
        (self.0.notify)(Notice::Wake);
    }

    fn hurry(&self) {
        self.0.interrupt();
    }

    fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::SeqCst)
    }
}

/// Asks for a capture of every thread that `cover` means. `sender` is the asking process.
pub fn want(cover: Cover, sender: Option<u32>) {
    for thread in covered(cover) {
        thread.want(sender);
    }
}

fn covered(cover: Cover) -> Vec<Arc<Thread>> {
    let mut threads = lock(&THREADS).clone();
    if cover == Cover::Main && threads.iter().any(|thread| thread.id == 0) {
        threads.retain(|thread| thread.id == 0);
    }
    threads
}

/// The threads that `cover` means, in Node's numbering.
pub fn ids(cover: Cover) -> Vec<u32> {
    covered(cover).iter().map(|thread| thread.id).collect()
}

/// Captures a thread for somebody who waits for it: beside the wishes of signals, which become one. The request is
/// that of signals but for what `adapt` changes. Whoever listens in JavaScript is told too. Answers with what breaks
/// it off; nothing where there is no such thread.
pub fn capture_for<F>(
    id: u32,
    sender: Option<u32>,
    adapt: impl FnOnce(&mut Request),
    phase: Phase,
    done: F,
) -> Option<Limits>
where
    F: FnOnce(Outcome) + Send + 'static,
{
    let thread = covered(Cover::All).into_iter().find(|thread| thread.id == id)?;
    let config = config::current();
    let quiet = config.quiet;
    let mut request = thread.request(config, Trigger::Capture, sender);
    adapt(&mut request);
    let limits = request.limits.clone();
    let way = Way(Arc::clone(&thread));
    live::start(Box::new(way), request, Some(phase), move |outcome| {
        thread.tell(&outcome, quiet);
        done(outcome);
    });
    Some(limits)
}

impl Thread {
    fn want(&self, sender: Option<u32>) {
        let answer = lock(&self.turn).want();
        match answer {
            Answer::Start => {
                *lock(&self.sender) = sender;
                self.call();
            }
            Answer::Later => *lock(&self.sender) = sender,
            Answer::Coalesced => self.skip(Skipped {
                reason: "coalesced",
                trigger: Trigger::Signal,
                error: None,
            }),
        }
    }

    fn skip(&self, skipped: Skipped) {
        let thread_id = self.id;
        tell(&Event::Skipped { skipped, thread_id }, thread_id);
    }

    /// Reaches the thread in both ways.
    fn call(&self) {
        self.interrupt();
        (self.notify)(Notice::Wake);
    }

    fn interrupt(&self) {
        if let Some(handle) = &*lock(&self.reach) {
            // SAFETY: module head; `on_interrupt` neither unwinds nor runs JavaScript, and takes its
            // data as a number.
            unsafe { handle.request(on_interrupt, self.key.0 as *mut c_void) };
        }
    }

    fn ended(&self, outcome: &Outcome, quiet: bool) {
        self.tell(outcome, quiet);
        let again = lock(&self.turn).end();
        if again {
            self.call();
        }
    }

    fn tell(&self, outcome: &Outcome, quiet: bool) {
        if !quiet {
            match outcome {
                Ok(info) => stderr::finished(info),
                Err(error) => stderr::failed(self.id, error),
            }
        }
        let event = match outcome {
            Ok(info) => Event::Snapshot(info.clone()),
            Err(error) => Event::Failed(error.clone()),
        };
        tell(&event, self.id);
    }

    /// What a signal of `sender` asks for.
    fn wanted(&self) -> (Request, bool) {
        let config = config::current();
        let quiet = config.quiet;
        let sender = lock(&self.sender).take();
        (self.request(config, Trigger::Signal, sender), quiet)
    }

    fn request(&self, config: Config, trigger: Trigger, sender: Option<u32>) -> Request {
        let thread_id = self.id;
        Request {
            target: Target::Default {
                directory: config.directory.unwrap_or_else(|| PathBuf::from(".")),
                thread_id,
                compression: config.compression,
                keep: config.keep,
            },
            encoding: Encoding {
                compression: config.compression,
                redact: config.redact,
            },
            gc: config.gc,
            memory_guard: config.memory_guard,
            comparable: config.comparable,
            prime: config.prime,
            live: config.live,
            fallback: None,
            limits: Limits::start(config.timeout),
            trigger,
            thread_id,
            observer: (!config.quiet).then(|| -> crate::capture::Observer {
                Box::new(move |estimate| stderr::started(thread_id, trigger, sender, estimate))
            }),
        }
    }
}

/// A thread whose captures no signal asks for, but what watches its memory.
#[derive(Clone)]
pub struct Subject(Arc<Thread>);

impl Subject {
    /// The one registered as `key`.
    pub fn of(key: Key) -> Option<Self> {
        find(key).map(Self)
    }

    pub fn id(&self) -> u32 {
        self.0.id
    }

    pub fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::SeqCst)
    }

    pub fn reach(&self) -> Box<dyn Reach> {
        Box::new(Way(Arc::clone(&self.0)))
    }

    pub fn request(&self, config: Config, trigger: Trigger) -> Request {
        self.0.request(config, trigger, None)
    }

    /// Tells whoever listens; a refusal is not an error.
    pub fn tell(&self, outcome: &Outcome, trigger: Trigger, quiet: bool) {
        match outcome {
            Err(error) if error.refused().is_some() => {
                if !quiet {
                    stderr::failed(self.0.id, error);
                }
                self.skip(Skipped {
                    reason: error.refused().unwrap_or_default(),
                    trigger,
                    error: Some(error.clone()),
                });
            }
            outcome => self.0.tell(outcome, quiet),
        }
    }

    pub fn skip(&self, skipped: Skipped) {
        self.0.skip(skipped);
    }
}

/// Tells the thread concerned, and the main thread.
fn tell(event: &Event, thread_id: u32) {
    let threads = lock(&THREADS).clone();
    for thread in threads {
        if thread.id == thread_id || thread.id == 0 {
            (thread.notify)(Notice::Event(event.clone()));
        }
    }
}

unsafe extern "C" fn on_interrupt(_isolate: *mut c_void, data: *mut c_void) {
    let _ = catch_unwind(AssertUnwindSafe(|| run_wanted(Key(data as usize))));
}

/// Does what is wanted of the current thread, registered as `key`: visits, and a capture.
pub fn run_wanted(key: Key) {
    let Some(thread) = find(key) else { return };
    let Some(isolate) = Isolate::current() else {
        return;
    };
    loop {
        let visit = lock(&thread.visits).pop_front();
        let Some(visit) = visit else { break };
        visit(isolate);
    }
    if !lock(&thread.turn).begin() {
        return;
    }
    let (request, quiet) = thread.wanted();
    let way = Way(Arc::clone(&thread));
    let done = move |outcome: Outcome| thread.ended(&outcome, quiet);
    if request.live == Live::Off {
        capture(isolate, request, done);
    } else {
        live::start(Box::new(way), request, None, done);
    }
}

/// The portable twin of [`run_wanted`]: begins a capture that JavaScript has to carry on.
pub fn begin_wanted(key: Key) -> Option<Portable> {
    let thread = find(key)?;
    if !lock(&thread.turn).begin() {
        return None;
    }
    let (request, quiet) = thread.wanted();
    match PortableCapture::begin(request) {
        Ok(capture) => Some(Portable {
            capture,
            ending: Box::new(move |outcome| thread.ended(outcome, quiet)),
        }),
        Err(error) => {
            thread.ended(&Err(error), quiet);
            None
        }
    }
}

/// A portable capture that somebody asked for, and what to do when it has ended.
pub struct Portable {
    pub capture: PortableCapture,
    pub ending: Ending,
}

/// Where the outcome of such a capture goes.
pub type Ending = Box<dyn FnOnce(&Outcome) + Send>;
