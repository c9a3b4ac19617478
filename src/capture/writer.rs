//! Writes a capture's bytes on a thread of its own, so that the captured thread hands buffers
//! over and goes on as soon as V8 is done.
//!
//! Few buffers go round between the two threads, so memory is bounded: the captured thread waits
//! when the disk is slower than V8. The writer tells the outcome, exactly once, and only then
//! gives freed memory back to the system, which nobody should wait for.
//!
//! [`wait_at_exit`] is for the end of the process: a file that is all but finished should not be lost
//! because its process exits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::encode::Encoder;
use super::sink::{Committed, Sink};
use super::{Info, Limits, Mode, Outcome, Trigger, platform};
use crate::error::{Code, Error};
use crate::redact::Redactor;
use crate::v8::CHUNK_BYTES;

/// Buffers under way at a time.
const BUFFERS: usize = 8;

enum Message {
    /// Comes before all chunks.
    Redact(Box<Redactor>),
    Chunk(Vec<u8>),
    /// All bytes are here.
    End(Summary),
    /// The captured thread gave up.
    Fail(Error),
}

/// What the captured thread knows of the capture.
pub struct Summary {
    pub nodes: u64,
    pub started: Instant,
    pub pause: Duration,
    pub mode: Mode,
    pub trigger: Trigger,
    pub thread_id: u32,
    pub fallback: Option<String>,
}

/// The captured thread's end.
pub struct Writer {
    messages: SyncSender<Message>,
    empty: Receiver<Vec<u8>>,
    buffers_made: usize,
}

impl Writer {
    /// Starts the thread. `done` is called on it with the outcome, whatever happens; it is handed
    /// back with the error when the thread cannot be started.
    pub fn start<F>(sink: Sink, encoder: Encoder, limits: Limits, done: F) -> Result<Self, (Error, F)>
    where
        F: FnOnce(Outcome) + Send + 'static,
    {
        let (messages, received) = sync_channel(BUFFERS);
        let (recycle, empty) = channel();
        let (hand_over, handed) = channel::<F>();
        let in_flight = InFlight::enter();
        let path = sink.path().to_owned();
        let spawned = thread::Builder::new().name("heapdump-write".into()).spawn(move || {
            platform::block_signals();
            let Ok(done) = handed.recv() else { return };
            // Takes both channels along, so that the captured thread notices its end at once.
            let written = catch_unwind(AssertUnwindSafe(move || {
                write(sink, encoder, &limits, received, recycle)
            }))
            .unwrap_or_else(|payload| Err(Error::panicked(&*payload)));
            let (outcome, committed) = match written {
                Ok((info, committed)) => (Ok(info), Some(committed)),
                Err(error) => (Err(error), None),
            };
            let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
            if let Some(committed) = committed {
                committed.tidy();
            }
            drop(in_flight);
            platform::return_memory();
        });
        match spawned {
            Ok(_) => {
                let _ = hand_over.send(done);
                Ok(Self {
                    messages,
                    empty,
                    buffers_made: 0,
                })
            }
            Err(error) => Err((Error::no_thread(&error, Some(&path)), done)),
        }
    }

    /// The chunks to come are to be redacted; false when the writer has given up.
    pub fn redact(&mut self, redactor: Redactor) -> bool {
        self.messages.send(Message::Redact(Box::new(redactor))).is_ok()
    }

    /// Hands `chunk` over; false when the writer has given up.
    pub fn write(&mut self, chunk: &[u8]) -> bool {
        let mut buffer = if self.buffers_made < BUFFERS {
            self.buffers_made += 1;
            Vec::with_capacity(CHUNK_BYTES)
        } else {
            match self.empty.recv() {
                Ok(buffer) => buffer,
                Err(_) => return false,
            }
        };
        buffer.clear();
        buffer.extend_from_slice(chunk);
        self.messages.send(Message::Chunk(buffer)).is_ok()
    }

    /// Nothing more will come, and the file is whole.
    pub fn end(self, summary: Summary) {
        let _ = self.messages.send(Message::End(summary));
    }

    /// The capture failed. A failure that the writer found itself has precedence.
    pub fn fail(self, error: Error) {
        let _ = self.messages.send(Message::Fail(error));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the channels end with this function")]
fn write(
    mut sink: Sink,
    mut encoder: Encoder,
    limits: &Limits,
    messages: Receiver<Message>,
    recycle: Sender<Vec<u8>>,
) -> Result<(Info, Committed), Error> {
    let patience = || limits.check().is_ok();
    // A wait that ran into a limit shows as a failed write: name the limit.
    let explain = |error| limits.explain(error);
    loop {
        match messages.recv() {
            Ok(Message::Redact(redactor)) => encoder.redact(*redactor),
            Ok(Message::Chunk(buffer)) => {
                limits.check()?;
                sink.write(encoder.take(&buffer), &patience).map_err(explain)?;
                let _ = recycle.send(buffer);
            }
            Ok(Message::End(summary)) => {
                limits.check()?;
                sink.write(encoder.end(), &patience).map_err(explain)?;
                let bytes = sink.bytes();
                let committed = sink.commit()?;
                let info = Info {
                    path: committed.path.clone(),
                    bytes,
                    nodes: summary.nodes,
                    edges: encoder.counts().1,
                    pause: summary.pause,
                    duration: summary.started.elapsed(),
                    mode: summary.mode,
                    trigger: summary.trigger,
                    pid: std::process::id(),
                    thread_id: summary.thread_id,
                    fallback: summary.fallback,
                };
                return Ok((info, committed));
            }
            Ok(Message::Fail(error)) => return Err(error),
            Err(_) => {
                return Err(Error::new(
                    Code::Aborted,
                    "the captured thread ended before its snapshot was whole",
                ));
            }
        }
    }
}

static IN_FLIGHT: Mutex<usize> = Mutex::new(0);
static LANDED: Condvar = Condvar::new();

/// Counts a writer from before its thread starts until nothing is left to do for its file.
pub struct InFlight;

impl InFlight {
    pub fn enter() -> Self {
        *IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        *IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        LANDED.notify_all();
    }
}

/// How long an exiting process waits for its files.
const EXIT_WAIT: Duration = Duration::from_secs(30);

/// From now on the process does not exit before its files are whole.
pub fn wait_at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| platform::at_exit(wait_for_writers));
}

extern "C" fn wait_for_writers() {
    let writers = IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = LANDED.wait_timeout_while(writers, EXIT_WAIT, |writers| *writers > 0);
}
