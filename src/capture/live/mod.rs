//! The engine that captures in a forked child, while the service goes on.
//!
//! The captured thread stands still only for the fork: 40 to 140 ms a gigabyte of resident memory.
//! The child has a copy of everything as it was at that moment, takes the snapshot there, and writes
//! it into the file that was opened before; the parent flushes it and gives it its name.
//!
//! A thread of ours (`heapdump-live`) carries the capture from state to state ([`machine`]) and asks the
//! captured thread for nothing but short visits:
//!
//! 1. Here: the target is opened, and what `fork` must not copy is noted ([`mappings`]).
//! 2. Visit: are all of V8's worker threads idle ([`quiet`])? If not, it ends at once, and is repeated a
//!    few milliseconds later, for some seconds at most. Then the fork is tried all the same, once.
//! 3. Visit: the fork.
//! 4. The child ([`child`]) parts from everything outside itself ([`contain`]), makes V8 do without
//!    worker threads ([`platform_vtable`]), and captures.
//! 5. Here: the child is watched ([`watch`]), and reaped; its figures ([`page`]) must be those of the
//!    file. A child that crashed or hung is followed by another, [`machine::FORKS_MAX`] in all.
//!
//! Where it cannot work, the capture is made in process ([`Live::Prefer`]) or refused
//! ([`Live::Require`]), with the reason. A limit that is reached, memory that does not suffice and a
//! full disk end it in either case: they would end a capture in process too.
//!
//! One at a time: further captures of this process wait, because two children take twice the memory.
//!
//! Ids of objects: see [`ids`](super::ids).
//!
//! `cfg(live)` is where it has been tried: `build.rs` says which platform that is.
//!
//! [`platform_vtable`]: crate::v8::platform_vtable

#[cfg(live)]
mod child;
#[cfg(live)]
mod contain;
#[cfg(live)]
mod engine;
#[cfg_attr(
    not(any(live, test)),
    expect(dead_code, reason = "the states of an engine for other platforms")
)]
mod machine;
#[cfg(live)]
mod mappings;
#[cfg(live)]
mod page;
#[cfg(live)]
mod quiet;
#[cfg(live)]
mod watch;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::sink::Sink;
use super::writer::InFlight;
use super::{Captured, Limits, Outcome, Request, capture_into, platform};
use crate::error::{Code, Error};
use crate::v8::Isolate;

#[cfg(live)]
use engine::run;
#[cfg(live)]
pub use engine::{look, support};

/// Whether the captured thread is to go on meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// No.
    #[default]
    Off,
    /// Where that is possible.
    Prefer,
    /// Or there is no capture.
    Require,
}

/// What runs on the captured thread, soon.
pub type Visit = Box<dyn FnOnce(Isolate) + Send>;

/// How the captured thread is reached.
pub trait Reach: Send {
    /// Has the event loop run `visit`. Once the thread is going away, it is dropped instead.
    fn visit(&self, visit: Visit);
    /// Has V8 run it too, whichever comes first: the event loop does not turn.
    fn hurry(&self);
    /// Whether the thread has gone.
    fn is_gone(&self) -> bool;
}

/// Told how far it is, while the child is at work.
pub type Phase = Box<dyn Fn(Captured) + Send>;

/// How long the event loop is given before V8 is interrupted.
const LOOP_WAIT: Duration = Duration::from_millis(200);
/// How often limits are looked at while waiting.
const PATIENCE: Duration = Duration::from_millis(20);

pub fn unsupported(why: &str) -> Error {
    Error::new(Code::Unsupported, format!("live capture does not work here: {why}"))
        .with_hint("live: 'prefer' captures in process where it must")
}

/// Captures the thread that `reach` leads to: live as far as the request says, else in process. `done` is told
/// the outcome once, on another thread.
pub fn start<F>(reach: Box<dyn Reach>, request: Request, phase: Option<Phase>, done: F)
where
    F: FnOnce(Outcome) + Send + 'static,
{
    let in_flight = InFlight::enter();
    let told = Told {
        done: Some(Box::new(done)),
        limits: request.limits.clone(),
    };
    let subject = request.target.path().to_owned();
    // Handed over afterwards: where no thread can be started, it is told here.
    let (hand_over, handed) = channel::<Told>();
    let spawned = thread::Builder::new().name("heapdump-live".into()).spawn(move || {
        platform::block_signals();
        let Ok(told) = handed.recv() else { return };
        let opened = Sink::open(&request.target, Utc::now(), &request.limits);
        match opened {
            Ok(sink) if request.live == Live::Off => in_process(&*reach, request, sink, told),
            Ok(sink) => run(&*reach, request, sink, phase.as_ref(), told),
            Err(error) => told.tell(Err(error)),
        }
        drop(in_flight);
    });
    match spawned {
        Ok(_) => drop(hand_over.send(told)),
        Err(error) => told.tell(Err(Error::no_thread(&error, Some(&subject)))),
    }
}

/// Tells the outcome, whatever happens.
struct Told {
    done: Option<Box<dyn FnOnce(Outcome) + Send>>,
    limits: Limits,
}

impl Told {
    fn tell(mut self, outcome: Outcome) {
        if let Some(done) = self.done.take() {
            done(outcome);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(self.limits.explain(gone())));
        }
    }
}

/// Runs `work` on the captured thread and waits for what it gives; nothing where a limit was reached
/// before it began, or where the thread has gone.
pub fn visit<T: Send + 'static>(
    reach: &dyn Reach,
    limits: &Limits,
    work: impl FnOnce(Isolate) -> T + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = channel();
    // Whoever takes it first: the thread to run it, or we to drop it.
    let work = Arc::new(Mutex::new(Some(move |isolate: Isolate| {
        let _ = answer.send(work(isolate));
    })));
    let theirs = Arc::clone(&work);
    reach.visit(Box::new(move |isolate| {
        let work = theirs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work(isolate);
        }
    }));
    let asked = Instant::now();
    let mut hurried = false;
    loop {
        match answered.recv_timeout(PATIENCE) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = limits.check() {
            let waiting = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            if waiting.is_some() {
                return Err(error);
            }
        }
        if reach.is_gone() {
            // A visit that is under way ends; one that is not does not begin any more.
            drop(work.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        if !hurried && asked.elapsed() >= LOOP_WAIT {
            hurried = true;
            reach.hurry();
        }
    }
}

fn gone() -> Error {
    Error::new(Code::Aborted, "the captured thread ended before its snapshot was whole")
}

/// Why there is no live capture: in words, and as the error of those who require one.
struct Obstacle {
    why: String,
    error: Error,
}

impl Obstacle {
    fn unsupported(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            error: unsupported(why),
        }
    }
}

/// Captures in process after all, or refuses.
fn fall_back(reach: &dyn Reach, mut request: Request, sink: Sink, told: Told, obstacle: Obstacle) {
    if request.live == Live::Require {
        return told.tell(Err(obstacle.error));
    }
    request.fallback = Some(obstacle.why);
    in_process(reach, request, sink, told);
}

/// Captures on the thread itself, which stands still meanwhile.
fn in_process(reach: &dyn Reach, request: Request, sink: Sink, told: Told) {
    let limits = request.limits.clone();
    // The outcome is told from there, or by `told` where it is dropped.
    let _ = visit(reach, &limits, move |isolate| {
        capture_into(sink, isolate, request, move |outcome| told.tell(outcome));
    });
}

#[cfg(not(live))]
mod elsewhere {
    use super::{Isolate, Obstacle, Phase, Reach, Request, Sink, Told, fall_back};

    const WHY: &str = "it needs Linux on x64 with glibc";

    pub fn support() -> Result<(), &'static str> {
        Err(WHY)
    }

    pub fn look(_isolate: Isolate) {}

    pub fn run(reach: &dyn Reach, request: Request, sink: Sink, _phase: Option<&Phase>, told: Told) {
        fall_back(reach, request, sink, told, Obstacle::unsupported(WHY));
    }
}
#[cfg(not(live))]
use elsewhere::run;
#[cfg(not(live))]
pub use elsewhere::{look, support};
