//! The thread that leads: it sleeps until there is something to measure, and has the watched thread visited then.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::course::Course;
use super::gauge::{Gauge, Observation};
use super::lock;
use super::policy::{Look, Metric, Sample};
use crate::capture::live::{self, Live};
use crate::capture::{Outcome, Trigger, block_signals, memory};
use crate::error::Error;
use crate::trigger::config::Config;
use crate::v8::Isolate;

/// How often RSS is read, where it is watched.
const RSS_INTERVAL: Duration = Duration::from_secs(5);
/// The longest sleep.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// How long a collection that V8 does in steps may take.
const STEPS_WAIT: Duration = Duration::from_secs(30);

/// Starts it.
pub(super) fn start(isolate: Isolate, course: Course) -> Result<(Option<Observation>, JoinHandle<()>), Error> {
    let (hand_over, handed) = channel();
    let thread = thread::Builder::new()
        .name("heapdump-watch".into())
        .spawn(move || {
            block_signals();
            if let Ok(gauge) = handed.recv() {
                Lead { course, gauge }.run();
            }
        })
        .map_err(|error| Error::io(&error, "pthread_create", Path::new("heapdump-watch")))?;
    let gauge = Arc::new(Gauge::new(thread.thread().clone()));
    gauge.read(isolate.heap_statistics());
    let observation = gauge.observe(isolate);
    let _ = hand_over.send(gauge);
    Ok((observation, thread))
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
