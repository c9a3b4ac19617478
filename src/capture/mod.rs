//! Capturing: when it is safe, how it runs, and what comes of it.
//!
//! [`capture`] runs on the thread whose heap is wanted:
//!
//! 1. [`sink`] opens the destination, so that a wrong name costs no pause, and [`disk`] refuses one that is full;
//! 2. V8 collects garbage (unless told not to) and learns the line ends it would otherwise search for;
//! 3. V8 counts the objects, and [`memory`] and [`disk`] refuse what would not fit;
//! 4. V8 builds its graph, watched for time-outs and for memory running short;
//! 5. to be redacted, it is read for the first time ([`redaction`]);
//! 6. V8 serializes it into buffers that [`writer`] takes to a thread of its own, where [`encode`] puts
//!    [`provenance`] into the header and compresses, and so into the file;
//! 7. V8's graph is freed, and the thread goes on; the writer flushes the file, gives it its name,
//!    tells the outcome, and gives freed memory back to the system.
//!
//! [`live`] does the same in a forked child, while the thread goes on.
//!
//! The outcome is told exactly once, whatever happens, through the callback. A panic anywhere
//! becomes an error; nothing unwinds into V8 or Node.

mod disk;
mod encode;
mod foreign;
mod ids;
mod in_process;
mod keep;
pub mod live;
pub mod memory;
mod memory_watch;
mod name;
mod platform;
mod portable;
mod provenance;
mod redaction;
mod sink;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use crate::compression::Compression;
use crate::error::{Code, Error};
pub use crate::privacy::exposure;
pub use encode::Encoding;
pub use foreign::{Foreign, Source};
pub use ids::{Prime, prime};
pub use in_process::{capture, capture_into, is_capturing};
pub use live::Live;
pub use platform::{block_signals, host_name, keep_across_exec, on_first_thread};
pub use portable::PortableCapture;
pub use provenance::{Process, process, set_process};
pub use sink::{Sink, Target};
pub use writer::wait_at_exit;

/// What asked for a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Api,
    Signal,
    /// Memory has settled, or has grown.
    Watch,
    /// The heap is about to reach its limit.
    NearLimit,
    /// `rs-heapdump capture PID`.
    Capture,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Signal => "signal",
            Self::Watch => "watch",
            Self::NearLimit => "near-limit",
            Self::Capture => "capture",
        }
    }
}

/// How a capture was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Through V8's own API, on the captured thread.
    InProcess,
    /// Through V8's own API, in a forked child, while the captured thread goes on.
    Live,
    /// Through `node:v8`.
    Portable,
    /// Through another process's inspector.
    Inspector,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Live => "live",
            Self::Portable => "portable",
            Self::Inspector => "inspector",
        }
    }
}

/// What the first look at a heap promises.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub mode: Mode,
    /// Objects to go through.
    pub nodes: u64,
    /// How long the thread will stand still in all.
    pub pause: Duration,
}

/// Told once per capture, as soon as there is an estimate, while V8 is at work.
pub type Observer = Box<dyn FnOnce(Estimate) + Send>;

/// One capture, fully described.
pub struct Request {
    pub target: Target,
    /// How its bytes are stored.
    pub encoding: Encoding,
    /// Collect all garbage first.
    pub gc: bool,
    /// Refuse what would not fit into memory, or on the disk.
    pub memory_guard: bool,
    /// Keep V8's table of object ids, so that a later snapshot of this thread has the same id for
    /// the same object. It costs some 60 bytes a node until the thread ends.
    pub comparable: bool,
    /// When to number objects for live captures.
    pub prime: Prime,
    /// Whether the thread is to go on meanwhile.
    pub live: Live,
    /// Why it does not, where it was to.
    pub fallback: Option<String>,
    pub limits: Limits,
    pub trigger: Trigger,
    pub thread_id: u32,
    pub observer: Option<Observer>,
}

/// What ends a capture early.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// The time allowed, and when it will be used up.
    timeout: Option<(Duration, Instant)>,
    cancelled: Arc<AtomicBool>,
}

impl Limits {
    /// Limits that start to count now.
    pub fn start(timeout: Option<Duration>) -> Self {
        Self {
            timeout: timeout.and_then(|allowed| {
                // A time beyond what the clock can express is no limit.
                Some((allowed, Instant::now().checked_add(allowed)?))
            }),
            cancelled: Arc::default(),
        }
    }

    /// Whether there is a time limit.
    pub fn can_end(&self) -> bool {
        self.timeout.is_some()
    }

    /// Sets the capture's end; any thread may do so.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
    }

    /// What to say of `error`, which may come of a wait that ran into one of the limits.
    pub fn explain(&self, error: Error) -> Error {
        self.check().err().unwrap_or(error)
    }

    /// Whether the capture may go on.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::SeqCst) {
            return Err(Error::new(Code::Aborted, "the capture was aborted"));
        }
        match self.timeout {
            Some((allowed, deadline)) if Instant::now() >= deadline => Err(Error::new(
                Code::Timeout,
                format!("the capture took longer than the {} ms allowed", allowed.as_millis()),
            )),
            _ => Ok(()),
        }
    }
}

/// A snapshot that is whole and has its name.
#[derive(Clone, Debug)]
pub struct Info {
    pub path: PathBuf,
    pub bytes: u64,
    pub nodes: u64,
    pub edges: u64,
    /// How long the captured thread stood still.
    pub pause: Duration,
    /// From the start until the file had its name.
    pub duration: Duration,
    pub mode: Mode,
    pub trigger: Trigger,
    pub pid: u32,
    pub thread_id: u32,
    /// Why it is not live, where that was asked for.
    pub fallback: Option<String>,
}

/// What comes of a capture.
pub type Outcome = Result<Info, Error>;

/// A capture whose thread goes on, while the rest of the file is being written.
#[derive(Clone, Copy, Debug)]
pub struct Captured {
    pub nodes: u64,
    pub bytes: u64,
}
