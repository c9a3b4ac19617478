//! `watch()`, converted.

use std::sync::Arc;
use std::time::Duration;

use napi_derive::napi;

use super::convert::{JsConfig, JsFailure, JsHeap, number, text};
use super::{KEY, Portable, no_isolate};
use crate::error::Error;
use crate::trigger::watch::plan::{Growth, Plan};
use crate::trigger::watch::policy::{Metric, Sample};
use crate::trigger::watch::{self, Next, Status, StepStatus};

/// What `index.js` hands over; it has checked types and filled in defaults.
#[napi(object)]
pub struct JsWatch {
    /// As [`Growth::parse`] reads them.
    pub heap: Vec<String>,
    pub rss: Vec<String>,
    pub external: Vec<String>,
    pub baseline: bool,
    pub near_limit: bool,
    pub settle_ms: Option<f64>,
    pub min_interval_ms: Option<f64>,
    /// What the snapshots are like, beside the defaults.
    pub config: JsConfig,
}

impl JsWatch {
    fn plan(&self) -> Plan {
        let time = |milliseconds: Option<f64>, or| {
            milliseconds
                .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1e3).ok())
                .unwrap_or(or)
        };
        let mut plan = Plan::near_limit();
        let metrics = [
            (Metric::Heap, &self.heap),
            (Metric::Rss, &self.rss),
            (Metric::External, &self.external),
        ];
        for (metric, growths) in metrics {
            let growths: Vec<Growth> = growths.iter().filter_map(|growth| Growth::parse(growth)).collect();
            plan.set(metric, &growths);
        }
        Plan {
            baseline: self.baseline,
            near_limit: self.near_limit,
            settle: time(self.settle_ms, plan.settle),
            interval: time(self.min_interval_ms, plan.interval),
            steps: plan.steps,
        }
    }
}

#[napi(object)]
pub struct JsSample {
    pub heap_bytes: f64,
    pub rss_bytes: f64,
    pub external_bytes: f64,
}

impl From<Sample> for JsSample {
    fn from(sample: Sample) -> Self {
        Self {
            heap_bytes: number(sample.heap),
            rss_bytes: number(sample.rss),
            external_bytes: number(sample.external),
        }
    }
}

#[napi(object)]
pub struct JsStep {
    pub metric: String,
    pub growth: String,
    pub threshold_bytes: Option<f64>,
    pub path: Option<String>,
}

impl From<StepStatus> for JsStep {
    fn from(step: StepStatus) -> Self {
        Self {
            metric: step.metric.as_str().to_owned(),
            growth: step.growth,
            threshold_bytes: step.threshold_bytes.map(number),
            path: step.path.as_deref().map(text),
        }
    }
}

#[napi(object)]
pub struct JsStatus {
    pub state: String,
    pub baseline: Option<JsSample>,
    pub baseline_path: Option<String>,
    pub steps: Vec<JsStep>,
    pub near_limit: Option<bool>,
}

impl From<Status> for JsStatus {
    fn from(status: Status) -> Self {
        Self {
            state: status.state.as_str().to_owned(),
            baseline: status.baseline.map(JsSample::from),
            baseline_path: status.baseline_path.as_deref().map(text),
            steps: status.steps.into_iter().map(JsStep::from).collect(),
            near_limit: status.near_limit,
        }
    }
}

/// Watches one thread, or says why not.
#[napi]
pub struct Watching {
    watcher: std::result::Result<watch::Watcher, Error>,
    portable: Option<watch::Portable>,
}

#[napi]
impl Watching {
    #[napi(getter, catch_unwind)]
    pub fn failure(&self) -> Option<JsFailure> {
        self.watcher.as_ref().err().map(JsFailure::from)
    }

    #[napi(catch_unwind)]
    pub fn status(&self) -> JsStatus {
        self.watcher
            .as_ref()
            .map(watch::Watcher::status)
            .unwrap_or_default()
            .into()
    }

    #[napi(catch_unwind)]
    pub fn stop(&self) {
        if let Ok(watcher) = &self.watcher {
            watcher.stop();
        }
    }

    /// What JavaScript has to drive, if it has to.
    #[napi(catch_unwind)]
    pub fn portable(&mut self) -> Option<PortableWatching> {
        self.portable.take().map(PortableWatching)
    }
}

/// A watcher that JavaScript drives, on a timer.
#[napi]
pub struct PortableWatching(watch::Portable);

#[napi]
impl PortableWatching {
    #[napi(getter, catch_unwind)]
    pub fn interval_ms(&self) -> f64 {
        self.0.interval().as_secs_f64() * 1e3
    }

    /// `wait`, `measure` or `stop`.
    #[napi(catch_unwind)]
    pub fn look(&self, heap: JsHeap) -> &'static str {
        match self.0.look(heap.into()) {
            Next::Wait => "wait",
            Next::Measure => "measure",
            Next::Stop => "stop",
        }
    }

    /// After a collection that took so long; answers with the capture to carry out.
    #[napi(catch_unwind)]
    pub fn measured(&self, heap: JsHeap, cost_ms: f64) -> Option<Portable> {
        let cost = Duration::try_from_secs_f64(cost_ms / 1e3).unwrap_or_default();
        self.0.measured(heap.into(), cost).map(Portable::from)
    }
}

/// Watches the calling thread.
#[napi(catch_unwind)]
pub fn watch(wanted: JsWatch) -> Watching {
    let plan = wanted.plan();
    let config = wanted.config;
    let begun = match KEY.get() {
        Some(key) => watch::watch(key, plan, Arc::new(move |defaults| config.clone().apply(defaults))),
        None => Err(no_isolate()),
    };
    match begun {
        Ok((watcher, portable)) => Watching {
            watcher: Ok(watcher),
            portable,
        },
        Err(error) => Watching {
            watcher: Err(error),
            portable: None,
        },
    }
}

/// Watches the main thread, if the environment asks for it.
#[napi(catch_unwind)]
pub fn watch_as_configured() -> Option<PortableWatching> {
    watch::obey(KEY.get()?).map(PortableWatching)
}

/// Whether a text says how much something may grow.
#[napi(catch_unwind)]
pub fn is_growth(text: String) -> bool {
    Growth::parse(&text).is_some()
}
