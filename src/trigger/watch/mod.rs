//! Snapshots when memory grows: one of the settled heap, one at each step of growth.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what is watched for: `+50%`, `200MB` |
//! | [`policy`] | when to measure and when to capture; pure |
//! | [`course`] | how far a watcher is, and what is told of it |
//! | [`gauge`] | what V8 tells at each garbage collection |
//! | this one | a thread that leads (`heapdump-watch`), and what it wants of the watched one |
//!
//! The watched thread is visited only to collect garbage and to capture; otherwise it pays for a hook that V8
//! calls at the end of a collection. Between visits the leading thread sleeps: until the gauge wakes
//! it, until the policy's time has come, or, where RSS is watched, for [`RSS_INTERVAL`].
//!
//! *Confirming.* In process the thread stands still for the snapshot anyway, so garbage is collected at a stroke
//! first. Where the service is not to stand still (`live`) or nothing is to be collected (`gc: false`), V8 is asked to begin a
//! collection, which it does mostly beside JavaScript, and its end is awaited.
//!
//! Where V8's functions are not to be found, [`Portable`] has the same policy driven by a timer of JavaScript, in which
//! RSS and heap are read each second.

mod course;
mod gauge;
pub mod plan;
pub mod policy;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::course::Course;
use self::gauge::{Gauge, Observation};
use self::plan::Plan;
use self::policy::{Look, Metric, Sample};
use super::config::{self, Config};
use super::near_limit::{self, Armed};
use super::stderr;
use super::threads::{self, Key, Subject};
use crate::capture::live::{self, Live};
use crate::capture::{Limits, Outcome, PortableCapture, Trigger, block_signals, memory};
use crate::error::{Code, Error};
use crate::fault::faults;
use crate::v8::{self, HeapStatistics, Isolate};

/// How often RSS is read, where it is watched.
const RSS_INTERVAL: Duration = Duration::from_secs(5);
/// The longest sleep.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// How long a collection that V8 does in steps may take.
const STEPS_WAIT: Duration = Duration::from_secs(30);

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
    /// Whether there will be a snapshot near the limit; nothing where none was asked for.
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
            let (observation, thread) = lead(isolate, course)?;
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

/// Starts the thread that leads.
fn lead(isolate: Isolate, course: Course) -> Result<(Option<Observation>, JoinHandle<()>), Error> {
    let (hand_over, handed) = channel();
    let thread = thread::Builder::new()
        .name("heapdump-watch".into())
        .spawn(move || {
            block_signals();
            if let Ok(gauge) = handed.recv() {
                Lead { course, gauge }.run();
            }
        })
        .map_err(|error| Error::io(&error, "pthread_create", std::path::Path::new("heapdump-watch")))?;
    let gauge = Arc::new(Gauge::new(thread.thread().clone()));
    gauge.read(isolate.heap_statistics());
    let observation = gauge.observe(isolate);
    let _ = hand_over.send(gauge);
    Ok((observation, thread))
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

/// One snapshot of a watcher at a time in this process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The thread that leads.
struct Lead {
    course: Course,
    gauge: Arc<Gauge>,
}

impl Lead {
    fn run(mut self) {
        let watches_rss = self.course.watches(Metric::Rss);
        while !self.course.is_over() {
            let sleep = match self.course.look(self.reading(watches_rss)) {
                Look::Until(time) => time.saturating_sub(self.course.now()),
                Look::Below(marks) if self.gauge.arm(marks) => continue,
                Look::Below(_) if watches_rss => RSS_INTERVAL,
                Look::Below(_) => SLEEP_MAX,
                Look::Measure => {
                    self.examine();
                    continue;
                }
                Look::Finish => return,
            };
            thread::park_timeout(sleep.clamp(Duration::from_millis(1), SLEEP_MAX));
        }
    }

    fn reading(&self, with_rss: bool) -> Sample {
        Sample {
            rss: if with_rss { memory::rss_bytes() } else { 0 },
            ..self.gauge.reading()
        }
    }

    /// Measures, and does what follows.
    fn examine(&mut self) {
        let config = self.course.config();
        let in_steps = config.live != Live::Off || !config.gc;
        let measured = if in_steps {
            self.collect_in_steps()
        } else {
            self.collect()
        };
        let Ok((sample, cost)) = measured else { return }; // stopped, or gone
        if let Some(steps) = self.course.measured(sample, cost, config.quiet) {
            self.capture(config, in_steps, &steps);
        }
    }

    /// Collects all garbage, and measures; answers with what that cost, too.
    fn collect(&self) -> Result<(Sample, Duration), Error> {
        let gauge = Arc::clone(&self.gauge);
        let (sample, cost) = live::visit(&*self.course.subject.reach(), self.course.limits(), move |isolate| {
            let begun = Instant::now();
            isolate.collect_garbage();
            let cost = begun.elapsed();
            gauge.read(isolate.heap_statistics());
            (gauge.reading(), cost)
        })?;
        let rss = memory::rss_bytes();
        Ok((Sample { rss, ..sample }, cost))
    }

    /// Has V8 collect in steps of its own, waits for the end, and measures.
    fn collect_in_steps(&self) -> Result<(Sample, Duration), Error> {
        let before = self.gauge.full_collections();
        live::visit(&*self.course.subject.reach(), self.course.limits(), |isolate| {
            isolate.begin_collection();
        })?;
        let begun = Instant::now();
        while self.gauge.full_collections() == before && begun.elapsed() < STEPS_WAIT && !self.course.is_over() {
            thread::park_timeout(Duration::from_millis(20));
        }
        Ok((self.reading(true), Duration::ZERO))
    }

    /// Captures for these steps (none: for the baseline), and waits for the outcome.
    fn capture(&mut self, mut config: Config, in_steps: bool, steps: &[usize]) {
        let _turn = lock(&ONE_AT_A_TIME);
        config.gc &= in_steps; // it has been done
        let quiet = config.quiet;
        let request = self.course.subject.request(config, Trigger::Watch);
        let limits = request.limits.clone();
        let (tell, told) = channel::<Outcome>();
        live::start(self.course.subject.reach(), request, None, move |outcome| {
            let _ = tell.send(outcome);
        });
        let outcome = loop {
            match told.recv_timeout(Duration::from_millis(50)) {
                Ok(outcome) => break outcome,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if self.course.is_over() => limits.cancel(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        if self.course.is_over() && outcome.is_err() {
            return; // nobody wants to know
        }
        self.course.captured(steps, &outcome, quiet);
    }
}

/// A watcher for who measures and captures in JavaScript, because V8's functions are not to be found.
pub struct Portable(Arc<Mutex<Course>>);

/// What JavaScript is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Come again.
    Wait,
    /// Collect all garbage and measure.
    Measure,
    /// Nothing any more.
    Stop,
}

impl Portable {
    fn new(course: Course) -> Self {
        Self(Arc::new(Mutex::new(course)))
    }

    /// How often to look.
    pub fn interval(&self) -> Duration {
        let course = lock(&self.0);
        course
            .plan
            .settle
            .clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    /// What to do, with a heap of this size, garbage included.
    pub fn look(&self, heap: HeapStatistics) -> Next {
        let course = lock(&self.0);
        if course.is_over() {
            return Next::Stop;
        }
        match course.look(sample(heap)) {
            Look::Finish => Next::Stop,
            Look::Measure => Next::Measure,
            Look::Until(_) | Look::Below(_) => Next::Wait,
        }
    }

    /// All garbage has been collected, which took `cost`; answers with the capture to carry out.
    pub fn measured(&self, heap: HeapStatistics, cost: Duration) -> Option<threads::Portable> {
        let mut course = lock(&self.0);
        let mut config = course.config();
        let quiet = config.quiet;
        let steps = course.measured(sample(heap), cost, quiet)?;
        config.gc = false; // it has been done
        match PortableCapture::begin(course.subject.request(config, Trigger::Watch)) {
            Ok(capture) => {
                let course = Arc::clone(&self.0);
                Some(threads::Portable {
                    capture,
                    ending: Box::new(move |outcome| lock(&course).captured(&steps, outcome, quiet)),
                })
            }
            Err(error) => {
                course.captured(&steps, &Err(error), quiet);
                None
            }
        }
    }
}

fn sample(heap: HeapStatistics) -> Sample {
    Sample {
        heap: heap.used_bytes,
        rss: memory::rss_bytes(),
        external: heap.external_bytes,
    }
}
