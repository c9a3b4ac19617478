//! A watcher whose lead is a timer of JavaScript: it reads RSS and heap each second, and knows the same policy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::course::Course;
use super::lock;
use super::policy::{Look, Sample};
use crate::capture::{PortableCapture, Trigger, memory};
use crate::trigger::threads;
use crate::v8::HeapStatistics;

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
    pub(super) fn new(course: Course) -> Self {
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
