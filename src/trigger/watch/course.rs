//! How far a watcher is: its policy, what becomes of each decision, and what is told of it. Whoever measures and
//! captures for it, on whatever thread, goes by this.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::policy::{Finding, Look, Metric, Policy, Sample};
use super::{Changes, Config, Shared, State, Status, StepStatus, adapted, lock};
use crate::capture::{Limits, Outcome, Trigger};
use crate::fault::faults;
use crate::trigger::threads::Subject;
use crate::trigger::{Skipped, stderr};

pub struct Course {
    pub subject: Subject,
    pub plan: Plan,
    policy: Policy,
    changes: Changes,
    shared: Arc<Shared>,
    began: Instant,
}

impl Course {
    /// The beginning, and what the watcher's owner sees of it.
    pub fn begin(subject: Subject, plan: Plan, changes: Changes) -> (Self, Arc<Shared>) {
        let waiting = |step: &super::plan::Step| StepStatus {
            metric: step.metric,
            growth: step.growth.to_string(),
            threshold_bytes: None,
            path: None,
        };
        let shared = Arc::new(Shared {
            status: Mutex::new(Status {
                steps: plan.steps.iter().map(waiting).collect(),
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
        let course = Self {
            subject,
            policy: Policy::new(plan.clone()),
            plan,
            changes,
            shared: Arc::clone(&shared),
            began: Instant::now(),
        };
        (course, shared)
    }

    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn watches(&self, metric: Metric) -> bool {
        self.plan.steps.iter().any(|step| step.metric == metric)
    }

    /// Whether it was stopped, or its thread has gone.
    pub fn is_over(&self) -> bool {
        self.shared.stopped.load(Ordering::SeqCst) || self.subject.is_gone()
    }

    /// What ends a wait for the watched thread.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What its snapshots are like.
    pub fn config(&self) -> Config {
        adapted(&self.changes)
    }

    /// What to do next, with this reading.
    pub fn look(&self, reading: Sample) -> Look {
        self.policy.look(self.now(), reading)
    }

    /// All garbage was collected, which took `cost`, and this is left. Answers with the steps to capture for; none: for
    /// the baseline.
    pub fn measured(&mut self, sample: Sample, cost: Duration, quiet: bool) -> Option<Vec<usize>> {
        let cost = if faults().watch_hasty { Duration::ZERO } else { cost };
        match self.policy.measured(self.now(), sample, cost) {
            Finding::Unsettled => None,
            Finding::Settled => {
                self.settled(sample, quiet);
                self.plan.baseline.then(Vec::new)
            }
            Finding::Garbage => {
                self.subject.skip(Skipped {
                    reason: "garbage",
                    trigger: Trigger::Watch,
                    error: None,
                });
                None
            }
            Finding::Grown(steps) => {
                if !quiet {
                    let metric = self.plan.steps[steps[0]].metric;
                    let before = self.policy.baseline().unwrap_or_default().of(metric);
                    stderr::grown(self.subject.id(), metric.as_str(), before, sample.of(metric));
                }
                Some(steps)
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

    /// What came of a capture for these steps.
    pub fn captured(&mut self, steps: &[usize], outcome: &Outcome, quiet: bool) {
        if let Ok(info) = outcome {
            let mut status = lock(&self.shared.status);
            if steps.is_empty() {
                status.baseline_path = Some(info.path.clone());
            }
            for &step in steps {
                status.steps[step].path = Some(info.path.clone());
            }
        }
        self.policy.captured(self.now(), steps, outcome.is_ok());
        if self.look(Sample::default()) == Look::Finish {
            self.enter(State::Done); // before whoever listens looks
        }
        self.subject.tell(outcome, Trigger::Watch, quiet);
    }

    /// Unless somebody stopped it.
    fn enter(&self, state: State) {
        let mut status = lock(&self.shared.status);
        if status.state != State::Stopped {
            status.state = state;
        }
    }
}
