//! When to measure and when to capture: pure functions of samples and of the time since the start.
//!
//! 1. *Settling.* Every [`Plan::settle`], a few times, the heap is measured: all garbage is collected, and what is left
//!    counts. Once two measurements in a row agree within [`SETTLED_PERCENT`], the second is the
//!    baseline. A heap that never settles gets one after [`SETTLE_ROUNDS`].
//! 2. *Growing.* A reading that reaches a step, garbage included, is a suspicion; it is measured, and
//!    only what is left counts.
//!
//! Collecting in vain costs. What took `t` is not repeated for [`COST_RATIO`] times `t`, so it takes less than half
//! a per cent of the time; and each suspicion that was mere garbage doubles that, up to
//! [`DOUBLINGS_MAX`] times. A capture that was refused or failed is followed by quiet of
//! [`QUIET_FIRST`], and of twice as much each time.

use std::time::Duration;

use super::plan::Plan;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// V8's heap.
    Heap,
    /// What the process occupies in memory.
    Rss,
    /// What objects keep alive outside the heap, such as buffers.
    External,
}

impl Metric {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Rss => "rss",
            Self::External => "external",
        }
    }
}

/// A reading, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub heap: u64,
    pub rss: u64,
    pub external: u64,
}

impl Sample {
    pub fn of(&self, metric: Metric) -> u64 {
        match metric {
            Metric::Heap => self.heap,
            Metric::Rss => self.rss,
            Metric::External => self.external,
        }
    }
}

/// How close two measurements of a settled heap are.
const SETTLED_PERCENT: u64 = 10;
/// So many measurements, and the last one is the baseline.
const SETTLE_ROUNDS: u32 = 12;
/// A collection that took `t` is not repeated for so many `t`.
const COST_RATIO: u32 = 200;
/// … and not sooner than this.
const COST_MIN: Duration = Duration::from_secs(1);
/// How often mere garbage doubles that.
const DOUBLINGS_MAX: u32 = 3;
/// How long nothing is tried after a first refusal; each further one doubles it.
const QUIET_FIRST: Duration = Duration::from_secs(600);
const QUIET_MAX: Duration = Duration::from_secs(86_400);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing before this time, whatever the readings.
    Until(Duration),
    /// Nothing while the readings stay below the marks.
    Below(Sample),
    /// Collect all garbage and measure.
    Measure,
    /// There is nothing left to wait for.
    Finish,
}

/// What a measurement shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The heap has not settled.
    Unsettled,
    /// It has, and this is the baseline.
    Settled,
    /// What looked like growth was garbage.
    Garbage,
    /// These steps are reached.
    Grown(Vec<usize>),
}

#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    baseline: Option<Sample>,
    /// The measurement before this one, and how many there were.
    settling: (Option<Sample>, u32),
    reached: Vec<bool>,
    not_before: Duration,
    garbage_in_a_row: u32,
    quiet: Duration,
}

impl Policy {
    pub fn new(plan: Plan) -> Self {
        Self {
            not_before: plan.settle,
            baseline: None,
            settling: (None, 0),
            reached: vec![false; plan.steps.len()],
            garbage_in_a_row: 0,
            quiet: QUIET_FIRST,
            plan,
        }
    }

    pub fn baseline(&self) -> Option<Sample> {
        self.baseline
    }

    /// What a step's metric has to reach, once there is a baseline.
    pub fn threshold(&self, step: usize) -> Option<u64> {
        let step = self.plan.steps[step];
        Some(step.growth.over(self.baseline?.of(step.metric)))
    }

    /// What to do at `now`, with this reading, garbage included.
    pub fn look(&self, now: Duration, reading: Sample) -> Look {
        if self.reached.iter().all(|&reached| reached) {
            return Look::Finish;
        }
        let suspicion = self.baseline.is_none() || !self.crossed(reading).is_empty();
        if suspicion && now >= self.not_before {
            Look::Measure
        } else if suspicion || now < self.not_before {
            Look::Until(self.not_before)
        } else {
            Look::Below(self.marks())
        }
    }

    /// All garbage was collected, which took `cost`, and this is left.
    pub fn measured(&mut self, now: Duration, sample: Sample, cost: Duration) -> Finding {
        if self.baseline.is_none() {
            let (before, rounds) = self.settling;
            let settled = before.is_some_and(|before| {
                sample.heap.abs_diff(before.heap) <= sample.heap.max(before.heap) / 100 * SETTLED_PERCENT
            });
            if settled || rounds + 1 >= SETTLE_ROUNDS {
                self.baseline = Some(sample);
                self.not_before = now;
                return Finding::Settled;
            }
            self.settling = (Some(sample), rounds + 1);
            self.not_before = now + self.plan.settle;
            return Finding::Unsettled;
        }
        let crossed = self.crossed(sample);
        if crossed.is_empty() {
            let pause = (cost * COST_RATIO).max(COST_MIN);
            self.not_before = now + pause * (1 << self.garbage_in_a_row.min(DOUBLINGS_MAX));
            self.garbage_in_a_row += 1;
            return Finding::Garbage;
        }
        self.garbage_in_a_row = 0;
        Finding::Grown(crossed)
    }

    /// The snapshot of these steps (none: of the baseline) was written, or was not.
    pub fn captured(&mut self, now: Duration, steps: &[usize], written: bool) {
        if written {
            for &step in steps {
                self.reached[step] = true;
            }
            self.not_before = now + self.plan.interval;
            self.quiet = QUIET_FIRST;
        } else {
            self.not_before = now + self.quiet;
            self.quiet = (self.quiet * 2).min(QUIET_MAX);
        }
    }

    /// The steps that are reached with this reading and were not before.
    fn crossed(&self, reading: Sample) -> Vec<usize> {
        (0..self.plan.steps.len())
            .filter(|&step| {
                let metric = self.plan.steps[step].metric;
                !self.reached[step] && self.threshold(step).is_some_and(|mark| reading.of(metric) >= mark)
            })
            .collect()
    }

    /// The next step of each metric.
    fn marks(&self) -> Sample {
        let mark = |metric| {
            (0..self.plan.steps.len())
                .filter(|&step| self.plan.steps[step].metric == metric && !self.reached[step])
                .filter_map(|step| self.threshold(step))
                .min()
                .unwrap_or(u64::MAX)
        };
        Sample {
            heap: mark(Metric::Heap),
            rss: mark(Metric::Rss),
            external: mark(Metric::External),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Growth, Step};
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn heap(bytes: u64) -> Sample {
        Sample {
            heap: bytes,
            rss: 0,
            external: 0,
        }
    }

    const CHEAP: Duration = Duration::from_millis(1);

    /// A policy whose heap settled at 1000 bytes, 20 s after the start.
    fn settled(plan: Plan) -> Policy {
        let mut policy = Policy::new(plan);
        assert_eq!(policy.measured(s(10), heap(1000), CHEAP), Finding::Unsettled);
        assert_eq!(policy.measured(s(20), heap(1000), CHEAP), Finding::Settled);
        policy
    }

    #[test]
    fn a_heap_settles_when_two_measurements_agree() {
        let mut policy = Policy::new(Plan::default());
        assert_eq!(policy.look(s(0), heap(1)), Look::Until(s(10)));
        // at, heap, what a measurement finds
        let cases = [
            (10, 500, Finding::Unsettled),
            (20, 900, Finding::Unsettled),
            (30, 1100, Finding::Unsettled),
            (40, 1200, Finding::Settled),
        ];
        for (at, bytes, expected) in cases {
            assert_eq!(policy.look(s(at), heap(bytes)), Look::Measure, "{at} s");
            assert_eq!(policy.measured(s(at), heap(bytes), CHEAP), expected, "{at} s");
        }
        assert_eq!(policy.baseline(), Some(heap(1200)));
        assert_eq!((policy.threshold(0), policy.threshold(1)), (Some(1800), Some(3000)));
    }

    #[test]
    fn a_heap_that_never_settles_gets_a_baseline_all_the_same() {
        let mut policy = Policy::new(Plan::default());
        let mut bytes = 1000;
        for round in 1..12 {
            assert_eq!(policy.measured(s(10 * round), heap(bytes), CHEAP), Finding::Unsettled);
            bytes *= 2;
        }
        assert_eq!(policy.measured(s(120), heap(bytes), CHEAP), Finding::Settled);
    }

    #[test]
    fn a_costly_collection_is_not_repeated_soon() {
        let mut policy = settled(Plan::default());
        // Each time mere garbage: when, what it cost, and from when on it may be measured again.
        let cases = [
            (50, 1, 250),
            (250, 1, 650),
            (650, 1, 1450),
            (1450, 1, 3050),
            (3050, 1, 4650),
        ];
        for (at, cost, again) in cases {
            assert_eq!(policy.look(s(at), heap(1600)), Look::Measure, "{at} s");
            assert_eq!(policy.measured(s(at), heap(1100), s(cost)), Finding::Garbage);
            assert_eq!(policy.look(s(at + 1), heap(1600)), Look::Until(s(again)));
        }
        // Once it is real, the patience is what it was.
        assert_eq!(policy.measured(s(4650), heap(1600), s(1)), Finding::Grown(vec![0]));
        policy.captured(s(4651), &[0], true);
        assert_eq!(policy.measured(s(5000), heap(1600), s(1)), Finding::Garbage);
        assert_eq!(policy.look(s(5001), heap(2600)), Look::Until(s(5200)));
    }

    #[test]
    fn each_step_is_captured_once_and_then_it_is_over() {
        let mut policy = settled(Plan::default());
        policy.captured(s(21), &[], true); // the baseline
        assert_eq!(policy.look(s(22), heap(1000)), Look::Until(s(51)));
        let below = |bytes| {
            Look::Below(Sample {
                heap: bytes,
                rss: u64::MAX,
                external: u64::MAX,
            })
        };
        assert_eq!(policy.look(s(60), heap(1499)), below(1500));
        assert_eq!(policy.look(s(60), heap(1500)), Look::Measure);
        assert_eq!(policy.measured(s(60), heap(1500), CHEAP), Finding::Grown(vec![0]));
        policy.captured(s(61), &[0], true);
        assert_eq!(policy.look(s(62), heap(9000)), Look::Until(s(91)), "the interval");
        assert_eq!(policy.look(s(91), heap(1500)), below(2500));
        assert_eq!(policy.measured(s(91), heap(2500), CHEAP), Finding::Grown(vec![1]));
        policy.captured(s(92), &[1], true);
        assert_eq!(policy.look(s(93), heap(2500)), Look::Finish);
    }

    #[test]
    fn steps_that_are_reached_together_need_one_snapshot() {
        let mut policy = settled(Plan::default());
        assert_eq!(policy.measured(s(60), heap(5000), CHEAP), Finding::Grown(vec![0, 1]));
        policy.captured(s(61), &[0, 1], true);
        assert_eq!(policy.look(s(62), heap(5000)), Look::Finish);
    }

    #[test]
    fn refusals_are_followed_by_quiet_that_doubles() {
        let mut policy = settled(Plan::default());
        let mut now = s(60);
        for minutes in [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440] {
            assert_eq!(policy.look(now, heap(1500)), Look::Measure);
            policy.captured(now, &[0], false);
            let again = now + s(60 * minutes);
            assert_eq!(policy.look(now + s(60 * minutes - 1), heap(1500)), Look::Until(again));
            now = again;
        }
        policy.captured(now, &[0], true);
        policy.captured(now, &[1], false);
        assert_eq!(
            policy.look(now, heap(9000)),
            Look::Until(now + s(600)),
            "from the beginning"
        );
    }

    #[test]
    fn any_metric_can_take_a_step() {
        let step = |metric, growth| Step { metric, growth };
        let mut policy = Policy::new(Plan {
            steps: vec![
                step(Metric::Rss, Growth::Percent(100)),
                step(Metric::External, Growth::Bytes(50)),
            ],
            ..Plan::default()
        });
        let base = Sample {
            heap: 10,
            rss: 1000,
            external: 5,
        };
        policy.measured(s(10), base, CHEAP);
        policy.measured(s(20), base, CHEAP);
        let reading = |rss, external| Sample {
            heap: 99_999,
            rss,
            external,
        };
        assert_eq!(
            policy.look(s(60), reading(1999, 54)),
            Look::Below(Sample {
                heap: u64::MAX,
                rss: 2000,
                external: 55
            })
        );
        assert_eq!(policy.measured(s(60), reading(1, 55), CHEAP), Finding::Grown(vec![1]));
        policy.captured(s(61), &[1], true);
        assert_eq!(policy.measured(s(99), reading(2000, 0), CHEAP), Finding::Grown(vec![0]));
    }

    #[test]
    fn nothing_to_watch_for_is_over_at_once() {
        assert_eq!(Policy::new(Plan::near_limit()).look(s(0), heap(0)), Look::Finish);
    }
}
