//! The Node-API surface: converts, and decides nothing.
//!
//! What is exported here is private to `index.js`, which owns the public shape (overloads,
//! callbacks, events, warnings) and is documented in `index.d.ts`. Every export catches panics.

#![expect(clippy::needless_pass_by_value, reason = "Node-API hands values over")]

mod convert;
pub mod reading;
mod shelf;
pub mod watching;

use std::cell::Cell;
use std::ffi::OsString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use napi::bindgen_prelude::{Env, Function, Result};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use crate::capture::{self, Limits, PortableCapture, Process, Request, Sink, Trigger};
use crate::cli;
use crate::error::{Code, Error};
use crate::trigger::{self, Notice, config, threads};
use crate::v8::{self, Isolate};
use convert::{JsCaptured, JsConfig, JsEvent, JsHeap, JsOutcome, JsRequest, JsSupport};

thread_local! {
    /// The registration of this thread's environment.
    static KEY: Cell<Option<threads::Key>> = const { Cell::new(None) };
}

/// What JavaScript knows about the process and the thread.
#[napi(object)]
pub struct JsThread {
    pub id: u32,
    pub node_version: String,
    pub program: String,
    pub uptime_s: f64,
}

/// Whether this is the thread that the process began with, as far as the platform tells.
#[napi(catch_unwind)]
pub fn on_first_thread() -> bool {
    capture::on_first_thread()
}

/// Registers the calling thread. `notify` is called on its event loop: with an event, or with
/// nothing when a capture may be wanted.
#[napi(catch_unwind)]
pub fn register(env: Env, thread: JsThread, notify: Function<Option<JsEvent>, ()>) -> Result<()> {
    // What an uptime cannot be (not finite, negative) counts as none.
    let uptime = Duration::try_from_secs_f64(thread.uptime_s).unwrap_or_default();
    capture::set_process(Process {
        node_version: thread.node_version,
        host: capture::host_name(),
        program: thread.program,
        started: Utc::now() - TimeDelta::from_std(uptime).unwrap_or_default(),
    });
    capture::wait_at_exit();

    let notify = notify
        .build_threadsafe_function::<Notice>()
        .weak::<true>() // listeners keep nothing alive
        .build_callback(|context| {
            Ok(match context.value {
                Notice::Wake => None,
                Notice::Event(event) => Some(JsEvent::from(event)),
            })
        })?;
    let isolate = v8::capabilities().snapshots.then(Isolate::current).flatten();
    if let Some(isolate) = isolate {
        capture::live::look(isolate);
    }
    if let Some(earlier) = KEY.take() {
        trigger::watch::leave();
        threads::unregister(earlier); // the module was loaded again in the same environment
    }
    let key = threads::register(
        thread.id,
        isolate,
        Box::new(move |notice| {
            notify.call(notice, ThreadsafeFunctionCallMode::NonBlocking);
        }),
    );
    KEY.set(Some(key));
    env.add_env_cleanup_hook(key, |key| {
        trigger::watch::leave();
        threads::unregister(key);
        reading::leave();
    })?;
    Ok(())
}

/// Captures this thread if a signal asked for it; answers with what JavaScript has to carry on.
#[napi(catch_unwind)]
pub fn run_wanted() -> Option<Portable> {
    let key = KEY.get()?;
    if v8::capabilities().snapshots {
        threads::run_wanted(key);
        return None;
    }
    threads::begin_wanted(key).map(Portable::from)
}

/// Captures this thread and waits for the file.
#[napi(catch_unwind)]
pub fn capture_sync(request: JsRequest) -> JsOutcome {
    let Some(isolate) = Isolate::current() else {
        return JsOutcome::from(Err(no_isolate()));
    };
    let (tell, told) = mpsc::channel();
    let request = request.into_request(Trigger::Api);
    capture::capture(isolate, request, move |outcome| {
        let _ = tell.send(outcome);
    });
    let mut outcome = told.recv().unwrap_or_else(|_| Err(no_isolate()));
    if let Ok(info) = &mut outcome {
        info.pause = info.duration; // this thread waited to the end
    }
    outcome.into()
}

/// Opens the target on a thread of its own; `opened` is then called on the event loop, to go on with
/// [`PendingCapture::capture`]. `done` is called there once the file has its name, or has failed.
#[napi(catch_unwind)]
pub fn open_async(
    request: JsRequest,
    opened: Function<(), ()>,
    done: Function<JsOutcome, ()>,
) -> Result<PendingCapture> {
    let opened = opened.build_threadsafe_function::<()>().build()?;
    let done = done
        .build_threadsafe_function::<JsOutcome>()
        .build_callback(|context| Ok(context.value))?;
    let tell: Tell = Box::new(move |outcome| {
        done.call(outcome.into(), ThreadsafeFunctionCallMode::NonBlocking);
    });
    let request = request.into_request(Trigger::Api);
    let limits = request.limits.clone();
    let target = request.target.clone();
    let subject = request.target.path().to_owned();
    let (hand_over, sink) = mpsc::channel();
    let begun = beside_loop("heapdump-open", move || {
        let _ = hand_over.send(Sink::open(&target, Utc::now(), &limits));
        opened.call((), ThreadsafeFunctionCallMode::NonBlocking);
    });
    let limits = request.limits.clone();
    let rest = match begun {
        Ok(()) => Some((request, sink, tell)),
        Err(error) => {
            tell(Err(Error::no_thread(&error, Some(&subject))));
            None
        }
    };
    Ok(PendingCapture { limits, rest })
}

/// Captures this thread while it goes on, as far as that is possible. `phase` is called on the event loop
/// when the file is being written, `done` once it has its name, or has failed.
#[napi(catch_unwind)]
pub fn capture_live(
    request: JsRequest,
    phase: Function<JsCaptured, ()>,
    done: Function<JsOutcome, ()>,
) -> Result<PendingCapture> {
    let phase = phase
        .build_threadsafe_function::<JsCaptured>()
        .weak::<true>() // the other one keeps the process alive
        .build_callback(|context| Ok(context.value))?;
    let done = done
        .build_threadsafe_function::<JsOutcome>()
        .build_callback(|context| Ok(context.value))?;
    let tell = move |outcome: capture::Outcome| {
        done.call(outcome.into(), ThreadsafeFunctionCallMode::NonBlocking);
    };
    let request = request.into_request(Trigger::Api);
    let limits = request.limits.clone();
    match KEY.get().and_then(threads::reach) {
        Some(reach) => {
            let phase = move |captured: capture::Captured| {
                phase.call(captured.into(), ThreadsafeFunctionCallMode::NonBlocking);
            };
            capture::live::start(reach, request, Some(Box::new(phase)), tell);
        }
        None => tell(Err(no_isolate())),
    }
    Ok(PendingCapture { limits, rest: None })
}

/// Numbers the objects of this thread now, if its captures are to be live and comparable: at the start
/// there are few.
#[napi(catch_unwind)]
pub fn prime_as_configured() {
    let config = config::current();
    if let Some(isolate) = Isolate::current()
        && config.live != capture::Live::Off
    {
        capture::prime(isolate, config.prime);
    }
}

/// Has `work` done on a thread of ours, which no signal of the application reaches.
fn beside_loop(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            capture::block_signals();
            work();
        })
        .map(drop)
}

type Opened = std::result::Result<Sink, Error>;
type Tell = Box<dyn FnOnce(capture::Outcome) + Send>;

/// A capture that does not block the event loop but while V8 is at work.
#[napi]
pub struct PendingCapture {
    limits: Limits,
    rest: Option<(Request, mpsc::Receiver<Opened>, Tell)>,
}

#[napi]
impl PendingCapture {
    /// Captures this thread into the target, once that is open; answers what V8 handed over, or
    /// nothing when that failed.
    #[napi(catch_unwind)]
    pub fn capture(&mut self) -> Option<JsCaptured> {
        let (request, sink, tell) = self.rest.take()?;
        let opened = sink.recv().unwrap_or_else(|_| Err(no_isolate()));
        match (opened, Isolate::current()) {
            (Ok(sink), Some(isolate)) => capture::capture_into(sink, isolate, request, tell).map(JsCaptured::from),
            (Ok(_), None) => {
                tell(Err(no_isolate()));
                None
            }
            (Err(error), _) => {
                tell(Err(error));
                None
            }
        }
    }

    /// Ends it, unless the file has its name already.
    #[napi(catch_unwind)]
    pub fn abort(&self) {
        self.limits.cancel();
    }
}

fn no_isolate() -> Error {
    Error::new(Code::Unsupported, "V8's functions are not to be found in this process")
}

/// A capture that `node:v8` carries out, or why there is none.
#[napi]
pub struct Portable {
    capture: Option<std::result::Result<PortableCapture, Error>>,
    ending: Option<threads::Ending>,
}

impl From<threads::Portable> for Portable {
    fn from(begun: threads::Portable) -> Self {
        Self {
            capture: Some(Ok(begun.capture)),
            ending: Some(begun.ending),
        }
    }
}

/// An exception of `node:v8`.
#[napi(object)]
pub struct JsRefusal {
    pub message: String,
    pub errno: Option<i32>,
    pub syscall: Option<String>,
}

/// Makes the file for `node:v8` to write.
#[napi(catch_unwind)]
pub fn begin_portable(request: JsRequest) -> Portable {
    Portable {
        capture: Some(PortableCapture::begin(request.into_request(Trigger::Api))),
        ending: None,
    }
}

#[napi]
impl Portable {
    /// The file for `v8.writeHeapSnapshot`; nothing when the capture has failed already.
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> Option<String> {
        let path = self.capture.as_ref()?.as_ref().ok()?.partial_path();
        Some(path.to_string_lossy().into_owned())
    }

    /// Whether garbage is to be collected first.
    #[napi(getter, catch_unwind)]
    pub fn gc(&self) -> bool {
        matches!(&self.capture, Some(Ok(capture)) if capture.wants_gc())
    }

    /// Takes over what was written; `failure` is what `node:v8` threw instead.
    #[napi(catch_unwind)]
    pub fn finish(&mut self, heap: JsHeap, failure: Option<JsRefusal>) -> JsOutcome {
        let outcome = match (self.capture.take(), failure) {
            (Some(Ok(capture)), Some(failure)) => {
                Err(capture.refused(&failure.message, failure.errno, failure.syscall.as_deref()))
            }
            (Some(Ok(capture)), None) => capture.finish(heap.into()),
            (Some(Err(error)), _) => Err(error),
            (None, _) => Err(Error::new(Code::Busy, "the capture has ended already")),
        };
        if let Some(ending) = self.ending.take() {
            ending(&outcome);
        }
        outcome.into()
    }
}

/// What to warn about, once, where others may write to the directory of this file.
#[napi(catch_unwind)]
pub fn exposure(path: String) -> Option<String> {
    capture::exposure(path.as_ref())
}

/// Collects all garbage; false where V8 cannot be asked.
#[napi(catch_unwind)]
pub fn collect_garbage() -> bool {
    Isolate::current().is_some_and(Isolate::collect_garbage)
}

/// Reads `NODE_HEAPDUMP_OPTIONS` and obeys it; answers with the warnings that there are. Only
/// the first thread's variable counts.
#[napi(catch_unwind)]
pub fn apply_environment(text: String) -> Vec<String> {
    trigger::start(&text)
}

/// Changes the defaults of signal-made snapshots.
#[napi(catch_unwind)]
pub fn change_config(changes: JsConfig) {
    config::change(|config| changes.apply(config));
}

/// The command line; `args` begin after the script's name, `addon` is what Node is to load for `run`. Answers with the
/// exit code.
#[napi(catch_unwind)]
pub fn run_cli(args: Vec<String>, addon: String) -> u32 {
    u32::from(cli::run(args.into_iter().map(OsString::from), addon.as_ref()).0)
}

/// Whether V8's own functions are there to capture with.
#[napi(catch_unwind)]
pub fn captures_in_process() -> bool {
    v8::capabilities().snapshots
}

/// What works here.
#[napi(catch_unwind)]
pub fn support() -> JsSupport {
    trigger::support::here().into()
}
