//! Snapshots when memory grows: one of the settled heap, one at each step of growth.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what is watched for: `+50%`, `200MB` |
//! | [`policy`] | when to measure and when to capture; pure |
//! | [`course`] | how far a watcher is, and what is told of it |
//! | [`gauge`] | what V8 tells at each garbage collection |
//! | [`lead`] | a thread that leads (`heapdump-watch`), and what it wants of the watched one |
//! | [`portable`] | JavaScript leads instead |
//! | this one | who watches which thread, from when to when |
//!
//! The watched thread is visited only to collect garbage and to capture; otherwise it pays for a hook that V8
//! calls at the end of a collection. Between visits the leading thread sleeps: until the gauge wakes
//! it, until the policy's time has come, or, where RSS is watched, for five seconds.
//!
//! *Confirming.* In process the thread stands still for the snapshot anyway, so garbage is collected at a stroke
//! first. Where the service is not to stand still (`live`) or nothing is to be collected (`gc: false`), V8 is asked to begin a
//! collection, which it does mostly beside JavaScript, and its end is awaited.
//!
//! Where V8's functions are not to be found, [`Portable`] has the same policy driven by a timer of JavaScript, in which
//! RSS and heap are read each second.

mod course;
mod gauge;
mod lead;
pub mod plan;
pub mod policy;
mod portable;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::course::Course;
use self::gauge::Observation;
use self::plan::Plan;
use self::policy::{Metric, Sample};
pub use self::portable::{Next, Portable};
use super::config::{self, Config};
use super::near_limit::{self, Armed};
use super::stderr;
use super::threads::{Key, Subject};
use crate::capture::Limits;
use crate::error::{Code, Error};
use crate::fault::faults;
use crate::v8::{self, Isolate};

/// What the snapshots of one watcher are like, beside the defaults.
pub type Changes = Arc<dyn Fn(&mut Config) + Send + Sync>;

/// Where a watcher stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// There is no baseline yet.
    #[default]
    Settling,
    Watching,
    /// Nothing is left to wait for, but the limit perhaps.
    Done,
    Stopped,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settling => "settling",
            Self::Watching => "watching",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }
}

/// A step, and how far it has come.
#[derive(Clone, Debug)]
pub struct StepStatus {
    pub metric: Metric,
    pub growth: String,
    /// What has to be reached, once there is a baseline.
    pub threshold_bytes: Option<u64>,
    /// The snapshot.
    pub path: Option<std::path::PathBuf>,
}

/// How far a watcher has come.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub state: State,
    pub baseline: Option<Sample>,
    pub baseline_path: Option<std::path::PathBuf>,
    pub steps: Vec<StepStatus>,
    /// Whether there will be a snapshot near the limit; nothing where none was asked for, or V8 cannot be asked.
    pub near_limit: Option<bool>,
}

/// What the watcher and its thread share.
struct Shared {
    status: Mutex<Status>,
    stopped: AtomicBool,
    /// Ends what is under way.
    limits: Limits,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A watched thread.
#[derive(Clone)]
pub struct Watcher {
    shared: Arc<Shared>,
    armed: Option<Arc<Armed>>,
}

/// What is to be taken off the current thread again.
struct Installed {
    watcher: Watcher,
    observation: Option<Observation>,
    thread: Option<JoinHandle<()>>,
}

thread_local! {
    static INSTALLED: RefCell<Option<Installed>> = const { RefCell::new(None) };
}

/// What the environment asks for.
static WISH: Mutex<Option<Plan>> = Mutex::new(None);

/// Remembers what `NODE_HEAPDUMP_OPTIONS` asks for.
pub fn wish(plan: Option<Plan>) {
    *lock(&WISH) = plan;
}

/// Watches the current thread, if it is the main one, as the environment asked. Answers with what JavaScript has to
/// drive.
pub fn obey(key: Key) -> Option<Portable> {
    let mut plan = lock(&WISH).clone()?;
    Subject::of(key).filter(|subject| subject.id() == 0)?;
    if faults().watch_hasty {
        plan.settle = Duration::from_millis(10);
        plan.interval = Duration::ZERO;
    }
    let (_, portable) = watch(key, plan, Arc::new(|_| {}))
        .inspect_err(stderr::not_watching)
        .ok()?;
    portable
}

/// Watches the current thread, registered as `key`, from now on; an earlier watcher of it is stopped. Where V8's
/// functions are not to be found, JavaScript has to drive what comes with the watcher.
pub fn watch(key: Key, plan: Plan, changes: Changes) -> Result<(Watcher, Option<Portable>), Error> {
    leave();
    let Some(subject) = Subject::of(key) else {
        return Err(Error::new(Code::Aborted, "the thread is going away"));
    };
    let isolate = Isolate::current().filter(|_| v8::can_observe_collections());
    let armed = isolate.filter(|_| plan.near_limit).and_then(|isolate| {
        let changes = Arc::clone(&changes);
        near_limit::arm(isolate, subject.clone(), Box::new(move || adapted(&changes)))
    });
    let grows = !plan.steps.is_empty();
    let (course, shared) = Course::begin(subject, plan, changes);
    let watcher = Watcher { shared, armed };
    let mut installed = Installed {
        watcher: watcher.clone(),
        observation: None,
        thread: None,
    };
    let portable = match isolate {
        Some(isolate) if grows => {
            // Nobody would take the hook off.
            let (observation, thread) = lead::start(isolate, course).inspect_err(|_| near_limit::disarm(isolate))?;
            installed.observation = observation;
            installed.thread = Some(thread);
            None
        }
        Some(_) => None,
        None => Some(Portable::new(course)),
    };
    INSTALLED.with_borrow_mut(|place| *place = Some(installed));
    Ok((watcher, portable))
}

/// Stops what watches the current thread. Called before its environment goes, too.
pub fn leave() {
    let Some(installed) = INSTALLED.take() else { return };
    if let Some(isolate) = Isolate::current() {
        if let Some(observation) = installed.observation {
            observation.end(isolate);
        }
        near_limit::disarm(isolate);
    }
    let shared = &installed.watcher.shared;
    shared.stopped.store(true, Ordering::SeqCst);
    shared.limits.cancel();
    lock(&shared.status).state = State::Stopped;
    if let Some(thread) = installed.thread {
        thread.thread().unpark();
    }
}

impl Watcher {
    /// Stops it; to be called on the watched thread.
    pub fn stop(&self) {
        let is_current = INSTALLED.with_borrow(|installed| {
            installed
                .as_ref()
                .is_some_and(|installed| Arc::ptr_eq(&installed.watcher.shared, &self.shared))
        });
        if is_current {
            leave();
        }
    }

    pub fn status(&self) -> Status {
        Status {
            near_limit: self.armed.as_ref().map(|armed| armed.is_armed()),
            ..lock(&self.shared.status).clone()
        }
    }
}

/// The defaults as they stand, with a watcher's own.
fn adapted(changes: &Changes) -> Config {
    let mut config = config::current();
    changes(&mut config);
    config
}
