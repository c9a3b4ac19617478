//! Snapshots when memory grows: one of the settled heap, one at each step of growth.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what is watched for: `+50%`, `200MB` |
//! | [`policy`] | when to measure and when to capture; pure |
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

mod gauge;
pub mod plan;
pub mod policy;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::gauge::{Gauge, Observation};
use self::plan::Plan;
use self::policy::{Finding, Look, Metric, Policy, Sample};
use super::config::{self, Config};
use super::near_limit::{self, Armed};
use super::threads::{Key, Subject};
use super::{Skipped, stderr};
use crate::capture::live::{self, Live};
use crate::capture::{Limits, Outcome, Trigger, block_signals, memory};
use crate::error::{Code, Error};
use crate::fault::faults;
use crate::v8::{self, Isolate};

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

/// Watches the current thread, if it is the main one, as the environment asked.
pub fn obey(key: Key) {
    let wished = lock(&WISH).clone();
    if let Some(mut plan) = wished
        && Subject::of(key).is_some_and(|subject| subject.id() == 0)
    {
        if faults().watch_hasty {
            plan.settle = Duration::from_millis(10);
            plan.interval = Duration::ZERO;
        }
        if let Err(error) = watch(key, plan, Arc::new(|_| {})) {
            stderr::not_watching(&error);
        }
    }
}

/// Watches the current thread, registered as `key`, from now on; an earlier watcher of it is stopped.
pub fn watch(key: Key, plan: Plan, changes: Changes) -> Result<Watcher, Error> {
    leave();
    let unsupported = |what| Error::new(Code::Unsupported, what);
    let (Some(subject), Some(isolate)) = (Subject::of(key), Isolate::current()) else {
        return Err(unsupported(
            "memory cannot be watched: V8's functions are not to be found in this process",
        ));
    };
    if !plan.steps.is_empty() && !v8::can_observe_collections() {
        return Err(unsupported(
            "memory cannot be watched: this V8 does not tell of its garbage collections",
        ));
    }
    let near_limit = Arc::clone(&changes);
    let armed = plan
        .near_limit
        .then(|| near_limit::arm(isolate, subject.clone(), Box::new(move || adapted(&near_limit))))
        .flatten();
    let policy = Policy::new(plan.clone());
    let shared = Arc::new(Shared {
        status: Mutex::new(Status {
            steps: plan
                .steps
                .iter()
                .map(|step| StepStatus {
                    metric: step.metric,
                    growth: step.growth.to_string(),
                    threshold_bytes: None,
                    path: None,
                })
                .collect(),
            state: if plan.steps.is_empty() {
                State::Done
            } else {
                State::Settling
            },
            ..Status::default()
        }),
        stopped: AtomicBool::new(false),
        limits: Limits::start(None),
    });
    let watcher = Watcher {
        shared: Arc::clone(&shared),
        armed,
    };
    let mut installed = Installed {
        watcher: watcher.clone(),
        observation: None,
        thread: None,
    };
    if !plan.steps.is_empty() {
        let (hand_over, handed) = channel();
        let thread = thread::Builder::new()
            .name("heapdump-watch".into())
            .spawn(move || {
                block_signals();
                if let Ok(gauge) = handed.recv() {
                    Lead {
                        subject,
                        gauge,
                        plan,
                        policy,
                        changes,
                        shared,
                        began: Instant::now(),
                    }
                    .run();
                }
            })
            .map_err(|error| Error::io(&error, "pthread_create", std::path::Path::new("heapdump-watch")))?;
        let gauge = Arc::new(Gauge::new(thread.thread().clone()));
        gauge.read(isolate.heap_statistics());
        installed.observation = gauge.observe(isolate);
        let _ = hand_over.send(gauge);
        installed.thread = Some(thread);
    }
    INSTALLED.with_borrow_mut(|place| *place = Some(installed));
    Ok(watcher)
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
    subject: Subject,
    gauge: Arc<Gauge>,
    plan: Plan,
    policy: Policy,
    changes: Changes,
    shared: Arc<Shared>,
    began: Instant,
}

impl Lead {
    fn run(mut self) {
        let watches_rss = self.plan.steps.iter().any(|step| step.metric == Metric::Rss);
        while !self.is_over() {
            let now = self.began.elapsed();
            let sleep = match self.policy.look(now, self.reading(watches_rss)) {
                Look::Until(time) => time.saturating_sub(now),
                Look::Below(marks) if self.gauge.arm(marks) => continue,
                Look::Below(_) if watches_rss => RSS_INTERVAL,
                Look::Below(_) => SLEEP_MAX,
                Look::Measure => {
                    self.examine();
                    continue;
                }
                Look::Finish => {
                    self.enter(State::Done);
                    return;
                }
            };
            thread::park_timeout(sleep.clamp(Duration::from_millis(1), SLEEP_MAX));
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stopped.load(Ordering::SeqCst) || self.subject.is_gone()
    }

    /// Unless somebody stopped it.
    fn enter(&self, state: State) {
        let mut status = lock(&self.shared.status);
        if status.state != State::Stopped {
            status.state = state;
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
        let config = adapted(&self.changes);
        let in_steps = config.live != Live::Off || !config.gc;
        let measured = if in_steps {
            self.collect_in_steps()
        } else {
            self.collect()
        };
        let Ok((sample, cost)) = measured else { return }; // stopped, or gone
        match self.policy.measured(self.began.elapsed(), sample, cost) {
            Finding::Unsettled => {}
            Finding::Settled => {
                self.settled(sample, config.quiet);
                if self.plan.baseline {
                    self.capture(config, in_steps, &[]);
                }
            }
            Finding::Garbage => self.subject.skip(Skipped {
                reason: "garbage",
                trigger: Trigger::Watch,
                error: None,
            }),
            Finding::Grown(steps) => {
                if !config.quiet {
                    let metric = self.plan.steps[steps[0]].metric;
                    let before = self.policy.baseline().unwrap_or_default().of(metric);
                    stderr::grown(self.subject.id(), metric.as_str(), before, sample.of(metric));
                }
                self.capture(config, in_steps, &steps);
            }
        }
    }

    fn settled(&self, sample: Sample, quiet: bool) {
        let mut status = lock(&self.shared.status);
        status.baseline = Some(sample);
        for (at, step) in status.steps.iter_mut().enumerate() {
            step.threshold_bytes = self.policy.threshold(at);
        }
        drop(status);
        self.enter(State::Watching);
        if !quiet {
            stderr::settled(self.subject.id(), sample.heap);
        }
    }

    /// Collects all garbage, and measures; answers with what that cost, too.
    fn collect(&self) -> Result<(Sample, Duration), Error> {
        let gauge = Arc::clone(&self.gauge);
        let (sample, cost) = live::visit(&*self.subject.reach(), &self.shared.limits, move |isolate| {
            let begun = Instant::now();
            isolate.collect_garbage();
            let cost = begun.elapsed();
            gauge.read(isolate.heap_statistics());
            (gauge.reading(), cost)
        })?;
        let rss = memory::rss_bytes();
        let cost = if faults().watch_hasty { Duration::ZERO } else { cost };
        Ok((Sample { rss, ..sample }, cost))
    }

    /// Has V8 collect in steps of its own, waits for the end, and measures.
    fn collect_in_steps(&self) -> Result<(Sample, Duration), Error> {
        let before = self.gauge.full_collections();
        live::visit(&*self.subject.reach(), &self.shared.limits, |isolate| {
            isolate.begin_collection();
        })?;
        let begun = Instant::now();
        while self.gauge.full_collections() == before && begun.elapsed() < STEPS_WAIT && !self.is_over() {
            thread::park_timeout(Duration::from_millis(20));
        }
        if self.gauge.full_collections() == before {
            // V8 had nothing to run it with: what is known is as good as it gets.
            live::visit(&*self.subject.reach(), &self.shared.limits, |_| ())?;
        }
        Ok((self.reading(true), Duration::ZERO))
    }

    /// Captures for these steps (none: for the baseline), and waits for the outcome.
    fn capture(&mut self, mut config: Config, in_steps: bool, steps: &[usize]) {
        let _turn = lock(&ONE_AT_A_TIME);
        config.gc &= in_steps; // it has been done
        let quiet = config.quiet;
        let request = self.subject.request(config, Trigger::Watch);
        let limits = request.limits.clone();
        let (tell, told) = channel::<Outcome>();
        live::start(self.subject.reach(), request, None, move |outcome| {
            let _ = tell.send(outcome);
        });
        let outcome = loop {
            match told.recv_timeout(Duration::from_millis(50)) {
                Ok(outcome) => break outcome,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if self.is_over() => limits.cancel(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        if self.is_over() && outcome.is_err() {
            return; // nobody wants to know
        }
        if let Ok(info) = &outcome {
            let mut status = lock(&self.shared.status);
            if steps.is_empty() {
                status.baseline_path = Some(info.path.clone());
            }
            for &step in steps {
                status.steps[step].path = Some(info.path.clone());
            }
        }
        self.policy.captured(self.began.elapsed(), steps, outcome.is_ok());
        let done = self.policy.look(Duration::ZERO, Sample::default()) == Look::Finish;
        if done {
            self.enter(State::Done); // before whoever listens looks
        }
        self.subject.tell(&outcome, Trigger::Watch, quiet);
    }
}
